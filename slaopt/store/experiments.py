"""`sla_optimization_experiments`: what is tested, and what came of it."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, Unpack

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.experiment_records import ExperimentRecord, ExperimentStatus, NewExperiment, Results
from slaopt.store.experiment_seen import Seen

__all__ = ["Experiments"]

RUNNING: tuple[ExperimentStatus, ...] = ("running",)


class Experiments(Seen):
    """Experiments of the store. Which step may follow which is judged here only as far as rows contradict it."""

    def add(self, new: NewExperiment, *, at: datetime) -> ExperimentRecord:
        """Plan an experiment.

        Raises
        ------
        InputError
            If there is one of that id, or no proposal of that number.
        """
        if self.get(new.experiment_id) is not None:
            raise InputError(f"there is an experiment {new.experiment_id} already; give this one another id")
        values = {
            "experiment_id": new.experiment_id, "experiment_name": new.name, "service_type": new.service,
            "control_threshold": new.control_threshold, "test_threshold": new.test_threshold,
            "hypothesis": new.hypothesis, "expected_improvement": new.expected_improvement,
            "duration_days": new.duration_days, "traffic_split": new.traffic_split,
            "significance_level": new.significance_level, "unit": new.unit, "design": plain(new.design),
            "requested_by": new.requested_by, "proposal_id": new.proposal_id, "status": "planning",
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        self._connection.execute(sa.insert(tables.experiments).values(values))
        return self._found(new.experiment_id)

    def get(self, experiment_id: str) -> ExperimentRecord | None:
        """Give an experiment by its id."""
        found = self._read(tables.experiments.c.experiment_id == experiment_id)
        return found[0] if found else None

    def of_proposal(self, proposal_id: int) -> ExperimentRecord | None:
        """Give the experiment that a proposal's approval starts, of several the newest."""
        found = self._read(tables.experiments.c.proposal_id == proposal_id, limit=1)
        return found[0] if found else None

    def list(
        self,
        *,
        statuses: Collection[ExperimentStatus] | None = None,
        service: str | None = None,
        limit: int | None = None,
    ) -> builtins.list[ExperimentRecord]:
        """Give experiments, the newest first: those in one of the statuses (None: in any), of a service (None: all)."""
        table = tables.experiments
        wanted: builtins.list[sa.ColumnElement[bool]] = []
        if statuses is not None:
            wanted.append(table.c.status.in_(sorted(statuses)))
        if service is not None:
            wanted.append(table.c.service_type == service)
        return self._read(*wanted, limit=limit)

    def running(self, service: str | None = None) -> builtins.list[ExperimentRecord]:
        """Give the experiments that run, at most one of each service (None: of all), the newest first."""
        return self.list(statuses=RUNNING, service=service)

    def start(
        self,
        record: ExperimentRecord,
        *,
        salt: str,
        design: Mapping[str, Any],
        design_digest: str,
        by: str,
        at: datetime,
        planned_end: datetime,
    ) -> ExperimentRecord:
        """Begin an experiment that is planned: from now on its design is frozen, and units are assigned by its salt.

        Raises
        ------
        InputError
            If it is not planned any more, or another runs on the service.
        """
        if there := self.running(record.service):
            raise InputError(
                f"{record.service}: experiment {there[0].experiment_id} runs on it, and two at once would answer "
                "neither question; wait for its end, or stop it"
            )
        return self._move(
            record, "planning", "running", salt=salt, design=plain(design), design_digest=design_digest,
            duration_days=design.get("days", record.duration_days), planned_end=planned_end, started_by=by,
            experiment_start=at, updated_at=at,
        )  # fmt: skip

    def end(
        self,
        record: ExperimentRecord,
        *,
        status: Literal["completed", "stopped"],
        at: datetime,
        by: str,
        reason: str | None = None,
        **results: Unpack[Results],
    ) -> ExperimentRecord:
        """End an experiment that runs, or stop one that is only planned; `reason` tells why it ended early.

        Raises
        ------
        InputError
            If it has ended already, or was to be completed without having run.
        """
        before = RUNNING if status == "completed" else ("planning", *RUNNING)
        if record.status not in before:
            raise self._moved(record, " or ".join(before))
        return self._move(
            record, record.status, status, experiment_end=at, stopped_by=by, early_stop_reason=reason, updated_at=at,
            **_results(results),
        )  # fmt: skip

    def amend(
        self,
        record: ExperimentRecord,
        amendment: Mapping[str, Any],
        *,
        design: Mapping[str, Any],
        design_digest: str,
        planned_end: datetime,
    ) -> ExperimentRecord:
        """Change the design of an experiment that runs, and keep what was changed beside what it was.

        Raises
        ------
        InputError
            If it does not run any more, or was amended since `record` was read.
        """
        table = tables.experiments
        return self._move(
            record, "running", "running", table.c.design_digest == record.design_digest,
            amendments=[*record.amendments, plain(amendment)], design=plain(design), design_digest=design_digest,
            planned_end=planned_end, duration_days=design.get("days", record.duration_days),
        )  # fmt: skip

    def set_results(self, record: ExperimentRecord, **results: Unpack[Results]) -> ExperimentRecord:
        """Note what came of an experiment so far; columns that are not named stay. Raises InputError as `end`."""
        return self._move(record, record.status, record.status, **_results(results))

    def adopted(self, record: ExperimentRecord, proposal_id: int) -> ExperimentRecord:
        """Note the proposal that puts the test threshold forward for all. Raises InputError as `end`."""
        return self._move(record, record.status, record.status, adopted_by_proposal_id=proposal_id)

    def _move(
        self,
        record: ExperimentRecord,
        before: ExperimentStatus,
        after: ExperimentStatus,
        *conditions: sa.ColumnElement[bool],
        **columns: Any,
    ) -> ExperimentRecord:
        """Bring a row from one status into another where it still is as it was read, and give it anew."""
        table = tables.experiments
        same = (table.c.id == record.id, table.c.status == before, *conditions)
        moved = sa.update(table).where(*same).values(columns | {"status": after})
        if self._connection.execute(moved).rowcount != 1:
            raise self._moved(record, before)
        return self._found(record.experiment_id)

    def _moved(self, record: ExperimentRecord, wanted: str) -> InputError:
        now = self.get(record.experiment_id)
        if now is not None and now.status == wanted:
            return InputError(f"experiment {record.experiment_id} was amended since it was looked at; look at it again")
        return InputError(
            f"experiment {record.experiment_id} is {'gone' if now is None else now.status} by now, not {wanted}; "
            "look at it again"
        )

    def _found(self, experiment_id: str) -> ExperimentRecord:
        found = self.get(experiment_id)
        if found is None:
            raise InputError(f"there is no experiment {experiment_id}; slaopt experiment list names them")
        return found

    def _read(self, *conditions: sa.ColumnElement[bool], limit: int | None = None) -> builtins.list[ExperimentRecord]:
        table = tables.experiments
        query = sa.select(table).where(*conditions).order_by(table.c.id.desc()).limit(limit)
        return [_experiment(row) for row in self._connection.execute(query).mappings()]


def _results(results: Results) -> dict[str, Any]:
    return {name: plain(value) for name, value in results.items()}


def _experiment(row: Mapping[Any, Any]) -> ExperimentRecord:
    told = dict(row)
    return ExperimentRecord(
        name=told.pop("experiment_name"),
        service=told.pop("service_type"),
        design=told.pop("design") or {},
        amendments=tuple(told.pop("amendments") or ()),
        rollback_triggered=bool(told.pop("rollback_triggered")),
        requested_by=told.pop("requested_by") or "",
        **told,
    )
