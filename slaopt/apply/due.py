"""What a pass of the watch does before it looks at measurements: commits what is due, expires what is too old."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from slaopt.apply.actor import WATCH
from slaopt.apply.experiments.ends import let_go
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import OPEN, moved
from slaopt.apply.watched import Pass, State, Watched
from slaopt.result import Skipped
from slaopt.wording import moment, number

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store.records import Proposal

__all__ = ["adjust_services", "commit_due", "expire_old", "finish"]

FINISHING: Final = {"expired": "expire", "kept": "keep"}  # what the audit log calls it


def commit_due(ledger: Ledger, done: Pass, services: Collection[str] | None) -> None:
    """Bring into force what was scheduled for a moment that has come."""
    with ledger.store.reading() as transaction:
        waiting = transaction.proposals.list(states={"scheduled"})
    for proposal in reversed(waiting):  # the first that was filed first
        due = proposal.scheduled_at is not None and proposal.scheduled_at <= done.at
        if due and _asked(proposal, services):
            done.do(partial(_commit, ledger, proposal, done.at), partial(_refused, proposal, done.at))


def expire_old(ledger: Ledger, done: Pass, services: Collection[str] | None) -> None:
    """Let go of proposals whose report is too old for anybody to approve them."""
    with ledger.store.reading() as transaction:
        waiting = transaction.proposals.list(states=OPEN)
    for proposal in reversed(waiting):
        if _asked(proposal, services) and done.at > _valid_until(ledger, proposal):
            done.do(partial(_expire, ledger, proposal, done.at), partial(_refused, proposal, done.at))


def adjust_services(ledger: Ledger, done: Pass) -> None:
    """Commit what services that adjust by themselves may commit."""
    from slaopt.apply.automatic import adjust

    for outcome in adjust(ledger, at=done.at):
        if isinstance(outcome, Skipped):
            done.add(Watched(service=outcome.service, state="refused", sentence=outcome.reason, at=done.at))
        elif outcome.proposal is not None and not outcome.repeated:
            done.add(_committed(outcome.proposal, outcome.sentence, done.at))


def finish(
    ledger: Ledger, proposal: Proposal, state: Literal["expired", "kept"], *, change_id: str, reason: str, at: datetime
) -> bool:
    """End what a proposal was watched or waited for, with an audit entry; False where somebody was faster."""
    action = FINISHING[state]
    with ledger.writing(action, actor=WATCH, at=at) as transaction:
        now = transaction.proposals.get(proposal.id)
        if now is None or now.state != proposal.state:
            return False
        transaction.proposals.move(now, moved(now.state, state), at=at)
        let_go(transaction, now, f"has expired: {reason}", actor=WATCH, at=at)
        note(
            transaction, action, actor=WATCH, at=at, service=now.service, proposal_id=now.id, change_id=change_id,
            reason=reason,
        )  # fmt: skip
    return True


def _asked(proposal: Proposal, services: Collection[str] | None) -> bool:
    return services is None or proposal.service in services


def _valid_until(ledger: Ledger, proposal: Proposal) -> datetime:
    ends = datetime.fromisoformat(proposal.assessment["as_of"])
    return ends + timedelta(days=ledger.params(proposal.service).report_valid_days)


def _commit(ledger: Ledger, proposal: Proposal, at: datetime) -> Watched | None:
    from slaopt.apply.deciding import commit

    outcome = commit(ledger, proposal.id, actor=WATCH, at=at)
    return None if outcome.repeated else _committed(proposal, outcome.sentence, at)


def _expire(ledger: Ledger, proposal: Proposal, at: datetime) -> Watched | None:
    days = ledger.params(proposal.service).report_valid_days
    ended = datetime.fromisoformat(proposal.assessment["as_of"])
    told = "its test was designed" if proposal.implementation_type == "ab_test" else "the report behind it ends"
    reason = f"{told} on {moment(ended)}, which is good for {number(days)} days"
    if not finish(ledger, proposal, "expired", change_id=proposal.change_id, reason=reason, at=at):
        return None
    return _of(proposal, "expired", f"proposal {proposal.id} has expired: {reason}", at)


def _committed(proposal: Proposal, sentence: str, at: datetime) -> Watched:
    return _of(proposal, "committed", sentence, at)


def _refused(proposal: Proposal, at: datetime, reason: str) -> Watched:
    return _of(proposal, "refused", reason, at)


def _of(proposal: Proposal, state: State, sentence: str, at: datetime) -> Watched:
    return Watched(
        service=proposal.service, state=state, sentence=sentence, at=at, proposal_id=proposal.id,
        change_id=proposal.change_id,
    )  # fmt: skip
