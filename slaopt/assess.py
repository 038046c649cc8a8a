"""Profiles and settings in, an assessment out: the one call behind notebook, command and `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from slaopt.analysis import Analysis
from slaopt.analysis import analyze as analyze_period
from slaopt.analysis.daily import daily_percentiles
from slaopt.optimize import Recommendation, recommend_threshold
from slaopt.params import Params
from slaopt.profile import Profiles
from slaopt.result import Result, Skipped

__all__ = ["Assessment", "analyze", "assess", "recommend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Result):
    """How a service performs, and what to do about its threshold."""

    analysis: Analysis
    recommendation: Recommendation
    settings: Mapping[str, Any]  # the parameters, as JSON holds them
    seed: int

    def _repr_html_(self) -> str:
        return self.recommendation._repr_html_()


def assess(profiles: Profiles, params: Params) -> Assessment | Skipped:
    """Analyse the last `params.days` and recommend a threshold; the same arguments give the same assessment."""
    analysis = analyze_period(profiles, params)
    if isinstance(analysis, Skipped):
        return analysis
    period = replace(
        profiles,
        hours=profiles.hours.between(analysis.start, analysis.end),
        steps=profiles.steps.between(analysis.start, analysis.end),
    )
    recommendation = recommend_threshold(period, params, quality=analysis.quality)
    return Assessment(
        analysis=analysis,
        recommendation=replace(recommendation, daily_then=_daily(period, recommendation.recommended_threshold)),
        settings=params.model_dump(mode="json"),
        seed=params.seed,
    )


def _daily(period: Profiles, threshold: float | None) -> tuple[float, ...] | None:
    """Violation rate of each day at a threshold."""
    shares = daily_percentiles(period.hours, threshold=threshold).violations
    return None if shares is None else tuple(shares.tolist())


def analyze(profiles: Profiles | Skipped, params: Params | None = None) -> Analysis | Skipped:
    """Analyse measurements; settings that are not given are those that `read` was told."""
    return profiles if isinstance(profiles, Skipped) else analyze_period(profiles, _settings(profiles, params))


def recommend(profiles: Profiles | Skipped, params: Params | None = None) -> Recommendation | Skipped:
    """Recommend a threshold; settings that are not given are those that `read` was told."""
    if isinstance(profiles, Skipped):
        return profiles
    assessment = assess(profiles, _settings(profiles, params))
    return assessment if isinstance(assessment, Skipped) else assessment.recommendation


def _settings(profiles: Profiles, params: Params | None) -> Params:
    return params or profiles.params or Params(service=profiles.service)
