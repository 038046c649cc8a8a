"""A table described: its Intake, from one count of all rows by what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from slaopt.intake import Example, Intake, Note, Reading, Role, ServiceIntake
from slaopt.sources.base import Options
from slaopt.sources.notes import MOST_EXAMPLES, Rejection, rejected, shortened
from slaopt.sources.sql.counts import tally
from slaopt.sources.sql.dialect import FIRST_EPOCH, NAIVE, WITH_ZONE, Dialect, Expression, integer
from slaopt.sources.sql.rows import measurements
from slaopt.sources.sql.survey import Survey
from slaopt.sources.stamps import EPOCH_UNITS
from slaopt.sources.values import name_problem, service_name, twins

__all__ = ["inspect_table", "reading_of", "service_intakes", "stamp_kinds", "utc"]

MOST_STATUSES = 20
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMN_OF: Mapping[Rejection, Role] = {
    **{reason: "timestamp" for reason in Rejection if Rejection.BLANK_STAMP <= reason <= Rejection.SKIPPED_HOUR},
    **{reason: "service" for reason in Rejection if Rejection.BLANK_SERVICE <= reason <= Rejection.LONG_SERVICE},
    **{reason: "duration" for reason in Rejection if Rejection.BLANK_DURATION <= reason <= Rejection.TOO_LONG},
    Rejection.BAD_UNIT: "unit",
}


def utc(seconds: float | None) -> datetime | None:
    """Turn seconds since 1970 into a time; years that a datetime cannot hold become its last."""
    if seconds is None:
        return None
    return EPOCH + timedelta(microseconds=round(min(seconds, 253_402_300_799.0) * 1e6))


def reading_of(found: Survey, options: Options, *, source: str, format: str, stamps: str = "with zone") -> Reading:
    """Say how the table is read."""
    by_row = "unit" in found.columns
    return Reading(
        source=f"{source}, table {found.layout.table.label}",
        format=format,
        columns=tuple(found.columns.values()),
        unit="by row" if by_row else found.layout.unit,
        unit_from=found.unit_from,
        timezone=found.layout.timezone,
        stamps=stamps,
        decimal=options.decimal or ".",
        statuses=tuple(list(found.statuses.items())[:MOST_STATUSES]),
    )


def rejection(row: Any) -> Rejection | None:
    """Give the reason why rows of a tally cannot be used: stamps come first, then the name, then durations."""
    if 0 < row.problem < Rejection.BLANK_SERVICE:
        return Rejection(row.problem)
    return name_problem(row.service) or (Rejection(row.problem) if row.problem else None)


def stamp_kinds(rows: Iterable[Any]) -> str:
    """Say how the usable stamps of a tally are written."""
    kinds = {row.kind for row in rows if row.first is not None or row.future}
    if len(kinds) > 1:
        return "mixed"
    kind = next(iter(kinds), WITH_ZONE)
    if kind in (WITH_ZONE, NAIVE):
        return "naive" if kind == NAIVE else "with zone"
    return f"epoch {EPOCH_UNITS[kind - FIRST_EPOCH][0]}"


def service_intakes(rows: Iterable[Any], reading: Reading) -> dict[str, ServiceIntake]:
    """Sum up the rows of a tally by service; rows whose name cannot be one belong to none."""
    by_service: dict[str, list[Any]] = {}
    for row in rows:
        if name_problem(row.service) is None:
            by_service.setdefault(service_name(row.service), []).append(row)
    return {service: _service_intake(service, by_service[service], reading) for service in sorted(by_service)}


def _service_intake(service: str, rows: Sequence[Any], reading: Reading) -> ServiceIntake:
    def total(kept: Callable[[Any], bool]) -> int:
        return sum(row.rows for row in rows if kept(row))

    return ServiceIntake(
        service=service,
        rows=total(lambda row: True),
        accepted=total(lambda row: not (row.problem or row.outside or row.failed)),
        failed=total(lambda row: not (row.problem or row.outside) and row.failed),
        excluded=total(lambda row: not row.problem and row.outside),
        rejected=total(lambda row: row.problem),
        future=sum(row.future for row in rows if not row.problem),
        first=utc(min((row.first for row in rows if row.first is not None), default=None)),
        last=utc(max((row.last for row in rows if row.last is not None), default=None)),
        reading=reading,
    )


def inspect_table(
    connection: sa.Connection, dialect: Dialect, found: Survey, reading: Reading, *, now: datetime
) -> Intake:
    """Describe a table."""
    rows = connection.execute(tally(measurements(dialect, found.layout), now)).all()
    reading = replace(reading, stamps=stamp_kinds(rows))
    reasons: Counter[Rejection] = Counter()
    for row in rows:
        if reason := rejection(row):
            reasons[reason] += row.rows
    usable = [row for row in rows if not rejection(row)]
    services = service_intakes(rows, reading)
    examples = _Examples(connection, dialect, found)
    return Intake(
        reading=reading,
        rows=sum(row.rows for row in rows),
        accepted=sum(row.rows for row in usable if not row.failed),
        rejected=reasons.total(),
        first=utc(min((row.first for row in usable if row.first is not None), default=None)),
        last=utc(max((row.last for row in usable if row.last is not None), default=None)),
        services=tuple(services.values()),
        notes=(
            *(rejected(reason, reasons[reason], examples.of(reason)) for reason in sorted(reasons)),
            *_warnings(usable, services, reading),
        ),
    )


class _Examples:
    """Rows that were rejected, found by their reason."""

    def __init__(self, connection: sa.Connection, dialect: Dialect, found: Survey) -> None:
        self._connection, self._dialect, self._found = connection, dialect, found
        self._names = {role: column.name for role, column in found.columns.items()}

    def of(self, reason: Rejection) -> list[Example]:
        """Give a few rows that were rejected for a reason, with the text in question and the row's primary key."""
        table, role = self._found.layout.table, COLUMN_OF[reason]
        if role not in self._names:
            return []
        column, carried = self._names[role], (self._names[role], *table.key)
        rows = measurements(self._dialect, self._found.layout, carried=carried)
        wanted = [rows.c[f"carried_{at}"] for at in range(len(carried))]
        statement = sa.select(*wanted).limit(integer(MOST_EXAMPLES))
        if role == "service":
            bad = [name for name in self._found.unusable if name_problem(name) == reason]
            fits: Expression = rows.c.service.in_(bad)
            if reason is Rejection.BLANK_SERVICE:
                fits = sa.or_(fits, rows.c.service.is_(None))
            statement = statement.where(fits)
        else:
            statement = statement.where(rows.c.problem == integer(reason))
        return [_example(column, row[0], table.key, row[1:]) for row in self._connection.execute(statement)]


def _example(column: str, text: str | None, key: Sequence[str], values: Sequence[Any]) -> Example:
    place = ", ".join(f"{name} {value}" for name, value in zip(key, values, strict=True))
    shown = shortened("NULL" if text is None else text)
    return Example(column=column, text=f"{shown} ({shortened(place)})" if place else shown)


def _warnings(usable: Sequence[Any], services: Mapping[str, ServiceIntake], reading: Reading) -> Iterator[Note]:
    naive = sum(row.rows for row in usable if row.kind == NAIVE)
    if twice := sum(row.twice for row in usable):
        yield Note(
            kind="warning", reason=f"timestamp came twice when the clock of {reading.timezone} went back", count=twice,
            remedy="they were read as the earlier moment; write times with their zone",
        )  # fmt: skip
    if reading.stamps == "mixed" and naive:
        yield Note(
            kind="warning", reason="timestamp names no zone, unlike others", count=naive,
            remedy=f"they were read in {reading.timezone}; write times with their zone",
        )  # fmt: skip
    if future := sum(row.future for row in usable):
        yield Note(
            kind="warning", reason="timestamp lies in the future", count=future,
            remedy="check the clock and the zone of the stamps: --timezone",
        )  # fmt: skip
    for names in twins(services):
        yield Note(
            kind="warning", reason=f"services differ only in case: {', '.join(map(repr, names))}",
            count=sum(services[name].rows for name in names), remedy="they stay apart; write one service in one way",
        )  # fmt: skip
