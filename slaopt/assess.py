"""Profiles and settings in, an assessment out: the one call behind notebook, command and `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slaopt.analysis import Analysis
from slaopt.analysis import analyze as analyze_period
from slaopt.errors import InputError
from slaopt.forecast import Backtest, Forecast, backtest, forecast_curve
from slaopt.optimize import Recommendation, judge_threshold, recommend_threshold
from slaopt.params import Params
from slaopt.profile import Profiles
from slaopt.result import Result, Skipped
from slaopt.wording import parse_seconds

__all__ = ["Assessment", "analyze", "assess", "judge", "recommend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Result):
    """How a service performs, what is to come, and what to do about its threshold."""

    analysis: Analysis
    recommendation: Recommendation
    forecast: tuple[Forecast, ...]  # at the current and the recommended threshold, over 7, 14 and 30 days
    backtest: Backtest
    settings: Mapping[str, Any]  # the parameters, as JSON holds them
    seed: int

    def _repr_html_(self) -> str:
        return self.recommendation._repr_html_()


def assess(profiles: Profiles, params: Params) -> Assessment | Skipped:
    """Analyse the last `params.days`, forecast and recommend a threshold; the same arguments, the same assessment."""
    analysis = analyze_period(profiles, params)
    if isinstance(analysis, Skipped):
        return analysis
    recommendation = recommend_threshold(
        profiles,
        params,
        quality=analysis.quality,
        start=analysis.start,
        since=analysis.baseline_since,
        changes=analysis.trend_analysis.change_points,
    )
    known = (params.threshold, recommendation.recommended_threshold)
    thresholds = sorted({threshold for threshold in known if threshold is not None})
    told = {(one.threshold, one.horizon): one for one in recommendation.forecast_now + recommendation.forecast_then}
    if not told and thresholds:  # nothing is recommended, and still the current threshold has a future
        curve = forecast_curve(profiles.hours, thresholds)
        told = {} if isinstance(curve, Skipped) else {(one.threshold, one.horizon): one for one in curve.forecasts()}
    return Assessment(
        analysis=analysis,
        recommendation=recommendation,
        forecast=tuple(told.values()),
        backtest=backtest(profiles.hours, thresholds),
        settings=params.published(),
        seed=params.seed,
    )


def judge(profiles: Profiles, params: Params, threshold: float) -> Recommendation | Skipped:
    """Tell what a threshold (seconds) that nobody recommended would mean, from the last `params.days`."""
    analysis = analyze_period(profiles, params)
    if isinstance(analysis, Skipped):
        return analysis
    return judge_threshold(
        profiles,
        params,
        threshold,
        quality=analysis.quality,
        start=analysis.start,
        since=analysis.baseline_since,
        changes=analysis.trend_analysis.change_points,
    )


def analyze(
    profiles: Profiles | Skipped, params: Params | None = None, *, threshold: float | str | None = None
) -> Analysis | Skipped:
    """Analyse measurements; settings that are not given are those that `read` was told."""
    if isinstance(profiles, Skipped):
        return profiles
    return analyze_period(profiles, _settings(profiles, params, threshold))


def recommend(
    profiles: Profiles | Skipped, params: Params | None = None, *, threshold: float | str | None = None
) -> Recommendation | Skipped:
    """Recommend a threshold; settings that are not given are those that `read` was told."""
    if isinstance(profiles, Skipped):
        return profiles
    assessment = assess(profiles, _settings(profiles, params, threshold))
    return assessment if isinstance(assessment, Skipped) else assessment.recommendation


def _settings(profiles: Profiles, params: Params | None, threshold: float | str | None) -> Params:
    settings = params or profiles.params or Params(service=profiles.service)
    if threshold is None:
        return settings
    try:
        return settings.model_copy(update={"threshold": parse_seconds(threshold)})
    except ValueError as error:
        raise InputError(f"threshold: {error}") from error
