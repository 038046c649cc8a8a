"""The questions put to the database: what becomes of the rows, and how many executions fall into each cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from slaopt.excluded import excluded_steps
from slaopt.params import Params
from slaopt.profile import HOURS, STEPS
from slaopt.sources.cells import ZERO
from slaopt.sources.sql.dialect import Dialect, Expression, fine_index, integer, literal
from slaopt.sources.sql.rows import COUNTED

__all__ = [
    "EXCLUDED", "REJECTED", "ByService", "Counting", "ExcludedRule", "counting_rows", "doubles",
    "most_frequent", "tally",
]  # fmt: skip

Floats = NDArray[np.float64]

EXCLUDED, REJECTED = -3, -4  # in place of a counted bucket, as FAILED; ZERO is −1
STEPS_PER_HOUR = HOURS.step // STEPS.step
BATCH = 20_000  # rows fetched at once


def tally(rows: sa.Subquery, now: datetime) -> sa.Select[Any]:
    """Count the rows of each service by what becomes of them; `first` and `last` are of usable stamps."""
    c, then = rows.c, literal(now.timestamp())
    keys = (c.service, c.fate, c.kind)
    return sa.select(
        *keys,
        sa.func.count().label("rows"),
        sa.func.sum(c.twice).label("twice"),
        sa.func.sum(sa.case((c.moment > then, integer(1)), else_=integer(0))).label("future"),
        sa.func.min(c.moment).label("first"),
        sa.func.max(sa.case((c.moment <= then, c.moment))).label("last"),
        sa.func.max(c.moment).label("latest"),
    ).group_by(*keys)


def doubles(
    dialect: Dialect, rows: sa.FromClause, columns: int, every: int, period: tuple[datetime, datetime] | None
) -> sa.Select[Any]:
    """Count, for each service, the rows that repeat another in all carried columns, in a part of the seconds."""
    c = rows.c
    carried = [c[f"carried_{at}"] for at in range(columns)]
    equal = sa.select(c.service, sa.func.count().label("rows")).where(*_part(dialect, c.moment, every))
    if period is not None:
        equal = equal.where(_inside(c.moment, *period))
    each = equal.group_by(c.service, *carried).having(sa.func.count() > integer(1)).subquery("equal")
    return sa.select(each.c.service, sa.func.sum(each.c.rows - integer(1)).label("rows")).group_by(each.c.service)


def most_frequent(dialect: Dialect, rows: sa.FromClause, every: int) -> sa.Select[Any]:
    """Count, for each service, the durations equal to its most frequent one, in a part of the seconds."""
    c = rows.c
    equal = sa.select(c.service, sa.func.count().label("rows")).where(c.seconds.is_not(None))
    equal = equal.where(*_part(dialect, c.moment, every))
    each = equal.group_by(c.service, c.seconds).subquery("equal")
    return sa.select(each.c.service, sa.func.max(each.c.rows).label("rows")).group_by(each.c.service)


def _part(dialect: Dialect, moment: Expression, every: int) -> list[Expression]:
    """Keep what was stamped in one of so many seconds; `every` shares no divisor with minutes, hours and days."""
    return [dialect.floor(moment) % integer(every) == integer(0)] if every > 1 else []


def counting_rows(rows: sa.Subquery) -> sa.Subquery:
    """Give service, moment and duration of measurements, NULL where it does not count."""
    c = rows.c
    seconds = sa.case((c.fate == integer(COUNTED), c.seconds)).label("seconds")
    return sa.select(c.service, c.moment, seconds).subquery("counting")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedRule:
    """Excluded time of some services; None: of all the others."""

    services: tuple[str, ...] | None
    hours: tuple[int, ...]  # excluded whole, since the start
    steps: tuple[int, ...]  # five-minute steps excluded beside

    @classmethod
    def of(cls, params: Params, start: datetime, end: datetime, services: tuple[str, ...] | None) -> ExcludedRule:
        """Split excluded time into whole hours and single steps."""
        mask = excluded_steps(params.excluded, timezone=params.timezone, start=start, end=end)
        whole = mask.reshape(-1, STEPS_PER_HOUR).all(axis=1)
        single = mask & ~np.repeat(whole, STEPS_PER_HOUR)
        hours, steps = (tuple(np.flatnonzero(marked).tolist()) for marked in (whole, single))
        return cls(services=services, hours=hours, steps=steps)

    def holds(self, hour: Expression, step: Expression) -> Expression:
        """Tell whether a step is excluded: 1, else 0."""
        among = [
            column.in_([integer(number) for number in numbers])
            for column, numbers in ((hour, self.hours), (step, self.steps))
            if numbers
        ]
        return sa.case((sa.or_(*among), integer(1)), else_=integer(0)) if among else integer(0)


class Counting:
    """Counts of one period, from measurements as `rows.measurements` gives them.

    Parameters
    ----------
    services
        Their names.
    """

    def __init__(
        self,
        dialect: Dialect,
        rows: sa.Subquery,
        start: datetime,
        end: datetime,
        *,
        excluded: Sequence[ExcludedRule],
        services: Sequence[str] | None,
    ) -> None:
        self._dialect = dialect
        c = rows.c
        since = c.moment - literal(start.timestamp())
        step, hour = (dialect.floor(since / literal(length.step.total_seconds())) for length in (STEPS, HOURS))
        statement = sa.select(
            c.service,
            c.moment,
            c.seconds,
            c.fate,
            step.label("step"),
            hour.label("hour"),
            _outside(excluded, c.service, hour, step).label("outside"),
        ).where(_inside(c.moment, start, end))
        if services is not None:
            statement = statement.where(c.service.in_(services))
        placed = statement.subquery("placed")
        self._placed = placed
        self._rows = _fated(placed).offset(sa.literal_column("0")).subquery("fated")

    def extent(self) -> sa.Select[Any]:
        """Find the first and last stamp of each service."""
        c = self._placed.c
        ends = (sa.func.min(c.moment).label("first"), sa.func.max(c.moment).label("last"))
        return sa.select(c.service, *ends).group_by(c.service)

    def hours(self, counted: Floats) -> sa.Select[Any]:
        """Count the executions of each service, hour and cell of duration, in the order of services."""
        c = self._rows.c
        fine = sa.case((c.seconds > literal(0), fine_index(c.seconds, self._dialect)), else_=integer(0))
        cells = sa.select(c.service, c.hour, fine, self._coarse(counted), sa.func.count())
        return cells.where(c.seconds.is_not(None)).group_by(*_first_columns(4)).order_by(c.service)

    def steps(self, counted: Floats) -> sa.Select[Any]:
        """Count and sum up the rows of each service, step and counted bucket or fate, in the order of services."""
        c = self._rows.c
        seconds = c.seconds
        bucket = sa.case((seconds.is_(None), c.fate), else_=self._coarse(counted))
        log = sa.case((seconds > literal(0), sa.func.ln(seconds)), else_=literal(0))
        totals = (sa.func.sum(seconds), sa.func.sum(log), sa.func.min(seconds), sa.func.max(seconds))
        cells = sa.select(c.service, c.step, bucket, sa.func.count(), *totals)
        return cells.group_by(*_first_columns(3)).order_by(c.service)

    def most_frequent(self, every: int) -> sa.Select[Any]:
        """Give `most_frequent` of the period."""
        return most_frequent(self._dialect, self._rows, every)

    def _coarse(self, counted: Floats) -> Expression:
        seconds = self._rows.c.seconds
        return sa.case((seconds > literal(0), self._dialect.coarse(seconds, counted)), else_=integer(ZERO))


def _first_columns(count: int) -> list[sa.TextClause]:
    return [sa.text(str(at + 1)) for at in range(count)]


def _inside(moment: Expression, start: datetime, end: datetime) -> Expression:
    return sa.and_(moment >= literal(start.timestamp()), moment < literal(end.timestamp()))


def _outside(rules: Sequence[ExcludedRule], service: Expression, hour: Expression, step: Expression) -> Expression:
    general = [rule.holds(hour, step) for rule in rules if rule.services is None]
    special = [(service.in_(rule.services), rule.holds(hour, step)) for rule in rules if rule.services is not None]
    otherwise = general[0] if general else integer(0)
    return sa.case(*special, else_=otherwise) if special else otherwise


def _fated(placed: sa.Subquery) -> sa.Select[Any]:
    """Keep the duration of executions that count; the others get a fate instead."""
    c = placed.c
    counts = sa.and_(c.outside == integer(0), c.fate == integer(COUNTED))
    fates = [(c.outside == integer(1), integer(EXCLUDED)), (c.fate > integer(0), integer(REJECTED))]
    return sa.select(
        c.service,
        c.moment,
        c.step,
        c.hour,
        sa.case((counts, c.seconds)).label("seconds"),
        sa.case(*fates, else_=c.fate).label("fate"),
    )


class ByService:
    """The rows of a statement, ordered by service, taken service by service; one service's are held at once."""

    def __init__(self, connection: sa.Connection, statement: sa.Select[Any]) -> None:
        streamed = statement.execution_options(stream_results=True, max_row_buffer=BATCH)
        self._width = len(statement.selected_columns) - 1
        self._result = connection.execute(streamed)
        self._pieces = _pieces(self._result)
        self._next = next(self._pieces, None)

    def close(self) -> None:
        """Stop reading."""
        self._result.close()

    def take(self, service: str) -> list[Floats]:
        """Give the columns of a service, which comes after those taken before; empty ones where it has no rows."""
        parts = [[np.empty(0)] * self._width]
        while self._next is not None and self._next[0] <= service:
            if self._next[0] == service:
                parts.append(self._next[1])
            self._next = next(self._pieces, None)
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _pieces(result: sa.CursorResult[Any]) -> Iterator[tuple[str, list[Floats]]]:
    """Cut each batch of rows where the service changes; NULL becomes NaN."""
    for batch in result.partitions(BATCH):
        alone = batch[0][0] == batch[-1][0]
        for service, rows in [(batch[0][0], batch)] if alone else groupby(batch, key=lambda row: row[0]):
            columns = zip(*rows, strict=True)
            next(columns)
            yield service, [np.array(column, dtype=float) for column in columns]
