"""What tests of experiments share: a test of a threshold that runs, and measurements of simulated traffic."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from slaopt.apply import Actor, approve
from slaopt.apply.experiments import ExperimentOutcome, ExperimentPass, experiment_watch, propose_experiment
from slaopt.apply.experiments.schedule import first_hour
from slaopt.experiment import Design, Guardrail
from slaopt.experiment.simulating import simulate
from slaopt.sources import Source, connect
from slaopt.store import ExperimentRecord
from tests.apply.builders import ANN, AT, BOB, NOW, SERVICE, THEN, Grounds

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAYS, UNITS, PER_UNIT, RATE = 4, 60, 400, 0.05
BEGIN = first_hour(AT)  # of what counts, where a test is started at once


def design(**other: Any) -> Design:
    """A test of 700 ms against 500 ms by tenants, with a look each day."""
    each = UNITS * PER_UNIT / 2
    fields: dict[str, Any] = {
        "service": SERVICE, "control_threshold": NOW, "test_threshold": THEN, "common_threshold": NOW,
        "unit": "tenant", "traffic_split": 0.5, "days": DAYS, "looks": DAYS, "control_rate": RATE, "rope": 0.1 * RATE,
        "tolerated_loss": 0.01 * RATE, "guardrails": (Guardrail(metric="mean", margin=0.1),), "units": float(UNITS),
        "executions": 2 * each, "information": each / (2 * RATE * (1 - RATE)),
    }  # fmt: skip
    return Design(**fields | other)


def planned(ground: Grounds, *, actor: Actor = ANN, at: datetime = AT, **other: Any) -> ExperimentOutcome:
    return propose_experiment(ground.ledger, SERVICE, design(**other), actor=actor, at=at)


def begun(ground: Grounds, *, salt: str | None = "of tests", **other: Any) -> ExperimentRecord:
    """A test that Ann proposed and Bob approved; its salt is exchanged, so that the arms are the same in each run."""
    filed = planned(ground, **other)
    assert filed.proposal is not None
    approve(ground.ledger, filed.proposal.id, actor=BOB, at=AT)
    if salt is not None:
        ground.place.run(f"UPDATE sla_optimization_experiments SET salt = '{salt}' WHERE status = 'running'")
    return found(ground, filed.experiment.experiment_id)


def found(ground: Grounds, experiment_id: str) -> ExperimentRecord:
    with ground.store.reading() as transaction:
        record = transaction.experiments.get(experiment_id)
    assert record is not None
    return record


def traffic(
    ground: Grounds, folder: Path, record: ExperimentRecord, *, test_rate: float | None = None, **other: Any
) -> Source:
    """Measurements of a running test, with tenants and no arms, as a service writes them."""
    rows = simulate(
        seed=other.pop("seed", 7), units=UNITS, per_unit=PER_UNIT, days=DAYS, start=BEGIN, threshold=NOW,
        control_rate=RATE, test_rate=test_rate, salt=record.salt, **other,
    )  # fmt: skip
    path = folder / "measured.csv"
    rows.drop(columns="arm").assign(service=SERVICE).to_csv(path, index=False)
    return connect(str(path), book=ground.ledger.book, now=BEGIN + 10 * DAY, columns={"assigned": "tenant"})


def passed(ground: Grounds, source: Source | None, at: datetime) -> ExperimentPass:
    """What one pass made of the one test there is."""
    (told,) = experiment_watch(ground.ledger, source, at=at)
    return told


def looked_at(day: int) -> datetime:
    """A moment at which the look of that day can be made."""
    return BEGIN + day * DAY + HOUR
