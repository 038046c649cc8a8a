"""`sla_changes`: the changes that slaopt made to thresholds. Here alone a threshold that is in force is written."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from slaopt.errors import InputError, StaleError
from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.amounts import same
from slaopt.store.configurations import Configurations, first_record
from slaopt.store.history import note_threshold
from slaopt.store.records import ChangeRecord, ServiceRecord
from slaopt.wording import seconds

__all__ = ["Changes"]


class Changes:
    """Changes of the store, and the one way to make them."""

    def __init__(self, connection: sa.Connection, configurations: Configurations) -> None:
        self._connection, self._configurations = connection, configurations

    def set_threshold(
        self,
        service: str,
        *,
        threshold: float,
        expected: float | None,
        change_id: str,
        kind: Literal["commit", "rollback"],
        by: str,
        at: datetime,
        reason: str | None,
        proposal_id: int | None = None,
        undoes: str | None = None,
        confidence: float | None = None,
        justification: str | None = None,
        rollback_criteria: Sequence[Any] = (),
        performance_impact: Mapping[str, Any] | None = None,
        objective: float | None = None,
    ) -> ChangeRecord:
        """Bring a threshold into force where the expected one is, and note it in the history.

        Parameters
        ----------
        expected
            What is in force, as whoever decides has seen it; compared at the scale of its column. None: nothing is,
            and the service gets a row where it has none, with that `objective`.
        undoes
            The change that this takes back.

        Raises
        ------
        StaleError
            If another threshold is in force by now; both are named.
        InputError
            If its row makes no sense, cannot hold the threshold, or holds it already.
        """
        before = self._expected(service, expected)
        if before is None:
            first = first_record(service, threshold=threshold, objective=objective)
            self._configurations.insert(self._connection, first, unit="seconds", at=at)
        elif not self._configurations.replace_threshold(self._connection, before, threshold, at=at):
            raise _unwritten(before, expected, self._service(service))
        now = self._written(service, threshold)
        previous = None if before is None else before.threshold
        history = note_threshold(
            self._connection, now, previous=previous, by=by, reason=reason, at=at,
            optimization_confidence=confidence, business_justification=justification,
            rollback_criteria=plain(rollback_criteria), performance_impact=plain(performance_impact),
        )  # fmt: skip
        values = {
            "service_type": now.service, "change_id": change_id, "kind": kind, "history_id": history,
            "threshold": now.threshold, "previous": previous, "proposal_id": proposal_id, "undoes": undoes,
            "reason": reason, "created_at": at,
        }  # fmt: skip
        self._connection.execute(sa.insert(tables.changes).values(values))
        made = self.get(change_id)
        assert made is not None
        return made

    def get(self, change_id: str) -> ChangeRecord | None:
        """Give a change by its id."""
        found = self._read(tables.changes.c.change_id == change_id)
        return found[0] if found else None

    def list(self, *, service: str | None = None, limit: int | None = None) -> builtins.list[ChangeRecord]:
        """Give changes, the newest first."""
        return self._read(None if service is None else tables.changes.c.service_type == service, limit)

    def latest(self, service: str) -> ChangeRecord | None:
        """Give the newest change of a service."""
        found = self.list(service=service, limit=1)
        return found[0] if found else None

    def newest(self) -> dict[str, ChangeRecord]:
        """Give the newest change of each service."""
        table = tables.changes
        last = sa.select(sa.func.max(table.c.id)).group_by(table.c.service_type)
        return {change.service: change for change in self._read(table.c.id.in_(last))}

    def of_history(self, ids: Collection[int]) -> dict[int, ChangeRecord]:
        """Give the changes behind rows of the history, by the ids of those."""
        return {change.history_id: change for change in self._read(tables.changes.c.history_id.in_(list(ids)))}

    def observe(self, change_id: str, impact: Mapping[str, Any]) -> None:
        """Note what was seen of a change since it is in force, beside what was predicted."""
        change = self.get(change_id)
        if change is None:
            raise InputError(f"there is no change {change_id}; slaopt history lists them")
        known = change.performance_impact or {}
        told = {**known, "observed": {**known.get("observed", {}), **plain(impact)}}
        table = tables.history
        noted = sa.update(table).where(table.c.id == change.history_id).values(performance_impact=told)
        self._connection.execute(noted)

    def mark_implemented(self, prediction_id: int, at: datetime) -> None:
        """Note that what a prediction is about was done."""
        table = tables.predictions
        self._connection.execute(sa.update(table).where(table.c.id == prediction_id).values(implemented_at=at))

    def _expected(self, service: str, expected: float | None) -> ServiceRecord | None:
        """Give the row of a service where it holds what is expected."""
        there = self._service(service)
        if there is not None and there.problem is not None:
            raise InputError(f"{service}: {there.problem}")
        if expected is None:
            if there is not None and there.threshold is not None:
                raise _stale(service, expected, there)
            return there
        if there is None or there.amount is None or not same(expected, there.amount, there.unit, there.scale):
            raise _stale(service, expected, there)
        return there

    def _service(self, service: str) -> ServiceRecord | None:
        found = self._configurations.read(self._connection, service)
        return found[0] if found else None

    def _written(self, service: str, threshold: float) -> ServiceRecord:
        """Give the row as it is after the threshold was written, and be sure that it was."""
        now = self._service(service)
        if now is None or not _holds(now, threshold):
            raise InputError(
                f"{service}: {seconds(threshold, 12)} was written and {_told(now, 12)} read back: the column keeps "
                "fewer digits, or a trigger of the database changes it; mend that first, the threshold is as it was"
            )
        return now

    def _read(self, condition: sa.ColumnElement[bool] | None, limit: int | None = None) -> builtins.list[ChangeRecord]:
        table, undoing = tables.changes, tables.changes.alias()
        query = (
            sa.select(table, tables.history, undoing.c.change_id.label("undone_by"))
            .join(tables.history, tables.history.c.id == table.c.history_id)
            .outerjoin(undoing, undoing.c.undoes == table.c.change_id)
            .order_by(table.c.id.desc())
            .limit(limit)
        )
        rows = self._connection.execute(query if condition is None else query.where(condition)).all()
        if not rows:
            return []
        names = {row._mapping[table.c.service_type] for row in rows}
        only = names.pop() if len(names) == 1 else None
        services = {record.service: record for record in self._configurations.read(self._connection, only)}
        return [_change(row._mapping, services) for row in rows]


def _change(row: Mapping[Any, Any], services: Mapping[str, ServiceRecord]) -> ChangeRecord:
    own, history = tables.changes.c, tables.history.c
    return ChangeRecord(
        change_id=row[own.change_id],
        kind=row[own.kind],
        service=row[own.service_type],
        threshold=row[own.threshold],
        previous=row[own.previous],
        implemented_at=row[history.implemented_at],
        implemented_by=row[history.implemented_by],
        reason=row[own.reason],
        confidence=row[history.optimization_confidence],
        rollback_criteria=tuple(row[history.rollback_criteria] or ()),
        performance_impact=row[history.performance_impact],
        proposal_id=row[own.proposal_id],
        undoes=row[own.undoes],
        undone_by=row["undone_by"],
        in_force=bool(row[history.is_active]) and _holds(services.get(row[own.service_type]), row[own.threshold]),
        history_id=row[own.history_id],
    )


def _holds(record: ServiceRecord | None, threshold: float) -> bool:
    return (
        record is not None and record.amount is not None and same(threshold, record.amount, record.unit, record.scale)
    )


def _stale(service: str, expected: float | None, there: ServiceRecord | None) -> StaleError:
    was = "none" if expected is None else seconds(expected, 6)
    return StaleError(
        f"{service}: its threshold is now {_told(there)}, not {was}: it was changed since; look at it again"
    )


def _unwritten(before: ServiceRecord, expected: float | None, now: ServiceRecord | None) -> StaleError | InputError:
    """Why a row was not written that held what was expected a moment before."""
    if now is not None and now.stands == before.stands:
        return InputError(
            f"{before.service}: the database leaves its row in sla_configurations as it is and says nothing; look "
            "for a trigger, a rule or a row security policy"
        )
    return _stale(before.service, expected, now)


def _told(record: ServiceRecord | None, digits: int = 6) -> str:
    return "none" if record is None or record.threshold is None else seconds(record.threshold, digits)
