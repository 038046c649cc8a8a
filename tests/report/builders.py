"""Assessments for tests of pictures and pages: measured from a sample service, the decision set by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import numpy as np

from slaopt import samples
from slaopt.analysis import Analysis, analyze
from slaopt.analysis.alerts import BURN_RATE_WINDOWS, Cell
from slaopt.analysis.intervals import violation_rates
from slaopt.assess import Assessment
from slaopt.buckets import round_thresholds
from slaopt.excluded import BusinessHours, Excluded
from slaopt.optimize import CandidateScore, Outcome, PredictedOutcomes, Rationale, Recommendation, Verdict
from slaopt.params import Params
from slaopt.profile import Profiles

END = datetime(2026, 11, 24, 14, tzinfo=UTC)
DAYS = 30


@cache
def profiles(name: str = "checkout") -> Profiles:
    """Thirty days of a sample service."""
    return samples.service(name).profiles(7, END, days=DAYS, thresholds=tuple(round_thresholds(0.05, 20)))


def params(name: str = "checkout", *, business_hours: bool = False) -> Params:
    """The settings of a sample service."""
    excluded = (
        Excluded(business_hours=BusinessHours(), holidays=(date(2026, 11, 11),)) if business_hours else Excluded()
    )
    return samples.service(name).params.model_copy(update={"excluded": excluded})


@cache
def analysis(name: str = "checkout") -> Analysis:
    """The real analysis of a sample service."""
    result = analyze(profiles(name), params(name))
    assert isinstance(result, Analysis)
    return result


def assessment(
    name: str = "checkout",
    verdict: Verdict = "raise",
    *,
    current: float | None = 2.0,
    recommended: float | None = 2.5,
    seen: float = 0.96,
) -> Assessment:
    """An assessment with rates as measured and everything that is decided as said; scores fall with the threshold."""
    settings = params(name).model_copy(update={"threshold": current})
    found = analyze(profiles(name), settings)
    assert isinstance(found, Analysis)
    scores = candidates(name, current=current, recommended=recommended, seen=seen)
    now = next((outcome(score) for score in scores if score.current), None)
    then = next((outcome(score) for score in scores if score.recommended), None)
    changed = verdict in ("raise", "lower", "set")
    shown = then or now
    recommendation = Recommendation(
        service=name, current_threshold=current, recommended_threshold=recommended, verdict=verdict,
        gate="best" if verdict == "keep" else None, bound=None, objective=found.objective, strategy="balanced",
        business_priority=None, sentence=SENTENCES[verdict], reasons=("The largest part of the gain is fewer pages.",),
        optimization_rationale=Rationale(
            statistical_basis="Measured.", reliability_impact="None.", achievability_improvement=None,
            business_justification="Fewer pages.",
        ) if shown else None,
        predicted_outcomes=PredictedOutcomes(
            expected_violation_rate=shown.violation_rate, reliability_score_change=0.01, team_stress_reduction=0.5,
        ) if shown else None,
        now=now, then=then, alternative=None, gain=12.0 if changed else None, simple_choice=recommended,
        choice_half_cost=recommended, choice_double_cost=recommended,
        candidates=scores, cells_now=cells(seen) if now else (), cells_then=cells(seen - 0.1) if then else (),
        pages_now=pages(21) if now else (), pages_then=pages(2) if changed else pages(21) if then else (),
        daily_then=tuple((np.asarray(found.daily.violations) / 4).tolist()) if changed and current else None,
        replay_policy=BURN_RATE_WINDOWS,
        command=f"set `threshold: {recommended}` in params/services/{name}.yaml" if changed else None,
    )  # fmt: skip
    return Assessment(analysis=found, recommendation=recommendation, settings=settings.model_dump(mode="json"), seed=0)


SENTENCES: dict[Verdict, str] = {
    "raise": "Raise 2 s to 2.5 s: of 1,000 executions about 9 (6–14) would violate instead of 41, and pages would fall "
    "from 5 to 0.4 a week; of slowdowns that double the duration of half the executions for an hour, 96 of 100 would "
    "still be seen.",
    "lower": "Lower 2 s to 1.4 s: of slowdowns that double the duration of half the executions for an hour, 96 of 100 "
    "would be seen instead of 40; the chance of missing the objective rises from 1 % to 8 %.",
    "keep": "Keep 2 s: no candidate is better.",
    "set": "Set 2.5 s: of 1,000 executions about 9 (6–14) would violate.",
    "not_suited": "Not suited: 30 executions a day leave 0.9 violations a month in the error budget.",
    "objective": "The objective is the question: no threshold keeps 99.9 % and still sees much.",
    "data_problem": "No recommendation: the measurements score 0.3 of 1.",
}


def candidates(
    name: str, *, current: float | None, recommended: float | None, seen: float
) -> tuple[CandidateScore, ...]:
    """Scores of round thresholds around the current one."""
    center = current or recommended or 2.0
    grid = round_thresholds(center * 0.5, center * 1.5)
    rates = violation_rates(profiles(name).hours, grid.tolist())
    scores = []
    for step, (threshold, rate) in enumerate(zip(grid.tolist(), rates, strict=True)):
        tightness = seen * 0.75 * 0.93**step
        scores.append(
            CandidateScore(
                threshold=threshold, current=threshold == current, rate=rate,
                achievability=rate.probability_at_most(0.01), pages_per_week=min(40.0, 300 * rate.rate**1.2),
                tickets_per_week=min(3.0, 30 * rate.rate), tightness=tightness, tightness_relative=tightness / seen,
                example_caught=min(1.0, tightness * 1.3), loss=20 + step,
                stability=None if current is None else abs(float(np.log(threshold / current))),
                loss_budget=10.0, loss_pages=5.0, loss_missed=5.0 + step, on_front=step % 4 != 3,
                recommended=threshold == recommended,
            )
        )  # fmt: skip
    return tuple(scores)


def outcome(score: CandidateScore) -> Outcome:
    """What a candidate's threshold means."""
    return Outcome(
        threshold=score.threshold, violation_rate=score.rate.rate, interval=score.rate.interval, exact=True,
        achievability=score.achievability, pages_per_week=score.pages_per_week, tickets_per_week=score.tickets_per_week,
        tightness=score.tightness, tightness_relative=score.tightness_relative, example_caught=score.example_caught,
    )  # fmt: skip


def cells(seen: float) -> tuple[Cell, ...]:
    """The 27 injected slowdowns."""
    return tuple(
        Cell(
            factor=factor,
            hours=hours,
            share=share,
            caught=float(np.clip(seen * share * np.log2(factor) * (1 + hours / 24), 0, 1)),
        )
        for factor in (1.5, 2.0, 4.0)
        for hours in (1, 6, 24)
        for share in (0.1, 0.5, 1.0)
    )


def _caught(share: float) -> float:
    return min(max(share, 0.0), 1.0)


def pages(number: int) -> tuple[datetime, ...]:
    """Times of replayed pages."""
    start = profiles().hours.start
    return tuple(start + (END - start) * ((k * 0.381966) % 1) for k in range(number))


def with_quality(given: Assessment, **changes: object) -> Assessment:
    """The same assessment with another quality of the measurements."""
    return replace(given, analysis=replace(given.analysis, quality=replace(given.analysis.quality, **changes)))  # type: ignore[arg-type]
