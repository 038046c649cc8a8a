"""The risk of a change, low, medium or high: named factors, each with its figure and the bounds it is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from slaopt.analysis import Quality
from slaopt.analysis.changepoints import ChangePoint
from slaopt.analysis.watch import Watch
from slaopt.forecast import Forecast
from slaopt.optimize.decide import Decision
from slaopt.optimize.outcome import Outcome
from slaopt.result import Result
from slaopt.wording import chance, day, number, percent, seconds

__all__ = ["BOUNDS", "Bounds", "RiskFactor", "RiskLevel", "mitigations", "overall", "risk_factors"]

RiskLevel = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFactor(Result):
    """One thing that may go wrong, and how far it may."""

    name: str
    level: RiskLevel
    figure: float  # what was judged, in the unit that the sentence says
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds(Result):
    """From which figure on a factor is a medium and a high risk; downwards where `high` is the smaller."""

    name: str
    medium: float
    high: float
    remedy: str


BOUNDS = (  # conventions of this project: a reader sees the figure beside each word
    Bounds(
        name="missing the objective", medium=0.2, high=0.5,
        remedy="Agree now what happens if the objective is missed; the budget used is seen every day in the report.",
    ),
    Bounds(
        name="an unsure gain", medium=0.9, high=0.8,
        remedy="Test it first on half of the teams or instances, if it cannot wait for a surer week.",
    ),
    Bounds(
        name="an uncertain forecast", medium=0.2, high=0.05,
        remedy="Make the report again after a week and compare what came with what was forecast.",
    ),
    Bounds(
        name="the size of the change", medium=0.3, high=0.6,
        remedy="Go half of the way first, and the rest after a week that was as foretold.",
    ),
    Bounds(
        name="slowdowns no longer seen", medium=0.1, high=0.3,
        remedy="Keep a ticket, not a page, at the old threshold for the first month.",
    ),
    Bounds(
        name="one bad day", medium=0.25, high=0.5,
        remedy="Find out what happened on the worst day; the figures hold only if such days are as rare as they were.",
    ),
    Bounds(
        name="poor measurements", medium=0.85, high=0.65,
        remedy="Mend what the quality checks name before relying on the figures.",
    ),
    Bounds(
        name="a recent change of level", medium=14.0, high=7.0,
        remedy="Wait until two weeks have passed since the change, if nothing burns.",
    ),
    Bounds(
        name="a watch that sees little", medium=0.95, high=0.5,
        remedy="Look at the violation rate by hand on the days after the change.",
    ),
)  # fmt: skip
POINTS: dict[RiskLevel, int] = {"low": 0, "medium": 1, "high": 3}
MEDIUM, HIGH = 2, 6  # points of all factors from which the whole risk is one
_BOUNDS = {bounds.name: bounds for bounds in BOUNDS}


def risk_factors(
    decision: Decision,
    now: Outcome | None,
    then: Outcome,
    *,
    forecast: Forecast,
    quality: Quality,
    changes: Sequence[ChangePoint] = (),
    watch: Watch | None = None,
    end: datetime,
) -> tuple[RiskFactor, ...]:
    """Judge a change by every factor for which there is a figure."""
    return tuple(
        RiskFactor(name=name, level=_level(name, figure), figure=figure, sentence=sentence)
        for name, figure, sentence in (
            *_of_the_choice(decision, now, then),
            *_of_what_is_known(decision, then, forecast, quality),
            *_of_the_moment(changes, watch, end),
        )
    )


def overall(factors: Sequence[RiskFactor]) -> RiskLevel:
    """Join the factors: two medium ones make a medium risk, two high ones a high risk."""
    points = sum(POINTS[factor.level] for factor in factors)
    return "high" if points >= HIGH else "medium" if points >= MEDIUM else "low"


def mitigations(factors: Sequence[RiskFactor]) -> tuple[str, ...]:
    """Say what can be done about each factor that is no low risk, the greatest first."""
    risky = sorted((f for f in factors if f.level != "low"), key=lambda factor: -POINTS[factor.level])
    return tuple(_BOUNDS[factor.name].remedy for factor in risky)


def _level(name: str, figure: float) -> RiskLevel:
    bounds = _BOUNDS[name]
    up = 1 if bounds.high > bounds.medium else -1
    return "high" if up * figure >= up * bounds.high else "medium" if up * figure >= up * bounds.medium else "low"


Judged = Iterator[tuple[str, float, str]]  # name, figure, sentence


def _of_the_choice(decision: Decision, now: Outcome | None, then: Outcome) -> Judged:
    missing = 1 - then.achievability
    yield (
        "missing the objective", missing,
        f"The chance of missing the objective at {seconds(then.threshold)} is {chance(missing)}.",
    )  # fmt: skip
    if decision.confidence is not None:
        yield (
            "an unsure gain", decision.confidence,
            f"The chance that the change gains anything is {chance(decision.confidence)}.",
        )  # fmt: skip
    if now is None:
        return
    size = abs(float(np.log(then.threshold / now.threshold)))
    share = then.threshold / now.threshold - 1
    yield (
        "the size of the change", size,
        f"The threshold would be {percent(abs(share))} {'looser' if share > 0 else 'tighter'}.",
    )  # fmt: skip
    lost = max(0.0, 1 - then.tightness / now.tightness) if now.tightness > 0 else 0.0
    told = f"{percent(lost)} of the slowdowns that are seen now would be seen no more."
    yield "slowdowns no longer seen", lost, told if lost else "No fewer slowdowns would be seen than now."


def _of_what_is_known(decision: Decision, then: Outcome, forecast: Forecast, quality: Quality) -> Judged:
    reason = f": {forecast.reason}" if forecast.reason else ""
    yield (
        "an uncertain forecast", forecast.hit_probability,
        f"Confidence in the forecast is {forecast.confidence}{reason}; the chance that it is within 15 % is "
        f"{chance(forecast.hit_probability)}.",
    )  # fmt: skip
    rate = decision.ladder.rates[decision.recommended]
    if rate.worst_day_share is not None and rate.violations >= decision.ladder.days / 2:
        yield (
            "one bad day", rate.worst_day_share,
            f"{percent(rate.worst_day_share)} of the violations of {seconds(then.threshold)} fell on one day.",
        )  # fmt: skip
    worst = f" {quality.checks[0].sentence}" if quality.checks else ""
    told = f"The quality of the measurements is {number(quality.score, 2)} of 1.{worst}"
    yield "poor measurements", quality.score, told


def _of_the_moment(changes: Sequence[ChangePoint], watch: Watch | None, end: datetime) -> Judged:
    if changes:
        days = (end - changes[-1].at) / timedelta(days=1)
        told = f"The level changed on {day(changes[-1].at)}, {number(days, 2)} days before the end."
        yield "a recent change of level", days, told
    if watch is not None and watch.detectable:
        longest = max(watch.detectable, key=lambda one: one.hours)
        told = f"Within {longest.hours} hours the watch sees {chance(longest.x3_seen)} of tripled violation rates."
        yield "a watch that sees little", longest.x3_seen, told
