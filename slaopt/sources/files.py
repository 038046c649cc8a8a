"""Measurements in files: CSV, TSV, JSON lines and Parquet, read by DuckDB in one scan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from slaopt.buckets import counted_bounds
from slaopt.errors import InputError
from slaopt.intake import Intake, Note, Reading, ServiceIntake
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.sources.base import Options, Rows, Seeks, seeking
from slaopt.sources.cells import build_profiles
from slaopt.sources.decide import Decided, decide
from slaopt.sources.examples import find_examples
from slaopt.sources.load import Loaded, load
from slaopt.sources.notes import Rejection, rejected
from slaopt.sources.period import Period, Turnout, count_period
from slaopt.sources.rows import stream_rows
from slaopt.sources.turnout import Line, Repeated, lines_of, repeated, service_intake, unplaced
from slaopt.sources.values import missing_service, twin_notes

__all__ = ["FileSource"]

MOST_STATUSES = 20  # shown


class FileSource:
    """Files of measurements: a path, a glob or a folder. They are read when they are first asked for."""

    def __init__(self, source: str, options: Options) -> None:
        self._source = source
        self._options = options
        self._sought: FileSource | None = None  # the same files, read with columns that were found for an experiment

    def inspect(self) -> Intake:
        """Say how the files are read, which services they hold, and which rows are rejected and why."""
        return self._intake

    def profiles(
        self,
        services: Collection[str] | None,
        start: datetime,
        end: datetime,
        *,
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> Iterator[Profiles | Skipped]:
        """Count the executions of [start, end), both full hours, in one scan for all services (None: all)."""
        own, numbers = thresholds or {}, self._numbers
        wanted = sorted(set(numbers if services is None else services))
        params = {name: self._options.book.of(name) for name in wanted if name in numbers}
        period = Period(
            start=start, end=end, services=[numbers[name] for name in params], params=list(params.values()),
            counted=counted_bounds(thresholds=[value for name in params for value in own.get(name, ())]),
        )  # fmt: skip
        counts = count_period(self._loaded, period) if params else iter(())
        again = self._repeated_in(start, end)
        for name in wanted:
            if name not in numbers:
                yield missing_service(name, list(numbers))
                continue
            fine, coarse, sums, turnout = next(counts)
            yield build_profiles(
                service=name, start=start, end=end, fine=fine, coarse=coarse, sums=sums, counted=period.counted,
                thresholds=own.get(name, ()), params=params[name],
                intake=self._of_period(name, start, turnout, again.get(numbers[name], Repeated())),
            )  # fmt: skip

    def rows(self, service: str, start: datetime, end: datetime, *, seeks: Seeks | None = None) -> Iterator[Rows]:
        """Give the executions of a service in [start, end), batch by batch, with their arm and unit of assignment.

        Parameters
        ----------
        seeks
            Names by which the columns of `arm` and `assigned` are found, where the options give none.

        Raises
        ------
        InputError
            If the service is not there.
        """
        source = self._seeking(seeks)
        if service not in source._numbers:
            raise InputError(f"{self._source}: {missing_service(service, list(source._numbers)).reason}")
        yield from stream_rows(source._loaded, source._numbers[service], source._options, start, end)

    def _seeking(self, seeks: Seeks | None) -> FileSource:
        options = seeking(self._options, seeks)
        if options is self._options:
            return self
        if self._sought is None or self._sought._options.seeks != options.seeks:
            self._sought = FileSource(self._source, options)
        return self._sought

    @cached_property
    def _loaded(self) -> Loaded:
        return load(self._source, self._options)

    @cached_property
    def _decided(self) -> Decided:
        return decide(self._loaded, self._options)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: at for at, name in enumerate(self._decided.services)}

    @cached_property
    def _lines(self) -> dict[int, list[Line]]:
        by_service: dict[int, list[Line]] = defaultdict(list)
        assert self._decided.executions  # makes the relation that is counted
        for line in lines_of(self._loaded, self._options.now):
            by_service[line.service].append(line)
        return by_service

    @property
    def _all_lines(self) -> list[Line]:
        return [line for lines in self._lines.values() for line in lines]

    @cached_property
    def _repeated_ever(self) -> dict[int, Repeated]:
        return repeated(self._loaded, sum(line.count for line in self._all_lines))

    def _repeated_in(self, start: datetime, end: datetime) -> dict[int, Repeated]:
        intake = self._intake
        if intake.first is None or intake.last is None or (start <= intake.first and intake.last < end):
            return self._repeated_ever
        return repeated(self._loaded, sum(line.count for line in self._all_lines), start=start, end=end)

    @cached_property
    def _reading(self) -> Reading:
        groups, decided = self._loaded.groups, self._decided
        columns = {(column.role, column.name): column for group in groups for column in group.columns.values()}
        return Reading(
            source=self._source,
            format=", ".join(sorted({group.form.format for group in groups})),
            files=tuple(sorted(str(path) for group in groups for path in group.paths)),
            columns=tuple(
                column
                for column in columns.values()
                if column.role != "unit" or decided.durations.unit_from == "unit column"
            ),
            unit=decided.durations.unit,
            unit_from=decided.durations.unit_from,
            timezone=self._options.timezone or "UTC",
            stamps=decided.times.word,
            decimal=decided.durations.decimal,
            statuses=decided.statuses[:MOST_STATUSES],
        )

    @cached_property
    def _intake(self) -> Intake:
        lines, lost = self._all_lines, self._loaded.unreadable
        placed = [line for line in lines if line.placed]
        return Intake(
            reading=self._reading,
            rows=sum(line.count for line in lines) + lost,
            accepted=sum(line.count for line in lines if line.accepted),
            rejected=sum(line.count for line in lines if line.problem) + lost,
            first=min((line.first for line in placed if line.first), default=None),
            last=max((line.last for line in placed if line.last), default=None),
            services=tuple(
                service_intake(name, self._lines[at], self._repeated_ever.get(at, Repeated()), self._reading)
                for name, at in self._numbers.items()
            ),
            notes=(*self._loaded.notes, *self._notes()),
        )

    def _notes(self) -> Iterator[Note]:
        reasons: Counter[Rejection] = Counter()
        for line in self._all_lines:
            if line.problem is not None:
                reasons[line.problem] += line.count
        examples = find_examples(self._loaded, self._decided.executions, self._options, reasons)
        yield from (*self._decided.times.notes, *self._decided.durations.notes)
        for reason, count in sorted(reasons.items()):
            yield rejected(reason, count, examples[reason])
        if future := sum(line.future for line in self._all_lines if line.placed):
            yield Note(
                kind="warning", reason="times lie in the future", count=future,
                remedy="check the clock and the zone (--timezone); the period ends before them",
            )  # fmt: skip
        yield from twin_notes(list(self._numbers))

    def _of_period(self, name: str, start: datetime, turnout: Turnout, again: Repeated) -> ServiceIntake:
        """The intake of one service in the period; rows without a time belong to every period."""
        mine = self._lines[self._numbers[name]]
        lost = unplaced(mine)
        accepted, failed, excluded, bad, first, last = turnout
        return ServiceIntake(
            service=name,
            rows=accepted + failed + excluded + bad + lost,
            accepted=accepted,
            failed=failed,
            excluded=excluded,
            rejected=bad + lost,
            doubles=again.doubles,
            future=sum(line.future for line in mine if line.placed),
            most_frequent=again.most_frequent,
            first=None if first is None else start + timedelta(microseconds=first),
            last=None if last is None else start + timedelta(microseconds=last),
            reading=self._reading,
        )
