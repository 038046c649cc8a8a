"""One watched change: what is known of it, which measurements it takes, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from slaopt.result import Skipped
from slaopt.wording import count, moment, percent, seconds

if TYPE_CHECKING:
    from slaopt.analysis.usual import Usual
    from slaopt.apply.judging import Fired
    from slaopt.optimize.criteria import RollbackRule
    from slaopt.profile import Profile
    from slaopt.store.records import ChangeRecord, Proposal

__all__ = ["AGAIN", "Look", "Seen", "first_sentence", "kept_sentence", "look_of", "quiet_sentence", "see"]

AGAIN: Final = timedelta(hours=24)  # judged again each time, since measurements may come late
MARGIN: Final = timedelta(hours=1)  # more than that is read
RECENT: Final = timedelta(hours=24)  # without an execution for so long, nothing is seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A change in force, and by what it is judged."""

    proposal: Proposal
    change: ChangeRecord
    rules: tuple[RollbackRule, ...]
    usual: Usual | None
    objective: float
    zone: str

    @property
    def service(self) -> str:
        """The name of the service."""
        return self.change.service

    @property
    def is_first(self) -> bool:
        """Whether there was no threshold before it, so that nothing can be taken back."""
        return self.change.previous is None

    @property
    def since(self) -> datetime:
        """When the change came into force."""
        return self.change.implemented_at

    @property
    def observed(self) -> Mapping[str, Any]:
        """What earlier looks saw."""
        return (self.change.performance_impact or {}).get("observed") or {}

    @property
    def until(self) -> datetime:
        """Up to when it was looked at already."""
        known = self.observed.get("until")
        return self.since if known is None else datetime.fromisoformat(known)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """Where executions are counted exactly."""
        known = {self.change.threshold, *([] if self.usual is None else [self.usual.threshold])}
        return tuple(sorted(known))

    def start(self, at: datetime) -> datetime:
        """Give from when on measurements are read: a longest window before what is judged."""
        longest = max([timedelta(hours=24), *(rule.span for rule in self.rules)])
        first = max(self.since, min(self.until, at - AGAIN)) - longest - MARGIN
        return first.replace(minute=0, second=0, microsecond=0)

    def ends(self, days: int) -> datetime:
        """Give when the watch is over."""
        return self.since + timedelta(days=days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look saw."""

    fired: tuple[Fired, ...] = ()
    blind: str | None = None  # why nothing was seen; None: something was
    observed: Mapping[str, Any] = field(default_factory=dict)  # since the change, with this look


def look_of(proposal: Proposal, change: ChangeRecord, *, objective: float, zone: str) -> Look:
    """Read from a proposal by what its change is judged."""
    from slaopt.apply.judging import usual_of
    from slaopt.optimize.criteria import parse_rule

    known = proposal.assessment.get("objective")
    return Look(
        proposal=proposal,
        change=change,
        rules=tuple(parse_rule(rule) for rule in proposal.rollback_rules),
        usual=None if proposal.watch is None else usual_of(proposal.watch),
        objective=objective if known is None else known,
        zone=zone,
    )


def see(look: Look, fresh: Profile | Skipped) -> Seen:
    """Judge fresh measurements of a change."""
    from slaopt.apply.judging import fired
    from slaopt.apply.observed import days_with, figures

    if isinstance(fresh, Skipped):
        return Seen(blind=f"measurements cannot be read: {fresh.reason}", observed=look.observed)
    threshold = look.change.threshold
    days = {day: (n, v, p) for day, (n, v, p) in look.observed.get("days", {}).items()}
    counted = days_with(days, fresh, threshold=threshold, objective=look.objective, since=look.since)
    until = max(look.until, fresh.end)
    found = fired(look.rules, fresh, threshold=threshold, objective=look.objective, usual=look.usual, since=look.since)
    return Seen(
        fired=tuple(found),
        blind=_blind(look, fresh),
        observed=figures(counted, threshold=threshold, since=look.since, until=until),
    )


def _blind(look: Look, fresh: Profile) -> str | None:
    """Say why measurements show nothing about a change; None where they do."""
    after = fresh.between(max(look.since, fresh.end - RECENT), fresh.end)
    if not after.slots:
        return f"nothing that was measured since {moment(look.since, look.zone)} has settled yet"
    if after.valid.sum() == 0:
        if (after.slot_sums.excluded >= 1).all():
            return f"all time since {moment(after.start, look.zone)} is excluded"
        return f"nothing was measured since {moment(after.start, look.zone)}"
    if not look.rules:
        return "it has no rollback rule, so nothing is judged"
    return None


def quiet_sentence(look: Look, observed: Mapping[str, Any]) -> str:
    """Say what was seen of a change that gives no reason to take it back."""
    executions, rate = observed["executions"], observed["violation_rate"]
    return (
        f"{seconds(look.change.threshold, 6)} since {moment(look.since, look.zone)}: of {count(executions)} executions "
        f"{percent(rate)} took longer; no rollback rule fires."
    )


def first_sentence(look: Look, found: Seen) -> str:
    """Say what was seen of a first threshold, which is not watched."""
    observed, seen = found.observed, found.blind or "nothing was measured"
    if observed.get("executions"):
        seen = f"of {count(observed['executions'])} executions {percent(observed['violation_rate'])} took longer"
    return (
        f"{seconds(look.change.threshold, 6)} since {moment(look.since, look.zone)}: {seen}. It is a first threshold, "
        "so there is nothing to go back to."
    )


def kept_sentence(look: Look, observed: Mapping[str, Any]) -> str:
    """Say what was seen of a change whose watch is over, beside what was foretold."""
    outcomes = look.proposal.assessment.get("predicted_outcomes") or {}
    foretold = outcomes.get("expected_violation_rate")
    beside = "" if foretold is None else f", {percent(foretold)} were foretold"
    quiet = "" if look.is_first else ", and no rollback rule fired"
    return (
        f"{seconds(look.change.threshold, 6)} is kept: of {count(observed['executions'])} executions since "
        f"{moment(look.since, look.zone)}, {percent(observed['violation_rate'])} took longer{beside}{quiet}."
    )
