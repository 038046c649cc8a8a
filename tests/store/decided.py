"""Proposals and changes for tests of the store."""

from __future__ import annotations

from typing import Any

from slaopt.store import ChangeRecord, Needs, NewProposal, Store, first_record
from tests.store.builders import AT

NEEDS = Needs(approvals=2, second_factor=True, significance="critical", why=("It is a large step.",))


def new_proposal(service: str = "checkout", *, digest: str = "a", **values: Any) -> NewProposal:
    """A proposal of 2 s → 2.5 s."""
    told: dict[str, Any] = {
        "service": service,
        "origin": "report",
        "input_digest": digest * 64,
        "run_id": None,
        "prediction_id": None,
        "current_threshold": 2.0,
        "proposed_threshold": 2.5,
        "proposed_by": "ann",
        "needs": NEEDS,
        "assessment": {"sentence": "Raise it.", "expected_violation_rate": 0.006, "interval": [0.004, None]},
        "rollback_rules": ({"metric": "violation_rate", "operator": ">", "value": 0.02, "window": "1h"},),
    }
    return NewProposal(**(told | values))


def add_service(store: Store, service: str = "checkout", threshold: float = 2.0, **values: Any) -> None:
    """A service of the store with a threshold."""
    with store.begin() as transaction:
        record = first_record(service, threshold=threshold, objective=0.99)
        transaction.add_service(record, by="ann", reason="a first value", at=AT, **values)


def change(store: Store, number: int = 1, *, service: str = "checkout", **values: Any) -> ChangeRecord:
    """A change from 2 s to 2.5 s, unless told otherwise."""
    told: dict[str, Any] = {
        "threshold": 2.5,
        "expected": 2.0,
        "change_id": f"change-{number}",
        "kind": "commit",
        "by": "bob",
        "at": AT,
        "reason": "fewer false alarms",
    }
    with store.begin() as transaction:
        return transaction.changes.set_threshold(service, **(told | values))
