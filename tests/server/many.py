"""A store with hundreds of services, each with a run, its answers, proposals and changes, from two real reports."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slaopt.apply.scoring import assessment_of
from slaopt.params import Params
from slaopt.report.answered import answers_of
from slaopt.store import NewRun, Store, Transaction, first_record
from slaopt.store.records import Needs, NewProposal
from tests.server.running import SERVICES, case, now

OLDER = 3  # proposals of each service that were decided on before


@dataclass(frozen=True)
class Filled:
    """One service of the store."""

    name: str
    result: dict[str, Any]
    params: Params


def fill(store: Store, services: int, *, older: int = OLDER, at: datetime | None = None) -> list[str]:
    """Record a run of each of so many services, with a history of decided proposals and an open one at every tenth."""
    at = at or now()
    made = [one for _, one in zip(range(services), _services(), strict=False)]
    with store.begin() as transaction:
        for number, one in enumerate(made):
            record = first_record(one.name, threshold=one.params.threshold, objective=one.params.objective)
            transaction.add_service(record, by="params", reason="as params say", at=at - timedelta(days=200))
            run_id = _recorded(transaction, one, number, at)
            for age in range(older, 0, -1):
                _changed(transaction, one, digest=f"{number:x}-{age}", at=at - timedelta(days=40 * age))
            if number % 10 == 0:
                _proposed(transaction, one, run_id, digest=f"{number:x}-open", at=at, to=1.2 * _threshold(one))
    return [one.name for one in made]


def _services() -> Iterator[Filled]:
    results = [(case(name).assessment.to_dict(), case(name).params) for name in SERVICES]
    number = 0
    while True:
        result, params = results[number % len(results)]
        name = f"service-{number:03}"
        told = {kind: result[kind] | {"service_type": name} for kind in ("analysis", "recommendation")}
        yield Filled(name, told, params)
        number += 1


def _threshold(one: Filled) -> float:
    assert one.params.threshold is not None
    return one.params.threshold


def _recorded(transaction: Transaction, one: Filled, number: int, at: datetime) -> int:
    run = NewRun(
        service=one.name,
        as_of=datetime.fromisoformat(one.result["analysis"]["end"]),
        input_digest=f"{number:064x}",
        identity=f"{number:064x}",
        manifest_digest=f"{number:064x}",
        report_path=f"{one.name}/report",
        slaopt_version="0",
        analysis=one.result["analysis"],
        recommendation=one.result["recommendation"],
    )
    transaction.record(run, at=at)
    recorded = transaction.run(one.name, run.input_digest)
    assert recorded is not None
    for kind, (settings, answer) in answers_of(one.result, one.params).items():
        transaction.answers.put(recorded.id, kind, settings, answer, at)
    return recorded.id


def _proposed(
    transaction: Transaction, one: Filled, run_id: int | None, *, digest: str, at: datetime, to: float
) -> int:
    recommendation = one.result["recommendation"]
    new = NewProposal(
        service=one.name, origin="report", input_digest=digest, run_id=run_id, prediction_id=None,
        current_threshold=_threshold(one), proposed_threshold=to, proposed_by="ann",
        needs=Needs(approvals=1, second_factor=False, significance="routine", why=()),
        assessment=assessment_of(recommendation, as_of=at, report_path=f"{one.name}/report"), rollback_rules=(),
    )  # fmt: skip
    return transaction.proposals.add(new, change_id=f"c{secrets.token_hex(5)}", at=at).id


def _changed(transaction: Transaction, one: Filled, *, digest: str, at: datetime) -> None:
    """A change that was proposed, committed, observed and kept, and one that took it back: as before."""
    to = 1.1 * _threshold(one)
    proposal = transaction.proposals.get(_proposed(transaction, one, None, digest=digest, at=at, to=to))
    assert proposal is not None
    recommendation = one.result["recommendation"]
    predicted = {name: recommendation[name] for name in ("strategy", "now", "then", "impact", "confidence_score")}
    transaction.changes.set_threshold(
        one.name, threshold=to, expected=_threshold(one), change_id=proposal.change_id, kind="commit", by="bob", at=at,
        reason=None, proposal_id=proposal.id, performance_impact={"predicted": predicted},
    )  # fmt: skip
    rate = recommendation["then"]["violation_rate"]
    transaction.changes.observe(proposal.change_id, {
        "since": at, "until": at + timedelta(days=7), "executions": 10_000, "violations": 10_000 * rate,
        "violation_rate": rate, "pages": 1,
    })  # fmt: skip
    transaction.proposals.move(proposal, "kept", at=at + timedelta(days=30))
    transaction.changes.set_threshold(
        one.name, threshold=_threshold(one), expected=to, change_id=f"r{secrets.token_hex(5)}", kind="rollback",
        by="bob", at=at + timedelta(days=35), reason="as before", undoes=proposal.change_id,
    )  # fmt: skip
