"""The analysis of one service: everything that the period tells, as one result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite

import numpy as np

from slaopt.analysis.attainment import Attainment
from slaopt.analysis.daily import DailyPercentiles, HourWeekday, daily_percentiles, hour_weekday
from slaopt.analysis.days import days_of
from slaopt.analysis.effective import FEWEST_COUNT, FEWEST_DAYS
from slaopt.analysis.intervals import RateEstimate, violation_rate
from slaopt.analysis.outliers import OddHour, Outliers, find_outliers
from slaopt.analysis.quality import Quality, check_quality
from slaopt.analysis.statistics import Baseline, Statistics, baseline, statistics
from slaopt.analysis.summary import table
from slaopt.analysis.traffic import LowTraffic
from slaopt.analysis.trend import TrendAnalysis, analyze_trend
from slaopt.excluded import Excluded
from slaopt.intake import ServiceIntake
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Result, Skipped
from slaopt.wording import count, day, moment, number, percent, seconds

__all__ = ["Analysis", "analyze"]

FEWEST_EXECUTIONS = 100
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
    """Analyse the last `params.days`; what has too few executions or days is skipped, with the reason."""
    profile = _begun(profiles.last(params.days).hours)
    ran = _days_that_ran(profile)
    if profile.executions.sum() < FEWEST_EXECUTIONS or ran < FEWEST_DAYS:
        return Skipped(service=profiles.service, reason=_too_few(profile, ran, profiles.intake, params))
    quality = check_quality(profiles, params)
    level, threshold = params.confidence_level, params.threshold
    rate = None if threshold is None else violation_rate(profile, threshold, confidence_level=level)
    described = baseline(profile, confidence_level=level)
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
        confidence_level=level,
        quality=quality,
        data_quality_score=quality.score,
        performance_statistics=statistics(profile),
        trend_analysis=analyze_trend(profile),
        baseline_performance=described,
        baseline_since=None,
        outliers=find_outliers(profile),
        threshold=threshold,
        objective=params.objective,
        violation_rate=rate,
        incident_hours=(),
        violation_rate_without_incidents=None,
        attainment=(),
        low_traffic=None,
        daily=daily_percentiles(profile, threshold=threshold),
        week=hour_weekday(profile, threshold=threshold),
        excluded_share=float(profile.slot_sums.excluded.mean()),
        excluded_reasons=_excluded_reasons(params.excluded, profile),
        warnings=tuple(_warnings(profile, params, ran, rate, described)),
    )


def _days_that_ran(profile: Profile) -> int:
    return int(np.count_nonzero(days_of(profile).total(profile.executions))) if profile.slots else 0


def _begun(profile: Profile) -> Profile:
    """Leave out the time before the first execution where that is a day or more of time that counts."""
    ran = np.flatnonzero(profile.executions + profile.slot_sums.failures > 0)
    if not len(ran):
        return profile
    idle = float((1 - profile.slot_sums.excluded[: ran[0]]).sum()) * profile.step
    first = int(ran[0]) if idle >= timedelta(days=1) else 0
    return profile.between(profile.start + first * profile.step, profile.end)


def _too_few(profile: Profile, ran: int, intake: ServiceIntake, params: Params) -> str:
    n = round(float(profile.executions.sum()))
    seen = f"{_counted(n, 'execution')} on {_counted(ran, 'day')} in the {params.days} days before "
    seen += moment(profile.end, profile.timezone)
    needed = f"at least {FEWEST_EXECUTIONS} on {FEWEST_DAYS} days are needed"
    left_out = [
        f"{count(rows)} {why}"
        for rows, why in ((intake.rejected, "rejected"), (intake.failed, "failed"), (intake.excluded, "excluded"))
        if rows
    ]
    among = f" (of {count(intake.rows)} rows read, {', '.join(left_out)})" if left_out else ""
    last = intake.last
    if last is not None and profile.end - last >= timedelta(days=1):
        enough = not 0 < intake.accepted < FEWEST_EXECUTIONS  # none: they lie before what was read
        remedy = f"the latest is of {moment(last, profile.timezone)}: "
        remedy += "end the period there with --as-of, or export again" if enough else "export again, or measure longer"
    elif not n:
        remedy = "end the period where there are measurements with --as-of"
    else:
        remedy = "measure longer, or analyse a longer period (--days)"
    return f"{seen}{among}; {needed}: {remedy}"


def _counted(n: int, what: str) -> str:
    return f"{count(n)} {what}" + ("" if n == 1 else "s")


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
    profile: Profile, params: Params, ran: int, rate: RateEstimate | None, described: Baseline
) -> Iterator[str]:
    """Say what a reader of the figures has to know beside them."""
    length = (profile.end - profile.start) / timedelta(days=1)
    if length < params.days - 1:
        yield (
            f"Measurements begin on {day(profile.start, profile.timezone)}: "
            f"{number(length, 2)} of {params.days} days are described."
        )
    if ran < FEW_DAYS:
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
        yield from _rate_warnings(profile, rate)


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
