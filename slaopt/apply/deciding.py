"""Approving, scheduling and committing: each in one transaction, after the report behind it was verified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, require_present
from slaopt.apply.cases import Case, read_case
from slaopt.apply.codes import CodeError, has_factor, second_factor
from slaopt.apply.committing import bring_into_force, step
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import OPEN, TransitionError, moved, named
from slaopt.apply.refusals import about_actor, refusals, require_none
from slaopt.apply.reports import require_fit_report
from slaopt.apply.requests import Call, Outcome, written
from slaopt.errors import InputError, RefusedError, StaleError
from slaopt.wording import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.records import Proposal, State

__all__ = [
    "Approval",
    "approve",
    "commit",
    "decide",
    "record",
    "schedule",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What one person says when approving a proposal."""

    comment: str | None = None
    hold: bool = False  # do not bring it into force yet
    when: datetime | None = None  # to bring it into force
    second_factor: bool = False


def approve(
    ledger: Ledger, proposal_id: int, *, actor: Actor, at: datetime,
    comment: str | None = None, code: str | None = None, hold: bool = False, key: str | None = None,
) -> Outcome:  # fmt: skip
    """Approve a proposal; where nobody else has to, it is in force at once, or scheduled where it was asked for so.

    Parameters
    ----------
    code
        Of the approver's second factor, where the change is critical.
    hold
        Approved is as far as it goes, whoever approves after this: `commit` brings it into force later.
    key
        Of this request: with the same key it is done once.

    Raises
    ------
    RefusedError
        If a rule forbids it; then nothing is recorded.
    """
    said = None if comment is None or not comment.strip() else written(comment, "comment")
    call = Call("approve", actor, key, {"proposal": proposal_id, "comment": said, "hold": hold})
    return decide(ledger, proposal_id, call, Approval(comment=said, hold=hold), at=at, code=code)


def schedule(
    ledger: Ledger, proposal_id: int, when: datetime, *, actor: Actor, at: datetime,
    comment: str | None = None, code: str | None = None, key: str | None = None,
) -> Outcome:  # fmt: skip
    """Approve a proposal and set when it comes into force; of one that is approved, set the time. Raises as `approve`.

    The time must lie before the report behind it is too old.
    """
    if when <= at:
        raise InputError(f"{moment(when)} has passed: give a time to come, or approve without one")
    said = None if comment is None or not comment.strip() else written(comment, "comment")
    call = Call("schedule", actor, key, {"proposal": proposal_id, "when": when, "comment": said})
    return decide(ledger, proposal_id, call, Approval(comment=said, when=when), at=at, code=code)


def commit(ledger: Ledger, proposal_id: int, *, actor: Actor, at: datetime, key: str | None = None) -> Outcome:
    """Bring a proposal into force that is approved and was held, or scheduled and is due. Raises as `approve`."""
    call = Call("commit", actor, key, {"proposal": proposal_id})
    looked = _looked(ledger, proposal_id, call)
    if isinstance(looked, Outcome):
        return looked
    require_none(_against_commit(looked, at))
    _require_fit(ledger, looked)
    with ledger.writing("commit", actor=actor, at=at) as transaction:
        case = _again(transaction, ledger, call, looked)
        if isinstance(case, Outcome):
            return case
        require_none(_against_commit(case, at))
        return call.keep(transaction, bring_into_force(transaction, case, actor=actor, at=at), at=at)


def decide(
    ledger: Ledger, proposal_id: int, call: Call, approval: Approval, *, at: datetime, code: str | None
) -> Outcome:
    """Look, verify, ask for the second factor, then look again and decide in one transaction. Raises as `approve`."""
    looked = _looked(ledger, proposal_id, call)
    if isinstance(looked, Outcome):
        return looked
    require_none(_against_approval(looked, call.actor, approval, at))
    _require_fit(ledger, looked)
    shown = second_factor(ledger, looked.needs, call.actor, code, solo=looked.solo, at=at)
    with ledger.writing(call.action, actor=call.actor, at=at) as transaction:
        case = _again(transaction, ledger, call, looked)
        if isinstance(case, Outcome):
            return case
        require_none(_against_approval(case, call.actor, approval, at))
        if case.needs.second_factor and not shown and has_factor(transaction, call.actor, solo=case.solo):
            raise CodeError("the change takes a code of your second factor by now: ask again")
        outcome = record(
            transaction, ledger, case, replace(approval, second_factor=shown), actor=call.actor, at=at
        )  # fmt: skip
        return call.keep(transaction, outcome, at=at)


def _looked(ledger: Ledger, proposal_id: int, call: Call) -> Case | Outcome:
    """Read a proposal for one who may approve; the answer where it was given before, or another was faster."""
    with ledger.store.reading() as transaction:
        require_present(transaction, call.actor, "approve")
        if (answer := call.answered(transaction)) is not None:
            return answer
        case = read_case(transaction, ledger, proposal_id)
        return _in_force(transaction, case.proposal) or case


def _again(transaction: Transaction, ledger: Ledger, call: Call, looked: Case) -> Case | Outcome:
    """Look again, where nobody else writes: what was looked at and verified must still be so."""
    require_present(transaction, call.actor, "approve")
    if (answer := call.answered(transaction)) is not None:
        return answer
    case = read_case(transaction, ledger, looked.proposal.id)
    if (done := _in_force(transaction, case.proposal)) is not None:
        return done
    if case.run != looked.run:
        raise StaleError(f"the report behind proposal {case.proposal.id} was recorded anew meanwhile: look again")
    return case


def _in_force(transaction: Transaction, proposal: Proposal) -> Outcome | None:
    """Give the change where a proposal was committed already: a second click changes nothing."""
    if proposal.state not in ("committed", "kept"):
        return None
    if proposal.implementation_type == "ab_test":
        sentence = f"The experiment of proposal {proposal.id} was started already."
        return Outcome(proposal=proposal, repeated=True, sentence=sentence)
    change = transaction.changes.get(proposal.change_id)
    by = "" if change is None else f" by {change.implemented_by} on {moment(change.implemented_at)}"
    sentence = f"Proposal {proposal.id} was brought into force already{by}."
    return Outcome(proposal=proposal, change=change, repeated=True, sentence=sentence)


def _against_approval(case: Case, actor: Actor, approval: Approval, at: datetime) -> Iterator[RefusedError]:
    """All that stands against this approval, the state of the proposal first."""
    proposal = case.proposal
    if proposal.state == "scheduled" and proposal.scheduled_at is not None:
        yield TransitionError(
            f"proposal {proposal.id} has all approvals, and is scheduled for {moment(proposal.scheduled_at)}"
        )
    elif proposal.state not in ("proposed", "approved"):
        yield TransitionError(f"a proposal that is {named(proposal.state)} cannot be approved")
    if not _only_sets_time(case, approval):
        yield from about_actor(case, actor)
    yield from refusals(case, at=at)
    if approval.when is not None and case.valid_until is not None and approval.when > case.valid_until:
        yield RefusedError(
            f"on {moment(approval.when)} the report behind proposal {proposal.id} will be too old: "
            f"choose a time until {moment(case.valid_until)}"
        )


def _only_sets_time(case: Case, approval: Approval) -> bool:
    """Whether all approvals are there and it was held: then to say when takes no other person, and is no approval."""
    return approval.when is not None and case.proposal.state == "approved" and not case.missing


def _against_commit(case: Case, at: datetime) -> Iterator[RefusedError]:
    """All that stands against bringing a proposal into force now."""
    proposal = case.proposal
    if proposal.state not in OPEN:
        yield TransitionError(f"a proposal that is {named(proposal.state)} cannot be committed")
    if proposal.state == "scheduled" and proposal.scheduled_at is not None and proposal.scheduled_at > at:
        yield RefusedError(f"proposal {proposal.id} is scheduled, and due on {moment(proposal.scheduled_at)}")
    if case.missing:
        yield RefusedError(f"proposal {proposal.id} is not approved yet: {_waiting(case.missing)}")
    yield from refusals(case, at=at)


def _require_fit(ledger: Ledger, case: Case) -> None:
    if case.run is not None:  # without one it was refused before
        require_fit_report(ledger, case.run)


def record(
    transaction: Transaction, ledger: Ledger, case: Case, approval: Approval, *, actor: Actor, at: datetime
) -> Outcome:
    """Record an approval against which nothing stands, and take the step that follows from it."""
    if approval.when is not None and _only_sets_time(case, approval):
        return _scheduled(transaction, case, approval.when, actor=actor, at=at, comment=approval.comment)
    case, proposal = _added(transaction, ledger, case, approval, actor=actor, at=at), case.proposal
    due = approval.when or proposal.scheduled_at
    if case.missing:
        columns = {} if approval.when is None else _at(proposal, approval.when)
        if approval.hold:
            columns["held"] = True
        filed = transaction.proposals.move(proposal, proposal.state, at=at, **columns)
        return Outcome(proposal=filed, sentence=f"Approved by {actor.name}: {_waiting(case.missing)}.")
    if approval.hold or proposal.held:
        return _moved(transaction, case, "approved", at, f"Approved by {actor.name}, and held until it is committed.")
    if due is not None and due > at:
        return _scheduled(transaction, case, due, actor=actor, at=at)
    return bring_into_force(transaction, case, actor=actor, at=at)


def _added(
    transaction: Transaction, ledger: Ledger, case: Case, approval: Approval, *, actor: Actor, at: datetime
) -> Case:
    """Add an approval to those that are there, and give the case with it."""
    proposal = case.proposal
    if actor.name not in case.approved_by:
        transaction.proposals.add_approval(
            proposal.id, approver=actor.name, decision="approved", comment=approval.comment,
            second_factor=approval.second_factor, at=at,
        )  # fmt: skip
    case = read_case(transaction, ledger, proposal.id)
    wanted = max(case.needs.approvals, 1)
    note(
        transaction, "approve", actor=actor, at=at, service=proposal.service, **step(proposal),
        approvals=f"{min(len(case.approved_by), wanted)} of {wanted}", comment=approval.comment,
        second_factor=approval.second_factor or None,
    )  # fmt: skip
    return case


def _scheduled(
    transaction: Transaction, case: Case, when: datetime, *, actor: Actor, at: datetime, comment: str | None = None
) -> Outcome:
    proposal = case.proposal
    note(
        transaction, "schedule", actor=actor, at=at, service=proposal.service, **step(proposal), when=when,
        comment=comment,
    )  # fmt: skip
    by = " and ".join(case.approved_by)
    return _moved(transaction, case, "scheduled", at, f"Approved by {by}, for {moment(when)}.", **_at(proposal, when))


def _at(proposal: Proposal, when: datetime) -> dict[str, Any]:
    """A test that is scheduled stays a test."""
    kind = proposal.implementation_type
    return {"scheduled_at": when, "implementation_type": kind if kind == "ab_test" else "scheduled"}


def _moved(transaction: Transaction, case: Case, state: State, at: datetime, sentence: str, **columns: Any) -> Outcome:
    proposal = case.proposal
    if proposal.state != state:
        moved(proposal.state, state)
    return Outcome(proposal=transaction.proposals.move(proposal, state, at=at, **columns), sentence=sentence)


def _waiting(missing: int) -> str:
    return "one more person has to approve it" if missing == 1 else f"{missing} more people have to approve it"
