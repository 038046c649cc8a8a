"""What somebody sees before deciding: the change, its effect, what watches over it, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from slaopt.apply.actor import Actor, may, require_present, require_right
from slaopt.apply.cases import Case, read_case
from slaopt.apply.lifecycle import OPEN, named
from slaopt.apply.refusals import about_actor, refusals
from slaopt.apply.reports import require_fit_report
from slaopt.errors import RefusedError
from slaopt.result import Result
from slaopt.wording import moment, seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store.records import ApprovalRecord, Needs, Proposal

__all__ = ["Effect", "Estimated", "Preview", "preview"]

Figure = Literal["violation_rate", "pages_per_week", "violations", "pages", "cost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated(Result):
    """A figure with its 80 % prediction interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Result):
    """One figure at the threshold of now and at the proposed one: rates 0–1, the last three over 30 days."""

    name: Figure
    now: Estimated | None  # None: there is no threshold yet
    then: Estimated


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview(Result):
    """What one who decides has to know of a proposal."""

    proposal: Proposal
    service: str = field(metadata={"published": "service_type"})
    current_threshold: float | None  # seconds
    proposed_threshold: float
    headline: str  # from what to what
    sentence: str  # the report's, or that of the assessment
    rows: tuple[Effect, ...]
    currency: str | None  # of the cost
    confidence_score: float | None
    implementation_risk: str | None
    risk_factors: tuple[Mapping[str, Any], ...]
    mitigation_strategies: tuple[str, ...]
    rollback_criteria: tuple[str, ...]
    watch: str  # what the watch can see, or that there is none
    needs: Needs
    approved_by: tuple[str, ...]
    approvals: tuple[ApprovalRecord, ...]
    missing: int  # people who still have to approve
    who_must: str  # the same in a sentence
    you_can: bool  # whether the one who asks may approve now
    why_not: str | None
    refusals: tuple[str, ...]  # all that stands against it, whoever asks
    report_path: str | None  # relative to the folder of reports
    as_of: str | None  # end of the report, ISO 8601
    valid_until: datetime | None
    commands: tuple[str, ...]  # lines to type


def preview(ledger: Ledger, proposal_id: int, *, actor: Actor, at: datetime) -> Preview:
    """Show a proposal to one who may look; the report behind it is verified for that.

    Raises
    ------
    UnknownError
        If there is none of that number.
    ForbiddenError
        If the actor may not even look.
    """
    with ledger.store.reading() as transaction:
        require_present(transaction, actor, "read")
        case = read_case(transaction, ledger, proposal_id)
        user = transaction.people.find(actor.name)
    against = tuple(_against(ledger, case, at)) if case.proposal.state in OPEN else ()
    has_factor = user is not None and user.has_second_factor
    why_not = _why_not(case, actor, against, has_factor=has_factor)
    proposal, told = case.proposal, case.proposal.assessment
    return Preview(
        proposal=proposal,
        service=proposal.service,
        current_threshold=proposal.current_threshold,
        proposed_threshold=proposal.proposed_threshold,
        headline=_headline(proposal),
        sentence=told["sentence"],
        rows=tuple(_rows(told)),
        currency=(told.get("impact") or {}).get("currency"),
        confidence_score=told.get("confidence_score"),
        implementation_risk=told.get("implementation_risk"),
        risk_factors=tuple(told.get("risk_factors") or ()),
        mitigation_strategies=tuple(told.get("mitigation_strategies") or ()),
        rollback_criteria=tuple(told.get("rollback_criteria") or ()),
        watch=_watch(proposal),
        needs=case.needs,
        approved_by=case.approved_by,
        approvals=tuple(case.approvals),
        missing=case.missing,
        who_must=_who_must(case),
        you_can=why_not is None,
        why_not=why_not,
        refusals=against,
        report_path=told.get("report_path"),
        as_of=told.get("as_of"),
        valid_until=case.valid_until,
        commands=tuple(_commands(proposal, actor, you_can=why_not is None, at=at)),
    )


def _against(ledger: Ledger, case: Case, at: datetime) -> Iterator[str]:
    if not ledger.is_on:
        yield "slaopt is switched off: nothing can be changed."
    yield from (str(refusal) for refusal in refusals(case, at=at))
    if case.run is not None:
        try:
            require_fit_report(ledger, case.run)
        except RefusedError as refusal:
            yield str(refusal)


def _why_not(case: Case, actor: Actor, against: Sequence[str], *, has_factor: bool) -> str | None:
    """Say why the one who asks cannot approve; None where they can."""
    proposal = case.proposal
    if proposal.state not in ("proposed", "approved"):
        due = f" for {moment(proposal.scheduled_at)}" if proposal.state == "scheduled" and proposal.scheduled_at else ""
        return f"It is {named(proposal.state)}{due}."
    try:
        require_right(actor, "approve")
    except RefusedError as refusal:
        return str(refusal)
    own = next((str(refusal) for refusal in about_actor(case, actor)), None)
    if own is not None:
        return own
    if case.needs.second_factor and not has_factor and not case.solo:
        return f"It takes a second factor, which {actor.name} has not: slaopt users second-factor sets one up."
    return against[0] if against else None


def _headline(proposal: Proposal) -> str:
    then = seconds(proposal.proposed_threshold, 6)
    if proposal.implementation_type == "ab_test" and proposal.current_threshold is not None:
        return f"{proposal.service}: test {then} against {seconds(proposal.current_threshold, 6)}"
    if proposal.current_threshold is None:
        return f"{proposal.service}: a first threshold of {then}"
    verb = "raise" if proposal.proposed_threshold > proposal.current_threshold else "lower"
    return f"{proposal.service}: {verb} the threshold from {seconds(proposal.current_threshold, 6)} to {then}"


def _rows(told: Mapping[str, Any]) -> Iterator[Effect]:
    """Now and then side by side, of what the assessment knows."""
    now, then = told.get("now"), told.get("then")
    if then is not None:
        yield Effect(name="violation_rate", now=_rate(now), then=_rate(then) or Estimated(value=then["violation_rate"]))
        yield Effect(
            name="pages_per_week",
            now=None if now is None else Estimated(value=now["pages_per_week"]),
            then=Estimated(value=then["pages_per_week"]),
        )
    for row in (told.get("impact") or {}).get("rows", ()):
        after = _estimated(row["then"])
        if after is not None:
            yield Effect(name=row["name"], now=_estimated(row["now"]), then=after)


def _rate(outcome: Mapping[str, Any] | None) -> Estimated | None:
    if outcome is None:
        return None
    interval = outcome["interval"]
    return Estimated(value=outcome["violation_rate"], low=interval["low"], high=interval["high"])


def _estimated(estimate: Mapping[str, Any] | None) -> Estimated | None:
    if estimate is None:
        return None
    return Estimated(value=estimate["value"], low=estimate["interval"]["low"], high=estimate["interval"]["high"])


def _watch(proposal: Proposal) -> str:
    if proposal.implementation_type == "ab_test":
        return "The test is stopped at a look that finds harm; the threshold of now holds for all again then."
    watch = proposal.assessment.get("watch")
    if watch is None:
        return "There is no watch after this change: look at the violation rate by hand on the days after it."
    return str(watch["sentence"])


def _who_must(case: Case) -> str:
    second = ", each with a second factor" if case.needs.second_factor else ""
    if case.solo:
        return f"One works alone here: your own approval is enough{second.replace(', each', ',')}."
    if case.proposal.state not in OPEN:
        return f"It is {named(case.proposal.state)}."
    if not case.missing:
        return "Everybody who has to has approved it."
    people = "One person" if case.missing == 1 else f"{case.missing} people"
    verb = "has" if case.missing == 1 else "have"
    more = " more" if case.approved_by else ""
    return f"{people}{more}, other than {case.proposal.proposed_by}, {verb} to approve it{second}."


def _commands(proposal: Proposal, actor: Actor, *, you_can: bool, at: datetime) -> Iterator[str]:
    """What the one who asks can type next."""
    decides = may(actor, "approve")
    if proposal.state == "proposed" and you_can:
        yield f"slaopt approve {proposal.id}"
        yield f"slaopt approve {proposal.id} --at TIME"
    elif proposal.state in OPEN and decides and _is_due(proposal, at):
        yield f"slaopt commit {proposal.id}"
    if proposal.state in OPEN and decides:
        yield f"slaopt reject {proposal.id} --reason TEXT"
    if proposal.state in OPEN and actor.name == proposal.proposed_by:
        yield f"slaopt withdraw {proposal.id}"
    if proposal.implementation_type == "ab_test":
        yield from _test_commands(proposal, decides=decides)
    elif proposal.state in ("committed", "kept") and decides and proposal.current_threshold is not None:
        yield f"slaopt rollback {proposal.change_id} --reason TEXT"


def _test_commands(proposal: Proposal, *, decides: bool) -> Iterator[str]:
    experiment_id = proposal.assessment["experiment"]["experiment_id"]
    yield f"slaopt experiment show {experiment_id}"
    if proposal.state == "committed" and decides:
        yield f"slaopt experiment stop {experiment_id} --reason TEXT"


def _is_due(proposal: Proposal, at: datetime) -> bool:
    """Whether an approved proposal waits for nothing but being committed."""
    if proposal.state == "scheduled":
        return proposal.scheduled_at is not None and proposal.scheduled_at <= at
    return proposal.state == "approved"
