"""Services whose future is known: Poisson counts in buckets, given a level for each hour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.signal import lfilter
from scipy.sparse import csr_array
from scipy.special import ndtr

from slaopt.analysis.alerts import replay
from slaopt.buckets import counted_bounds, round_thresholds
from slaopt.intake import ServiceIntake
from slaopt.profile import Profile, Profiles, SlotSums

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Durations are level × X; X is lognormal, lognormal with a Pareto tail, or has two modes."""

    shape: str
    sigma: float
    per_day: float
    log_level: np.ndarray  # (hours,)

    @classmethod
    def draw(cls, rng: np.random.Generator, *, days: int, shape: str | None = None, **fixed: float) -> Simulated:
        hours = np.arange(days * 24)
        rho, sd = fixed.get("rho", rng.choice([0.6, 0.9])), fixed.get("sd", rng.uniform(0.05, 0.2))
        shocks = rng.standard_normal(len(hours)) * sd
        shocks[1:] *= np.sqrt(1 - rho**2)
        level = lfilter([1.0], [1.0, -rho], shocks)
        level += rng.uniform(0, 0.15) * np.sin(2 * np.pi * hours / 24) - rng.uniform(0, 0.15) * (hours // 24 % 7 >= 5)
        level += np.repeat(rng.standard_normal(days) * fixed.get("drift", rng.uniform(0, 0.1)), 24)
        for start in rng.integers(0, len(hours), rng.poisson(fixed.get("incidents", rng.integers(0, 4)) * days / 30)):
            level[start : start + rng.integers(1, 7)] += np.log(rng.uniform(2, 5))
        if rng.random() < fixed.get("shifted", 0.3):
            level += np.log(1.3) * rng.choice([-1, 1]) * (hours > rng.integers(0, len(hours)))
        return cls(
            shape=shape or str(rng.choice(["lognormal", "pareto", "bimodal"], p=[0.5, 0.25, 0.25])),
            sigma=rng.uniform(0.3, 0.8),
            per_day=float(10 ** rng.uniform(np.log10(30), 5)),
            log_level=level,
        )

    def survival(self, x: np.ndarray) -> np.ndarray:
        """P(X > x)."""
        log = np.log(np.maximum(x, 1e-300))
        body = ndtr(-log / self.sigma)
        if self.shape == "pareto":
            return 0.95 * body + 0.05 * np.minimum(1, (np.maximum(x, 1e-300) / 2) ** -1.5)
        if self.shape == "bimodal":
            return 0.6 * body + 0.4 * ndtr(-(log - np.log(4)) / 0.35)
        return body

    def rates(self, thresholds: np.ndarray, *, days: tuple[int, int]) -> np.ndarray:
        """Expected violation rate of each threshold over the days."""
        levels, weight = self._hours(*days)
        expected = self.survival(thresholds[:, None] / np.exp(levels))
        return expected @ weight / weight.sum()

    def profiles(self, rng: np.random.Generator, *, days: tuple[int, int], current: float | None = None) -> Profiles:
        """Count the days at every round threshold, and at the current one."""
        levels, weight = self._hours(*days)
        bounds = counted_bounds(1e-3, 1e6, thresholds=[current] if current else [])
        above = self.survival(bounds[None] / np.exp(levels)[:, None])
        share = -np.diff(above, axis=1, prepend=1.0, append=0.0)[:, :-1]
        used = share.sum(axis=0) * weight.max() * 12 > 1e-7
        share, bounds = share[:, used], bounds[used]
        rate = np.repeat(share * weight[:, None] / 12, 12, axis=0)
        counts = rng.poisson(rate).astype(float)
        start = EPOCH + days[0] * DAY
        steps = _profile(counts, bounds, start, timedelta(minutes=5))
        hours = _profile(counts.reshape(-1, 12, counts.shape[1]).sum(axis=1), bounds, start, timedelta(hours=1))
        total = int(counts.sum())
        intake = ServiceIntake(service="simulated", rows=total, accepted=total)
        return Profiles(service="simulated", hours=hours, steps=steps, intake=intake)

    def _hours(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        hours = np.arange(first * 24, last * 24)
        traffic = (1 + 0.6 * np.sin(2 * np.pi * (hours - 9) / 24)) * np.where(hours // 24 % 7 >= 5, 0.75, 1)
        return self.log_level[hours], traffic * self.per_day / 24


def service_of(*, median: float, sigma: float, per_day: float = 3_000, noise: float = 0.1, days: int = 60) -> Simulated:
    """A lognormal service without trend or incidents."""
    level = np.log(median) + noise * np.random.default_rng(0).standard_normal(days * 24)
    return Simulated(shape="lognormal", sigma=sigma, per_day=per_day, log_level=level)


def _profile(counts: np.ndarray, bounds: np.ndarray, start: datetime, step: timedelta) -> Profile:
    lower = np.concatenate([[0.0], bounds[:-1]])
    middles = np.sqrt(np.maximum(lower, bounds / 1.1) * bounds)
    some = counts > 0
    filled = some.any(axis=1)
    low = np.where(filled, bounds[np.argmax(some, axis=1)], np.nan)
    high = np.where(filled, bounds[counts.shape[1] - 1 - np.argmax(some[:, ::-1], axis=1)], np.nan)
    sums = replace(
        SlotSums.empty(len(counts)), sums=counts @ middles, log_sums=counts @ np.log(middles), minima=low, maxima=high
    )
    profile = Profile(
        service="simulated", start=start, step=step, bounds=bounds, counts=csr_array(counts), slot_sums=sums
    )
    return profile.between(profile.start, profile.end)


def reference(service: Simulated, months: list[Profiles], *, objective: float, days: int) -> float | None:
    """What one with a year's knowledge would sign: tightest with the budget kept in 90 % of months and few pages."""
    grid = round_thresholds(0.2, 1e5)
    monthly = np.array([service.rates(grid, days=(first, first + 30)) for first in range(0, days - 29, 30)])
    kept = (monthly <= 1 - objective).mean(axis=0) >= 0.9
    for threshold in grid[kept]:
        paged = np.mean([replay(m.steps, [threshold], objective=objective)[0].pages_per_week for m in months])
        if paged <= 1.5:
            return float(threshold)
    return None
