"""Rollbacks: the value before a change is restored, unless somebody has decided otherwise since."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, require_present
from slaopt.apply.cases import UnknownError, read_case
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import moved
from slaopt.apply.refusals import about_service, agree, require_none
from slaopt.apply.requests import Call, Outcome, written
from slaopt.errors import RefusedError, StaleError
from slaopt.wording import moment, seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.records import ChangeRecord, Proposal

__all__ = ["rollback"]

REFUSED = "rollback_refused"  # under what was observed of a change: said once, however often it is tried


def rollback(
    ledger: Ledger,
    change_id: str,
    *,
    reason: str,
    actor: Actor,
    at: datetime,
    key: str | None = None,
    fired: Sequence[Mapping[str, Any]] | None = None,
) -> Outcome:
    """Take a change back, a rollback too: the threshold before it is in force again.

    A change that was taken back already stays so, and its rollback is given.

    Parameters
    ----------
    fired
        Criteria that ask for it; None: a person does.

    Raises
    ------
    StaleError
        If a newer threshold is in force, whoever set it; that is shown, and stays.
    RefusedError
        If the actor may not, there was no threshold before, or what would come back could not be approved now.
    UnknownError
        If there is no such change.
    """
    said = written(reason, "reason")
    call = Call("roll back", actor, key, {"change": change_id, "reason": said})
    try:
        with ledger.writing("roll back", actor=actor, at=at) as transaction:
            require_present(transaction, actor, "approve")
            if (answer := call.answered(transaction)) is not None:
                return answer
            change = _found(transaction, change_id)
            if (done := _undone(transaction, change)) is not None:
                return done
            _require_newest(transaction, change)
            _require_allowed_back(transaction, ledger, change)
            outcome = _restored(transaction, change, said, actor=actor, at=at, fired=fired)
            return call.keep(transaction, outcome, at=at)
    except StaleError as refusal:
        _note_refusal(ledger, change_id, str(refusal), actor=actor, at=at)
        raise


def _found(transaction: Transaction, change_id: str) -> ChangeRecord:
    change = transaction.changes.get(change_id)
    if change is None:
        raise UnknownError(f"there is no change {change_id}; slaopt history lists them")
    return change


def _undone(transaction: Transaction, change: ChangeRecord) -> Outcome | None:
    """Give the rollback that took a change back, where that still holds."""
    if change.undone_by is None:
        return None
    back = transaction.changes.get(change.undone_by)
    if back is None or not back.in_force:
        return None
    return Outcome(
        proposal=_proposal(transaction, change),
        change=back,
        repeated=True,
        sentence=f"Change {change.change_id} was rolled back already, by {back.implemented_by} on "
        f"{moment(back.implemented_at)}.",
    )


def _require_newest(transaction: Transaction, change: ChangeRecord) -> None:
    """Refuse to overwrite what was decided after the change."""
    service = change.service
    newest = transaction.changes.latest(service)
    if newest is not None and newest.change_id != change.change_id:
        raise StaleError(
            f"{service}: change {newest.change_id} by {newest.implemented_by} is newer and has set "
            f"{seconds(newest.threshold, 6)} on {moment(newest.implemented_at)}; "
            "roll that one back instead, or propose another threshold"
        )
    record = transaction.service(service)
    now = None if record is None else record.threshold
    if not change.in_force or not agree(now, change.threshold):
        noted = transaction.thresholds(service).get(service, [])
        by = f" by {noted[-1].implemented_by}" if noted and agree(noted[-1].threshold, now) else " outside slaopt"
        found = "none" if now is None else seconds(now, 6)
        raise StaleError(
            f"{service}: its threshold was set to {found}{by} after change {change.change_id} had set "
            f"{seconds(change.threshold, 6)}; that is newer and stays: propose another threshold to change it"
        )
    if change.previous is None:
        raise RefusedError(
            f"{service} had no threshold before change {change.change_id}: propose another one, or disable the service"
        )


def _require_allowed_back(transaction: Transaction, ledger: Ledger, change: ChangeRecord) -> None:
    """Refuse to bring a change back, by a rollback of its rollback, where its threshold could not be approved now.

    Its approvals still count. Codes of a second factor are good once, so a critical change has to be proposed again.
    """
    proposal = _proposal(transaction, change)
    if proposal is None or proposal.state != "rolled_back" or change.previous is None:
        return
    case = read_case(transaction, ledger, proposal.id)
    require_none(
        about_service(
            change.service, case.record, case.experiments, change.previous, expected=change.threshold,
            params=case.params,
        )
    )  # fmt: skip
    if case.needs.second_factor and not case.solo:
        raise RefusedError(
            f"{change.service}: change {proposal.change_id} was critical, so it is not brought back by one person: "
            f"slaopt update-threshold proposes {seconds(change.previous, 6)} again"
        )


def _restored(
    transaction: Transaction,
    change: ChangeRecord,
    reason: str,
    *,
    actor: Actor,
    at: datetime,
    fired: Sequence[Mapping[str, Any]] | None,
) -> Outcome:
    assert change.previous is not None  # refused before
    proposal = _proposal(transaction, change)
    back = transaction.changes.set_threshold(
        change.service,
        threshold=change.previous,
        expected=change.threshold,
        change_id=f"r{secrets.token_hex(5)}",
        kind="rollback",
        by=actor.name,
        at=at,
        reason=reason,
        proposal_id=change.proposal_id,
        undoes=change.change_id,
    )
    if proposal is not None:
        state = moved(proposal.state, "committed" if proposal.state == "rolled_back" else "rolled_back")
        proposal = transaction.proposals.move(proposal, state, at=at)
    note(
        transaction, "roll back", actor=actor, at=at, service=change.service, change_id=back.change_id,
        undoes=change.change_id, proposal=change.proposal_id, reason=reason, fired=fired,
        **{"from": change.threshold, "to": change.previous},
    )  # fmt: skip
    sentence = (
        f"{change.service}: {seconds(change.previous, 6)} is in force again instead of {seconds(change.threshold, 6)} "
        f"(rollback {back.change_id} of {change.change_id})."
    )
    return Outcome(proposal=proposal, change=back, sentence=sentence)


def _proposal(transaction: Transaction, change: ChangeRecord) -> Proposal | None:
    return None if change.proposal_id is None else transaction.proposals.get(change.proposal_id)


def _note_refusal(ledger: Ledger, change_id: str, why: str, *, actor: Actor, at: datetime) -> None:
    """Note once that a rollback was refused, since whoever relied on it should find out."""
    with ledger.writing("refuse rollback", actor=actor, at=at) as transaction:
        change = _found(transaction, change_id)
        if ((change.performance_impact or {}).get("observed") or {}).get(REFUSED) == why:
            return
        transaction.changes.observe(change_id, {REFUSED: why})
        note(transaction, "refuse rollback", actor=actor, at=at, service=change.service, change_id=change_id, why=why)
