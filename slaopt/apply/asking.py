"""A threshold that somebody asks for: an approval where it was proposed already, else a proposal of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, is_solo, may, require_present, same_person
from slaopt.apply.cases import read_case
from slaopt.apply.codes import second_factor
from slaopt.apply.deciding import Approval, decide, record
from slaopt.apply.filing import add, fresh_digest, require_undecided
from slaopt.apply.lifecycle import OPEN
from slaopt.apply.needs import needs_of
from slaopt.apply.refusals import about_service, agree, require_none
from slaopt.apply.reports import require_fit_report
from slaopt.apply.requests import Call, Outcome, written
from slaopt.errors import InputError, RefusedError, StaleError
from slaopt.store.records import Implementation, NewProposal
from slaopt.wording import moment, seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.apply.scoring import Scored
    from slaopt.store import Transaction
    from slaopt.store.records import Needs, Proposal

__all__ = ["Wish", "request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A threshold (seconds) that somebody asks for; a time only where it is to be scheduled."""

    service: str
    threshold: float
    implementation_type: Implementation = "immediate"
    rollback_rules: Sequence[Mapping[str, Any] | str] | None = None  # None: those that slaopt makes
    scheduled_at: datetime | None = None
    reason: str | None = None


def request(
    ledger: Ledger, wish: Wish, *, actor: Actor, at: datetime, code: str | None = None, key: str | None = None
) -> Outcome:
    """Ask for a threshold, or for a test of it that is designed from the newest report.

    Where it equals an open proposal of somebody else and the actor may approve, it is the approval. Otherwise it is
    assessed from the newest report and proposed; who works alone, and may approve, has it in force at once.

    Raises
    ------
    RefusedError
        If a rule forbids it.
    InputError
        If it makes no sense, or there is no report to assess it from.
    """
    said = _checked(wish, at)
    if wish.implementation_type == "ab_test":
        return _tested(ledger, wish, said, actor=actor, at=at, code=code, key=key)
    call = Call("update threshold", actor, key, _body(wish, said))
    with ledger.store.reading() as transaction:
        require_present(transaction, actor, "propose")
        if (answer := call.answered(transaction)) is not None:
            return answer
        solo, same = is_solo(transaction), _same_open(transaction, wish)
        if same is None:
            _require_rules_named(transaction, wish, actor)
        record_now, experiments = transaction.service(wish.service), transaction.running_experiments(wish.service)
    if same is not None:
        if may(actor, "approve") and (solo or not same_person(actor.name, same.proposed_by)):
            approval = Approval(comment=said, when=wish.scheduled_at)
            return decide(ledger, same.id, call, approval, at=at, code=code)
        return _waits(same)
    now = None if record_now is None else record_now.threshold
    params = ledger.params(wish.service)
    require_none(
        about_service(wish.service, record_now, experiments, wish.threshold, expected=now, params=params)
    )  # fmt: skip
    return _asked(ledger, wish, said, call, code=code, at=at)


def _tested(
    ledger: Ledger, wish: Wish, said: str | None, *, actor: Actor, at: datetime, code: str | None, key: str | None
) -> Outcome:
    from slaopt.apply.experiments.proposing import design_now, propose_experiment

    with ledger.store.reading() as transaction:
        require_present(transaction, actor, "propose")
    design = design_now(ledger, wish.service, wish.threshold, at=at).design
    filed = propose_experiment(
        ledger, wish.service, design, actor=actor, at=at, hypothesis=said, code=code, key=key
    )  # fmt: skip
    return Outcome(proposal=filed.proposal, repeated=filed.repeated, sentence=filed.sentence)


def _asked(ledger: Ledger, wish: Wish, said: str | None, call: Call, *, code: str | None, at: datetime) -> Outcome:
    """Assess it, then file it in one transaction, and decide at once where one works alone."""
    from slaopt.apply.scoring import score

    actor = call.actor
    with ledger.store.reading() as transaction:
        newest = transaction.latest_runs([wish.service]).get(wish.service)
    if newest is not None:
        require_fit_report(ledger, newest)
    scored = score(ledger, wish.service, wish.threshold, rules=wish.rollback_rules, at=at)
    if scored.current_threshold is None and wish.rollback_rules:
        raise InputError(f"{wish.service} has no threshold yet, so there is nothing to roll back to: give no rules")
    if scored.run != newest:
        raise StaleError(f"{wish.service}: a newer report was recorded meanwhile; ask again")
    approval = Approval(when=wish.scheduled_at)
    alone = actor.solo and may(actor, "approve")
    if alone:
        shown = second_factor(ledger, _needs(ledger, scored, solo=True), actor, code, solo=True, at=at)
        approval = Approval(when=wish.scheduled_at, second_factor=shown)
    with ledger.writing(call.action, actor=actor, at=at) as transaction:
        require_present(transaction, actor, "propose")
        if (answer := call.answered(transaction)) is not None:
            return answer
        if (same := _same_open(transaction, wish)) is not None:
            return _waits(same)
        require_none(
            about_service(
                wish.service, transaction.service(wish.service), transaction.running_experiments(wish.service),
                wish.threshold, expected=scored.current_threshold, params=ledger.params(wish.service),
            )
        )  # fmt: skip
        require_undecided(transaction, wish.service)
        filed = add(transaction, _new(transaction, ledger, wish, said, scored, actor), actor=actor, at=at)
        outcome = Outcome(proposal=filed, sentence=_filed_sentence(filed))
        if alone:
            case = read_case(transaction, ledger, filed.id)
            outcome = record(transaction, ledger, case, approval, actor=actor, at=at)
        return call.keep(transaction, outcome, at=at)


def _checked(wish: Wish, at: datetime) -> str | None:
    """Refuse what makes no sense, and give the reason as it will be kept."""
    if not 0 < wish.threshold < math.inf:
        raise InputError(f"threshold {wish.threshold!r} is no positive number of seconds")
    if wish.implementation_type == "ab_test" and wish.rollback_rules:
        raise InputError("a test has a harm boundary of its own: give no rollback rules")
    if (wish.implementation_type == "scheduled") != (wish.scheduled_at is not None):
        raise InputError("a time goes with a scheduled change, and a scheduled change needs one")
    if wish.scheduled_at is not None and wish.scheduled_at <= at:
        raise InputError(f"{moment(wish.scheduled_at)} has passed: give a time to come, or ask for it immediately")
    return None if wish.reason is None or not wish.reason.strip() else written(wish.reason, "reason")


def _body(wish: Wish, said: str | None) -> dict[str, Any]:
    return {
        "service": wish.service,
        "threshold": f"{wish.threshold:.12g}",
        "implementation_type": wish.implementation_type,
        "rollback_rules": None if wish.rollback_rules is None else list(wish.rollback_rules),
        "scheduled_at": wish.scheduled_at,
        "reason": said,
    }


def _same_open(transaction: Transaction, wish: Wish) -> Proposal | None:
    """Give the open proposal of the same change, where there is one; other criteria make another change."""
    for proposal in _open(transaction, wish):
        if agree(proposal.proposed_threshold, wish.threshold) and _same_rules(proposal, wish):
            return proposal
    return None


def _require_rules_named(transaction: Transaction, wish: Wish, actor: Actor) -> None:
    """Refuse to replace somebody's proposal of the same threshold for want of its rules: others are to be named."""
    for proposal in _open(transaction, wish):
        own = same_person(actor.name, proposal.proposed_by)
        if wish.rollback_rules is None and agree(proposal.proposed_threshold, wish.threshold) and not own:
            raise RefusedError(
                f"{proposal.proposed_by} has proposed {seconds(wish.threshold, 6)} with rollback rules of their own: "
                f"slaopt approve {proposal.id} takes those, and --rule names others"
            )


def _open(transaction: Transaction, wish: Wish) -> list[Proposal]:
    """Give the open proposals of changes; one of a test is about something else, even of the same threshold."""
    there = transaction.proposals.list(states=OPEN, service=wish.service)
    return [proposal for proposal in there if proposal.implementation_type != "ab_test"]


def _same_rules(proposal: Proposal, wish: Wish) -> bool:
    if wish.rollback_rules is None:
        return not proposal.assessment.get("rules_asked_for")  # somebody's own rules are not slaopt's
    from slaopt.optimize.criteria import parse_rule

    return [parse_rule(rule) for rule in wish.rollback_rules] == [parse_rule(r) for r in proposal.rollback_rules]


def _needs(ledger: Ledger, scored: Scored, *, solo: bool) -> Needs:
    return needs_of(
        scored.current_threshold, scored.proposed_threshold, risk=scored.implementation_risk,
        rules=ledger.params(scored.service).approvals, solo=solo,
    )  # fmt: skip


def _new(
    transaction: Transaction, ledger: Ledger, wish: Wish, said: str | None, scored: Scored, actor: Actor
) -> NewProposal:
    return NewProposal(
        service=wish.service,
        origin="request",
        input_digest=fresh_digest(transaction, wish.service, {"run": scored.run.input_digest} | _body(wish, said)),
        run_id=scored.run.id,
        prediction_id=None if scored.prediction is None else transaction.add_prediction(scored.prediction),
        current_threshold=scored.current_threshold,
        proposed_threshold=wish.threshold,
        proposed_by=actor.name,
        implementation_type=wish.implementation_type,
        scheduled_at=wish.scheduled_at,
        reason=said,
        needs=_needs(ledger, scored, solo=is_solo(transaction)),
        assessment=scored.assessment,
        rollback_rules=scored.rollback_rules,
        watch=scored.watch,
    )


def _waits(proposal: Proposal) -> Outcome:
    sentence = f"{proposal.proposed_by} proposed this already (proposal {proposal.id}), and it waits for approval."
    return Outcome(proposal=proposal, repeated=True, sentence=sentence)


def _filed_sentence(proposal: Proposal) -> str:
    people = "one person has" if proposal.needs.approvals <= 1 else f"{proposal.needs.approvals} people have"
    return (
        f"{proposal.service}: {seconds(proposal.proposed_threshold, 6)} is proposed (proposal {proposal.id}, change "
        f"{proposal.change_id}); {people} to approve it."
    )
