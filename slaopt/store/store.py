"""The store: transactions in, frozen records out. No object of SQLAlchemy leaves it.

Everything that belongs together is written in one transaction, or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.store import tables
from slaopt.store.amounts import known_unit, seconds_of
from slaopt.store.configurations import Configurations, read_layout
from slaopt.store.database import Database
from slaopt.store.recording import analysis_row, prediction_row, run_row
from slaopt.store.records import NewRun, RunRecord, ServiceRecord, ThresholdRecord
from slaopt.wording import seconds

__all__ = ["Store", "Transaction"]


class Store:
    """A store whose tables are up to date; `make_store` and `find_store` open one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._configurations: Configurations | None = None

    @property
    def label(self) -> str:
        """Its address, without secrets."""
        return self._database.label

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction that writes, alone at its time; an error undoes all of it.

        Raises
        ------
        UnreachableError
            If the database does not answer, or others keep it locked.
        InputError
            If it refuses what is written.
        """
        with self._database.begin() as connection:
            yield Transaction(connection, self._layout(connection))

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that reads, as of one moment. Raises as `begin`."""
        with self._database.reading() as connection:
            yield Transaction(connection, self._layout(connection))

    def _layout(self, connection: sa.Connection) -> Configurations:
        if self._configurations is None:
            self._configurations = read_layout(connection)
        return self._configurations


class Transaction:
    """What can be read and written within one transaction."""

    def __init__(self, connection: sa.Connection, configurations: Configurations) -> None:
        self._connection, self._configurations = connection, configurations

    def services(self) -> dict[str, ServiceRecord]:
        """Give what is decided about each service, in the order of their names."""
        return {record.service: record for record in self._configurations.read(self._connection)}

    def service(self, name: str) -> ServiceRecord | None:
        """Give what is decided about a service; None where it has no row."""
        found = self._configurations.read(self._connection, name)
        return found[0] if found else None

    def add_service(
        self, record: ServiceRecord, *, unit: str = "seconds", by: str, reason: str, at: datetime
    ) -> ServiceRecord:
        """Add a row for a service that has none, begin the history of its threshold, and give what is there now.

        Raises
        ------
        InputError
            If it has one, or the table cannot hold it; with the remedy.
        """
        there = self.service(record.service)
        if there is not None:
            raise InputError(f"{record.service} is in the store already, {_decided(there)}; change its row instead")
        self._configurations.insert(self._connection, record, unit=unit, at=at)
        added = self._found(record.service)
        self.note_threshold(added, previous=None, by=by, reason=reason, at=at)
        return added

    def switch(self, name: str, *, enabled: bool) -> ServiceRecord:
        """Have slaopt look after a service of itself, or not, and give what is there now.

        Raises
        ------
        InputError
            If it has no row.
        """
        self._configurations.update(self._connection, self._found(name), optimization_enabled=enabled)
        return self._found(name)

    def thresholds(self, service: str | None = None) -> dict[str, list[ThresholdRecord]]:
        """Give the history of thresholds by service (None: of all), the earliest first."""
        table = tables.history
        query = sa.select(table).order_by(table.c.implemented_at, table.c.id)
        if service is not None:
            query = query.where(table.c.service_type == service)
        found = defaultdict(list)
        for row in self._connection.execute(query).mappings():
            found[row["service_type"]].append(_threshold(dict(row)))
        return dict(found)

    def note_threshold(
        self, record: ServiceRecord, *, previous: float | None, by: str, reason: str, at: datetime
    ) -> None:
        """Note the threshold of a service's row in its history, as in force from `at` on."""
        table = tables.history
        earlier = sa.update(table).where(table.c.service_type == record.service, table.c.is_active)
        self._connection.execute(earlier.values(is_active=False))
        unit = Decimal(str(seconds_of(Decimal(1), record.unit)))
        self._connection.execute(
            sa.insert(table).values(
                service_type=record.service,
                threshold_value=record.amount,
                threshold_unit="seconds" if record.unit == "s" else record.unit,
                previous_value=None if previous is None else Decimal(f"{previous:.12g}") / unit,
                optimization_reason=reason,
                implemented_at=at,
                implemented_by=by,
            )
        )

    def run(self, service: str, input_digest: str) -> RunRecord | None:
        """Give the run of a service that was made from that input."""
        table = tables.runs
        query = sa.select(table).where(table.c.service_type == service, table.c.input_digest == input_digest)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _run(dict(row))

    def runs_of_report(self, service: str, *, identity: str, report_path: str) -> list[RunRecord]:
        """Give the runs that made a report of that identity, or one at that place."""
        table = tables.runs
        made = sa.and_(table.c.service_type == service, table.c.identity == identity)
        query = sa.select(table).where(sa.or_(made, table.c.report_path == report_path)).order_by(table.c.id)
        return [_run(dict(row)) for row in self._connection.execute(query).mappings()]

    def latest_runs(self, services: Iterable[str] | None = None) -> dict[str, RunRecord]:
        """Give the run of the latest period by service (None: of all), of those the one recorded last."""
        table = tables.runs
        query = sa.select(table).order_by(table.c.as_of, table.c.id)
        if services is not None:
            query = query.where(table.c.service_type.in_(list(services)))
        return {row["service_type"]: _run(dict(row)) for row in self._connection.execute(query).mappings()}

    def record(self, run: NewRun, *, at: datetime) -> bool:
        """Record a run: its analysis, its recommendation as a prediction, and that it was; give whether it is new.

        A run of the same input stays as it is recorded.
        """
        if self.run(run.service, run.input_digest) is not None:
            return False
        analysis = self._insert(tables.analyses, analysis_row(run))
        predicted = prediction_row(run)
        prediction = None if predicted is None else self._insert(tables.predictions, predicted)
        references = {"analysis_id": analysis, "prediction_id": prediction, "created_at": at}
        self._insert(tables.runs, run_row(run) | references)
        if (decided := self.service(run.service)) is not None:
            self._configurations.update(self._connection, decided, last_optimization_at=at)
        return True

    def _found(self, name: str) -> ServiceRecord:
        found = self.service(name)
        if found is None:
            alike = [other for other in self.services() if other.casefold() == name.casefold()]
            hint = f"did you mean {alike[0]}?" if alike else f"slaopt services add {name} --threshold 2s puts it there"
            raise InputError(f"{name} is not in the store; {hint}")
        return found

    def _insert(self, table: sa.Table, values: Mapping[str, Any]) -> int:
        added: int = self._connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
        return added


def _decided(record: ServiceRecord) -> str:
    return "without a threshold" if record.threshold is None else f"with threshold {seconds(record.threshold, 6)}"


def _threshold(row: Mapping[str, Any]) -> ThresholdRecord:
    unit = known_unit(row["threshold_unit"])
    return ThresholdRecord(
        service=row["service_type"],
        threshold=seconds_of(row["threshold_value"], unit),
        previous=None if row["previous_value"] is None else seconds_of(row["previous_value"], unit),
        implemented_at=row["implemented_at"],
        implemented_by=row["implemented_by"],
        reason=row["optimization_reason"],
    )


def _run(row: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        service=row["service_type"],
        as_of=row["as_of"],
        input_digest=row["input_digest"],
        identity=row["identity"],
        manifest_digest=row["manifest_digest"],
        report_path=row["report_path"],
        slaopt_version=row["slaopt_version"],
        verdict=row["verdict"],
        sentence=row["sentence"],
        analysis_id=row["analysis_id"],
        prediction_id=row["prediction_id"],
        recorded_at=row["created_at"],
    )
