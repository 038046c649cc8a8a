"""PostgreSQL's words: a column has one type, and texts are read by patterns, because a failing cast fails the query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import ARRAY, DOUBLE_PRECISION, TIMESTAMP

from slaopt.errors import InputError
from slaopt.sources.notes import Rejection
from slaopt.sources.sql import texts
from slaopt.sources.sql.database import TableColumn
from slaopt.sources.sql.dialect import (
    EPOCH,
    NAIVE,
    WITH_ZONE,
    Expression,
    Parsed,
    ParsedStamp,
    epoch,
    integer,
    literal,
    named,
    problem,
    text,
)

__all__ = ["PostgresqlDialect"]

Floats = NDArray[np.float64]

LARGEST = sa.literal_column("1e308", sa.Numeric)  # beyond these a cast from numeric to double fails
SMALLEST = sa.literal_column("1e-300", sa.Numeric)


class PostgresqlDialect:
    """PostgreSQL from version 11 on."""

    def __init__(self, *, decimal: str | None) -> None:
        self._decimal = decimal

    def text(self, column: TableColumn, most: int) -> Expression:
        """Give the first characters of a column as text, ordered by code point."""
        return sa.func.left(sa.cast(named(column), sa.Text), integer(most)).collate("C")

    def written(self, column: TableColumn) -> Expression:
        """Give any column as text, different for different values."""
        return sa.cast(named(column), sa.Text)

    def raw_stamp(self, column: TableColumn) -> Expression:
        """Trim texts, leave all else."""
        return sa.func.btrim(named(column), text(texts.BLANKS)) if column.kind == "text" else named(column)

    def stamp(self, raw: Expression, stored: Expression, column: TableColumn) -> ParsedStamp:
        """Read the stamps; `stored` is the column itself."""
        if column.kind in ("zoned", "naive"):
            kind = integer(WITH_ZONE if column.kind == "zoned" else NAIVE)
            return ParsedStamp(
                value=sa.case((sa.func.isfinite(raw), _since_1970(raw))),
                problem=_checked(raw, (~sa.func.isfinite(raw), Rejection.BAD_STAMP), blank=Rejection.BLANK_STAMP),
                kind=kind,
            )
        if column.kind in ("number", "decimal"):
            number = _double(raw, column)
            return ParsedStamp(
                value=epoch(number),
                problem=_checked(raw, (epoch(number).is_(None), Rejection.BAD_STAMP), blank=Rejection.BLANK_STAMP),
                kind=integer(EPOCH),
            )
        if column.kind == "text":
            return _text_stamp(raw)
        raise InputError(
            f"column {column.name!r} is of type {column.type}: times must be timestamps, epoch numbers or texts; "
            "name another with --column timestamp=NAME"
        )

    def raw_duration(self, column: TableColumn) -> Expression:
        """Trim texts, leave all else."""
        return self.raw_stamp(column)

    def duration(self, raw: Expression, column: TableColumn) -> Parsed:
        """Read the durations, in the column's unit; intervals in seconds."""
        if column.kind == "text":
            return self._text_duration(raw)
        if column.kind not in ("number", "decimal", "interval"):
            raise InputError(
                f"column {column.name!r} is of type {column.type}: durations must be numbers, intervals or texts; "
                "name another with --column duration=NAME"
            )
        return Parsed(value=_double(raw, column), problem=_checked(raw, blank=Rejection.BLANK_DURATION))

    def _text_duration(self, raw: Expression) -> Parsed:
        """Follow `texts.text_number`."""
        short = sa.func.length(raw) <= integer(texts.LONGEST_NUMBER)
        decimals, thousands = _matches(raw, texts.COMMA_DECIMAL), _matches(raw, texts.COMMA_THOUSANDS)
        readings: list[tuple[Expression, Expression]] = [(sa.not_(short), sa.null())]
        if self._decimal == ",":
            point = sa.func.strpos(raw, text(".")) > integer(0)
            whole = _without(raw, ".")
            readings.append((decimals, sa.func.replace(whole, text(","), text("."))))
            readings.append((_matches(raw, texts.DOT_THOUSANDS), whole))
            readings.append((point, sa.null()))
        if self._decimal == ".":
            readings.append((thousands, _without(raw, ",")))
        readings.append((_matches(raw, texts.PLAIN), raw))
        number = sa.case(*readings)
        column = TableColumn(name="", kind="decimal", type="numeric")
        return Parsed(
            value=_double(sa.cast(number, sa.Numeric), column),
            problem=_checked(
                raw,
                (number.is_not(None), None),
                (raw == text(""), Rejection.BLANK_DURATION),
                (_matches(raw, texts.NOT_FINITE), Rejection.NOT_FINITE),
                (sa.and_(short, sa.or_(decimals, thousands)), Rejection.COMMA_DURATION),
                otherwise=Rejection.BAD_DURATION,
                blank=Rejection.BLANK_DURATION,
            ),
        )

    def since(self, column: TableColumn, start: float, end: float) -> Expression | None:
        """Give a condition, fit for an index, that all rows of a period meet; others may meet it too."""
        if column.kind not in ("zoned", "naive"):
            return None
        margin = timedelta(days=0 if column.kind == "zoned" else 1)
        low, high = (datetime.fromtimestamp(moment, UTC) for moment in (start, end))
        zoned = column.kind == "zoned"
        return sa.and_(
            named(column) >= sa.cast((low - margin).replace(tzinfo=UTC if zoned else None), TIMESTAMP(timezone=zoned)),
            named(column) < sa.cast((high + margin).replace(tzinfo=UTC if zoned else None), TIMESTAMP(timezone=zoned)),
        )

    def floor(self, value: Expression) -> Expression:
        """Round a number from 0 on down."""
        return sa.cast(sa.func.floor(value), sa.BigInteger)

    def ceil(self, value: Expression) -> Expression:
        """Round any number up."""
        return sa.cast(sa.func.ceil(value), sa.Integer)

    def coarse(self, seconds: Expression, bounds: Floats) -> Expression:
        """Count the increasing bounds that lie below a duration.

        `width_bucket` counts the bounds up to its operand, the operand included; of negated durations and bounds these
        are the ones from the duration on, so the rest lies below.
        """
        negated = "{" + ",".join(repr(-float(bound)) for bound in reversed(bounds)) + "}"
        return integer(len(bounds)) - sa.func.width_bucket(-seconds, sa.cast(text(negated), ARRAY(DOUBLE_PRECISION)))


def _since_1970(moment: Expression) -> Expression:
    return sa.func.date_part(text("epoch"), moment)


def _double(raw: Expression, column: TableColumn) -> Expression:
    """Turn a number or interval into a double; a numeric that no double can hold becomes the nearest one."""
    if column.kind == "interval":
        return _since_1970(raw)
    if column.type == "real":  # 2.2 in 32 bits is 2.2000000477 in 64: the shortest text is what was meant
        return sa.cast(sa.cast(raw, sa.Text), DOUBLE_PRECISION)
    if column.kind == "number":
        return sa.cast(raw, DOUBLE_PRECISION)
    number = sa.cast(raw, sa.Numeric)
    size, written = sa.func.abs(number), sa.cast(number, sa.Text)
    return sa.case(
        (size < SMALLEST, literal(0)),
        (size <= LARGEST, sa.cast(number, DOUBLE_PRECISION)),
        (written.in_([text("NaN"), text("Infinity"), text("-Infinity")]), sa.cast(written, DOUBLE_PRECISION)),
        else_=sa.cast(sa.func.sign(number) * LARGEST, DOUBLE_PRECISION),
    )


def _text_stamp(raw: Expression) -> ParsedStamp:
    """Follow `texts.text_stamp`; all fractions of a second beyond microseconds are cut off."""
    number, iso = _matches(raw, texts.EPOCH_NUMBER), _day_exists(raw)
    seconds = epoch(sa.cast(raw, DOUBLE_PRECISION))
    point = sa.func.replace(raw, text(","), text("."))
    exact = sa.func.regexp_replace(point, text(r"([.][0-9]{6})[0-9]+"), text(r"\1"))
    return ParsedStamp(
        value=sa.case((number, seconds), (iso, _since_1970(sa.cast(exact, TIMESTAMP(timezone=True))))),
        problem=_checked(
            raw,
            (sa.or_(number, iso), None),
            (raw == text(""), Rejection.BLANK_STAMP),
            (_matches(raw, texts.DAY_OR_MONTH), Rejection.DAY_OR_MONTH),
            otherwise=Rejection.BAD_STAMP,
            blank=Rejection.BLANK_STAMP,
        ),
        kind=sa.case(
            (number, integer(EPOCH)), (_matches(raw, texts.WITH_ZONE), integer(WITH_ZONE)), else_=integer(NAIVE)
        ),
    )


def _matches(raw: Expression, pattern: str) -> Expression:
    return raw.op("~")(text(pattern))


def _without(raw: Expression, sign: str) -> Expression:
    return sa.func.replace(raw, text(sign), text(""))


def _day_exists(raw: Expression) -> Expression:
    """Tell whether the month of an ISO date has that day."""
    year, month, day = (
        sa.cast(sa.func.substr(raw, integer(first), integer(length)), sa.Integer)
        for first, length in ((1, 4), (6, 2), (9, 2))
    )
    leap = sa.and_(year % integer(4) == 0, sa.or_(year % integer(100) != 0, year % integer(400) == 0))
    days = sa.case(
        (month.in_([integer(4), integer(6), integer(9), integer(11)]), integer(30)),
        (month != integer(2), integer(31)),
        (leap, integer(29)),
        else_=integer(28),
    )
    # the conversion to numbers happens only where the pattern holds
    return sa.case((_matches(raw, texts.ISO), day <= days), else_=sa.false())


def _checked(
    raw: Expression,
    *checks: tuple[Expression, Rejection | None],
    blank: Rejection,
    otherwise: Rejection | None = None,
) -> Expression:
    """Give the first Rejection whose condition holds; None stands for no problem."""

    def number(reason: Rejection | None) -> Expression:
        return integer(0) if reason is None else problem(reason)

    return sa.case(
        (raw.is_(None), problem(blank)),
        *[(condition, number(reason)) for condition, reason in checks],
        else_=number(otherwise),
    )
