"""Services whose violation rate is known at every hour: what a watch, a drift test and the alerts make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
from scipy import optimize, signal, special

from slaopt.profile import Profile
from tests.statistical.simulated import START, profile_of

STEP = timedelta(minutes=5)
BOUNDS = np.array([1.0, 2.0])  # seconds: within the threshold of 1 s, and above it
SIGMA = 0.5


@dataclass(frozen=True)
class Watched:
    """Lognormal durations against a threshold of 1 s that is violated at a mean `rate`."""

    per_day: float
    rate: float
    sd: float = 0.05
    rho: float = 0.6

    @cached_property
    def season(self) -> tuple[np.ndarray, np.ndarray]:
        """Executions an hour and log level of each hour of the week, Monday first."""
        hour, weekend = np.arange(168) % 24, np.arange(168) >= 120
        traffic = (1 + 0.6 * np.sin(2 * np.pi * (hour - 8) / 24)) * np.where(weekend, 0.6, 1.0)
        level = 0.1 * np.sin(2 * np.pi * (hour - 8) / 24) - 0.1 * weekend
        return self.per_day * 7 * traffic / traffic.sum(), level

    @cached_property
    def middle(self) -> float:
        """Log of the level at which the mean violation rate is `rate`."""
        traffic, level = self.season
        wide = np.hypot(SIGMA, self.sd)

        def excess(middle: float) -> float:
            return float(traffic @ special.ndtr((middle + level) / wide) / traffic.sum()) - self.rate

        return float(optimize.brentq(excess, -8, 2))

    def draw(self, rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray]:
        """Expected executions and violations of each five-minute step, (steps,) each."""
        hours = days * 24
        shocks = rng.standard_normal(hours)
        shocks[1:] *= np.sqrt(1 - self.rho**2)
        noise = self.sd * signal.lfilter([1.0], [1.0, -self.rho], shocks)
        traffic, level = (np.resize(one, hours) for one in self.season)
        share = special.ndtr((self.middle + level + noise) / SIGMA)
        return np.repeat(traffic / 12, 12), np.repeat(traffic * share / 12, 12)

    def profile(self, rng: np.random.Generator, days: int) -> Profile:
        executed, violating = self.draw(rng, days)
        return counted(rng.poisson(executed - violating), rng.poisson(violating))


def counted(kept: np.ndarray, violated: np.ndarray) -> Profile:
    """A Profile of five-minute steps from executions within the threshold of 1 s and above it, (steps,) each."""
    return profile_of(np.stack([kept, violated], axis=1).astype(float), BOUNDS, step=STEP, start=START)
