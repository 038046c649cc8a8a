"""The analysis of one service: everything that the period tells, as one result."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from slaopt.analysis.daily import DailyPercentiles, HourWeekday, daily_percentiles, hour_weekday
from slaopt.analysis.days import days_of
from slaopt.analysis.intervals import FEWEST_DAYS, RateEstimate, violation_rate
from slaopt.analysis.outliers import Outliers, find_outliers
from slaopt.analysis.quality import Quality, check_quality
from slaopt.analysis.statistics import Baseline, Statistics, baseline, statistics
from slaopt.excluded import Excluded
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Result, Skipped
from slaopt.wording import count, percent

__all__ = ["Analysis", "analyze"]

FEWEST_EXECUTIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis(Result):
    """How one service performed in [start, end) and what level that shows. Durations are seconds, rates 0–1."""

    service: str = field(metadata={"published": "service_type"})
    start: datetime
    end: datetime
    timezone: str
    analysis_period: float  # days
    sample_size: int  # executions whose duration counts
    failed: int  # in the period
    excluded: int  # of all rows read
    rejected: int  # of all rows read
    confidence_level: float
    quality: Quality
    data_quality_score: float
    performance_statistics: Statistics
    trend_analysis: None = None
    baseline_performance: Baseline
    outliers: Outliers
    threshold: float | None
    objective: float
    violation_rate: RateEstimate | None  # at the current threshold
    daily: DailyPercentiles
    week: HourWeekday
    excluded_share: float  # of the period
    excluded_reasons: tuple[str, ...]
    warnings: tuple[str, ...]


def analyze(profiles: Profiles, params: Params) -> Analysis | Skipped:
    """Analyse the last `params.days`; what has too few executions or days is skipped, with the reason."""
    profile = _begun(profiles.last(params.days).hours)
    executions = float(profile.executions.sum())
    days = np.count_nonzero(days_of(profile).total(profile.executions)) if profile.slots else 0
    if executions < FEWEST_EXECUTIONS or days < FEWEST_DAYS:
        return Skipped(service=profiles.service, reason=_too_few(executions, days, params))
    quality = check_quality(profiles, params)
    level = params.confidence_level
    rate = violation_rate(profile, params.threshold, confidence_level=level) if params.threshold else None
    return Analysis(
        service=profiles.service,
        start=profile.start,
        end=profile.end,
        timezone=profile.timezone,
        analysis_period=(profile.end - profile.start) / timedelta(days=1),
        sample_size=round(executions),
        failed=round(float(profile.slot_sums.failures.sum())),
        excluded=profiles.intake.excluded,
        rejected=profiles.intake.rejected,
        confidence_level=level,
        quality=quality,
        data_quality_score=quality.score,
        performance_statistics=statistics(profile),
        baseline_performance=baseline(profile, confidence_level=level),
        outliers=find_outliers(profile),
        threshold=params.threshold,
        objective=params.objective,
        violation_rate=rate,
        daily=daily_percentiles(profile, threshold=params.threshold),
        week=hour_weekday(profile, threshold=params.threshold),
        excluded_share=float(profile.slot_sums.excluded.mean()),
        excluded_reasons=_excluded_reasons(params.excluded),
        warnings=(),
    )


def _begun(profile: Profile) -> Profile:
    """Leave out the time before the first execution where that is longer than a day of time that counts."""
    ran = np.flatnonzero(profile.executions + profile.slot_sums.failures > 0)
    if not len(ran):
        return profile
    idle = float((1 - profile.slot_sums.excluded[: ran[0]]).sum()) * profile.step
    return profile.between(profile.start + int(ran[0]) * profile.step, profile.end) if idle >= timedelta(days=1) else profile


def _too_few(executions: float, days: int, params: Params) -> str:
    seen = f"{count(executions)} executions on {days} days in the last {params.days} days"
    needed = f"at least {FEWEST_EXECUTIONS} executions on {FEWEST_DAYS} days are needed"
    return f"{seen}; {needed}: measure longer, or analyse a longer period (--days)"


def _excluded_reasons(excluded: Excluded) -> tuple[str, ...]:
    reasons = []
    if hours := excluded.business_hours:
        days = ", ".join(day.capitalize() for day in hours.days)
        reasons.append(f"outside {days} {hours.start:%H:%M}–{hours.end:%H:%M}")
    if excluded.holidays:
        reasons.append(f"{len(excluded.holidays)} holidays")
    reasons += [f"{w.why} {w.weekday.capitalize()} {w.start:%H:%M}–{w.end:%H:%M}" for w in excluded.weekly]
    reasons += [f"{span.why} from {span.start:%Y-%m-%d %H:%M}" for span in excluded.maintenance]
    return tuple(reasons)
