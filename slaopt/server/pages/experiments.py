"""Tests told: a card for each that runs or waits, a line for each that has ended, and all of one on its own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, may
from slaopt.charts.scales import threshold_name
from slaopt.optimize.sentences import base_for, frequency
from slaopt.parts.answer import Pair
from slaopt.server.pages.links import about_experiment, experiment_page
from slaopt.server.pages.recommendations import Button, needs_words, possible
from slaopt.wording import chance, count, moment, number, percent

if TYPE_CHECKING:
    from slaopt.store import ExperimentRecord, LookRecord
    from slaopt.store.records import Proposal

__all__ = ["CLAIMS", "Card", "Watched", "card", "difference", "sentence", "span_of"]

Fields = Mapping[str, Any]
CLAIMS = {  # of a verdict
    "ship": "Better: adopt it",
    "ship_low_risk": "Little risk: adopt it",
    "equivalent": "As good as equal: adopt it",
    "inconclusive": "Open: extend it",
    "stop_harm": "Harm: reject it",
    "continue": "Nothing is decided yet",
    "invalid": "No answer: the measurements cannot give one",
}
GOOD = ("ship", "ship_low_risk", "equivalent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An experiment with how far it is, its looks and the proposal whose approval starts it."""

    record: ExperimentRecord
    progress: Fields
    looks: Sequence[LookRecord]
    proposal: Proposal | None
    approved: Sequence[str]  # who has approved it so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One experiment, written."""

    experiment_id: str
    service: str
    page: str
    claim: str
    rest: str
    tone: str  # good, poor, or neither
    state: str
    needs: str  # whose approval it takes, while it waits
    percent: float | None  # of the planned time; None: it has not begun
    progress: str
    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]
    buttons: tuple[Button, ...]
    when: str  # it ended
    status: str


def card(one: Watched, actor: Actor, *, enabled: bool) -> Card:
    """Write an experiment, with what this actor can do about it; switched off, nothing but look."""
    record = one.record
    claim, rest, tone = _claim(one)
    return Card(
        experiment_id=record.experiment_id,
        service=record.service,
        page=experiment_page(record.experiment_id),
        claim=claim,
        rest=rest,
        tone=tone,
        state=_state(record),
        needs=needs_words(one.proposal, one.approved) if record.status == "planning" and one.proposal else "",
        percent=None if record.experiment_start is None else one.progress["progress_percentage"],
        progress=_progress(one),
        pairs=tuple(_pairs(one)),
        notes=tuple(_notes(record)),
        buttons=tuple(_buttons(one, actor)) if enabled else (),
        when=moment(record.experiment_end) if record.experiment_end else "",
        status=record.status,
    )


def sentence(running: int, waiting: int) -> str:
    """Say how many there are.

    >>> sentence(1, 0), sentence(0, 2), sentence(0, 0)
    ('1 test runs.', 'No test runs, 2 wait for approval.', 'No test runs.')
    """
    runs = "No test runs" if not running else f"{count(running)} {'test runs' if running == 1 else 'tests run'}"
    if not waiting:
        return f"{runs}."
    return f"{runs}, {count(waiting)} {'waits' if waiting == 1 else 'wait'} for approval."


def difference(value: float, base: int) -> str:
    """Write a difference of rates as one of so many executions, with its sign.

    >>> difference(-0.0031, 1000), difference(0.00004, 1000), difference(0.0, 1000)
    ('−3.1', '+0.04', '0')
    """
    sign = "−" if value < 0 else "+" if value > 0 else ""
    return f"{sign}{number(abs(base * value), 2)}"


def span_of(interval: Any, base: int) -> str:
    """Write an interval of a difference, that of a stored look; empty where it has none."""
    if not isinstance(interval, Mapping) or interval.get("low") is None or interval.get("high") is None:
        return ""
    return f"{difference(interval['low'], base)} to {difference(interval['high'], base)}"


def _claim(one: Watched) -> tuple[str, str, str]:
    """Give what is to be said first, what is said for it, and whether it is good."""
    record, results = one.record, one.record.results or {}
    split = (
        f"{threshold_name(record.test_threshold)} for {percent(record.traffic_split)} of the "
        f"{_whom(record.unit)}, {threshold_name(record.control_threshold)} for the others."
    )
    if record.status == "planning":
        return f"Test {threshold_name(record.test_threshold)}", split, ""
    if record.status == "stopped":
        if record.experiment_start is None:
            return "Never started", record.early_stop_reason or split, ""
        harmed = record.rollback_triggered or results.get("verdict") == "stop_harm"
        claim = "Stopped for harm" if harmed else "Stopped before its end"
        return claim, record.early_stop_reason or split, "poor" if harmed else ""
    verdict = results.get("verdict")
    if verdict is None:
        due = one.progress.get("next_look")
        first = f"The first look is due {moment(datetime.fromisoformat(due))}" if due else "No look yet"
        return first, split, ""
    tone = "good" if verdict in GOOD else "poor" if verdict in ("stop_harm", "invalid") else ""
    return CLAIMS.get(verdict, str(verdict)), str(results.get("sentence") or ""), tone


def _whom(unit: str) -> str:
    return "executions" if unit == "request" else f"units ({unit})"


def _state(record: ExperimentRecord) -> str:
    if record.experiment_start is None:
        asked = f"Proposed by {record.requested_by}, {moment(record.created_at)}"
        return asked if record.status == "planning" else f"{asked}; {record.stopped_by or 'nobody'} ended it"
    begun = f"Started by {record.started_by}, {moment(record.experiment_start)}"
    if record.status == "running":
        return f"{begun}; runs until {moment(record.planned_end)}" if record.planned_end else begun
    ended = moment(record.experiment_end) if record.experiment_end else "by now"
    return f"{begun}; ended {ended}" + (f" by {record.stopped_by}" if record.status == "stopped" else "")


def _progress(one: Watched) -> str:
    """Say how far it is: looks made of those planned, executions of both arms, and when the next look is due."""
    told, sizes = one.progress, one.progress["current_sample_sizes"]
    if one.record.experiment_start is None:
        return ""
    looks = f"{count(told['looks_made'])} of {count(told['looks_planned'] or 0)} looks"
    said = [looks, f"{count(sizes['control'])} executions under control, {count(sizes['test'])} under test"]
    if one.record.status == "running" and told.get("next_look") and told["looks_made"]:
        said.append(f"next look {moment(datetime.fromisoformat(told['next_look']))}")
    return "; ".join(said)


def _pairs(one: Watched) -> list[Pair]:
    """Set control and test beside each other; rates of both are those at the common threshold."""
    record, found = one.record, one.progress["preliminary_results"]
    control, test = threshold_name(record.control_threshold), threshold_name(record.test_threshold)
    pairs = [Pair(name="Threshold", now=control, then=test, note="control, then test")]
    if not found:
        share = f"{percent(record.traffic_split)} of the {_whom(record.unit)}"
        looks = f"{count(one.progress['looks_planned'] or 0)} looks"
        pairs.append(Pair(name="Under test", now="", then=share, note="chosen by a hash"))
        pairs.append(Pair(name="Length", now="", then=f"{count(record.duration_days)} days", note=looks))
        return pairs
    rates = found["control_violation_rate"], found["test_violation_rate"]
    base = base_for(*rates)
    common = threshold_name(record.design.get("common_threshold", record.control_threshold))
    pairs.append(
        Pair(name=f"Violations of {base:,}", now=frequency(rates[0], base), then=frequency(rates[1], base),
             note=f"of both arms, above {common}")
    )  # fmt: skip
    span = span_of(found["confidence_interval"], base)
    pairs.append(
        Pair(name=f"Difference of {base:,}", now="", then=difference(found["effect_size"], base),
             note=f"{span}, valid at every look" if span else "no interval yet")
    )  # fmt: skip
    if found.get("probability_better") is not None:
        loss = found.get("expected_loss")
        risk = "" if loss is None else f"adopting it would cost {_little(base * loss)} of {base:,} on average"
        pairs.append(Pair(name="Better", now="", then=chance(found["probability_better"]), note=risk))
    return pairs


def _little(loss: float) -> str:
    return "under 0.01" if loss < 0.01 else number(loss, 2)


def _notes(record: ExperimentRecord) -> list[str]:
    """What a reader has to know of the measurements beside what the verdict says, and what follows from the result."""
    remarks = (record.results or {}).get("remarks") or ()
    said = [str(remark["sentence"]) for remark in remarks if not remark.get("decisive")]
    if record.adopted_by_proposal_id is not None:
        test = threshold_name(record.test_threshold)
        said.append(f"Proposal {record.adopted_by_proposal_id} puts {test} forward for all.")
    return said


def _buttons(one: Watched, actor: Actor) -> list[Button]:
    record, proposal = one.record, one.proposal
    if record.status == "planning":
        return [*possible(proposal, actor, enabled=True)] if proposal is not None else []
    if record.status == "running" and may(actor, "approve"):
        return [
            Button(words="Stop", dialog=about_experiment(record.experiment_id, "stop")),
            Button(words="Prolong", dialog=about_experiment(record.experiment_id, "amend")),
        ]
    open_ = record.recommendation == "adopt" and record.adopted_by_proposal_id is None
    if record.status == "completed" and open_ and may(actor, "propose"):
        return [Button(words="Adopt", dialog=about_experiment(record.experiment_id, "adopt"), kind="main")]
    return []
