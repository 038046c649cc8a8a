"""What an experiment recommends, put to people: a proposal for all the traffic, which takes the usual way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, is_solo, require_present
from slaopt.apply.experiments.ends import ExperimentOutcome, found, outcome_of, told
from slaopt.apply.filing import add, fresh_digest, require_undecided
from slaopt.apply.ledger import note
from slaopt.apply.needs import needs_of
from slaopt.apply.refusals import about_service, require_none
from slaopt.apply.reports import require_fit_report
from slaopt.apply.requests import Call, Outcome
from slaopt.errors import RefusedError, StaleError
from slaopt.store.records import NewProposal
from slaopt.wording import seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.apply.scoring import Scored
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord

__all__ = ["adopt"]

TOLD = (
    "verdict", "sentence", "control_violation_rate", "test_violation_rate", "effect_size", "p_value",
    "confidence_interval", "probability_better", "expected_loss",
)  # fmt: skip


def adopt(
    ledger: Ledger, experiment_id: str, *, actor: Actor, at: datetime, key: str | None = None
) -> ExperimentOutcome:
    """Propose the threshold that an experiment recommends, for all the traffic; others approve it, as any change.

    What it would mean is assessed from the newest report, and what the experiment found stands beside.

    Raises
    ------
    RefusedError
        If the actor may not, the experiment does not recommend it, or a rule forbids it.
    UnknownError
        If there is no such experiment.
    InputError
        If there is no report to assess it from.
    """
    from slaopt.apply.scoring import score

    call = Call("adopt experiment", actor, key, {"experiment": experiment_id})
    with ledger.store.reading() as transaction:
        done = _looked(transaction, call, experiment_id)
        if isinstance(done, ExperimentOutcome):
            return done
        require_none(_against(transaction, ledger, done))
        newest = transaction.latest_runs([done.service]).get(done.service)
    if newest is not None:
        require_fit_report(ledger, newest)
    scored = score(ledger, done.service, done.test_threshold, at=at)
    if scored.run != newest:
        raise StaleError(f"{done.service}: a newer report was recorded meanwhile; ask again")
    with ledger.writing(call.action, actor=actor, at=at) as transaction:
        record = _looked(transaction, call, experiment_id)
        if isinstance(record, ExperimentOutcome):
            return record
        require_none(_against(transaction, ledger, record))
        require_undecided(transaction, record.service)
        filed = add(transaction, _new(transaction, ledger, record, scored, actor), actor=actor, at=at)
        adopted = transaction.experiments.adopted(record, filed.id)
        note(
            transaction, "adopt experiment", actor=actor, at=at, service=record.service,
            **(told(record) | {"proposal": filed.id}), change_id=filed.change_id,
        )  # fmt: skip
        people = "one person has" if filed.needs.approvals <= 1 else f"{filed.needs.approvals} people have"
        sentence = (
            f"{record.service}: {seconds(record.test_threshold, 6)} is proposed for all after experiment "
            f"{experiment_id} (proposal {filed.id}, change {filed.change_id}); {people} to approve it."
        )
        return outcome_of(adopted, call.keep(transaction, Outcome(proposal=filed, sentence=sentence), at=at))


def _looked(transaction: Transaction, call: Call, experiment_id: str) -> ExperimentRecord | ExperimentOutcome:
    """Give an experiment that can be adopted, or the answer where that was done."""
    require_present(transaction, call.actor, "propose")
    record = found(transaction, experiment_id)
    if (answer := call.answered(transaction)) is not None:
        return outcome_of(record, answer)
    if record.adopted_by_proposal_id is not None:
        proposal = transaction.proposals.get(record.adopted_by_proposal_id)
        sentence = f"Experiment {experiment_id} has led to proposal {record.adopted_by_proposal_id} already."
        return ExperimentOutcome(experiment=record, proposal=proposal, repeated=True, sentence=sentence)
    return record


def _against(transaction: Transaction, ledger: Ledger, record: ExperimentRecord) -> Iterator[RefusedError]:
    name, test = record.experiment_id, seconds(record.test_threshold, 6)
    if record.status in ("planning", "running"):
        yield RefusedError(f"experiment {name} is {record.status}: wait for its end")
    if record.recommendation != "adopt":
        says = "makes no recommendation" if record.recommendation is None else f"recommends to {record.recommendation}"
        yield RefusedError(
            f"experiment {name} {says}, so {test} is not adopted from it: `slaopt update-threshold {record.service}` "
            "asks for it all the same"
        )
    yield from about_service(
        record.service, transaction.service(record.service), transaction.running_experiments(record.service),
        record.test_threshold, expected=record.control_threshold, params=ledger.params(record.service),
    )  # fmt: skip


def _new(
    transaction: Transaction, ledger: Ledger, record: ExperimentRecord, scored: Scored, actor: Actor
) -> NewProposal:
    body = {"run": scored.run.input_digest, "experiment": record.experiment_id}
    return NewProposal(
        service=record.service,
        origin="request",
        input_digest=fresh_digest(transaction, record.service, body),
        run_id=scored.run.id,
        prediction_id=None if scored.prediction is None else transaction.add_prediction(scored.prediction),
        current_threshold=scored.current_threshold,
        proposed_threshold=record.test_threshold,
        proposed_by=actor.name,
        reason=f"Experiment {record.experiment_id}: {(record.results or {}).get('sentence', 'adopt')}",
        needs=needs_of(
            scored.current_threshold, record.test_threshold, risk=scored.implementation_risk,
            rules=ledger.params(record.service).approvals, solo=is_solo(transaction),
        ),
        assessment={**scored.assessment, "experiment": _result(record)},
        rollback_rules=scored.rollback_rules,
        watch=scored.watch,
    )  # fmt: skip


def _result(record: ExperimentRecord) -> dict[str, Any]:
    """What the experiment found, as a preview shows it."""
    results = record.results or {}
    return {"experiment_id": record.experiment_id, "recommendation": record.recommendation} | {
        name: results.get(name) for name in TOLD
    }
