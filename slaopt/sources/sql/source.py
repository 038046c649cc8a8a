"""A SQL table as a source of measurements."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from slaopt.buckets import counted_bounds
from slaopt.intake import Intake, Reading, ServiceIntake
from slaopt.params import Params
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.sources.base import Options
from slaopt.sources.cells import CoarseCells, FineCells, StepSums, build_profiles
from slaopt.sources.sql.counts import ByService, Counting, ExcludedRule
from slaopt.sources.sql.database import Database, open_database
from slaopt.sources.sql.dialect import Dialect
from slaopt.sources.sql.inspection import inspect_table, reading_of, service_intakes, stamp_kinds
from slaopt.sources.sql.postgresql import PostgresqlDialect
from slaopt.sources.sql.rows import measurements
from slaopt.sources.sql.sqlite import SqliteDialect
from slaopt.sources.sql.survey import Survey, by_settings, survey
from slaopt.wording import moment

__all__ = ["SqlSource"]

Floats = NDArray[np.float64]


class SqlSource:
    """A table or view of a SQLite or PostgreSQL database; the database counts, and nothing is ever written.

    Parameters
    ----------
    address
        SQLAlchemy URL.
    options
        What is known about the table beside that.
    """

    def __init__(self, address: str, options: Options) -> None:
        self._database: Database = open_database(address)
        self._options = options

    def inspect(self) -> Intake:
        """Say how the table is read, which services it holds, and which rows are rejected and why."""
        table = self._database.table(self._options.table)
        with self._database.reading() as connection:
            dialect = self._dialect(connection)
            found = survey(connection, dialect, table, self._options)
            return inspect_table(connection, dialect, found, self._reading(found), now=self._options.now)

    def profiles(
        self,
        services: Collection[str] | None,
        start: datetime,
        end: datetime,
        *,
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> Iterator[Profiles | Skipped]:
        """Count the executions of [start, end), both full hours, in one transaction for all services (None: all)."""
        table = self._database.table(self._options.table)
        with self._database.reading() as connection:
            dialect = self._dialect(connection)
            found = survey(connection, dialect, table, self._options)
            counting = self._counting(dialect, found, services, start, end)
            intakes = self._intakes(connection, counting, found)
            own = {service: tuple((thresholds or {}).get(service, ())) for service in intakes}
            counted = counted_bounds(thresholds={value for values in own.values() for value in values})
            streams = [
                ByService(connection, statement)
                for statement in (counting.hours(counted), counting.steps(counted), counting.sums())
            ]
            for service in sorted({*intakes, *(found.written if services is None else services)}):
                if service not in intakes:
                    yield Skipped(service=service, reason=_absence(service, found, start, end))
                    continue
                hours, steps, sums = (stream.take(service) for stream in streams)
                yield build_profiles(
                    service=service,
                    start=start,
                    end=end,
                    fine=_fine(hours),
                    coarse=_coarse(steps),
                    sums=_sums(sums),
                    counted=counted,
                    thresholds=own[service],
                    params=self._options.book.of(service),
                    intake=intakes[service],
                )

    def _counting(
        self, dialect: Dialect, found: Survey, services: Collection[str] | None, start: datetime, end: datetime
    ) -> Counting:
        only = None
        if services is not None:
            only = [name for service in services for name in found.written.get(service, ())]
        return Counting(
            dialect,
            measurements(dialect, found.layout, period=(start.timestamp(), end.timestamp())),
            start,
            end,
            now=self._options.now,
            excluded=[
                ExcludedRule.of(params, start, end, names)
                for params, names in by_settings(self._options, found.written, _excluded_settings)
            ],
            names=found.renamed,
            only=only,
        )

    def _intakes(self, connection: sa.Connection, counting: Counting, found: Survey) -> dict[str, ServiceIntake]:
        rows = connection.execute(counting.tally()).all()
        intakes = service_intakes(rows, replace(self._reading(found), stamps=stamp_kinds(rows)))
        frequent = {row.service: row.rows for row in connection.execute(counting.most_frequent())}
        return {service: replace(intake, most_frequent=frequent.get(service, 0)) for service, intake in intakes.items()}

    def _dialect(self, connection: sa.Connection) -> Dialect:
        if self._database.dialect == "sqlite":
            return SqliteDialect(connection, decimal=self._options.decimal)
        return PostgresqlDialect(decimal=self._options.decimal)

    def _reading(self, found: Survey) -> Reading:
        return reading_of(found, self._options, source=self._database.label, format=self._database.dialect)


def _excluded_settings(params: Params) -> tuple[Any, str]:
    return params.excluded, params.timezone


def _absence(service: str, found: Survey, start: datetime, end: datetime) -> str:
    if service in found.written:
        return f"no execution between {moment(start)} and {moment(end)}"
    near = difflib.get_close_matches(service, list(found.written), n=1)
    return "there is no such service" + (f"; did you mean {near[0]!r}?" if near else "")


def _columns(columns: Sequence[Floats], count: int) -> Sequence[Floats]:
    return columns or [np.empty(0)] * count


def _fine(columns: Sequence[Floats]) -> FineCells:
    slot, fine, coarse, count = _columns(columns, 4)
    return FineCells(
        slot=slot.astype(np.int64), fine=fine.astype(np.int64), coarse=coarse.astype(np.int64), count=count
    )


def _coarse(columns: Sequence[Floats]) -> CoarseCells:
    slot, coarse, count = _columns(columns, 3)
    return CoarseCells(slot=slot.astype(np.int64), coarse=coarse.astype(np.int64), count=count)


def _sums(columns: Sequence[Floats]) -> StepSums:
    slot, sums, log_sums, minima, maxima, failures = _columns(columns, 6)
    return StepSums(
        slot=slot.astype(np.int64), sums=sums, log_sums=log_sums, minima=minima, maxima=maxima, failures=failures
    )
