"""What an engine has to say in its own words: columns as numbers and texts, and the buckets of durations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from slaopt.sources.notes import Rejection
from slaopt.sources.sql.database import TableColumn
from slaopt.sources.stamps import EPOCH_UNITS

__all__ = [
    "Dialect", "Expression", "Parsed", "epoch", "fine_index", "integer", "literal", "named",
    "problem", "text",
]  # fmt: skip

Floats = NDArray[np.float64]

Expression = sa.ColumnElement[Any]

EXPONENTS = 128 / math.log(2.0)  # natural logarithm → exponential index at scale 7
WITH_ZONE, NAIVE, EPOCH = 0, 1, 2  # how a stamp is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The values of a column as numbers, NULL where that failed, and the Rejection that says why, else 0."""

    value: Expression
    problem: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedStamp(Parsed):
    """Stamps as seconds since 1970; those without zone as if they were UTC."""

    kind: Expression  # WITH_ZONE, NAIVE or EPOCH


class Dialect(Protocol):
    """Expressions over the columns of the measurements; what is costly is computed once, in a first layer (`raw_…`)."""

    def text(self, column: TableColumn, most: int) -> Expression:
        """Give the first characters of a column as text, ordered by code point."""
        ...

    def written(self, column: TableColumn) -> Expression:
        """Give any column as text, different for different values."""
        ...

    def raw_stamp(self, column: TableColumn) -> Expression:
        """First layer of `stamp`."""
        ...

    def stamp(self, raw: Expression, stored: Expression, column: TableColumn) -> ParsedStamp:
        """Read the stamps; `stored` is the column itself."""
        ...

    def raw_duration(self, column: TableColumn) -> Expression:
        """First layer of `duration`."""
        ...

    def duration(self, raw: Expression, column: TableColumn) -> Parsed:
        """Read the durations, in the column's unit; intervals in seconds."""
        ...

    def since(self, column: TableColumn, start: float, end: float) -> Expression | None:
        """Give a condition, fit for an index, that all rows of a period meet; others may meet it too."""
        ...

    def floor(self, value: Expression) -> Expression:
        """Round a number from 0 on down."""
        ...

    def ceil(self, value: Expression) -> Expression:
        """Round any number up."""
        ...

    def coarse(self, seconds: Expression, bounds: Floats) -> Expression:
        """Count the increasing bounds that lie below a duration."""
        ...


def literal(value: float) -> Expression:
    """Write a number into the statement itself, so that the engine can plan with it."""
    return sa.literal_column(repr(float(value)), sa.Float)


def integer(value: int) -> Expression:
    """Write a whole number into the statement itself."""
    return sa.literal_column(str(int(value)), sa.Integer)


def text(value: str) -> Expression:
    """Write a text of ours, never a user's, into the statement itself."""
    return sa.literal_column("'" + value.replace("'", "''") + "'", sa.Text)


def problem(reason: Rejection) -> Expression:
    """Write the number of a Rejection."""
    return integer(int(reason))


def named(column: TableColumn) -> sa.ColumnClause[Any]:
    """Name a column of the table, quoted whatever it is called."""
    return sa.column(sa.quoted_name(column.name, quote=True))


def fine_index(seconds: Expression, dialect: Dialect) -> Expression:
    """Give the exponential index of durations above 0; where rounding errs at a bound, `refined_bounds` settles it."""
    return dialect.ceil(sa.func.ln(seconds) * literal(EXPONENTS) - literal(1e-9))


def epoch(number: Expression) -> Expression:
    """Turn an epoch number, whose size tells its unit, into seconds; NULL where none fits."""
    return sa.case(
        *[(sa.func.abs(number) < literal(below), number / literal(round(1 / unit))) for _, below, unit in EPOCH_UNITS]
    )
