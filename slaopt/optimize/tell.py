"""A decision told: its figures, and the sentences made from them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slaopt.analysis import Quality, days_of
from slaopt.analysis.alerts import BURN_RATE_WINDOWS
from slaopt.analysis.changepoints import ChangePoint
from slaopt.optimize.criteria import rollback
from slaopt.optimize.decide import Decision, scores_of
from slaopt.optimize.earlier import Earlier
from slaopt.optimize.impact import Impact, impact_of
from slaopt.optimize.moment import Moment
from slaopt.optimize.outcome import Outcome, outcome_at
from slaopt.optimize.recommendation import PredictedOutcomes, Rationale, Recommendation, Verdict
from slaopt.optimize.risk import RiskFactor, mitigations, overall, risk_factors
from slaopt.optimize.sentences import (
    bound_sentence,
    chance_sentence,
    change_sentence,
    failures_sentence,
    gain_sentence,
    impact_sentence,
    keep_sentence,
    kept_sentence,
    objective_sentence,
    policy_sentence,
    sensitivity_sentence,
    set_sentence,
    step_sentence,
    week_sentence,
    written,
)
from slaopt.params import Params
from slaopt.profile import Profile
from slaopt.wording import count, number, percent

__all__ = ["Setting", "tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a decision is told with, beside its own figures."""

    params: Params
    quality: Quality
    changes: Sequence[ChangePoint] = ()  # of level, in the period
    since: datetime | None = None  # the change from which figures count


def tell(decision: Decision, at: Moment, setting: Setting, *, earlier: Earlier | None = None) -> Recommendation:
    """Tell a decision: its figures, and the sentences made from them."""
    ladder, hours, params = decision.ladder, at.hours, setting.params
    current, recommended = decision.current, decision.recommended
    now = None if current is None else outcome_at(ladder, current)
    then = outcome_at(ladder, recommended)
    changed = now is None or now.threshold != then.threshold
    impact = impact_of(ladder, decision.losses, now=current, then=recommended, costs=params.costs)
    back = None
    if now is not None and changed:
        back = rollback(at.steps, then.threshold, objective=params.objective, since=setting.since, seed=params.seed)
    factors: tuple[RiskFactor, ...] = ()
    if changed:
        factors = risk_factors(
            decision, now, then, forecast=at.curve.at(then.threshold), quality=setting.quality,
            changes=setting.changes, watch=back.watch if back else None, end=hours.end,
        )  # fmt: skip
    sides = (current, recommended)
    return Recommendation(
        service=hours.service,
        current_threshold=params.threshold,
        recommended_threshold=then.threshold,
        verdict=_verdict(decision, now, then),
        gate=decision.gate,
        bound=decision.bound,
        objective=params.objective,
        strategy=params.strategy,
        business_priority=params.business_priority,
        sentence=_sentence(decision, now, then, params, earlier),
        reasons=_reasons(decision, now, then, setting, earlier, hours.timezone),
        optimization_rationale=_rationale(decision, now, then, params, impact),
        predicted_outcomes=_predicted(now, then),
        now=now,
        then=then,
        alternative=None if decision.gate in (None, "best") else outcome_at(ladder, decision.choice),
        gain=decision.gain,
        simple_choice=None if decision.simple is None else float(ladder.thresholds[decision.simple]),
        choice_half_cost=float(ladder.thresholds[decision.half_cost]),
        choice_double_cost=float(ladder.thresholds[decision.double_cost]),
        candidates=scores_of(decision),
        cells_now=() if now is None else ladder.tightness[sides[0] or 0].cells,
        cells_then=ladder.tightness[recommended].cells,
        pages_now=() if now is None else ladder.replays[sides[0] or 0].pages,
        pages_then=ladder.replays[recommended].pages,
        daily_then=_daily(hours, then.threshold),
        forecast_now=() if now is None else at.curve.forecasts([now.threshold]),
        forecast_then=at.curve.forecasts([then.threshold]),
        confidence_score=decision.confidence,
        week_before=earlier,
        impact=impact,
        implementation_risk=overall(factors) if changed else None,
        risk_factors=factors,
        mitigation_strategies=mitigations(factors),
        rollback_criteria=back.criteria if back else (),
        rollback_rules=back.rules if back else (),
        watch=back.watch if back else None,
        replay_policy=BURN_RATE_WINDOWS,
        policy=policy_sentence(objective=params.objective),
        command=_command(hours.service) if changed else None,
    )


def _verdict(decision: Decision, now: Outcome | None, then: Outcome) -> Verdict:
    if decision.objective_in_question:
        return "objective"
    if now is None:
        return "set"
    if now.threshold == then.threshold:
        return "keep"
    return "raise" if then.threshold > now.threshold else "lower"


def _sentence(decision: Decision, now: Outcome | None, then: Outcome, params: Params, earlier: Earlier | None) -> str:
    objective = params.objective
    if now is None:
        said = set_sentence(then, objective=objective)
    elif now.threshold == then.threshold:
        said = keep_sentence(now, objective=objective, why=_why_kept(decision, params, earlier))
    else:
        said = change_sentence(now, then, objective=objective)
        if decision.aim != decision.recommended:
            said += step_sentence(float(decision.ladder.thresholds[decision.aim]), max_change=params.max_change)
    if not decision.objective_in_question:
        return said
    ladder = decision.ladder
    if decision.failures_break_objective:
        return failures_sentence(ladder.failed, objective=objective, otherwise=said)
    return objective_sentence(ladder.achievability, ladder.seen, ladder.thresholds, objective=objective, otherwise=said)


def _why_kept(decision: Decision, params: Params, earlier: Earlier | None) -> str:
    return kept_sentence(
        decision.gate or "best",
        float(decision.ladder.thresholds[decision.choice]),
        gain=decision.gain or 0.0,
        minimum=params.minimum_gain,
        confidence=decision.confidence,
        asked=decision.asked,
        strategy=params.strategy,
        earlier=earlier,
    )


def _reasons(
    decision: Decision,
    now: Outcome | None,
    then: Outcome,
    setting: Setting,
    earlier: Earlier | None,
    timezone: str,
) -> tuple[str, ...]:
    ladder, params = decision.ladder, setting.params
    reasons = []
    if decision.gate is None and decision.gain is not None:
        aim = float(ladder.thresholds[decision.aim])
        reasons.append(gain_sentence(decision.gains, aim=None if aim == then.threshold else aim))
    if decision.direction:
        reasons.append(week_sentence(earlier, changed=setting.since, timezone=timezone))
    if decision.bound is not None and not decision.failures_break_objective:
        end = decision.grid.candidates[0 if decision.reached else -1]
        reasons.append(bound_sentence(decision.bound, reached=decision.reached, candidate=end, params=params))
    half, double = (float(ladder.thresholds[i]) for i in (decision.half_cost, decision.double_cost))
    reasons.append(sensitivity_sentence(float(ladder.thresholds[decision.choice]), half=half, double=double))
    if decision.simple is not None:
        simple = written(float(ladder.thresholds[decision.simple]))
        reasons.append(f"The tightest threshold that used at most half the error budget in this period is {simple}.")
    reasons += [
        f"{written(side.threshold)} was not counted when the measurements were read: its figures are middles "
        "between those of the nearest counted thresholds."
        for side in dict.fromkeys(side for side in (now, then) if side is not None)
        if not side.exact
    ]
    return tuple(reasons)


def _rationale(decision: Decision, now: Outcome | None, then: Outcome, params: Params, impact: Impact) -> Rationale:
    rate = decision.ladder.rates[decision.recommended]
    effective = f", which say as much as {count(rate.n_effective)} independent ones" if rate.n_effective else ""
    attained = f"attainment of {written(then.threshold)} would be {percent(1 - then.violation_rate)}"
    if now is not None and now.threshold != then.threshold:
        attained += f"; of {written(now.threshold)} it is {percent(1 - now.violation_rate)}"
    return Rationale(
        statistical_basis=f"{count(rate.violations)} violations in {count(rate.n)} executions{effective}; rates and "
        "chances are forecast for the coming 30 days.",
        reliability_impact=f"The service itself does not change: {attained}.",
        achievability_improvement=chance_sentence(now, then, objective=params.objective),
        business_justification=f"{impact_sentence(impact)} {_loss(decision, params)}",
    )


def _loss(decision: Decision, params: Params) -> str:
    total = decision.losses.total
    priority = f", with priority on {params.business_priority}" if params.business_priority else ""
    now = "" if decision.current is None else f"; now {number(float(total[decision.current]), 2)}"
    return (
        f"Loss{priority}: {number(float(total[decision.recommended]), 2)} pages a month for budget used beyond a half, "
        f"pages, and slowdowns that nobody would see{now}."
    )


def _predicted(now: Outcome | None, then: Outcome) -> PredictedOutcomes:
    rate = _share(now.violation_rate, then.violation_rate) if now else None
    stress = _share(now.pages_per_week, then.pages_per_week) if now else None
    return PredictedOutcomes(
        expected_violation_rate=then.violation_rate,
        violation_rate_change=None if rate is None else 100 * rate,
        reliability_score_change=None if now is None else now.violation_rate - then.violation_rate,
        team_stress_reduction=None if stress is None else 0.0 - stress,
        team_stress_change=None if stress is None else 100 * stress,
    )


def _share(before: float, after: float) -> float | None:
    """Relative change; None of nothing."""
    return after / before - 1 if before else None


def _daily(hours: Profile, threshold: float) -> tuple[float, ...]:
    days = days_of(hours)
    violations, valid = days.total(hours.violations(threshold).middle), days.total(hours.valid)
    return tuple(float(v / n) if n > 0 else float("nan") for v, n in zip(violations, valid, strict=True))


def _command(service: str) -> str:
    """What files the recommendation for approval, once a report of it is recorded."""
    return f"slaopt propose {'-- ' if service.startswith('-') else ''}{shlex.quote(service)}"
