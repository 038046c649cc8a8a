"""SQLite's words: each value has a type of its own, and times are texts or numbers."""

from __future__ import annotations

import math
import sqlite3

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from slaopt.sources.notes import Rejection
from slaopt.sources.sql.database import TableColumn
from slaopt.sources.sql.dialect import (
    BLANKS,
    NAIVE,
    WITH_ZONE,
    Expression,
    Parsed,
    ParsedStamp,
    epoch,
    epoch_kind,
    integer,
    literal,
    named,
    problem,
    text,
)
from slaopt.sources.sql.texts import text_number, text_stamp

__all__ = ["SqliteDialect"]

Floats = NDArray[np.float64]

TO_THE_SECOND = "[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-5][0-9]:[0-5][0-9]"


class SqliteDialect:
    """SQLite; texts that are not plain ISO 8601 are read by Python.

    In the first layer, a number means that the value was read and a text holds the number of a Rejection. A stamp is
    negative where it names no zone.
    """

    def __init__(self, connection: sa.Connection, *, decimal: str | None) -> None:
        database = connection.connection.driver_connection
        assert isinstance(database, sqlite3.Connection)
        database.create_function("slaopt_stamp", 1, _signed_stamp, deterministic=True)
        database.create_function("slaopt_number", 1, lambda raw: _number(raw, decimal), deterministic=True)
        try:
            database.execute("SELECT ln(2.0)")
        except sqlite3.OperationalError:  # a SQLite without mathematical functions
            database.create_function("ln", 1, lambda value: math.log(value), deterministic=True)

    def text(self, column: TableColumn, most: int) -> Expression:
        """Give the first characters of a column as text, without blanks at the ends, ordered by code point."""
        return sa.func.trim(sa.func.substr(sa.cast(named(column), sa.Text), 1, integer(most)), text(BLANKS))

    def written(self, column: TableColumn) -> Expression:
        """Give any column as text, different for different values."""
        return sa.func.quote(named(column))

    def raw_stamp(self, column: TableColumn) -> Expression:
        """Read each stamp: above 0 in UTC, below 0 without zone."""
        stamp = named(column)
        kind = sa.func.typeof(stamp)
        return sa.case(
            (kind.in_([text("integer"), text("real")]), _signed_epoch(stamp)),
            (sa.and_(kind == text("text"), _plain_iso(stamp)), _signed_seconds(stamp)),
            (kind == text("text"), sa.func.slaopt_stamp(stamp)),
            (kind == text("blob"), _code(Rejection.BAD_STAMP)),
        )

    def stamp(self, raw: Expression, stored: Expression, column: TableColumn) -> ParsedStamp:
        """Read the stamps; `stored` is the column itself."""
        kind, kept = sa.func.typeof(raw), sa.func.typeof(stored)
        return ParsedStamp(
            value=sa.case((kind == text("real"), sa.func.abs(raw))),
            problem=_problem(raw, blank=Rejection.BLANK_STAMP),
            kind=sa.case(
                (kept.in_([text("integer"), text("real")]), epoch_kind(stored)),
                (sa.and_(kind == text("real"), raw < integer(0)), integer(NAIVE)),
                else_=integer(WITH_ZONE),
            ),
        )

    def raw_duration(self, column: TableColumn) -> Expression:
        """Read each duration."""
        duration = named(column)
        return sa.case(
            (sa.func.typeof(duration) == text("text"), sa.func.slaopt_number(duration)),
            (sa.func.typeof(duration) == text("blob"), _code(Rejection.BAD_DURATION)),
            else_=duration,
        )

    def duration(self, raw: Expression, column: TableColumn) -> Parsed:
        """Read the durations, in the column's unit."""
        return Parsed(
            value=sa.case((sa.func.typeof(raw) != text("text"), sa.cast(raw, sa.Float))),
            problem=_problem(raw, blank=Rejection.BLANK_DURATION),
        )

    def since(self, column: TableColumn, start: float, end: float) -> Expression | None:
        """Give no condition: the stamps of one column may be of several types."""
        return None

    def floor(self, value: Expression) -> Expression:
        """Round a number from 0 on down."""
        return sa.cast(value, sa.Integer)

    def ceil(self, value: Expression) -> Expression:
        """Round any number up."""
        return integer(1 << 20) - sa.cast(integer(1 << 20) - value, sa.Integer)

    def coarse(self, seconds: Expression, bounds: Floats) -> Expression:
        """Count the increasing bounds that lie below a duration, by halving them."""

        def below(low: int, high: int) -> str:
            if low == high:
                return str(low)
            middle = (low + high) // 2
            return (
                f"CASE WHEN {name} <= {float(bounds[middle])!r} "
                f"THEN {below(low, middle)} ELSE {below(middle + 1, high)} END"
            )

        name = str(seconds.compile(compile_kwargs={"literal_binds": True}))
        return sa.literal_column(below(0, len(bounds)), sa.Integer)


def _plain_iso(stamp: Expression) -> Expression:
    """Tell whether a text is a time of which SQLite makes the right seconds: years 1990–2999, days 1–28."""
    rest = sa.func.substr(stamp, 20)
    digits = sa.func.rtrim(sa.func.substr(rest, 2), text("Z"))
    return sa.and_(
        sa.func.substr(stamp, 1, 19).op("GLOB")(text(TO_THE_SECOND)),
        stamp >= text("1990"),
        sa.func.substr(stamp, 9, 2) <= text("28"),
        sa.or_(
            rest.in_([text(""), text("Z")]),
            sa.and_(
                rest.op("GLOB")(text(".[0-9]*")),
                digits.op("NOT GLOB")(text("*[^0-9]*")),
                rest.op("NOT GLOB")(text("*ZZ")),
            ),
        ),
    )


def _signed_seconds(stamp: Expression) -> Expression:
    rest = sa.func.substr(stamp, 20)
    whole = sa.cast(sa.func.strftime(text("%s"), sa.func.substr(stamp, 1, 19)), sa.Float)
    part = sa.case((sa.func.substr(rest, 1, 1) == text("."), sa.cast(rest, sa.Float)), else_=literal(0))
    # hours 24 to 29 give no seconds
    return sa.case(
        (whole.is_(None), _code(Rejection.BAD_STAMP)),
        (stamp.op("GLOB")(text("*Z")), whole + part),
        else_=-(whole + part),
    )


def _signed_epoch(stamp: Expression) -> Expression:
    return sa.case(
        (stamp <= integer(0), _code(Rejection.EARLY_STAMP)),
        else_=sa.func.coalesce(epoch(sa.cast(stamp, sa.Float)), _code(Rejection.BAD_STAMP)),
    )


def _problem(raw: Expression, *, blank: Rejection) -> Expression:
    return sa.case(
        (raw.is_(None), problem(blank)),
        (sa.func.typeof(raw) == text("text"), sa.cast(raw, sa.Integer)),
        else_=integer(0),
    )


def _code(reason: Rejection) -> Expression:
    return text(str(int(reason)))


def _signed_stamp(raw: str) -> float | str:
    read = text_stamp(raw)
    if isinstance(read, Rejection):
        return str(int(read))
    seconds, naive = read
    if seconds <= 0:
        return str(int(Rejection.EARLY_STAMP))
    return -seconds if naive else seconds


def _number(raw: str, decimal: str | None) -> float | str:
    read = text_number(raw, decimal)
    return str(int(read)) if isinstance(read, Rejection) else read
