"""The history told: who changed which threshold and why, and what was predicted against what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, may
from slaopt.apply.lifecycle import named
from slaopt.charts.scales import threshold_name
from slaopt.optimize.sentences import base_for, frequency, pages
from slaopt.parts.answer import headline
from slaopt.server.pages.links import rollback
from slaopt.wording import count, day, moment, number

if TYPE_CHECKING:
    from slaopt.server.answers import HistoryEntry
    from slaopt.store.records import Proposal

__all__ = ["Closed", "Past", "closed", "past"]

Fields = Mapping[str, Any]
SHORT = 90  # characters of a reason that are shown whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One change of a threshold, written."""

    service: str
    when: str
    when_key: str
    before: str
    after: str
    kind: str  # commit, rollback, noted
    who: str
    why: str
    more: str  # of a long reason, behind its beginning
    predicted: str
    observed: str
    observed_note: str
    standing: str
    in_force: bool
    rollback: str  # address of the dialog; empty where it cannot be taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A proposal that came to nothing, written."""

    service: str
    when: str
    before: str
    after: str
    state: str
    who: str
    why: str


def past(entries: tuple[HistoryEntry, ...], actor: Actor) -> list[Past]:
    """Write the changes, the newest first."""
    return [_past(entry, actor) for entry in entries]


def closed(proposals: list[Proposal]) -> list[Closed]:
    """Write the proposals that came to nothing, the newest first."""
    return [
        Closed(
            service=proposal.service,
            when=moment(proposal.updated_at),
            before=_threshold(proposal.current_threshold),
            after=threshold_name(proposal.proposed_threshold),
            state=named(proposal.state),
            who=proposal.proposed_by,
            why=proposal.reason or "",
        )
        for proposal in proposals
    ]


def _past(entry: HistoryEntry, actor: Actor) -> Past:
    why, more = _reason(entry.reason or "")
    return Past(
        service=entry.service,
        when=moment(entry.implemented_at),
        when_key=f"{entry.implemented_at.timestamp():.0f}",
        before=_threshold(entry.previous),
        after=threshold_name(entry.threshold),
        kind=entry.kind,
        who=entry.implemented_by,
        why=why,
        more=more,
        predicted=_predicted(entry.predicted),
        observed=_observed(entry.observed, entry.predicted),
        observed_note=_since(entry.observed),
        standing=_standing(entry),
        in_force=entry.in_force,
        rollback=rollback(entry.change_id) if entry.change_id and entry.can_be_undone and may(actor, "approve") else "",
    )


def _reason(text: str) -> tuple[str, str]:
    """Part a long reason into what is shown and what opens below it.

    >>> _reason("Raise 2 s to 2.6 s: of 1,000 executions about 9 would violate instead of 41, and so on and on.")
    ('Raise 2 s to 2.6 s', 'Of 1,000 executions about 9 would violate instead of 41, and so on and on.')
    >>> _reason("too many pages")
    ('too many pages', '')
    """
    if len(text) <= SHORT:
        return text, ""
    claim, rest = headline(text)
    return (claim, rest) if claim else (f"{text[:SHORT].rsplit(' ', 1)[0]} …", text)


def _threshold(value: float | None) -> str:
    return "" if value is None else threshold_name(value)


def _standing(entry: HistoryEntry) -> str:
    """Say what became of a change."""
    if entry.undone_by is not None:
        return "rolled back"
    if not entry.in_force:
        return "replaced"
    if entry.watched_until is not None:
        return f"in force, watched until {day(entry.watched_until)}"
    if entry.state == "kept":
        return "in force, kept"
    return "in force, not watched: there is nothing to go back to" if entry.is_first else "in force"


def _predicted(predicted: Fields | None) -> str:
    """Say the violations foretold, with their interval, and the pages."""
    then = (predicted or {}).get("then")
    if not then:
        return ""
    base = base_for(then["violation_rate"])
    low, high = (number(base * then["interval"][end], 2) for end in ("low", "high"))
    violations = f"{frequency(then['violation_rate'], base)} ({low}–{high}) of {base:,}"
    return f"{violations}; {pages(then['pages_per_week'])} pages a week"


def _observed(observed: Fields | None, predicted: Fields | None) -> str:
    """Say the violations seen since, of as many as the prediction speaks of, and whether they lie in its interval."""
    if not observed or observed.get("violation_rate") is None:
        return ""
    then = (predicted or {}).get("then")
    base = base_for((then or observed)["violation_rate"])
    rate = observed["violation_rate"]
    said = f"{frequency(rate, base)} of {base:,}"
    if not then:
        return said
    low, high = then["interval"]["low"], then["interval"]["high"]
    judged = "as foretold" if low <= rate <= high else "more than foretold" if rate > high else "fewer than foretold"
    return f"{said}, {judged}"


def _since(observed: Fields | None) -> str:
    if not observed or not observed.get("executions"):
        return ""
    return f"{count(observed['executions'])} executions since"
