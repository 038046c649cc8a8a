"""Quality of measurements: a score 0–1 made of what was seen, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import numpy as np

from slaopt.analysis.days import bucket_middles
from slaopt.analysis.gaps import Gap, find_gaps
from slaopt.analysis.truncation import find_truncation
from slaopt.analysis.units import find_mixed_units, find_unit_jump
from slaopt.intake import ServiceIntake
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Result
from slaopt.wording import count, moment, number, percent, seconds

__all__ = ["WEIGHTS", "Quality", "QualityCheck", "check_quality"]

WEIGHTS = {  # a convention; what the detectors find and miss is measured
    "rejected rows": 0.3,
    "doubles": 0.2,
    "future stamps": 0.3,
    "failures left out": 0.3,
    "no executions": 0.6,
    "gaps": 0.4,
    "stale end": 0.4,
    "too few": 0.6,
    "one value": 0.5,
    "unit jump": 0.8,
    "mixed units": 0.0,  # only a question: an honest second mode looks the same
    "unfinished executions": 0.6,
}
FEWEST = 100  # executions below which it is no wonder that one duration holds most of them

Word = Literal["good", "look", "poor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityCheck(Result):
    """One thing that is wrong with the measurements; the score is multiplied by 1 − weight × severity."""

    name: str
    severity: float  # 0–1
    weight: float  # 0–1, a convention; 0 asks a question only
    sentence: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality(Result):
    """How far the measurements can be trusted; under 0.5 nothing is recommended."""

    service: str = field(metadata={"published": "service_type"})
    score: float  # 0–1
    word: Word
    checks: tuple[QualityCheck, ...]  # what costs most first
    sentence: str


def check_quality(profiles: Profiles, params: Params) -> Quality:
    """Score the last `params.days` of the measurements and what was read of them."""
    recent = profiles.last(params.days)
    measured = recent.hours.executions.sum() > 0
    tail = [*_times(recent.hours, params), *_durations(recent, params)] if measured else [_nothing(recent, params)]
    found = [*_rows(profiles.intake), *_failures(recent.hours, params), *tail]
    checks = sorted((check for check in found if check.severity > 0), key=lambda c: -c.weight * c.severity)
    score = float(np.prod([1 - check.weight * check.severity for check in checks])) if checks else 1.0
    word: Word = "good" if score >= 0.9 else "look" if score >= 0.5 else "poor"
    reason = f": {checks[0].sentence}" if checks else ": nothing was found that speaks against them."
    return Quality(
        service=profiles.service,
        score=score,
        word=word,
        checks=tuple(checks),
        sentence=f"Quality of the measurements {number(score, 2)} of 1{reason}",
    )


def _check(name: str, *, severity: float, sentence: str, remedy: str) -> QualityCheck:
    return QualityCheck(name=name, severity=severity, weight=WEIGHTS[name], sentence=sentence, remedy=remedy)


def _severity(share: float, worst: float) -> float:
    return float(min(1.0, max(0.0, share / worst)))


def _rows(intake: ServiceIntake) -> Iterator[QualityCheck]:
    """What the rows themselves tell."""
    rows = max(intake.rows, 1)
    yield _check(
        "rejected rows",
        severity=_severity(intake.rejected / rows, 0.05),
        sentence=f"{count(intake.rejected)} of {count(intake.rows)} rows could not be used.",
        remedy="slaopt check names their lines and reasons; correct the export.",
    )
    yield _check(
        "doubles",
        severity=_severity(intake.doubles / rows, 0.05),
        sentence=f"{count(intake.doubles)} of {count(intake.rows)} rows repeat another in every column.",
        remedy="If the export wrote them twice, remove the doubles; they were counted.",
    )
    yield _check(
        "future stamps",
        severity=_severity(intake.future / rows, 0.01),
        sentence=f"{count(intake.future)} rows are stamped later than the clock.",
        remedy="Check the time zone of the stamps (--timezone) and the clock that wrote them.",
    )


def _failures(profile: Profile, params: Params) -> Iterator[QualityCheck]:
    """How many executions of the period are in no rate because they failed."""
    failed = float(profile.slot_sums.failures.sum())
    share = failed / max(float(profile.executions.sum()) + failed, 1.0)
    if params.failures == "excluded":
        yield _check(
            "failures left out",
            severity=_severity(share, 0.05),
            sentence=f"{count(failed)} failed or cancelled execution{'' if failed == 1 else 's'} ({percent(share)}) "
            f"{'is' if failed == 1 else 'are'} in no rate.",
            remedy="Decide whether they break the promise: `failures: violations` in params counts them.",
        )


def _nothing(profiles: Profiles, params: Params) -> QualityCheck:
    """What no execution at all tells."""
    last = profiles.intake.last
    latest = f" The latest is of {moment(last, profiles.hours.timezone)}." if last else ""
    return _check(
        "no executions",
        severity=1.0,
        sentence=f"No execution was measured in the last {params.days} days.{latest}",
        remedy="Export again, or end the period earlier with --as-of.",
    )


def _times(profile: Profile, params: Params) -> Iterator[QualityCheck]:
    """What the times of the executions tell."""
    gaps = find_gaps(profile)
    inner = [gap for gap in gaps if not gap.at_end]
    if inner:
        lost = sum(gap.expected for gap in inner)
        yield _check(
            "gaps",
            severity=_severity(lost / max(float(profile.executions.sum()) + lost, 1.0), 0.2),
            sentence=f"{_runs(inner, profile.timezone)}, where about {count(lost)} executions would be usual.",
            remedy="Export that time again; if the service really rested, list it under `excluded:` in params.",
        )
    for gap in gaps:
        if gap.at_end:
            missing = gap.end - gap.start
            yield _check(
                "stale end",
                severity=_severity(missing / timedelta(days=params.days), 0.1),
                sentence=f"Nothing was measured in the last {seconds(missing.total_seconds(), 2)}, "
                f"since {moment(gap.start, profile.timezone)}.",
                remedy="Export again, or end the period there with --as-of.",
            )


def _runs(gaps: list[Gap], timezone: str) -> str:
    longest = max(gaps, key=lambda gap: gap.end - gap.start)
    length = seconds((longest.end - longest.start).total_seconds(), 2)
    if len(gaps) == 1:
        return f"Nothing was measured for {length} from {moment(longest.start, timezone)}"
    return f"Nothing was measured in {len(gaps)} stretches, the longest {length} from {moment(longest.start, timezone)}"


def _durations(profiles: Profiles, params: Params) -> Iterator[QualityCheck]:
    """What the durations tell."""
    profile = profiles.hours
    n = float(profile.executions.sum())
    deciding = n * (1 - params.objective)
    yield _check(
        "too few",
        severity=1 - min(1.0, float(np.sqrt(deciding)) / 10),
        sentence=f"Only {count(n)} execution{'' if n == 1 else 's'} in {params.days} days: an objective of "
        f"{percent(params.objective)} allows {number(deciding, 2)} violations, too few to tell it from a near one.",
        remedy="Analyse a longer period (--days), or promise less than so few executions can show.",
    )
    same = profiles.intake.most_frequent / max(profiles.intake.accepted, 1)
    if same > 0.5 and n >= FEWEST:
        middle = float(bucket_middles(profile.bounds)[profile.bucket_totals.argmax()])
        middle = float(np.clip(middle, np.nanmin(profile.slot_sums.minima), np.nanmax(profile.slot_sums.maxima)))
        yield _check(
            "one value",
            severity=1.0,
            sentence=f"One duration, about {seconds(middle, 2)}, holds {percent(same)} of all executions.",
            remedy="Measure finer than whole units, and check whether a default or a timeout is written as a duration.",
        )
    jump = find_unit_jump(profile)
    if jump:
        yield _check(
            "unit jump",
            severity=1.0,
            sentence=f"Durations changed {number(jump.factor)}-fold on {jump.date.day} {jump.date:%b %Y} and stayed "
            f"there: that looks like {jump.units}.",
            remedy="Name a unit column (--column unit=…), or analyse one side of that day only.",
        )
    mixed = None if jump else find_mixed_units(profile)
    if mixed:
        yield _check(
            "mixed units",
            severity=1.0,
            sentence=f"{percent(mixed.share)} of the durations are about {number(mixed.factor)} times the others, with "
            f"nothing between: are some written in another unit ({mixed.units})?",
            remedy="If so, name a unit column (--column unit=…); if these are slow executions, nothing is wrong.",
        )
    cut = find_truncation(profiles)
    if cut:
        yield _check(
            "unfinished executions",
            severity=1.0,
            sentence=f"Slow executions that started after {moment(cut.complete_until, profile.timezone)} are missing: "
            "only finished ones were exported.",
            remedy=f"End the period at {cut.complete_until:%Y-%m-%dT%H:00Z} with --as-of.",
        )
