"""How experiments end: stopped, carried through, or never begun; the control threshold holds for all then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from slaopt.apply.actor import Actor, require_present
from slaopt.apply.cases import UnknownError
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import moved
from slaopt.apply.requests import Call, Outcome, written
from slaopt.errors import RefusedError
from slaopt.result import Result
from slaopt.wording import moment, seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord, Results
    from slaopt.store.records import Proposal

__all__ = ["ExperimentOutcome", "end", "found", "let_go", "outcome_of", "proposal_of", "stop", "told"]

ENDED: Mapping[str, Literal["kept", "rolled_back"]] = {"completed": "kept", "stopped": "rolled_back"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentOutcome(Result):
    """What became of a call: the experiment as it is now, the proposal that the call is about, and a sentence."""

    experiment: ExperimentRecord
    proposal: Proposal | None
    repeated: bool = False  # it was done before, and not again
    sentence: str


def stop(
    ledger: Ledger,
    experiment_id: str,
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    key: str | None = None,
    harm: Mapping[str, Any] | None = None,
) -> ExperimentOutcome:
    """Stop an experiment that runs: from then on the control threshold holds for all again.

    Parameters
    ----------
    harm
        What was found to get worse; None: it is stopped for another reason.

    Raises
    ------
    RefusedError
        If the actor may not, or it does not run.
    UnknownError
        If there is no such experiment.
    InputError
        If no reason is given.
    """
    said = written(reason, "reason")
    call = Call("stop experiment", actor, key, {"experiment": experiment_id, "reason": said})
    with ledger.writing(call.action, actor=actor, at=at) as transaction:
        require_present(transaction, actor, "approve")
        record = found(transaction, experiment_id)
        if (answer := call.answered(transaction)) is not None:
            return outcome_of(record, answer)
        if record.status == "stopped":
            return ExperimentOutcome(
                experiment=record, proposal=proposal_of(transaction, record), repeated=True,
                sentence=f"Experiment {experiment_id} is stopped already: {record.early_stop_reason}",
            )  # fmt: skip
        _require_running(record)
        outcome = end(transaction, record, "stopped", reason=said, actor=actor, at=at, harm=harm)
        call.keep(transaction, Outcome(proposal=outcome.proposal, sentence=outcome.sentence), at=at)
        return outcome


def end(
    transaction: Transaction,
    record: ExperimentRecord,
    status: Literal["completed", "stopped"],
    *,
    reason: str | None,
    actor: Actor,
    at: datetime,
    results: Results | None = None,
    harm: Mapping[str, Any] | None = None,
) -> ExperimentOutcome:
    """End an experiment that runs, with its proposal and an audit entry.

    `reason` tells why it ended before its time; `results` are the columns that tell what came of it.
    """
    columns: Results = {**(results or {}), "rollback_triggered": harm is not None}
    ended = transaction.experiments.end(record, status=status, at=at, by=actor.name, reason=reason, **columns)
    proposal = proposal_of(transaction, record)
    if proposal is not None:
        proposal = transaction.proposals.move(proposal, moved(proposal.state, ENDED[status]), at=at)
    action = "stop experiment" if status == "stopped" else "complete experiment"
    note(
        transaction, action, actor=actor, at=at, service=record.service, **told(ended), reason=reason, harm=harm,
        recommendation=ended.recommendation,
    )  # fmt: skip
    return ExperimentOutcome(experiment=ended, proposal=proposal, sentence=_ended_sentence(ended))


def let_go(transaction: Transaction, proposal: Proposal, why: str, *, actor: Actor, at: datetime) -> None:
    """End the experiment of a proposal that came to nothing before it began; of other proposals, nothing."""
    if proposal.implementation_type != "ab_test":
        return
    record = transaction.experiments.of_proposal(proposal.id)
    if record is not None and record.status == "planning":
        reason = f"it was never begun: proposal {proposal.id} {why}"
        transaction.experiments.end(record, status="stopped", at=at, by=actor.name, reason=reason)


def found(transaction: Transaction, experiment_id: str) -> ExperimentRecord:
    """Give an experiment.

    Raises
    ------
    UnknownError
        If there is none of that id.
    """
    record = transaction.experiments.get(experiment_id)
    if record is None:
        raise UnknownError(f"there is no experiment {experiment_id}; slaopt experiment list names them")
    return record


def proposal_of(transaction: Transaction, record: ExperimentRecord) -> Proposal | None:
    """Give the proposal whose approval starts an experiment."""
    return None if record.proposal_id is None else transaction.proposals.get(record.proposal_id)


def outcome_of(record: ExperimentRecord, answer: Outcome) -> ExperimentOutcome:
    """Put an experiment, as it is now, to the answer that a call had."""
    return ExperimentOutcome(
        experiment=record, proposal=answer.proposal, repeated=answer.repeated, sentence=answer.sentence
    )


def told(record: ExperimentRecord) -> dict[str, Any]:
    """Give what the audit log says of an experiment with each step."""
    return {
        "experiment": record.experiment_id,
        "proposal": record.proposal_id,
        "control": record.control_threshold,
        "test": record.test_threshold,
    }


def _require_running(record: ExperimentRecord) -> None:
    if record.status == "planning":
        raise RefusedError(
            f"experiment {record.experiment_id} has not begun: reject or withdraw proposal {record.proposal_id} instead"
        )
    if record.status != "running":
        ended = "" if record.experiment_end is None else f" since {moment(record.experiment_end)}"
        raise RefusedError(f"experiment {record.experiment_id} is {record.status}{ended}: there is nothing to stop")


def _ended_sentence(record: ExperimentRecord) -> str:
    how = "is stopped" if record.status == "stopped" else "is carried through"
    return (
        f"{record.service}: experiment {record.experiment_id} {how}; {seconds(record.control_threshold, 6)} holds for "
        "all again."
    )
