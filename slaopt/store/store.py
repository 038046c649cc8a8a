"""The store: transactions in, frozen records out. No object of SQLAlchemy leaves it.

Everything that belongs together is written in one transaction, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.experiment.assignment import arm_of
from slaopt.experiment.design import Arm
from slaopt.store import runs, tables
from slaopt.store.answers import Answers
from slaopt.store.audit import Audit
from slaopt.store.changes import Changes
from slaopt.store.configurations import Configurations, read_layout
from slaopt.store.contents import row_counts
from slaopt.store.database import Database
from slaopt.store.experiments import Experiments
from slaopt.store.history import note_threshold, read_thresholds, recent_thresholds
from slaopt.store.people import People
from slaopt.store.proposals import Proposals
from slaopt.store.purge import purge
from slaopt.store.records import NewRun, RunRecord, ServiceRecord, ThresholdRecord
from slaopt.store.requests import Requests
from slaopt.store.settings import Settings
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

    def threshold_for(self, service: str, unit: str | None = None) -> float | None:
        """Give the threshold that holds for a unit now, in seconds, as `Transaction.threshold_for`."""
        with self.reading() as transaction:
            return transaction.threshold_for(service, unit)

    def _layout(self, connection: sa.Connection) -> Configurations:
        if self._configurations is None:
            self._configurations = read_layout(connection)
        return self._configurations


class Decided(TypedDict, total=False):
    """Columns of `sla_configurations` that people set, other than the threshold; bounds in seconds, or None."""

    auto_adjust: bool
    optimization_enabled: bool
    min_threshold: float | None
    max_threshold: float | None


class Transaction:
    """What can be read and written within one transaction."""

    def __init__(self, connection: sa.Connection, configurations: Configurations) -> None:
        self._connection, self._configurations = connection, configurations
        self.people = People(connection)
        self.proposals = Proposals(connection)
        self.changes = Changes(connection, configurations)
        self.audit = Audit(connection)
        self.answers = Answers(connection)
        self.requests = Requests(connection)
        self.settings = Settings(connection)
        self.experiments = Experiments(connection)

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

    def configure(self, name: str, **columns: Unpack[Decided]) -> ServiceRecord:
        """Change what is decided about a service besides its threshold, and give what is there now.

        Raises
        ------
        InputError
            If it has no row, its bounds would contradict each other, or a column cannot hold one.
        """
        self._configurations.configure(self._connection, self._found(name), **columns)
        return self._found(name)

    def thresholds(self, service: str | None = None) -> dict[str, list[ThresholdRecord]]:
        """Give the history of thresholds by service (None: of all), the earliest first."""
        return read_thresholds(self._connection, service)

    def recent_thresholds(self, service: str | None = None, *, limit: int) -> list[ThresholdRecord]:
        """Give the last thresholds that came into force, of a service or (None) of all, the newest first."""
        return recent_thresholds(self._connection, service, limit)

    def note_threshold(
        self, record: ServiceRecord, *, previous: float | None, by: str, reason: str, at: datetime
    ) -> None:
        """Note the threshold of a service's row in its history, as in force from `at` on."""
        note_threshold(self._connection, record, previous=previous, by=by, reason=reason, at=at)

    def run(self, service: str, input_digest: str) -> RunRecord | None:
        """Give the run of a service that was made from that input."""
        return runs.find_run(self._connection, service, input_digest)

    def run_by_id(self, number: int) -> RunRecord | None:
        """Give a run by its id."""
        return runs.run_by_id(self._connection, number)

    def runs_of_report(self, service: str, *, identity: str, report_path: str) -> list[RunRecord]:
        """Give the runs that made a report of that identity, or one at that place."""
        return runs.runs_of_report(self._connection, service, identity=identity, report_path=report_path)

    def latest_runs(self, services: Iterable[str] | None = None) -> dict[str, RunRecord]:
        """Give the run of the latest period by service (None: of all), of those the one recorded last."""
        return runs.latest_runs(self._connection, services)

    def record(self, run: NewRun, *, at: datetime) -> bool:
        """Record a run: its analysis, its recommendation as a prediction, and that it was; give whether it is new.

        A run of the same input stays as it is recorded.
        """
        if self.run(run.service, run.input_digest) is not None:
            return False
        runs.add_run(self._connection, run, at=at)
        if (decided := self.service(run.service)) is not None:
            self._configurations.update(self._connection, decided, last_optimization_at=at)
        return True

    def prediction(self, number: int) -> dict[str, Any] | None:
        """Give a row of `sla_threshold_impact_predictions`, thresholds in seconds."""
        return runs.read_prediction(self._connection, number)

    def add_prediction(self, values: Mapping[str, Any]) -> int:
        """Add a row of `sla_threshold_impact_predictions` that rests on no report, and give its id."""
        return runs.add_prediction(self._connection, values)

    def running_experiments(self, service: str) -> list[str]:
        """Give the ids of the experiments that run on a service: at most one."""
        return [record.experiment_id for record in self.experiments.running(service)]

    def threshold_for(self, service: str, unit: str | None = None) -> float | None:
        """Give the threshold that holds for a unit of a service, in seconds; None where none is in force.

        It is the one in force, but for units in the test arm while an experiment runs. Without a unit it is the former.

        Raises
        ------
        InputError
            If the unit cannot be one, or the service's row makes no sense.
        """
        if unit is not None:
            for record in self.experiments.running(service):
                if record.salt is not None and _arm(record.salt, unit, record.traffic_split) == "test":
                    return record.test_threshold
        decided = self.service(service)
        if decided is not None and decided.problem is not None:
            raise InputError(f"{service}: {decided.problem}")
        return None if decided is None else decided.threshold

    def version(self) -> tuple[int, ...]:
        """Give the end of the audit log, the newest run and the newest look, by number: what answers hang on."""
        newest = (tables.audit_log.c.number, tables.runs.c.id, tables.looks.c.id)
        query = sa.select(*(sa.select(sa.func.max(column)).scalar_subquery() for column in newest))
        return tuple(number or 0 for number in self._connection.execute(query).one())

    def row_counts(self) -> dict[str, int]:
        """Count the rows of slaopt's own tables."""
        return row_counts(self._connection)

    def purge(self, before: datetime) -> dict[str, int]:
        """Take away what is older than a moment, never what was decided; give the rows of each table."""
        return purge(self._connection, before)

    def _found(self, name: str) -> ServiceRecord:
        found = self.service(name)
        if found is None:
            alike = [other for other in self.services() if other.casefold() == name.casefold()]
            hint = f"did you mean {alike[0]}?" if alike else f"slaopt services add {name} --threshold 2s puts it there"
            raise InputError(f"{name} is not in the store; {hint}")
        return found


def _decided(record: ServiceRecord) -> str:
    return "without a threshold" if record.threshold is None else f"with threshold {seconds(record.threshold, 6)}"


def _arm(salt: str, unit: str, traffic_split: float) -> Arm:
    try:
        return arm_of(salt, unit, traffic_split=traffic_split)
    except ValueError as error:
        raise InputError(str(error)) from None
