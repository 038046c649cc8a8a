"""A table described: its Intake, from one count of all rows by what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import sqlalchemy as sa

from slaopt.intake import Example, Intake, Note, Reading, Role, ServiceIntake
from slaopt.sources.notes import MOST_EXAMPLES, Rejection, rejected, shortened
from slaopt.sources.sql.dialect import EPOCH, NAIVE, WITH_ZONE, Dialect, Expression, integer
from slaopt.sources.sql.rows import COUNTED, FAILED, measurements
from slaopt.sources.sql.survey import Survey
from slaopt.sources.values import name_problem, service_name, twin_notes

__all__ = ["Extent", "Inspection", "find_examples", "utc"]

MOST_STATUSES = 20
UNIX = datetime(1970, 1, 1, tzinfo=UTC)
LAST_SECOND = 253_402_300_799.0  # of the year 9999
KINDS = {WITH_ZONE: "with zone", NAIVE: "naive", EPOCH: "epoch"}
COLUMN_OF: Mapping[Rejection, Role] = {
    **{reason: "timestamp" for reason in Rejection if Rejection.BLANK_STAMP <= reason <= Rejection.SKIPPED_HOUR},
    **{reason: "service" for reason in Rejection if Rejection.BLANK_SERVICE <= reason <= Rejection.LONG_SERVICE},
    **{reason: "duration" for reason in Rejection if Rejection.BLANK_DURATION <= reason <= Rejection.TOO_LONG},
    Rejection.BAD_UNIT: "unit",
}


def utc(seconds: float | None) -> datetime | None:
    """Turn seconds since 1970 into a time; what lies after the year 9999 becomes its end."""
    if seconds is None:
        return None
    return UNIX + timedelta(microseconds=round(min(seconds, LAST_SECOND) * 1e6))


class Extent(NamedTuple):
    """First and last stamp of a service, seconds since 1970."""

    service: str
    first: float | None
    last: float | None


def rejection(row: Any) -> Rejection | None:
    """Give the reason why rows of a tally cannot be used: stamps come first, then the name, then durations."""
    if 0 < row.fate < Rejection.BLANK_SERVICE:
        return Rejection(row.fate)
    return name_problem(row.service) or (Rejection(row.fate) if row.fate > 0 else None)


class Inspection:
    """What one count of all rows tells about a table.

    Parameters
    ----------
    rows
        Of `counts.tally`.
    """

    def __init__(self, found: Survey, rows: Sequence[Any], *, source: str, format: str, decimal: str | None) -> None:
        self._found, self._rows = found, rows
        self._reading_settings = source, format, decimal

    @cached_property
    def reading(self) -> Reading:
        """How the table is read."""
        found = self._found
        source, form, decimal = self._reading_settings
        return Reading(
            source=source,
            format=form,
            columns=tuple(found.columns.values()),
            unit="by row" if "unit" in found.columns else found.layout.unit,
            unit_from=found.unit_from,
            timezone=found.layout.timezone,
            stamps=self._stamps,
            decimal="," if decimal == "," else ".",
            statuses=tuple(list(found.statuses.items())[:MOST_STATUSES]),
        )

    @property
    def _stamps(self) -> str:
        kinds = {row.kind for row in self._rows if row.first is not None}
        return "mixed" if len(kinds) > 1 else "".join(KINDS[kind] for kind in kinds) or "none"

    @cached_property
    def by_service(self) -> dict[str, list[Any]]:
        """The rows of the tally by service; those whose name cannot be one belong to none."""
        mine: dict[str, list[Any]] = {}
        for row in self._rows:
            if name_problem(row.service) is None:
                mine.setdefault(service_name(row.service), []).append(row)
        return dict(sorted(mine.items()))

    @cached_property
    def reasons(self) -> dict[Rejection, int]:
        """How many rows are rejected for each reason."""
        counts: Counter[Rejection] = Counter()
        for row in self._rows:
            if reason := rejection(row):
                counts[reason] += row.rows
        return dict(sorted(counts.items()))

    def unplaced(self, service: str) -> int:
        """Count the rows without a usable time: they belong to every period."""
        return sum(row.rows for row in self.by_service[service] if 0 < row.fate < Rejection.BLANK_SERVICE)

    def future(self, service: str) -> int:
        """Count the usable rows that are stamped later than the clock said."""
        return sum(row.future for row in self.by_service[service] if row.fate <= 0)

    @property
    def total(self) -> int:
        """How many rows there are."""
        return sum(row.rows for row in self._rows)

    @property
    def extents(self) -> list[Extent]:
        """First and last stamp of each service."""
        return [
            Extent(
                service,
                min((row.first for row in rows if row.first is not None), default=None),
                max((row.latest for row in rows if row.latest is not None), default=None),
            )
            for service, rows in self.by_service.items()
        ]

    def reaches_beyond(self, start: datetime, end: datetime) -> bool:
        """Tell whether some stamp lies outside a period."""
        low, high = start.timestamp(), end.timestamp()
        return any(row.first is not None and (row.first < low or row.latest >= high) for row in self._rows)

    def intake(
        self,
        *,
        doubles: Mapping[str, int],
        frequent: Mapping[str, int],
        examples: Mapping[Rejection, Sequence[Example]],
    ) -> Intake:
        """Describe the table.

        Parameters
        ----------
        doubles
            By service: rows that repeat another.
        frequent
            By service: executions that share the most frequent duration.
        examples
            A few rows for each reason.
        """
        usable = [row for row in self._rows if not rejection(row)]
        return Intake(
            reading=self.reading,
            rows=self.total,
            accepted=sum(row.rows for row in usable if row.fate == COUNTED),
            rejected=sum(self.reasons.values()),
            first=utc(min((row.first for row in usable if row.first is not None), default=None)),
            last=utc(max((row.last for row in usable if row.last is not None), default=None)),
            services=tuple(self._service(name, doubles, frequent) for name in self.by_service),
            notes=tuple(self._notes(usable, examples)),
        )

    def _service(self, name: str, doubles: Mapping[str, int], frequent: Mapping[str, int]) -> ServiceIntake:
        rows = self.by_service[name]
        usable = [row for row in rows if row.fate <= 0]
        return ServiceIntake(
            service=name,
            rows=sum(row.rows for row in rows),
            accepted=sum(row.rows for row in usable if row.fate == COUNTED),
            failed=sum(row.rows for row in usable if row.fate == FAILED),
            rejected=sum(row.rows for row in rows if row.fate > 0),
            doubles=doubles.get(name, 0),
            future=self.future(name),
            most_frequent=frequent.get(name, 0),
            first=utc(min((row.first for row in usable if row.first is not None), default=None)),
            last=utc(max((row.last for row in usable if row.last is not None), default=None)),
            reading=self.reading,
        )

    def _notes(self, usable: Sequence[Any], examples: Mapping[Rejection, Sequence[Example]]) -> Iterator[Note]:
        yield from self._found.notes
        yield from self._stamp_notes(usable)
        for reason, count in self.reasons.items():
            yield rejected(reason, count, examples.get(reason, ()))
        if future := sum(row.future for row in usable):
            yield Note(
                kind="warning", reason="times lie in the future", count=future,
                remedy="check the clock and the zone (--timezone); the period ends before them",
            )  # fmt: skip
        yield from twin_notes(list(self.by_service))

    def _stamp_notes(self, usable: Sequence[Any]) -> Iterator[Note]:
        zone = self._found.layout.timezone
        naive = sum(row.rows for row in usable if row.kind == NAIVE)
        if naive and any(row.kind == WITH_ZONE for row in usable):
            yield Note(
                kind="warning", count=naive, remedy="write a zone with every time, or name theirs with --timezone",
                reason=f"some times carry a zone and others do not; those without were read as {zone}",
            )  # fmt: skip
        if naive and self._found.layout.columns["timestamp"].type == "date":
            yield Note(
                kind="warning", reason="times are dates without a time of day", count=naive,
                remedy="give the time of day: alerts and daily patterns need it",
            )  # fmt: skip
        if twice := sum(row.twice for row in usable):
            yield Note(
                kind="warning", count=int(twice), remedy="write times in UTC or with their offset",
                reason=f"times in the hour that the clock of {zone} showed twice were read as the earlier one",
            )  # fmt: skip


def find_examples(
    connection: sa.Connection, dialect: Dialect, found: Survey, reasons: Mapping[Rejection, int]
) -> dict[Rejection, list[Example]]:
    """Find a few rows that were rejected for each reason: the text in question and the row's primary key."""
    examples = {}
    for reason in reasons:
        if (column := found.columns.get(COLUMN_OF[reason])) is None:
            continue
        key = found.layout.table.key
        carried = (column.name, *key)
        rows = measurements(dialect, found.layout, carried=carried)
        wanted = sa.select(*(rows.c[f"carried_{at}"] for at in range(len(carried))))
        matching = wanted.where(_rejected_for(reason, rows, found)).limit(integer(MOST_EXAMPLES))
        examples[reason] = [_example(column.name, row[0], key, row[1:]) for row in connection.execute(matching)]
    return examples


def _rejected_for(reason: Rejection, rows: sa.Subquery, found: Survey) -> Expression:
    if COLUMN_OF[reason] != "service":
        return rows.c.fate == integer(reason)
    names = ["", *found.unusable]
    named = rows.c.service.in_([name for name in names if name_problem(name) is reason])
    stamped = sa.not_(rows.c.fate.between(integer(1), integer(Rejection.LONG_SERVICE)))
    return sa.and_(stamped, named)


def _example(column: str, text: str | None, key: Sequence[str], values: Sequence[Any]) -> Example:
    place = ", ".join(f"{name} {value}" for name, value in zip(key, values, strict=True))
    shown = shortened("NULL" if text is None else text)
    return Example(column=column, text=f"{shown} ({shortened(place)})" if place else shown)
