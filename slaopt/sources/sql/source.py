"""A SQL table as a source of measurements."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from slaopt.buckets import counted_bounds
from slaopt.errors import InputError
from slaopt.intake import Intake
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.sources.base import Options, Rows, Seeks, assigning, seeking
from slaopt.sources.cells import build_profiles
from slaopt.sources.sql.counts import (
    ByService,
    Counting,
    ExcludedRule,
    counting_rows,
    doubles,
    most_frequent,
    tally,
)
from slaopt.sources.sql.database import Database, Table, open_database
from slaopt.sources.sql.dialect import Dialect
from slaopt.sources.sql.inspection import Extent, Inspection, find_examples
from slaopt.sources.sql.one_by_one import stream_rows
from slaopt.sources.sql.postgresql import PostgresqlDialect
from slaopt.sources.sql.rows import measurements
from slaopt.sources.sql.scanned import Repeats, Scan
from slaopt.sources.sql.sqlite import SqliteDialect
from slaopt.sources.sql.survey import Survey, by_settings, survey
from slaopt.sources.values import missing_service

__all__ = ["SqlSource"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SAMPLE = 1_000_000  # rows among which doubles and the most frequent duration are looked for
MARKED = 24  # columns that tell doubles apart


class SqlSource:
    """A table or view of a SQLite or PostgreSQL database; the database counts, and nothing is ever written.

    Parameters
    ----------
    address
        SQLAlchemy URL.
    options
        What is said about the table beside that.
    """

    def __init__(self, address: str, options: Options) -> None:
        self._database: Database = open_database(address)
        self._address, self._options = address, options
        self._sought: SqlSource | None = None  # the same table, with columns that were found for an experiment

    def inspect(self) -> Intake:
        """Say how the table is read, which services it holds, and which rows are rejected and why."""
        return self._intake

    def profiles(
        self,
        services: Collection[str] | None,
        start: datetime,
        end: datetime,
        *,
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> Iterator[Profiles | Skipped]:
        """Count the executions of [start, end), both full hours, in one transaction for all services (None: all)."""
        known, own, book = self._known, thresholds or {}, self._options.book
        names = list(known.by_service)
        wanted = sorted(set(names if services is None else services))
        there = [name for name in wanted if name in known.by_service]
        counted = counted_bounds(thresholds=[value for name in there for value in own.get(name, ())])
        with (
            self._database.reading() as connection,
            closing(self._scan(connection, start, end, there, counted)) as scan,
        ):
            for name in wanted:
                if name not in known.by_service:
                    yield missing_service(name, names)
                    continue
                fine, coarse, sums, intake = scan.take(name)
                yield build_profiles(
                    service=name, start=start, end=end, fine=fine, coarse=coarse, sums=sums, counted=counted,
                    thresholds=own.get(name, ()), params=book.of(name), intake=intake,
                )  # fmt: skip

    def rows(self, service: str, start: datetime, end: datetime, *, seeks: Seeks | None = None) -> Iterator[Rows]:
        """Give the executions of a service in [start, end), batch by batch, with their arm and unit of assignment.

        Parameters
        ----------
        seeks
            Names by which the columns of `arm` and `assigned` are found, where the options give none.

        Raises
        ------
        InputError
            If the service is not there.
        """
        source = self._seeking(seeks)
        names = list(source._known.by_service)
        if service not in names:
            raise InputError(f"{self._database.label}: {missing_service(service, names).reason}")
        layout = source._survey.layout
        roles = [role for role in assigning(source._options) if role in layout.columns]
        with self._database.reading() as connection:
            yield from stream_rows(
                connection, self._dialect(connection), layout, service, start, end, roles=roles,
                arm_named="arm" in source._options.columns,
            )  # fmt: skip

    def _seeking(self, seeks: Seeks | None) -> SqlSource:
        options = seeking(self._options, seeks)
        if options is self._options:
            return self
        if self._sought is None or self._sought._options.seeks != options.seeks:
            self._sought = SqlSource(self._address, options)
        return self._sought

    @cached_property
    def _table(self) -> Table:
        return self._database.table(self._options.table)

    @cached_property
    def _survey(self) -> Survey:
        with self._database.reading() as connection:
            return survey(connection, self._dialect(connection), self._table, self._options)

    @cached_property
    def _known(self) -> Inspection:
        table, found = self._table, self._survey
        with self._database.reading() as connection:
            rows = measurements(self._dialect(connection), found.layout)
            return Inspection(
                found, connection.execute(tally(rows, self._options.now)).all(),
                source=f"{self._database.label}, table {table.label}", format=self._database.dialect,
                decimal=self._options.decimal,
            )  # fmt: skip

    @cached_property
    def _intake(self) -> Intake:
        known, repeats = self._known, self._repeats
        with self._database.reading() as connection:
            examples = find_examples(connection, self._dialect(connection), self._survey, known.reasons)
        return known.intake(doubles=repeats.doubles, frequent=repeats.frequent, examples=examples)

    @cached_property
    def _repeats(self) -> Repeats:
        """What repeats in the whole table."""
        with self._database.reading() as connection:
            dialect = self._dialect(connection)
            rows = counting_rows(measurements(dialect, self._survey.layout))
            return self._repeats_among(connection, dialect, most_frequent(dialect, rows, self._every), None)

    @property
    def _every(self) -> int:
        """Repetitions are looked for in one of so many seconds; it shares no divisor with minutes, hours and days."""
        least = self._known.total // SAMPLE + 1
        return 1 if least == 1 else next(every for every in range(least, 31 * least) if math.gcd(every, 86_400) == 1)

    def _repeats_among(
        self,
        connection: sa.Connection,
        dialect: Dialect,
        frequent: sa.Select[Any],
        period: tuple[datetime, datetime] | None,
    ) -> Repeats:
        statements = [frequent]
        if not self._table.key:  # else no row can repeat another
            columns = [column.name for column in self._table.columns[:MARKED]]
            rows = measurements(dialect, self._survey.layout, period=_stamps(period), carried=columns)
            statements.append(doubles(dialect, rows, len(columns), self._every, period))
        counts = [
            {row.service: int(row.rows) * self._every for row in connection.execute(statement)}
            for statement in statements
        ]
        return Repeats(*counts)

    def _dialect(self, connection: sa.Connection) -> Dialect:
        if self._database.dialect == "sqlite":
            return SqliteDialect(connection, decimal=self._options.decimal)
        return PostgresqlDialect(decimal=self._options.decimal)

    def _scan(
        self, connection: sa.Connection, start: datetime, end: datetime, services: Sequence[str], counted: Floats
    ) -> Scan:
        known, dialect = self._known, self._dialect(connection)
        settings = by_settings(self._options, services, lambda params: (params.excluded, params.timezone))
        rules = [ExcludedRule.of(params, start, end, names) for params, names in settings]
        counting = Counting(
            dialect,
            measurements(dialect, self._survey.layout, period=_stamps((start, end))),
            start,
            end,
            excluded=rules,
            services=services if len(services) < len(known.by_service) else None,
        )
        if known.reaches_beyond(start, end) or any(rule.hours or rule.steps for rule in rules):
            extents = [Extent(*row) for row in connection.execute(counting.extent())]
            frequent = counting.most_frequent(self._every)
            repeats = self._repeats_among(connection, dialect, frequent, (start, end))
        else:
            extents, repeats = known.extents, self._repeats
        return Scan(
            known=known,
            repeats=repeats,
            extents={row.service: (row.first, row.last) for row in extents},
            hours=ByService(connection, counting.hours(counted)),
            steps=ByService(connection, counting.steps(counted)),
        )


def _stamps(period: tuple[datetime, datetime] | None) -> tuple[float, float] | None:
    return None if period is None else (period[0].timestamp(), period[1].timestamp())
