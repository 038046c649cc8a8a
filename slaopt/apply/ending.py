"""Proposals that come to nothing: rejected by one who may approve, or withdrawn by the one who proposed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from slaopt.apply.actor import Actor, ForbiddenError, may, require_present, same_person
from slaopt.apply.cases import Case, read_case
from slaopt.apply.committing import step
from slaopt.apply.experiments.ends import let_go
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import moved
from slaopt.apply.requests import Call, Outcome, written

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.records import Action

__all__ = ["reject", "withdraw"]


def reject(
    ledger: Ledger, proposal_id: int, *, actor: Actor, at: datetime, reason: str, key: str | None = None
) -> Outcome:
    """Reject an open proposal, as one who may approve, also after having approved it.

    Raises
    ------
    RefusedError
        If the actor may not, or the proposal is not open any more.
    InputError
        If no reason is given.
    """
    said = written(reason, "reason")
    call = Call("reject", actor, key, {"proposal": proposal_id, "reason": said})

    def decide(transaction: Transaction, case: Case) -> None:
        if all(approval.approver != actor.name for approval in case.approvals):
            transaction.proposals.add_approval(
                proposal_id, approver=actor.name, decision="rejected", comment=said, second_factor=False, at=at
            )

    return _ended(ledger, proposal_id, call, "rejected", decide, right="approve", at=at)


def withdraw(
    ledger: Ledger, proposal_id: int, *, actor: Actor, at: datetime, reason: str | None = None, key: str | None = None
) -> Outcome:
    """Withdraw an open proposal, as the one who proposed it or as an admin. Raises as `reject`."""
    said = None if reason is None or not reason.strip() else written(reason, "reason")
    call = Call("withdraw", actor, key, {"proposal": proposal_id, "reason": said})

    def decide(_: Transaction, case: Case) -> None:
        if not (same_person(actor.name, case.proposal.proposed_by) or may(actor, "administer")):
            raise ForbiddenError(
                f"{case.proposal.proposed_by} proposed this, who alone or an admin can withdraw it; "
                "one who may approve can reject it"
            )

    return _ended(ledger, proposal_id, call, "withdrawn", decide, right="propose", at=at)


def _ended(
    ledger: Ledger,
    proposal_id: int,
    call: Call,
    state: Literal["rejected", "withdrawn"],
    decide: Callable[[Transaction, Case], None],
    *,
    right: Action,
    at: datetime,
) -> Outcome:
    """End a proposal in one transaction; one that has ended so already stays as it is."""
    with ledger.writing(call.action, actor=call.actor, at=at) as transaction:
        require_present(transaction, call.actor, right)
        if (answer := call.answered(transaction)) is not None:
            return answer
        case = read_case(transaction, ledger, proposal_id)
        if case.proposal.state == state:
            return Outcome(
                proposal=case.proposal, repeated=True, sentence=f"Proposal {proposal_id} is {state} already."
            )
        moved(case.proposal.state, state)
        decide(transaction, case)
        ended = transaction.proposals.move(case.proposal, state, at=at)
        reason = "" if call.body["reason"] is None else f": {call.body['reason']}"
        let_go(transaction, ended, f"was {state} by {call.actor.name}{reason}", actor=call.actor, at=at)
        note(
            transaction, call.action, actor=call.actor, at=at, service=ended.service, **step(ended),
            reason=call.body["reason"],
        )  # fmt: skip
        outcome = Outcome(proposal=ended, sentence=f"Proposal {proposal_id} is {state} by {call.actor.name}.")
        return call.keep(transaction, outcome, at=at)
