"""The history of thresholds: who changed what and why, and what was predicted against what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from slaopt.apply.watched import watched_until
from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.params import ParamsBook
    from slaopt.store import ThresholdRecord, Transaction
    from slaopt.store.records import ChangeRecord, State

__all__ = ["HistoryEntry", "history"]

Kind = Literal["commit", "rollback", "noted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(Result):
    """A threshold that came into force, under the names that other systems know from `sla_threshold_history`."""

    service: str = field(metadata={"published": "service_type"})
    threshold: float = field(metadata={"published": "threshold_value"})  # seconds
    threshold_unit: str = "seconds"
    previous: float | None = field(metadata={"published": "previous_value"})
    reason: str | None = field(metadata={"published": "optimization_reason"})
    confidence: float | None = field(metadata={"published": "optimization_confidence"})
    implemented_at: datetime
    implemented_by: str
    rollback_criteria: tuple[Any, ...]
    predicted: Mapping[str, Any] | None  # outcomes now and then, and the impact of a month
    observed: Mapping[str, Any] | None  # since the change; None: not yet, or never
    in_force: bool = field(metadata={"published": "is_active"})
    kind: Kind  # noted: a first value, or a change made outside slaopt
    change_id: str | None
    proposal_id: int | None
    state: State | None  # of the proposal behind it
    undoes: str | None
    undone_by: str | None
    watched_until: datetime | None

    @property
    def can_be_undone(self) -> bool:
        """Whether a rollback would restore the value before."""
        return self.in_force and self.change_id is not None and self.previous is not None

    @property
    def is_first(self) -> bool:
        """Whether it is a first threshold that slaopt brought: it is not watched, as there is nothing to restore."""
        return self.change_id is not None and self.previous is None


def history(
    transaction: Transaction, book: ParamsBook, *, service: str | None = None, limit: int = 50
) -> tuple[HistoryEntry, ...]:
    """Give the thresholds that came into force, the newest first; those that slaopt did not bring too."""
    rows = transaction.recent_thresholds(service, limit=limit)
    changes = transaction.changes.of_history({row.id for row in rows})
    states = transaction.proposals.states({one.proposal_id for one in changes.values() if one.proposal_id is not None})
    return tuple(
        _changed(changes[row.id], row.reason, states, book) if row.id in changes else _noted(row) for row in rows
    )


def _noted(row: ThresholdRecord) -> HistoryEntry:
    return HistoryEntry(
        service=row.service, threshold=row.threshold, previous=row.previous, reason=row.reason, confidence=None,
        implemented_at=row.implemented_at, implemented_by=row.implemented_by, rollback_criteria=(), predicted=None,
        observed=None, in_force=row.is_active, kind="noted", change_id=None, proposal_id=None, state=None, undoes=None,
        undone_by=None, watched_until=None,
    )  # fmt: skip


def _changed(change: ChangeRecord, reason: str | None, states: Mapping[int, State], book: ParamsBook) -> HistoryEntry:
    state = states.get(change.proposal_id or 0)
    days = book.services.get(change.service, book.default).watch_days
    impact = change.performance_impact or {}
    return HistoryEntry(
        service=change.service,
        threshold=change.threshold,
        previous=change.previous,
        reason=reason,
        confidence=change.confidence,
        implemented_at=change.implemented_at,
        implemented_by=change.implemented_by,
        rollback_criteria=change.rollback_criteria,
        predicted=impact.get("predicted"),
        observed=impact.get("observed"),
        in_force=change.in_force,
        kind=change.kind,
        change_id=change.change_id,
        proposal_id=change.proposal_id,
        state=state,
        undoes=change.undoes,
        undone_by=change.undone_by,
        watched_until=watched_until(change, state, days=days),
    )
