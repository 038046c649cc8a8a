"""How often detectors raise a false alarm, and how often they find what was put in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from slaopt.analysis.gaps import find_gaps
from slaopt.analysis.outliers import find_odd_hours, find_outliers
from slaopt.analysis.truncation import find_truncation
from slaopt.analysis.units import find_unit_jump
from slaopt.profile import Profile, Profiles
from tests.statistical.durations import SHAPES, profile_of_durations, profiles_of, stamps
from tests.statistical.simulated import Service, bimodal, heavy_tail, monte_carlo_error, profile_of

SENTINEL = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a detector did on one kind of service."""

    name: str
    runs: int
    false: float
    found: float
    most_false: float
    least_found: float
    unit: str = "of runs"

    def misses(self) -> list[str]:
        """Bars that are missed by more than two Monte-Carlo errors."""
        over = self.false - self.most_false > 2 * monte_carlo_error(min(self.most_false, 0.5), self.runs)
        under = self.least_found - self.found > 2 * monte_carlo_error(self.least_found, self.runs)
        return [f"{self.name}: false {self.false:.3f}"] * over + [f"{self.name}: found {self.found:.3f}"] * under


def outliers(shape: str, *, runs: int, seed: int) -> Rates:
    """Good executions flagged of 10,000, and twenty sentinels found among them."""
    rng = np.random.default_rng(seed)
    flagged, found = 0.0, 0.0
    for _ in range(runs):
        durations = SHAPES[shape](rng, 10_000)
        flagged += find_outliers(profile_of_durations(durations, rng)).percentage / 100
        durations[:20] = SENTINEL if shape != "Pareto 1.2" else 1e12  # 1e6 is an honest duration of such a tail
        bound = find_outliers(profile_of_durations(durations, rng)).upper_bound
        found += float((durations[:20] > bound).mean())
    return Rates(
        name=f"outliers: {shape}", runs=runs, false=flagged / runs, found=found / runs, most_false=0.002,
        least_found=0.99, unit="of executions",
    )  # fmt: skip


ODD = {
    "1,000 a day, rho 0.6": Service(),
    "1,000 a day, rho 0.9": Service(rho=0.9),
    "30,000 a day, sd 0.1": Service(per_day=30_000, sd=0.1),
}


def odd_hours(name: str, *, runs: int, seed: int) -> Rates:
    """Hours named in 30 days without a fault, and found of those slowed three times (of three in each run)."""
    rng = np.random.default_rng(seed)
    false, found = 0, 0
    for _ in range(runs):
        profile = ODD[name].profile(rng, hours=1)
        false += len(find_odd_hours(profile))
        busy = np.flatnonzero(profile.executions >= 20)
        slow = rng.choice(busy, 3, replace=False)
        counts = profile.counts.toarray()
        counts[slow] = np.roll(counts[slow], round(128 * np.log2(3)), axis=1)
        named = find_odd_hours(profile_of(counts, profile.bounds, step=profile.step))
        found += len({round((odd.start - profile.start) / profile.step) for odd in named} & set(slow.tolist()))
    return Rates(
        name=f"odd hours: {name}", runs=runs, false=false / runs, found=found / runs / 3, most_false=0.25,
        least_found=0.6, unit="hours in 30 days",
    )  # fmt: skip


GAPS = {f"{per_day:,.0f} a day{', uneven traffic' if sd else ''}": (per_day, sd)
        for per_day in (30, 300, 1e4) for sd in (0.0, 0.3)}  # fmt: skip


def gaps(name: str, *, runs: int, seed: int) -> Rates:
    """Gaps named where there is none, and found where 60 expected executions or 4 hours were lost."""
    per_day, sd = GAPS[name]
    service = Service(per_day=per_day, rho=0.9, sd=sd)
    rng = np.random.default_rng(seed)
    false, found = 0, 0
    for _ in range(runs):
        traffic = np.resize(service.season()[0], service.days * 24)
        uneven = np.exp(replace(service, rho=0.9).levels(rng)) if sd else 1.0
        executions = rng.poisson(traffic * uneven).astype(float)
        false += bool(find_gaps(_of_counts(executions)))
        first = int(rng.integers(24, 20 * 24))
        after = first + max(4, int(np.searchsorted(np.cumsum(traffic[first:]), 60)) + 1)
        executions[first:after] = 0
        profile = _of_counts(executions)
        hours = [((gap.start - profile.start) / profile.step, (gap.end - profile.start) / profile.step)
                 for gap in find_gaps(profile)]  # fmt: skip
        found += any(start <= first and end >= after for start, end in hours)
    return Rates(
        name=f"gap: {name}", runs=runs, false=false / runs, found=found / runs, most_false=0.03, least_found=0.98
    )


def _of_counts(executions: np.ndarray) -> Profile:
    counts = np.stack([np.zeros_like(executions), executions], axis=1)
    return profile_of(counts, np.array([0.5, 1.0]), step=timedelta(hours=1))


UNITS = {
    "1,000 a day, rho 0.9": Service(rho=0.9),
    "30 a day": Service(per_day=30),
    "heavy tail": Service(shape=heavy_tail),
    "two modes": Service(shape=bimodal, log_low=-7),
    "incidents": Service(incidents=True),
    "growing 3 % a day": Service(trend=0.03),
}


def unit_jump(name: str, *, runs: int, seed: int) -> Rates:
    """Unit jumps named where there is none, and found where durations from some day on are 60, 1000 or 3600 times."""
    rng = np.random.default_rng(seed)
    false, found = 0, 0
    for _ in range(runs):
        service = UNITS[name]
        false += find_unit_jump(service.profile(rng)) is not None
        factor = rng.choice([60, 1000, 3600]) ** rng.choice([-1.0, 1.0])
        jumped = replace(service, jump=(float(rng.uniform(3, 27)), factor), log_low=-13.0, log_high=17.0)
        found += find_unit_jump(jumped.profile(rng)) is not None
    return Rates(
        name=f"unit jump: {name}", runs=runs, false=false / runs, found=found / runs, most_false=0.01, least_found=0.98
    )


CUTS = {
    "median 2 h": (7200.0, 0.5, 0.0),
    "median 2 h, wide": (7200.0, 1.2, 0.0),
    "median 2 h, falling 1 % a day": (7200.0, 0.5, -0.01),
    "median 2 d": (2 * 86400.0, 0.5, 0.0),
}


def truncation(name: str, *, runs: int, seed: int) -> Rates:
    """Cuts named in a complete export of 1,000 executions a day, and found where only finished ones are in it."""
    median, sigma, trend = CUTS[name]
    service = Service(trend=trend)
    rng = np.random.default_rng(seed)
    false, found = 0, 0
    for _ in range(runs):
        levels = service.levels(rng)
        traffic = np.resize(service.season()[0], len(levels))
        hour = rng.choice(len(levels), size=rng.poisson(1000 * service.days), p=traffic / traffic.sum())
        opened = (hour + rng.random(len(hour))) / 24
        durations = median * np.exp(levels[hour] + sigma * rng.normal(size=len(hour)))
        done = opened + durations / 86400 <= service.days
        false += find_truncation(_of_openings(opened, durations)) is not None
        found += find_truncation(_of_openings(opened[done], durations[done])) is not None
    return Rates(
        name=f"unfinished: {name}", runs=runs, false=false / runs, found=found / runs, most_false=0.02, least_found=0.9
    )


def _of_openings(days: np.ndarray, durations: np.ndarray) -> Profiles:
    return profiles_of(stamps(days), durations)
