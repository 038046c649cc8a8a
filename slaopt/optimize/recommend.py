"""From Profiles and settings to a Recommendation: the rule applied at two moments, and its outcome told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from slaopt.analysis import Quality, days_of
from slaopt.analysis.alerts import BURN_RATE_WINDOWS
from slaopt.analysis.changepoints import ChangePoint
from slaopt.analysis.traffic import low_traffic
from slaopt.optimize.decide import Decision, confirmed, made_for
from slaopt.optimize.earlier import FEWEST_DAYS, WEEK, Earlier
from slaopt.optimize.moment import moment
from slaopt.optimize.recommendation import Recommendation, Verdict
from slaopt.optimize.sentences import data_sentence, policy_sentence
from slaopt.optimize.tell import Setting, tell
from slaopt.params import Params
from slaopt.profile import Profiles
from slaopt.result import Skipped

__all__ = ["FEWEST_QUALITY", "judge_threshold", "recommend_threshold"]

FEWEST_QUALITY = 0.5


def recommend_threshold(
    profiles: Profiles,
    params: Params,
    *,
    quality: Quality,
    start: datetime | None = None,
    since: datetime | None = None,
    changes: Sequence[ChangePoint] = (),
) -> Recommendation:
    """Recommend a threshold from the whole history that was read, or say why there is none to recommend.

    Parameters
    ----------
    start
        Start of the period that is described and replayed; `params.days` before the end where it is not given.
    since
        A lasting change of level in the period: rates, pages and injected slowdowns count from then on. The forecast
        learns from the whole period.
    changes
        All changes of level in the period; a recent one is a risk.
    """
    end = profiles.hours.end
    start = start or max(profiles.hours.start, end - timedelta(days=params.days))
    period = profiles.hours.between(start, end)
    few = low_traffic(period, objective=params.objective)
    if few is not None and _score_but_for_traffic(quality) >= FEWEST_QUALITY:
        return _without(profiles, params, "not_suited", f"Not suited (low traffic): {_lower(few.sentence)}")
    if few is not None or quality.score < FEWEST_QUALITY:
        return _without(profiles, params, "data_problem", data_sentence(quality.score, FEWEST_QUALITY, _worst(quality)))
    now = moment(profiles, params, start=start, end=end, since=since)
    if isinstance(now, Skipped):
        return _without(profiles, params, "data_problem", f"No recommendation: {now.reason}.")
    decision, earlier = now.decision(params), None
    if decision.direction and since is None:
        earlier, decision = _week_before(profiles, params, decision, end=end - WEEK)
    setting = Setting(params=params, quality=quality, changes=changes, since=since)
    return tell(decision, now, setting, earlier=earlier)


def judge_threshold(
    profiles: Profiles,
    params: Params,
    threshold: float,
    *,
    quality: Quality,
    start: datetime,
    since: datetime | None = None,
    changes: Sequence[ChangePoint] = (),
) -> Recommendation | Skipped:
    """Tell what a threshold that somebody asks for would mean, as if the rule had chosen it; `since` as above."""
    end = profiles.hours.end
    now = moment(profiles, params, start=start, end=end, since=since, asked=threshold)
    if isinstance(now, Skipped):
        return now
    setting = Setting(params=params, quality=quality, changes=changes, since=since)
    return tell(made_for(now.decision(params), threshold), now, setting)


def _week_before(
    profiles: Profiles, params: Params, decision: Decision, *, end: datetime
) -> tuple[Earlier | None, Decision]:
    """Ask the same a week earlier, where measurements reach back far enough; a change must point the same way then."""
    start = max(profiles.hours.start, end - timedelta(days=params.days))
    before = profiles.hours.between(start, end)
    if days_of(before).total(before.executions).astype(bool).sum() < FEWEST_DAYS:
        return None, decision
    then = moment(profiles, params, start=start, end=end)
    if isinstance(then, Skipped):
        return None, decision
    was = then.decision(params)
    earlier = Earlier(
        as_of=end,
        verdict=("keep", "raise", "lower")[was.direction],
        threshold=float(was.ladder.thresholds[was.recommended]),
        confidence=was.confidence,
    )
    return earlier, confirmed(decision, was)


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


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _score_but_for_traffic(quality: Quality) -> float:
    """The score if there were executions enough: low traffic is no fault of the measurements."""
    return math.prod(1 - check.weight * check.severity for check in quality.checks if check.name != "too few")


def _worst(quality: Quality) -> str:
    return " ".join((quality.checks[0].sentence, quality.checks[0].remedy)) if quality.checks else quality.sentence
