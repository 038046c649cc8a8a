"""The analysis of one service: everything that the period tells, as one result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

from slaopt.analysis.attainment import Attainment, attainments
from slaopt.analysis.daily import DailyPercentiles, HourWeekday, daily_percentiles, hour_weekday
from slaopt.analysis.days import days_of
from slaopt.analysis.effective import FEWEST_COUNT, FEWEST_DAYS
from slaopt.analysis.enough import begun, days_that_ran, too_little
from slaopt.analysis.incidents import without_hours
from slaopt.analysis.intervals import RateEstimate, violation_rate
from slaopt.analysis.level import is_stable, level_since, level_warnings
from slaopt.analysis.outliers import OddHour, Outliers, find_outliers
from slaopt.analysis.quality import Quality, check_quality
from slaopt.analysis.statistics import Baseline, Statistics, baseline, statistics
from slaopt.analysis.summary import table
from slaopt.analysis.traffic import LowTraffic, low_traffic
from slaopt.analysis.trend import TrendAnalysis, analyze_trend
from slaopt.excluded import Excluded
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Result, Skipped
from slaopt.wording import count, day, moment, number, percent, seconds

__all__ = ["Analysis", "analyze"]

FEW_DAYS = 14  # below, a reader is told on how many days the intervals rest
WORST_DAY = 0.25  # share of the violations from which the worst day is named


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
    trend_analysis: TrendAnalysis
    baseline_performance: Baseline
    baseline_since: datetime | None  # baseline and violation rate rest on what came after a change; None: on all
    outliers: Outliers
    threshold: float | None
    objective: float
    violation_rate: RateEstimate | None  # at the current threshold
    incident_hours: tuple[OddHour, ...]
    violation_rate_without_incidents: RateEstimate | None  # None where no hour was odd
    attainment: tuple[Attainment, ...]  # of the whole history: calendar weeks, then months
    low_traffic: LowTraffic | None  # why so few executions cannot show whether the objective is kept
    daily: DailyPercentiles
    week: HourWeekday
    excluded_share: float  # of the period
    excluded_reasons: tuple[str, ...]
    warnings: tuple[str, ...]

    def _repr_html_(self) -> str:
        return table(self)


def analyze(profiles: Profiles, params: Params) -> Analysis | Skipped:
    """Analyse the last `params.days`; what has too few executions or days is skipped, with the reason.

    Statistics and the figures by day are of the whole period. Baseline and violation rate are of what came after the
    last abrupt change of the level where that is long enough, attainment is of all the history.
    """
    profile = begun(profiles.last(params.days).hours)
    if reason := too_little(profile, profiles, params):
        return Skipped(service=profiles.service, reason=reason)
    quality = check_quality(profiles, params)
    trend = analyze_trend(profile)
    outliers = find_outliers(profile, changed=[change.at for change in trend.change_points if change.abrupt])
    since = level_since(profile, trend)
    level = profile if since is None else profile.between(since, profile.end)
    rate, without = _rates(level, outliers, params)
    described = baseline(level, confidence_level=params.confidence_level, is_stable=is_stable(trend, since))
    return Analysis(
        service=profiles.service,
        start=profile.start,
        end=profile.end,
        timezone=profile.timezone,
        analysis_period=(profile.end - profile.start) / timedelta(days=1),
        sample_size=round(float(profile.executions.sum())),
        failed=round(float(profile.slot_sums.failures.sum())),
        excluded=profiles.intake.excluded,
        rejected=profiles.intake.rejected,
        confidence_level=params.confidence_level,
        quality=quality,
        data_quality_score=quality.score,
        performance_statistics=statistics(profile),
        trend_analysis=trend,
        baseline_performance=described,
        baseline_since=since,
        outliers=outliers,
        threshold=params.threshold,
        objective=params.objective,
        violation_rate=rate,
        incident_hours=outliers.odd_hours,
        violation_rate_without_incidents=without,
        attainment=attainments(begun(profiles.hours), params),
        low_traffic=low_traffic(profile, objective=params.objective),
        daily=daily_percentiles(profile, threshold=params.threshold),
        week=hour_weekday(profile, threshold=params.threshold),
        excluded_share=float(profile.slot_sums.excluded.mean()),
        excluded_reasons=_excluded_reasons(params.excluded, profile),
        warnings=(*level_warnings(profile, trend, since), *_warnings(profile, level, params, rate, described)),
    )


def _rates(level: Profile, outliers: Outliers, params: Params) -> tuple[RateEstimate | None, RateEstimate | None]:
    """Violation rate at the current threshold, and that without the odd hours where there are some."""
    if params.threshold is None:
        return None, None
    rate = violation_rate(level, params.threshold, confidence_level=params.confidence_level)
    calm = without_hours(level, outliers.odd_hours)
    if calm is None:
        return rate, None
    return rate, violation_rate(calm, params.threshold, confidence_level=params.confidence_level)


def _excluded_reasons(excluded: Excluded, profile: Profile) -> tuple[str, ...]:
    """Say what of the excluded time touches the period, and when."""
    reasons = []
    if hours := excluded.business_hours:
        days = ", ".join(name.capitalize() for name in hours.days)
        reasons.append(f"outside {days} {hours.start:%H:%M}–{hours.end:%H:%M}")
    dates = days_of(profile).dates
    reasons += [f"holiday {holiday.day} {holiday:%b %Y}" for holiday in excluded.holidays if holiday in dates]
    reasons += [f"{w.why} {w.weekday.capitalize()} {w.start:%H:%M}–{w.end:%H:%M}" for w in excluded.weekly]
    reasons += [
        f"{span.why} from {moment(span.start, profile.timezone)}"
        for span in excluded.maintenance
        if span.start < profile.end and span.end > profile.start
    ]
    return tuple(reasons)


def _warnings(
    profile: Profile, level: Profile, params: Params, rate: RateEstimate | None, described: Baseline
) -> Iterator[str]:
    """Say what a reader of the figures has to know beside them."""
    length = (profile.end - profile.start) / timedelta(days=1)
    if length < params.days - 1:
        yield (
            f"Measurements begin on {day(profile.start, profile.timezone)}: "
            f"{number(length, 2)} of {params.days} days are described."
        )
    ran = days_that_ran(level)
    if FEWEST_DAYS <= ran < FEW_DAYS:
        yield f"The intervals rest on {ran} days; weeks that differ from these are not in them."
    if described.why:
        yield f"Mean and quantiles have no interval: {described.why}."
    unbounded = [e for e in described.quantiles if e.interval and not isfinite(e.interval.high)]
    if unbounded:
        yield f"How high p{100 * unbounded[0].q:g} may lie cannot be told: too few executions are slower than it."
    failures = float(profile.slot_sums.failures.sum())
    if profile.failures_are_violations and failures:
        yield f"{count(failures)} failed executions count as violations of every threshold; quantiles leave them out."
    if rate:
        yield from _rate_warnings(level, rate)


def _rate_warnings(profile: Profile, rate: RateEstimate) -> Iterator[str]:
    if not rate.exact:
        yield f"{rate.counted[0].upper()}{rate.counted[1:]}; give it when reading (threshold=…) to count it."
    share = rate.worst_day_share or 0.0
    if share >= WORST_DAY and rate.violations >= FEWEST_COUNT:
        days = days_of(profile)
        worst = days.dates[int(days.total(profile.violations(rate.threshold).middle).argmax())]
        yield (
            f"{percent(share)} of the violations of {seconds(rate.threshold)} fell on one day, {worst.day} "
            f"{worst:%b %Y}: the intervals hold if the coming weeks are like these."
        )
