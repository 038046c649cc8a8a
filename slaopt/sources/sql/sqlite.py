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
from slaopt.sources.sql.texts import text_number, text_stamp

__all__ = ["SqliteDialect"]

Floats = NDArray[np.float64]


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
        """Give the first characters of a column as text, ordered by code point."""
        return sa.func.substr(sa.cast(named(column), sa.Text), integer(1), integer(most))

    def written(self, column: TableColumn) -> Expression:
        """Give any column as text, different for different values."""
        return sa.func.quote(named(column))

    def raw_stamp(self, column: TableColumn) -> Expression:
        """Read each stamp: above 0 in UTC, below 0 without zone."""
        stamp = named(column)
        number = _signed_epoch(stamp)
        return _by_type(
            stamp,
            integer=number,
            real=number,
            text=sa.func.coalesce(self._plain_iso(stamp), sa.func.slaopt_stamp(stamp)),
            blob=_code(Rejection.BAD_STAMP),
        )

    def _plain_iso(self, stamp: Expression) -> Expression:
        """Let SQLite read a text that it reads rightly, else NULL: existing days from 1990 on, nothing to round up."""
        day = sa.func.substr(stamp, 9, 2)
        last, sixth = sa.func.substr(stamp, -1), sa.func.substr(stamp, -6, 1)
        part = sa.func.substr(stamp, 20)
        seconds = self._unix_time(stamp) + sa.case(
            (part.op(">=")(text(".")), sa.cast(part, sa.Float)), else_=literal(0)
        )
        usual = sa.and_(
            stamp.op("LIKE")(text("____-__-_____:__:__%")),
            stamp >= text("1990"),
            sa.or_(day <= text("28"), sa.func.strftime(text("%d"), stamp, text("+0 days")) == day),
            sa.func.substr(stamp, 20, 4) != text(".999"),
        )
        zoned = sa.or_(last.in_([text("Z"), text("z")]), sixth.in_([text("+"), text("-")]))
        return sa.case((usual, sa.case((zoned, seconds), else_=-seconds)))

    def _unix_time(self, stamp: Expression) -> Expression:
        if sqlite3.sqlite_version_info >= (3, 38):
            return sa.func.unixepoch(stamp)
        return sa.cast(sa.func.strftime(text("%s"), stamp), sa.Integer)

    def stamp(self, raw: Expression, stored: Expression, column: TableColumn) -> ParsedStamp:
        """Read the stamps; `stored` is the column itself."""
        return ParsedStamp(
            value=sa.case((sa.func.typeof(raw) != text("text"), sa.func.abs(raw))),
            problem=_problem(raw, blank=Rejection.BLANK_STAMP),
            kind=sa.case(
                (raw < integer(0), integer(NAIVE)),
                (sa.func.typeof(stored) == text("text"), integer(WITH_ZONE)),
                else_=integer(EPOCH),
            ),
        )

    def raw_duration(self, column: TableColumn) -> Expression:
        """Read each duration."""
        duration = named(column)
        return _by_type(
            duration,
            integer=duration,
            real=duration,
            text=sa.func.slaopt_number(duration),
            blob=_code(Rejection.BAD_DURATION),
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


def _by_type(value: Expression, **results: Expression) -> Expression:
    """Choose by the type of a value; NULL for NULL."""
    return sa.case(results, value=sa.func.typeof(value))


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
