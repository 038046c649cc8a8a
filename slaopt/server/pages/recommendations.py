"""Recommendations told: a card each, with what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from slaopt.apply.actor import Actor, may, same_person
from slaopt.charts.scales import threshold_name
from slaopt.optimize import Outcome
from slaopt.parts.answer import Pair, headline, pairs_of, sureness
from slaopt.result import Interval
from slaopt.server.pages.links import Purpose, about_proposal, about_service, experiment_page, report_page
from slaopt.wording import chance, count, moment

if TYPE_CHECKING:
    from slaopt.server.answers import Line, Overview
    from slaopt.store.records import Proposal

__all__ = ["Button", "Card", "buttons", "cards", "facts_of", "needs_words", "outcome_of", "possible", "sentence"]

Fields = Mapping[str, Any]
LEVELS = {"low": 0, "medium": 1, "high": 2}
RATIONALE = {
    "statistical_basis": "What it rests on",
    "reliability_impact": "The service",
    "achievability_improvement": "The objective",
    "business_justification": "Pages and cost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """What opens a dialog."""

    words: str
    dialog: str  # address
    kind: Literal["main", "plain"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A judgement in a word with its figure and its reason."""

    name: str
    word: str
    figure: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One recommendation, written."""

    service: str
    place: str  # id on the page
    report: str  # address of what it rests on
    link: str  # what that is
    claim: str
    rest: str
    state: str  # who proposed it, or that nobody did
    needs: str  # whose approval it takes
    pairs: tuple[Pair, ...]
    words: tuple[Word, ...]
    rationale: tuple[tuple[str, str], ...]
    factors: tuple[Fields, ...]
    strategies: tuple[str, ...]
    criteria: tuple[str, ...]
    watch: str
    buttons: tuple[Button, ...]
    sought: str  # what a filter looks in


def cards(seen: Overview, actor: Actor, approved: Mapping[int, Sequence[str]]) -> tuple[list[Card], list[Card]]:
    """Give those that wait for a decision, and those that nobody has proposed yet; each in the order of gain.

    Parameters
    ----------
    approved
        Who has approved so far, by proposal.
    """
    ordered = sorted(seen.lines, key=lambda line: -(line.advice.gain or 0.0 if line.advice else 0.0))
    waiting = [
        _card(line, buttons(line, actor, enabled=seen.enabled), approved)
        for line in ordered
        if line.proposal is not None
    ]
    advised = [
        _card(line, buttons(line, actor, enabled=seen.enabled), approved)
        for line in ordered
        if line.proposal is None and line.opportunity
    ]
    return waiting, advised


def facts_of(line: Line) -> Fields:
    """Give what is said for the open proposal, else for the newest report's recommendation; as published."""
    if line.proposal is not None:
        return line.proposal.assessment
    return line.advice.to_dict() if line.advice is not None else {}


def outcome_of(told: Fields | None) -> Outcome | None:
    """Read one side of now → then as it was published."""
    if told is None:
        return None
    return Outcome(**{**told, "interval": Interval(**told["interval"])})


def needs_words(proposal: Proposal, approved: Sequence[str]) -> str:
    """Say whose approval a proposal takes, and who has given theirs.

    A proposal in solo mode takes none but that of the one who works alone.
    """
    needs = proposal.needs
    if not needs.approvals:
        said = "Your own approval is enough: you work alone here."
    elif needs.approvals == 1:
        said = f"It takes the approval of somebody other than {proposal.proposed_by}."
    else:
        said = f"It takes {needs.approvals} approvals, none of them by {proposal.proposed_by}."
    if needs.second_factor:
        said += " Who approves confirms it with a second factor."
    if approved:
        said += f" Approved so far by {' and '.join(approved)}."
    return " ".join((said, *needs.why))


def sentence(waiting: int, advised: int) -> str:
    """Say how many there are.

    >>> sentence(2, 1)
    '2 wait for a decision, 1 could be proposed.'
    """
    waits = f"{count(waiting)} {'waits' if waiting == 1 else 'wait'} for a decision"
    return f"{waits}, {count(advised)} could be proposed." if advised else f"{waits}."


def buttons(line: Line, actor: Actor, *, enabled: bool) -> tuple[Button, ...]:
    """Give what this actor can do about a service's recommendation; switched off, nothing but look."""
    proposal = line.proposal
    if proposal is None:
        if enabled and line.opportunity and may(actor, "propose"):
            propose = Button(words="Propose", dialog=about_service(line.service, "propose"), kind="main")
            if line.threshold is None:  # nothing to compare with
                return (propose,)
            return propose, Button(words="A/B test first", dialog=about_service(line.service, "test"))
        return ()
    return possible(proposal, actor, enabled=enabled)


def possible(proposal: Proposal, actor: Actor, *, enabled: bool) -> tuple[Button, ...]:
    """Give what this actor can do about a proposal that is open; switched off, nothing but look."""
    return tuple(
        Button(words=words, dialog=about_proposal(proposal.id, purpose), kind=kind)
        for words, purpose, kind in _possible(proposal, actor)
        if enabled or purpose == "preview"
    )


def _possible(proposal: Proposal, actor: Actor) -> list[tuple[str, Purpose, Literal["main", "plain"]]]:
    found: list[tuple[str, Purpose, Literal["main", "plain"]]] = [("Preview", "preview", "plain")]
    is_test = proposal.implementation_type == "ab_test"
    testable = proposal.current_threshold is not None and "experiment" not in proposal.assessment
    mine = may(actor, "propose") and same_person(proposal.proposed_by, actor.name)
    if may(actor, "approve"):
        if proposal.state == "approved":
            found.append(("Start" if is_test else "Put in force", "commit", "main"))
        elif proposal.state != "draft":
            found.append(("Approve", "approve", "main"))
    if may(actor, "approve") and not is_test:
        found.append(("Schedule", "schedule", "plain"))
    if (may(actor, "approve") or mine) and testable:
        found.append(("A/B test first", "test", "plain"))
    if may(actor, "approve"):
        found.append(("Reject", "reject", "plain"))
    if mine or may(actor, "administer"):
        found.append(("Withdraw", "withdraw", "plain"))
    return found


def _card(line: Line, possible: tuple[Button, ...], approved: Mapping[int, Sequence[str]]) -> Card:
    facts, proposal = facts_of(line), line.proposal
    if proposal is not None and proposal.implementation_type == "ab_test":
        return _test_card(line, proposal, possible, approved.get(proposal.id, ()))
    claim, rest = headline(facts["sentence"])
    path = facts["report_path"]
    return Card(
        service=line.service,
        place=f"proposal-{proposal.id}" if proposal else f"service-{line.advice.run_id}" if line.advice else "",
        report=report_page(path),
        link="Report",
        claim=claim,
        rest=rest,
        state=_state(line),
        needs=needs_words(proposal, approved.get(proposal.id, ())) if proposal is not None else "",
        pairs=tuple(pairs_of(outcome_of(facts["now"]), outcome_of(facts["then"]), objective=facts["objective"])),
        words=tuple(word for word in (_confidence(facts), _risk(facts)) if word is not None),
        rationale=_rationale(facts),
        factors=tuple(sorted(facts["risk_factors"], key=lambda factor: -LEVELS[factor["level"]])),
        strategies=tuple(facts["mitigation_strategies"]),
        criteria=tuple(facts["rollback_criteria"]),
        watch=_watch(facts),
        buttons=possible,
        sought=f"{line.service} {claim} {proposal.proposed_by if proposal else ''}".lower(),
    )


def _test_card(line: Line, proposal: Proposal, possible: tuple[Button, ...], approved: Sequence[str]) -> Card:
    """A test that waits: there is no outcome to foretell, since that is what it is to find out."""
    facts = proposal.assessment
    now = None if proposal.current_threshold is None else threshold_name(proposal.current_threshold)
    then = threshold_name(proposal.proposed_threshold)
    planned: Fields = facts.get("experiment") or {}
    return Card(
        service=line.service,
        place=f"proposal-{proposal.id}",
        report=experiment_page(str(planned.get("experiment_id", ""))),
        link="Test",
        claim=f"A/B test of {then}",
        rest=str(facts.get("sentence", "")),
        state=_state(line),
        needs=needs_words(proposal, approved),
        pairs=(Pair(name="Threshold", now=now or "", then=then, note="control, then test"),),
        words=tuple(word for word in (_risk({"risk_factors": (), **facts}),) if word is not None),
        rationale=(),
        factors=(),
        strategies=(),
        criteria=(),
        watch="",
        buttons=possible,
        sought=f"{line.service} a/b test {proposal.proposed_by}".lower(),
    )


def _state(line: Line) -> str:
    proposal = line.proposal
    if proposal is None:
        return "Not proposed yet"
    said = f"Proposed by {proposal.proposed_by}, {moment(proposal.proposed_at)}"
    if proposal.state == "scheduled" and proposal.scheduled_at is not None:
        return f"{said}; approved for {moment(proposal.scheduled_at)}"
    return f"{said}; approved, not in force yet" if proposal.state == "approved" else said


def _rationale(facts: Fields) -> tuple[tuple[str, str], ...]:
    told = facts["optimization_rationale"] or {}
    tested = (facts.get("experiment") or {}).get("sentence")
    found = () if tested is None else (("What the test found", str(tested)),)
    return (*found, *((name, told[key]) for key, name in RATIONALE.items() if told.get(key)))


def _confidence(facts: Fields) -> Word | None:
    score = facts["confidence_score"]
    if score is None:
        return None
    return Word(name="Confidence", word=sureness(score), figure=chance(score), reason="that it is better over 30 days")


def _risk(facts: Fields) -> Word | None:
    level = facts["implementation_risk"]
    if level is None:
        return None
    main = max(facts["risk_factors"], key=lambda factor: LEVELS[factor["level"]], default=None)
    return Word(name="Risk", word=level, figure="", reason=main.get("sentence", main["name"]) if main else "")


def _watch(facts: Fields) -> str:
    watch = facts.get("watch")
    if isinstance(watch, str):
        return watch
    return str(watch["sentence"] or watch["why"] or "") if watch else ""
