"""A proposal put in force, or its test started: all that is written for it, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor
from slaopt.apply.experiments.starting import start_test
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import OPEN, TransitionError, moved, named
from slaopt.apply.requests import Outcome
from slaopt.errors import RefusedError
from slaopt.wording import seconds

if TYPE_CHECKING:
    from slaopt.apply.cases import Case
    from slaopt.store import Transaction
    from slaopt.store.records import Proposal

__all__ = ["bring_into_force", "step"]

PREDICTED = ("strategy", "business_priority", "confidence_score", "now", "then", "predicted_outcomes", "impact")


def bring_into_force(transaction: Transaction, case: Case, *, actor: Actor, at: datetime) -> Outcome:
    """Commit a proposal that everybody needed has approved; that of a test starts the experiment.

    Raises
    ------
    TransitionError
        If it is in no state for that.
    RefusedError
        If an approval is missing.
    StaleError
        If the threshold is not the one any more that the proposal was made for.
    """
    proposal, told = case.proposal, case.proposal.assessment
    if proposal.state not in OPEN:
        raise TransitionError(f"a proposal that is {named(proposal.state)} cannot be committed")
    moved(proposal.state, "committed")
    if case.missing:
        raise RefusedError(f"proposal {proposal.id} waits for {_people(case.missing)} to approve it")
    if proposal.implementation_type == "ab_test":
        return start_test(transaction, case, actor=actor, at=at)
    rationale = told.get("optimization_rationale") or {}
    by = case.approved_by[-1]
    change = transaction.changes.set_threshold(
        proposal.service,
        threshold=proposal.proposed_threshold,
        expected=proposal.current_threshold,
        change_id=proposal.change_id,
        kind="commit",
        by=by,
        at=at,
        reason=proposal.reason or told.get("sentence"),
        proposal_id=proposal.id,
        confidence=told.get("confidence_score"),
        justification=rationale.get("business_justification"),
        rollback_criteria=tuple(told.get("rollback_criteria") or ()),
        performance_impact={"predicted": {name: told[name] for name in PREDICTED if name in told}},
        objective=told.get("objective", case.params.objective),
    )
    if proposal.prediction_id is not None:
        transaction.changes.mark_implemented(proposal.prediction_id, at)
    committed = transaction.proposals.move(proposal, "committed", at=at)
    note(
        transaction, "commit", actor=actor, at=at, service=proposal.service, **step(proposal),
        approved_by=list(case.approved_by), report=told.get("report_path"),
    )  # fmt: skip
    sentence = (
        f"{proposal.service}: {_from_to(proposal)} is in force (change {change.change_id}, "
        f"approved by {' and '.join(case.approved_by)})."
    )
    return Outcome(proposal=committed, change=change, sentence=sentence)


def step(proposal: Proposal) -> dict[str, Any]:
    """Give what the audit log says of a proposal with each step."""
    return {
        "proposal": proposal.id,
        "change_id": proposal.change_id,
        "from": proposal.current_threshold,
        "to": proposal.proposed_threshold,
    }


def _from_to(proposal: Proposal) -> str:
    then = seconds(proposal.proposed_threshold, 6)
    if proposal.current_threshold is None:
        return f"the first threshold, {then},"
    return f"{then} instead of {seconds(proposal.current_threshold, 6)}"


def _people(number: int) -> str:
    return "one more person" if number == 1 else f"{number} more people"
