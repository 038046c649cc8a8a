"""The rows of a table as measurements: whose, when, how long, failed or not, and why not usable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from slaopt.buckets import LONGEST
from slaopt.intake import Role
from slaopt.sources.notes import Rejection
from slaopt.sources.sql.database import Table, TableColumn
from slaopt.sources.sql.dialect import NAIVE, Dialect, Expression, Parsed, integer, literal, named, problem
from slaopt.sources.stamps import EARLIEST, ZonePiece
from slaopt.sources.values import LONGEST_NAME
from slaopt.wording import UNIT_SECONDS

__all__ = ["COUNTED", "FAILED", "LENGTHS", "FailureRule", "Layout", "measurements", "source_rows"]

LONGEST_TEXT = 10 * LONGEST_NAME + 1  # characters of a service's name that are looked at
LONGEST_STATUS = 200
LENGTHS: Mapping[Role, int] = {"service": LONGEST_TEXT, "status": LONGEST_STATUS, "unit": LONGEST_STATUS}
COUNTED, FAILED = 0, -2  # fates of a row beside the Rejections
TWICE, NEVER = 1, 2
CLOCK = {"once": 0, "twice": TWICE, "never": NEVER}
LARGEST = 1.7976931348623157e308


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRule:
    """The statuses that mean failed, for some services; None: for all the others."""

    services: tuple[str, ...] | None
    failing: tuple[str, ...]

    def holds(self, status: Expression) -> Expression:
        """Tell whether a status means failed: 1, else 0, for NULL too."""
        return sa.case((status.in_(self.failing), integer(1)), else_=integer(0)) if self.failing else integer(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the columns of a table are read."""

    table: Table
    columns: Mapping[Role, TableColumn]
    service: str  # of all rows, where no column names it
    renamed: Mapping[str, str] = field(default_factory=dict)  # text in the service column → name it stands for
    unit: str  # of the durations where no column says it
    units: Mapping[str, str] = field(default_factory=dict)  # text in the unit column → unit
    timezone: str  # in which stamps without zone are read
    pieces: tuple[ZonePiece, ...]  # of its local time
    rules: tuple[FailureRule, ...] = ()


def source_rows(table: Table) -> sa.TableClause:
    """Name the table, quoted whatever it is called."""
    schema = sa.quoted_name(table.schema, quote=True) if table.schema else None
    return sa.table(sa.quoted_name(table.name, quote=True), schema=schema)


def measurements(
    dialect: Dialect,
    layout: Layout,
    *,
    period: tuple[float, float] | None = None,
    carried: Sequence[str] = (),
    named_too: Sequence[Role] = (),
) -> sa.Subquery:
    """Give the rows as measurements.

    Parameters
    ----------
    period
        Seconds since 1970: rows that surely lie outside may be left out.
    carried
        Columns of the table to carry along as text, as `carried_0`, ….

    named_too
        Roles whose columns are carried along as they read, as `carried_arm`, ….

    Returns
    -------
    Columns `service` (its name; what cannot be one, as it stands), `moment` (seconds since 1970, UTC), `seconds`
    (duration), `fate` (COUNTED, FAILED or a Rejection), `kind` (of the stamp) and `twice` (1 where the clock went back
    and the stamp means two moments).
    """
    raw = _raw(dialect, layout, period, carried, named_too)
    parsed = _parsed(dialect, layout, raw)
    return _judged(_measured(layout, parsed))


def _layer(selected: sa.Select[Any], name: str, *, barrier: bool = True) -> sa.Subquery:
    """Make a layer; with a barrier the engine does not inline it, which would compute it wherever it is used."""
    return (selected.offset(sa.literal_column("0")) if barrier else selected).subquery(name)


def _raw(
    dialect: Dialect,
    layout: Layout,
    period: tuple[float, float] | None,
    carried: Sequence[str],
    named_too: Sequence[Role],
) -> sa.Subquery:
    columns = layout.columns
    stamp, duration = columns["timestamp"], columns["duration"]
    by_name = {column.name: column for column in layout.table.columns}
    selected = [dialect.written(by_name[name]).label(f"carried_{at}") for at, name in enumerate(carried)]
    selected += [dialect.text(columns[role], LONGEST_TEXT).label(f"carried_{role}") for role in named_too]
    selected += [
        named(stamp).label("stored_stamp"),
        dialect.raw_stamp(stamp).label("raw_stamp"),
        dialect.raw_duration(duration).label("raw_duration"),
    ]
    for role, most in LENGTHS.items():
        column = columns.get(role)
        written: Expression = dialect.text(column, most) if column else sa.cast(sa.null(), sa.Text)
        if role == "service":
            name = layout.service if column is None else ""
            written = sa.func.coalesce(written, sa.cast(sa.literal(name), sa.Text))
        selected.append(written.label(role))
    statement = sa.select(*selected).select_from(source_rows(layout.table))
    if period and (condition := dialect.since(stamp, *period)) is not None:
        statement = statement.where(condition)
    return _layer(statement, "raw")


def _parsed(dialect: Dialect, layout: Layout, raw: sa.Subquery) -> sa.Subquery:
    columns = layout.columns
    stamp = dialect.stamp(raw.c.raw_stamp, raw.c.stored_stamp, columns["timestamp"])
    duration = dialect.duration(raw.c.raw_duration, columns["duration"])
    kept = [column for column in raw.c if not column.name.startswith("raw_") and column.name != "service"]
    return _layer(
        sa.select(
            *kept,
            _renamed(raw.c.service, layout.renamed).label("service"),
            stamp.value.label("local"),
            stamp.problem.label("stamp_problem"),
            stamp.kind.label("kind"),
            duration.value.label("number"),
            duration.problem.label("number_problem"),
        ),
        "parsed",
    )


def _renamed(service: Expression, names: Mapping[str, str]) -> Expression:
    return (
        sa.case(*[(service == text, sa.literal(name)) for text, name in names.items()], else_=service)
        if names
        else service
    )


def _measured(layout: Layout, parsed: sa.Subquery) -> sa.Subquery:
    """Bring local times to UTC and durations to seconds, and tell which executions failed."""
    c = parsed.c
    pieces = layout.pieces
    naive = c.kind == integer(NAIVE)
    offset = _by_piece(c.local, pieces, {piece: literal(piece.offset.total_seconds()) for piece in pieces})
    kinds = {piece: integer(CLOCK[piece.kind]) for piece in pieces}
    seconds = _in_seconds(layout, parsed)
    costly = len(pieces) > 1 or "unit" in layout.columns  # else each expression is a name
    return _layer(
        sa.select(
            *c,
            sa.case((naive, c.local - offset), else_=c.local).label("moment"),
            sa.case((naive, _by_piece(c.local, pieces, kinds)), else_=integer(0)).label("clock"),
            seconds.value.label("seconds"),
            seconds.problem.label("unit_problem"),
            _failed(layout.rules, c.service, c.status).label("failed"),
        ),
        "measured",
        barrier=costly,
    )


def _by_piece(local: Expression, pieces: Sequence[ZonePiece], values: Mapping[ZonePiece, Expression]) -> Expression:
    """Look up a value by local time; the latest pieces come first, because most rows fall into them."""
    if len(pieces) == 1:
        return values[pieces[0]]
    whens = [
        (local >= literal(piece.start.replace(tzinfo=UTC).timestamp()), values[piece])
        for piece in reversed(pieces)
        if piece.start is not None
    ]
    return sa.case(*whens, else_=values[pieces[0]])


def _in_seconds(layout: Layout, parsed: sa.Subquery) -> Parsed:
    number = parsed.c.number
    if layout.columns["duration"].kind == "interval":
        return Parsed(value=number, problem=integer(0))
    fixed = _times(number, UNIT_SECONDS[layout.unit])
    if "unit" not in layout.columns:
        return Parsed(value=fixed, problem=integer(0))
    known = [(parsed.c.unit == written, unit) for written, unit in layout.units.items()]
    known.append((parsed.c.unit.is_(None), layout.unit))
    value = sa.case(*[(condition, _times(number, UNIT_SECONDS[unit])) for condition, unit in known])
    fits = sa.case(*[(condition, integer(0)) for condition, _ in known], else_=problem(Rejection.BAD_UNIT))
    return Parsed(value=value, problem=fits)


def _times(number: Expression, factor: float) -> Expression:
    """Multiply, so that 2800 ms become 2.8 s and not the next number above."""
    if factor == 1:
        return number
    return number * literal(factor) if factor > 1 else number / literal(round(1 / factor))


def _failed(rules: Sequence[FailureRule], service: Expression, status: Expression) -> Expression:
    general = [rule.holds(status) for rule in rules if rule.services is None]
    special = [(service.in_(rule.services), rule.holds(status)) for rule in rules if rule.services is not None]
    otherwise = general[0] if general else integer(0)
    return sa.case(*special, else_=otherwise) if special else otherwise


def _judged(measured: sa.Subquery) -> sa.Subquery:
    """Find the first reason why a row cannot be used, in the order of `Rejection`; a failed one needs no duration.

    What holds for most rows is asked first.
    """
    c = measured.c
    placed = sa.and_(c.moment >= literal(EARLIEST.timestamp()), c.clock != integer(NEVER))
    counts = sa.and_(c.seconds >= literal(0), c.seconds <= literal(LONGEST))
    reasons = [
        (c.stamp_problem > integer(0), c.stamp_problem),
        (c.moment < literal(EARLIEST.timestamp()), problem(Rejection.EARLY_STAMP)),
        (c.clock == integer(NEVER), problem(Rejection.SKIPPED_HOUR)),
        (c.number_problem > integer(0), c.number_problem),
        (c.unit_problem > integer(0), c.unit_problem),
        (sa.func.abs(c.number) > literal(LARGEST), problem(Rejection.NOT_FINITE)),
        (c.number < literal(0), problem(Rejection.NEGATIVE)),
    ]
    fates = [
        (sa.and_(placed, c.failed == integer(1)), integer(FAILED)),
        (sa.and_(placed, counts), integer(COUNTED)),
    ]
    carried = [column for column in c if column.name.startswith("carried_")]
    return _layer(
        sa.select(
            *carried,
            c.service,
            c.moment,
            c.seconds,
            c.kind,
            sa.case((c.clock == integer(TWICE), integer(1)), else_=integer(0)).label("twice"),
            sa.case(*fates, *reasons, else_=problem(Rejection.TOO_LONG)).label("fate"),
        ),
        "measurements",
    )
