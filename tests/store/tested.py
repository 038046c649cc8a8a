"""Experiments for tests of the store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from slaopt.experiment.design import Design, Guardrail
from slaopt.store import ExperimentRecord, NewExperiment, Store
from tests.store.builders import AT

DAY = timedelta(days=1)
SALT = "s" * 32
DESIGN = Design(
    service="checkout", control_threshold=2.0, test_threshold=1 / 3, common_threshold=2.0, unit="tenant",
    traffic_split=0.5, days=14, looks=14, control_rate=0.05, rope=0.005, tolerated_loss=5e-4,
    guardrails=(Guardrail(metric="p95", margin=0.1),), units=40.0, executions=1e17, icc=1e-9, information=123456.789,
)  # fmt: skip
LOOK: dict[str, Any] = {
    "number": 1, "looked_at": AT + DAY, "as_of": AT + DAY, "fraction": 0.1, "information": 1e5, "estimate": -1e-3,
    "standard_error": 0.00316, "verdict": "continue", "look": {"number": 1, "interval": [-0.01, None], "z": -0.3},
}  # fmt: skip


def planned_one(number: int = 1, service: str = "checkout", **values: Any) -> NewExperiment:
    """A test of a third of a second against 2 s."""
    told: dict[str, Any] = {
        "experiment_id": f"exp-{number}", "name": "a stricter line", "service": service, "control_threshold": 2.0,
        "test_threshold": 1 / 3, "hypothesis": "people hurry", "expected_improvement": 12.5, "duration_days": 14,
        "traffic_split": 0.5, "significance_level": 0.05, "unit": "tenant", "design": DESIGN.to_dict(),
        "requested_by": "ann",
    }  # fmt: skip
    return NewExperiment(**(told | values))


def start(store: Store, planned: ExperimentRecord, **values: Any) -> ExperimentRecord:
    """Begin one that is planned."""
    told: dict[str, Any] = {
        "salt": SALT, "design": DESIGN.to_dict(), "design_digest": DESIGN.digest, "by": "bob", "at": AT,
        "planned_end": AT + 14 * DAY,
    }  # fmt: skip
    with store.begin() as transaction:
        return transaction.experiments.start(planned, **(told | values))


def running(store: Store, number: int = 1, service: str = "checkout", **values: Any) -> ExperimentRecord:
    """Plan one and begin it."""
    with store.begin() as transaction:
        planned = transaction.experiments.add(planned_one(number, service, **values), at=AT)
    return start(store, planned)
