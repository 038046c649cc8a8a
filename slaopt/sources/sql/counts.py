"""The questions put to the database: who is there, and how many executions fall into each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

__all__ = ["ByService", "Counting", "ExcludedRule", "tally"]

Floats = NDArray[np.float64]

STEPS_PER_HOUR = HOURS.step // STEPS.step
BATCH = 20_000  # rows fetched at once


@dataclass(frozen=True, slots=True, kw_only=True)
class ExcludedRule:
    """Excluded time of some services; None: of all the others."""

    services: tuple[str, ...] | None  # as they stand in the table, trimmed
    hours: tuple[int, ...]  # excluded whole, since the start
    steps: tuple[int, ...]  # five-minute steps excluded beside

    @classmethod
    def of(cls, params: Params, start: datetime, end: datetime, services: tuple[str, ...] | None) -> ExcludedRule:
        """Split excluded time into whole hours and single steps."""
        mask = excluded_steps(params.excluded, timezone=params.timezone, start=start, end=end)
        whole = mask.reshape(-1, STEPS_PER_HOUR).all(axis=1)
        single = mask & ~np.repeat(whole, STEPS_PER_HOUR)
        return cls(
            services=services,
            hours=tuple(np.flatnonzero(whole).tolist()),
            steps=tuple(np.flatnonzero(single).tolist()),
        )

    def holds(self, hour: Expression, step: Expression) -> Expression:
        """Tell whether a step is excluded: 1, else 0."""
        among = [
            column.in_([integer(number) for number in numbers])
            for column, numbers in ((hour, self.hours), (step, self.steps))
            if numbers
        ]
        return sa.case((sa.or_(*among), integer(1)), else_=integer(0)) if among else integer(0)


def tally(rows: sa.Subquery, now: datetime) -> sa.Select[Any]:
    """Count the rows of each service by what becomes of them; `first` and `last` leave out the future."""
    c, then = rows.c, literal(now.timestamp())
    outside = c.outside if "outside" in c else integer(0).label("outside")
    fate = (c.service, c.problem, c.failed, c.kind, outside)
    past = sa.case((c.moment <= then, c.moment))
    return sa.select(
        *fate,
        sa.func.count().label("rows"),
        sa.func.sum(c.twice).label("twice"),
        sa.func.sum(sa.case((c.moment > then, integer(1)), else_=integer(0))).label("future"),
        sa.func.min(past).label("first"),
        sa.func.max(past).label("last"),
    ).group_by(*fate[: 5 if "outside" in c else 4])


class Counting:
    """Counts of one period, from measurements as `rows.measurements` gives them.

    Parameters
    ----------
    names
        Service names as they stand in the table, trimmed, that mean another service's name than they say.
    only
        Names as they stand in the table; None: all.
    """

    def __init__(
        self,
        dialect: Dialect,
        rows: sa.Subquery,
        start: datetime,
        end: datetime,
        *,
        now: datetime,
        excluded: Sequence[ExcludedRule],
        names: Mapping[str, str],
        only: Sequence[str] | None,
    ) -> None:
        self._dialect, self._now = dialect, now
        since = rows.c.moment - literal(start.timestamp())
        step = dialect.floor(since / literal(STEPS.step.total_seconds()))
        hour = dialect.floor(since / literal(HOURS.step.total_seconds()))
        renamed = [(rows.c.service == written, sa.literal(meant)) for written, meant in names.items()]
        statement = sa.select(
            (sa.case(*renamed, else_=rows.c.service) if renamed else rows.c.service).label("service"),
            *[rows.c[name] for name in ("moment", "seconds", "failed", "problem", "kind", "twice")],
            step.label("step"),
            hour.label("hour"),
            _outside(excluded, rows.c.service, hour, step).label("outside"),
        ).where(rows.c.moment >= literal(start.timestamp()), rows.c.moment < literal(end.timestamp()))
        if only is not None:
            statement = statement.where(rows.c.service.in_(only))
        self._rows = statement.offset(sa.literal_column("0")).subquery("placed")

    def tally(self) -> sa.Select[Any]:
        """Count the rows of each service by what becomes of them."""
        return tally(self._rows, self._now)

    def most_frequent(self) -> sa.Select[Any]:
        """Count, for each service, the durations equal to its most frequent one."""
        c = self._rows.c
        equal = sa.select(c.service, sa.func.count().label("rows")).where(self._counted())
        each = equal.group_by(c.service, c.seconds).subquery("equal")
        return sa.select(each.c.service, sa.func.max(each.c.rows).label("rows")).group_by(each.c.service)

    def sums(self) -> sa.Select[Any]:
        """Sum up the durations of each service and step, in the order of services."""
        c = self._rows.c
        counted = sa.case((c.failed == integer(0), c.seconds))
        statement = sa.select(
            c.service,
            c.step,
            sa.func.coalesce(sa.func.sum(counted), literal(0)),
            sa.func.coalesce(sa.func.sum(sa.case((counted > literal(0), sa.func.ln(counted)))), literal(0)),
            sa.func.min(counted),
            sa.func.max(counted),
            sa.func.sum(c.failed),
        )
        usable = sa.and_(c.problem == integer(0), c.outside == integer(0))
        return statement.where(usable).group_by(c.service, c.step).order_by(c.service)

    def hours(self, counted: Floats) -> sa.Select[Any]:
        """Count the executions of each service, hour and cell of duration, in the order of services."""
        c = self._rows.c
        positive = c.seconds > literal(0)
        fine = sa.case((positive, fine_index(c.seconds, self._dialect)), else_=integer(0))
        return self._cells(c.hour, fine, self._coarse(counted))

    def steps(self, counted: Floats) -> sa.Select[Any]:
        """Count the executions of each service, step and counted bucket, in the order of services."""
        return self._cells(self._rows.c.step, self._coarse(counted))

    def _coarse(self, counted: Floats) -> Expression:
        seconds = self._rows.c.seconds
        return sa.case((seconds > literal(0), self._dialect.coarse(seconds, counted)), else_=integer(ZERO))

    def _cells(self, *keys: Expression) -> sa.Select[Any]:
        labelled = [key.label(f"key_{at}") for at, key in enumerate(keys)]
        cells = sa.select(self._rows.c.service, *labelled).where(self._counted())
        each = cells.offset(sa.literal_column("0")).subquery("cells")
        return sa.select(*each.c, sa.func.count()).group_by(*each.c).order_by(each.c.service)

    def _counted(self) -> Expression:
        c = self._rows.c
        return sa.and_(c.problem == integer(0), c.failed == integer(0), c.outside == integer(0))


def _outside(rules: Sequence[ExcludedRule], service: Expression, hour: Expression, step: Expression) -> Expression:
    general = [rule.holds(hour, step) for rule in rules if rule.services is None]
    special = [(service.in_(rule.services), rule.holds(hour, step)) for rule in rules if rule.services is not None]
    otherwise = general[0] if general else integer(0)
    return sa.case(*special, else_=otherwise) if special else otherwise


class ByService:
    """The rows of a statement, ordered by service, taken service by service; one service's are held at once."""

    def __init__(self, connection: sa.Connection, statement: sa.Select[Any]) -> None:
        streamed = statement.execution_options(stream_results=True, max_row_buffer=BATCH)
        self._pieces = _pieces(connection.execute(streamed))
        self._next = next(self._pieces, None)

    def take(self, service: str) -> list[NDArray[np.float64]]:
        """Give the columns of a service, which comes after those taken before; empty ones where it has no rows."""
        parts = []
        while self._next is not None and self._next[0] <= service:
            if self._next[0] == service:
                parts.append(self._next[1])
            self._next = next(self._pieces, None)
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _pieces(result: sa.CursorResult[Any]) -> Iterator[tuple[str, list[NDArray[np.float64]]]]:
    """Cut each batch of rows where the service changes; NULL becomes NaN."""
    for batch in result.partitions(BATCH):
        for service, rows in groupby(batch, key=lambda row: row[0]):
            columns = zip(*rows, strict=True)
            next(columns)
            yield service, [np.array(column, dtype=float) for column in columns]
