"""Measurements in files: CSV, TSV, JSON lines and Parquet, read by DuckDB in one scan."""

from __future__ import annotations

from collections import Counter as Multiset
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from slaopt.buckets import counted_bounds
from slaopt.intake import Intake, Note, Reading, ServiceIntake
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.sources.base import Options
from slaopt.sources.cells import build_profiles
from slaopt.sources.decide import Decided, decide
from slaopt.sources.examples import find_examples
from slaopt.sources.load import Loaded, load
from slaopt.sources.notes import Rejection, rejected
from slaopt.sources.period import Period, Turnout, count_period
from slaopt.sources.values import missing_service, twin_notes

__all__ = ["FileSource"]

SAMPLE = 1_000_000  # rows among which doubles and the most frequent duration are looked for
UNPLACED = frozenset(
    {Rejection.BLANK_STAMP, Rejection.BAD_STAMP, Rejection.DAY_OR_MONTH, Rejection.EARLY_STAMP, Rejection.SKIPPED_HOUR}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """Rows of one service that share what became of them."""

    service: int  # −1 where its name is rejected
    problem: int  # a Rejection, 0 none
    failed: bool
    count: int
    future: int
    first: datetime | None
    last: datetime | None  # latest that is not in the future


class FileSource:
    """Files of measurements: a path, a glob or a folder."""

    def __init__(self, source: str, options: Options) -> None:
        self._source = source
        self._options = options

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
        own, names = thresholds or {}, self._decided.services
        wanted = sorted(set(names if services is None else services))
        numbers = {name: at for at, name in enumerate(names)}
        there = [name for name in wanted if name in numbers]
        period = Period(
            start=start, end=end, services=[numbers[name] for name in there],
            params=[self._options.book.of(name) for name in there],
            counted=counted_bounds(thresholds=[value for name in there for value in own.get(name, ())]),
        )  # fmt: skip
        counts = count_period(self._loaded.database, period)
        intake = self._intake
        whole = intake.first is not None and start <= intake.first and intake.last is not None and intake.last < end
        repeated = self._repeated_ever if whole else self._repeated(start, end)
        for name in wanted:
            if name not in numbers:
                yield missing_service(name, names)
                continue
            fine, coarse, sums, turnout = next(counts)
            yield build_profiles(
                service=name, start=start, end=end, fine=fine, coarse=coarse, sums=sums, counted=period.counted,
                thresholds=own.get(name, ()), params=self._options.book.of(name),
                intake=self._of_period(name, start, turnout, *repeated.get(numbers[name], (0, 0))),
            )  # fmt: skip

    @cached_property
    def _loaded(self) -> Loaded:
        return load(self._source, self._options)

    @cached_property
    def _decided(self) -> Decided:
        return decide(self._loaded, self._options)

    @cached_property
    def _lines(self) -> list[_Line]:
        now = self._options.now.astimezone(UTC).replace(tzinfo=None)
        decided = self._decided  # makes the view
        found = self._loaded.query(
            f"SELECT id, problem, failed, count(*), count_if(utc > TIMESTAMP '{now}'), min(utc), "
            f"max(CASE WHEN utc <= TIMESTAMP '{now}' THEN utc END) FROM executions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        return [
            _Line(
                service=row[0] if row[0] < len(decided.services) else -1, problem=row[1], failed=row[2], count=row[3],
                future=row[4], first=_aware(row[5]), last=_aware(row[6]),
            )
            for row in found
        ]  # fmt: skip

    @cached_property
    def _reading(self) -> Reading:
        groups, decided = self._loaded.groups, self._decided
        columns = {(column.role, column.name): column for group in groups for column in group.columns.values()}
        if decided.unit_from not in ("unit column",) and decided.unit != "by row":
            columns = {key: column for key, column in columns.items() if column.role != "unit"}
        return Reading(
            source=self._source,
            format=", ".join(sorted({group.form.format for group in groups})),
            files=tuple(sorted(str(path) for group in groups for path in group.paths)),
            columns=tuple(columns.values()),
            unit=decided.unit,
            unit_from=decided.unit_from,
            timezone=decided.timezone,
            stamps=decided.stamps,
            decimal=decided.decimal,
            statuses=decided.statuses,
        )

    @cached_property
    def _intake(self) -> Intake:
        lines, lost = self._lines, self._loaded.unreadable
        placed = [line for line in lines if not line.problem]
        return Intake(
            reading=self._reading,
            rows=sum(line.count for line in lines) + lost,
            accepted=sum(line.count for line in placed if not line.failed),
            rejected=sum(line.count for line in lines if line.problem) + lost,
            first=min((line.first for line in placed if line.first), default=None),
            last=max((line.last for line in placed if line.last), default=None),
            services=tuple(self._services()),
            notes=tuple(self._notes()),
        )

    def _services(self) -> Iterator[ServiceIntake]:
        repeated = self._repeated_ever
        mine: dict[int, list[_Line]] = {}
        for line in self._lines:
            mine.setdefault(line.service, []).append(line)
        for at, name in enumerate(self._decided.services):
            lines = mine.get(at, [])
            placed = [line for line in lines if not line.problem]
            doubles, frequent = repeated.get(at, (0, 0))
            yield ServiceIntake(
                service=name,
                rows=sum(line.count for line in lines),
                accepted=sum(line.count for line in placed if not line.failed),
                failed=sum(line.count for line in placed if line.failed),
                rejected=sum(line.count for line in lines if line.problem),
                doubles=doubles,
                future=sum(line.future for line in placed),
                most_frequent=frequent,
                first=min((line.first for line in placed if line.first), default=None),
                last=max((line.last for line in placed if line.last), default=None),
                reading=self._reading,
            )

    def _notes(self) -> Iterator[Note]:
        yield from self._loaded.notes
        yield from self._decided.notes
        reasons: Multiset[int] = Multiset()
        for line in self._lines:
            if line.problem:
                reasons[line.problem] += line.count
        examples = (
            find_examples(
                self._loaded, self._decided.executions, self._options, [Rejection(problem) for problem in reasons]
            )
            if reasons
            else {}
        )
        for problem, count in sorted(reasons.items()):
            yield rejected(Rejection(problem), count, examples.get(Rejection(problem), ()))
        if future := sum(line.future for line in self._lines if not line.problem):
            yield Note(
                kind="warning", reason="times lie in the future", count=future,
                remedy="check the clock and the zone (--timezone); the period ends before them",
            )  # fmt: skip
        yield from twin_notes(self._decided.services)

    def _of_period(self, name: str, start: datetime, turnout: Turnout, doubles: int, frequent: int) -> ServiceIntake:
        """The intake of one service in the period; rows without a usable time belong to every period."""
        number = self._decided.services.index(name)
        mine = [line for line in self._lines if line.service == number]
        unplaced = sum(line.count for line in mine if line.problem in UNPLACED)
        accepted, failed, excluded, bad, first, last = turnout
        return ServiceIntake(
            service=name,
            rows=accepted + failed + excluded + bad + unplaced,
            accepted=accepted,
            failed=failed,
            excluded=excluded,
            rejected=bad + unplaced,
            doubles=doubles,
            future=sum(line.future for line in mine if not line.problem),
            most_frequent=frequent,
            first=None if first is None else start + timedelta(microseconds=first),
            last=None if last is None else start + timedelta(microseconds=last),
            reading=self._reading,
        )

    @cached_property
    def _repeated_ever(self) -> dict[int, tuple[int, int]]:
        return self._repeated(None, None)

    def _repeated(self, start: datetime | None, end: datetime | None) -> dict[int, tuple[int, int]]:
        """Count, by service, rows that repeat another and those that share the most frequent duration.

        Among more than SAMPLE rows it is estimated from every k-th by hash, which keeps equal rows together.
        """
        every = 1 << max(0, (sum(line.count for line in self._lines) // SAMPLE).bit_length())
        inside = "true"
        if start is not None and end is not None:
            one, two = (moment.astimezone(UTC).replace(tzinfo=None) for moment in (start, end))
            inside = f"utc >= TIMESTAMP '{one}' AND utc < TIMESTAMP '{two}'"
        cursor = self._loaded.database.cursor()
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE sample AS SELECT id, mark, seconds, problem = 0 AND NOT failed AS kept "
            f"FROM executions WHERE id >= 0 AND {inside} AND pick % {every} = 0"
        )
        doubles = cursor.execute("SELECT id, count(*) - count(DISTINCT mark) FROM sample GROUP BY 1").fetchall()
        frequent = cursor.execute(
            "SELECT id, max(n) FROM (SELECT id, seconds, count(*) AS n FROM sample WHERE kept GROUP BY 1, 2) GROUP BY 1"
        ).fetchall()
        most = dict(frequent)
        return {number: (int(count) * every, int(most.get(number, 0)) * every) for number, count in doubles}


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None
