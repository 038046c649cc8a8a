"""Tests of thresholds in a workspace that is served: begun some days ago, and looked at since on simulated traffic."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from slaopt.apply import Actor, approve
from slaopt.apply.experiments import ExperimentPass, experiment_watch, propose_experiment
from slaopt.apply.experiments.schedule import counted_from
from slaopt.apply.ledger import Ledger
from slaopt.apply.opening import ledger_around
from slaopt.experiment import Design, Guardrail
from slaopt.experiment.simulating import simulate
from slaopt.params import load_params
from slaopt.sources import connect
from slaopt.store import ExperimentRecord
from tests.server.running import now, store_of

ANN, BOB, CID = Actor("ann", "analyst"), Actor("bob", "approver"), Actor("cid", "approver")
UNITS, PER_UNIT, RATE = 60, 400, 0.05
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def ledger_of(workspace: Path) -> Ledger:
    """The ledger of a workspace."""
    return ledger_around(store_of(workspace), load_params(workspace), workspace)


def design_of(service: str, control: float, test: float, **other: Any) -> Design:
    """A test by tenants, with a look each day."""
    each = UNITS * PER_UNIT / 2
    fields: dict[str, Any] = {
        "service": service, "control_threshold": control, "test_threshold": test, "common_threshold": control,
        "unit": "tenant", "traffic_split": 0.5, "days": 7, "looks": 7, "control_rate": RATE, "rope": 0.1 * RATE,
        "tolerated_loss": 0.01 * RATE, "units": float(UNITS), "executions": 2 * each,
        "guardrails": (Guardrail(metric="mean", margin=0.1), Guardrail(metric="p95", margin=0.2)),
        "information": each / (2 * RATE * (1 - RATE)),
    }  # fmt: skip
    return Design(**fields | other)


def filed(workspace: Path, service: str, *, days_ago: float = 0.0, **other: Any) -> ExperimentRecord:
    """A test that Ann proposed, of 1.2 times the threshold in force."""
    ledger = ledger_of(workspace)
    with ledger.store.reading() as transaction:
        row = transaction.service(service)
    assert row is not None
    assert row.threshold is not None
    design = design_of(service, row.threshold, 1.2 * row.threshold, **other)
    at = now() - days_ago * DAY
    return propose_experiment(ledger, service, design, actor=ANN, at=at, hypothesis="Fewer retries").experiment


def begun(workspace: Path, service: str, *, days_ago: float = 0.0, **other: Any) -> ExperimentRecord:
    """A test that runs since some days, approved by Bob."""
    record, ledger = filed(workspace, service, days_ago=days_ago, **other), ledger_of(workspace)
    assert record.proposal_id is not None
    approve(ledger, record.proposal_id, actor=BOB, at=now() - days_ago * DAY)
    return found(workspace, record.experiment_id)


def found(workspace: Path, experiment_id: str) -> ExperimentRecord:
    """A test as the store has it now."""
    with store_of(workspace).reading() as transaction:
        record = transaction.experiments.get(experiment_id)
    assert record is not None
    return record


def watched(workspace: Path, record: ExperimentRecord, *, test_rate: float | None = None) -> list[ExperimentPass]:
    """Look at a test each day since it began, on simulated traffic of tenants, until it ends or today."""
    ledger, design = ledger_of(workspace), Design.from_dict(record.design)
    begin = counted_from(record, design)
    rows = simulate(
        seed=7, units=UNITS, per_unit=PER_UNIT, days=design.days, start=begin, threshold=design.control_threshold,
        control_rate=RATE, test_rate=test_rate, salt=record.salt,
    )  # fmt: skip
    path = workspace.parent / f"{record.service}.csv"
    rows.drop(columns="arm").assign(service=record.service).to_csv(path, index=False)
    source = connect(str(path), book=ledger.book, now=now() + 30 * DAY, columns={"assigned": "tenant"})
    told: list[ExperimentPass] = []
    for day in range(1, design.days + 1):
        at = begin + day * DAY + HOUR
        if at > now() + HOUR or found(workspace, record.experiment_id).status != "running":
            break
        told += experiment_watch(ledger, source, at=at, services={record.service})
    return told
