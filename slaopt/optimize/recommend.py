"""From Profiles and settings to a Recommendation: the rule applied, and its outcome told."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from slaopt.analysis import Quality, days_of
from slaopt.analysis.alerts import BURN_RATE_WINDOWS
from slaopt.optimize.candidates import grid_of
from slaopt.optimize.decide import DAYS_A_MONTH, FEWEST_BUDGETED, Decision, decide, scores_of
from slaopt.optimize.outcome import Outcome, outcome_at
from slaopt.optimize.recommendation import PredictedOutcomes, Rationale, Recommendation, Verdict
from slaopt.optimize.scores import ladder_of
from slaopt.optimize.sentences import (
    bound_sentence,
    chance_sentence,
    change_sentence,
    data_sentence,
    failures_sentence,
    gain_sentence,
    keep_sentence,
    kept_sentence,
    objective_sentence,
    policy_sentence,
    sensitivity_sentence,
    set_sentence,
    step_sentence,
    traffic_sentence,
    written,
)
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.wording import count, number, percent

__all__ = ["FEWEST_QUALITY", "recommend_threshold", "tell"]

FEWEST_QUALITY = 0.5


def recommend_threshold(profiles: Profiles, params: Params, *, quality: Quality) -> Recommendation:
    """Recommend a threshold from the period that the Profiles hold, or say why there is none to recommend."""
    hours = profiles.hours
    monthly = float(hours.valid.sum()) * (timedelta(days=DAYS_A_MONTH) / (hours.end - hours.start))
    few = (1 - params.objective) * monthly < FEWEST_BUDGETED
    if few and _score_but_for_traffic(quality) >= FEWEST_QUALITY:
        sentence = traffic_sentence(monthly, objective=params.objective, fewest=FEWEST_BUDGETED)
        return _without(profiles, params, "not_suited", sentence)
    if few or quality.score < FEWEST_QUALITY:
        return _without(profiles, params, "data_problem", data_sentence(quality.score, FEWEST_QUALITY, _worst(quality)))
    grid = grid_of(hours, params)
    if not grid.candidates:
        return _without(profiles, params, "data_problem", "No recommendation: no duration is longer than 0 s.")
    ladder = ladder_of(profiles, grid.thresholds, objective=params.objective, confidence_level=params.confidence_level)
    if why := ladder.rates[0].why:
        return _without(profiles, params, "data_problem", f"No recommendation: {why}.")
    return tell(decide(grid, ladder, params), hours, params)


def tell(decision: Decision, hours: Profile, params: Params) -> Recommendation:
    """Tell a decision: its figures, and the sentences made from them."""
    ladder = decision.ladder
    now = None if decision.current is None else outcome_at(ladder, decision.current)
    then = outcome_at(ladder, decision.recommended)
    alternative = outcome_at(ladder, decision.choice) if decision.gate == "gain" else None
    verdict = _verdict(decision, now, then)
    pages = [ladder.replays[i].pages if i is not None else () for i in (decision.current, decision.recommended)]
    cells = [ladder.tightness[i].cells if i is not None else () for i in (decision.current, decision.recommended)]
    changed = now is None or now.threshold != then.threshold
    return Recommendation(
        service=hours.service,
        current_threshold=params.threshold,
        recommended_threshold=then.threshold,
        verdict=verdict,
        gate=decision.gate,
        bound=decision.bound,
        objective=params.objective,
        strategy=params.strategy,
        business_priority=params.business_priority,
        sentence=_sentence(decision, now, then, params),
        reasons=_reasons(decision, now, then, params),
        optimization_rationale=_rationale(decision, now, then, params),
        predicted_outcomes=_predicted(now, then),
        now=now,
        then=then,
        alternative=alternative,
        gain=decision.gain,
        simple_choice=None if decision.simple is None else float(ladder.thresholds[decision.simple]),
        choice_half_cost=float(ladder.thresholds[decision.half_cost]),
        choice_double_cost=float(ladder.thresholds[decision.double_cost]),
        candidates=scores_of(decision),
        cells_now=cells[0],
        cells_then=cells[1],
        pages_now=pages[0],
        pages_then=pages[1],
        daily_then=_daily(hours, then.threshold),
        replay_policy=BURN_RATE_WINDOWS,
        policy=policy_sentence(objective=params.objective),
        command=_command(hours.service, then.threshold) if changed else None,
    )


def _without(profiles: Profiles, params: Params, verdict: Verdict, sentence: str) -> Recommendation:
    """A recommendation that recommends nothing, and says why."""
    return Recommendation(
        service=profiles.service,
        current_threshold=params.threshold,
        recommended_threshold=None,
        verdict=verdict,
        gate=None,
        bound=None,
        objective=params.objective,
        strategy=params.strategy,
        business_priority=params.business_priority,
        sentence=sentence,
        reasons=(),
        optimization_rationale=None,
        predicted_outcomes=None,
        now=None,
        then=None,
        alternative=None,
        gain=None,
        simple_choice=None,
        choice_half_cost=None,
        choice_double_cost=None,
        candidates=(),
        cells_now=(),
        cells_then=(),
        pages_now=(),
        pages_then=(),
        replay_policy=BURN_RATE_WINDOWS,
        policy=policy_sentence(objective=params.objective),
        command=None,
    )


def _score_but_for_traffic(quality: Quality) -> float:
    """The score if there were executions enough: low traffic is no fault of the measurements."""
    return math.prod(1 - check.weight * check.severity for check in quality.checks if check.name != "too few")


def _worst(quality: Quality) -> str:
    return " ".join((quality.checks[0].sentence, quality.checks[0].remedy)) if quality.checks else quality.sentence


def _verdict(decision: Decision, now: Outcome | None, then: Outcome) -> Verdict:
    if decision.objective_in_question:
        return "objective"
    if now is None:
        return "set"
    if now.threshold == then.threshold:
        return "keep"
    return "raise" if then.threshold > now.threshold else "lower"


def _sentence(decision: Decision, now: Outcome | None, then: Outcome, params: Params) -> str:
    objective = params.objective
    if now is None:
        said = set_sentence(then, objective=objective)
    elif now.threshold == then.threshold:
        said = keep_sentence(now, objective=objective, why=_why_kept(decision, params))
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


def _why_kept(decision: Decision, params: Params) -> str:
    best = float(decision.ladder.thresholds[decision.choice])
    return kept_sentence(
        best if decision.gate == "gain" else None,
        gain=decision.gain or 0.0,
        spread=decision.spread or 0.0,
        minimum=params.minimum_gain,
    )


def _reasons(decision: Decision, now: Outcome | None, then: Outcome, params: Params) -> tuple[str, ...]:
    ladder = decision.ladder
    reasons = []
    if decision.gate is None and decision.gain is not None:
        aim = float(ladder.thresholds[decision.aim])
        reasons.append(gain_sentence(decision.gains, aim=None if aim == then.threshold else aim))
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


def _rationale(decision: Decision, now: Outcome | None, then: Outcome, params: Params) -> Rationale:
    rate = decision.ladder.rates[decision.recommended]
    effective = f", which say as much as {count(rate.n_effective)} independent ones" if rate.n_effective else ""
    attained = f"attainment of {written(then.threshold)} would be {percent(1 - then.violation_rate)}"
    if now is not None and now.threshold != then.threshold:
        attained += f"; of {written(now.threshold)} it is {percent(1 - now.violation_rate)}"
    priority = f", with priority on {params.business_priority}" if params.business_priority else ""
    return Rationale(
        statistical_basis=f"{count(rate.violations)} violations in {count(rate.n)} executions{effective}; all "
        "figures hold if the coming weeks are like these.",
        reliability_impact=f"The service itself does not change: {attained}.",
        achievability_improvement=chance_sentence(now, then, objective=params.objective),
        business_justification=f"Loss{priority}: {number(float(decision.losses.total[decision.recommended]), 2)} pages "
        "a month for budget used beyond a half, pages, and slowdowns that nobody would see"
        + ("" if now is None else f"; now {number(float(decision.losses.total[decision.current or 0]), 2)}")
        + ".",
    )


def _predicted(now: Outcome | None, then: Outcome) -> PredictedOutcomes:
    return PredictedOutcomes(
        expected_violation_rate=then.violation_rate,
        reliability_score_change=None if now is None else now.violation_rate - then.violation_rate,
        team_stress_reduction=1 - then.pages_per_week / now.pages_per_week if now and now.pages_per_week else None,
    )


def _daily(hours: Profile, threshold: float) -> tuple[float, ...]:
    days = days_of(hours)
    violations, valid = days.total(hours.violations(threshold).middle), days.total(hours.valid)
    return tuple(float(v / n) if n > 0 else float("nan") for v, n in zip(violations, valid, strict=True))


def _command(service: str, threshold: float) -> str:
    setting = f"`threshold: {threshold:.12g}`"
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", service):
        return f"set {setting} in params/services/{service}.yaml"
    return f"set {setting} in the file under params/services/ that names this service"
