"""Services whose true rates, quantiles and mean are known: hourly log levels with AR(1) noise, season and traffic.

Given the level, the counts of buckets are Poisson, so that a million executions a day cost no more than thirty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import special
from scipy.sparse import csr_array

from slaopt.buckets import exponential_bound
from slaopt.profile import Profile, SlotSums

WIDTH = np.log(2) / 128  # of a bucket of scale 7
START = datetime(2026, 8, 3, tzinfo=UTC)  # a Monday


def lognormal(log_x: np.ndarray) -> np.ndarray:
    return special.ndtr(log_x / 0.5)


def heavy_tail(log_x: np.ndarray) -> np.ndarray:
    """5 % Pareto 1.5 from the median on."""
    return 0.95 * lognormal(log_x) + 0.05 * -np.expm1(-1.5 * np.maximum(log_x, 0))


def bimodal(log_x: np.ndarray) -> np.ndarray:
    """40 % cache hits, eight times faster."""
    return 0.4 * special.ndtr((log_x + np.log(8)) / 0.3) + 0.6 * lognormal(log_x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A process that makes Profiles; log durations are relative to the level of their hour."""

    per_day: float = 1000.0
    days: int = 30
    rho: float = 0.6
    sd: float = 0.2
    shape: Callable[[np.ndarray], np.ndarray] = lognormal
    incidents: bool = False  # one day in ten, 1-6 h, x2-5
    trend: float = 0.0  # of the log level, per day
    jump: tuple[float, float] | None = None  # day from which durations are so many times longer
    until: float | None = None  # day on which the jump ends
    daily: float = 0.1  # amplitude of the log level over the day
    weekend: float = -0.1  # log level on weekends
    log_low: float = -5.0
    log_high: float = 6.0

    @property
    def index(self) -> np.ndarray:
        return np.arange(round(self.log_low / WIDTH), round(self.log_high / WIDTH))

    @property
    def bounds(self) -> np.ndarray:
        return exponential_bound(self.index)

    def season(self) -> tuple[np.ndarray, np.ndarray]:
        """Executions and log level of each hour of the week, Monday first."""
        hour, weekend = np.arange(168) % 24, np.arange(168) >= 120
        wave = np.sin(2 * np.pi * (hour - 8) / 24)
        traffic = (1 + 0.6 * wave) * np.where(weekend, 0.6, 1.0)
        level = self.daily * wave + self.weekend * weekend
        return self.per_day * 7 * traffic / traffic.sum(), level

    def levels(self, rng: np.random.Generator) -> np.ndarray:
        """Log level of each hour, drawn."""
        hours = self.days * 24
        noise = rng.normal(size=hours)
        ar = np.empty(hours)
        ar[0] = noise[0]
        for i in range(1, hours):
            ar[i] = self.rho * ar[i - 1] + np.sqrt(1 - self.rho**2) * noise[i]
        level = np.resize(self.season()[1], hours) + self.sd * ar + self.trend * np.arange(hours) / 24
        if self.jump:
            end = None if self.until is None else int(self.until * 24)
            level[int(self.jump[0] * 24) : end] += np.log(self.jump[1])
        if self.incidents:
            for day in np.flatnonzero(rng.random(self.days) < 0.1):
                first = day * 24 + rng.integers(24)
                level[first : first + rng.integers(1, 7)] += np.log(rng.uniform(2, 5))
        return level

    def profile(self, rng: np.random.Generator, *, hours: int = 24) -> Profile:
        """Draw a Profile with slots of so many hours."""
        level, bounds = self.levels(rng), self.bounds
        traffic = np.resize(self.season()[0], len(level))
        shift = np.round(level / WIDTH).astype(int)  # a level moves whole buckets: 0.3 % is nothing beside its noise
        margin = 256 * (int(np.abs(shift).max()) // 256 + 1)
        shares = sliding_window_view(_shares(self, margin), len(bounds))[margin - shift]
        expected = np.einsum("dh,dhb->db", traffic.reshape(-1, hours), shares.reshape(-1, hours, len(bounds)))
        return profile_of(rng.poisson(expected).astype(float), bounds, step=timedelta(hours=hours))

    def true_shares(self) -> np.ndarray:
        """Share of all executions in each bucket in the average week."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(15)
        weights = weights / weights.sum()
        traffic, season = self.season()
        total = np.zeros(len(self.bounds))
        for node, weight in zip(nodes, weights, strict=True):
            level = season + self.sd * node
            total += weight * (traffic / traffic.sum()) @ self.shape(np.log(self.bounds) - level[:, None])
        if self.incidents:
            share = 0.1 * 3.5 / 24  # of the hours
            logs = np.log(self.bounds)
            slowed = np.mean([np.interp(logs - np.log(f), logs, total) for f in np.linspace(2, 5, 61)], axis=0)
            total = (1 - share) * total + share * slowed
        return np.diff(total, prepend=0.0)

    def truth(self) -> Truth:
        shares = self.true_shares()
        return Truth(self.bounds, np.cumsum(shares), float(shares @ middles(self.bounds)))


@lru_cache(maxsize=8)
def _shares(service: Service, margin: int) -> np.ndarray:
    """Share of executions of level 0 in each bucket, with so many buckets more on both sides."""
    index = np.arange(service.index[0] - margin, service.index[-1] + margin + 1)
    return np.diff(service.shape(index * WIDTH), prepend=0.0)


@dataclass(frozen=True, slots=True)
class Truth:
    bounds: np.ndarray
    cdf: np.ndarray
    mean: float

    def quantile(self, q: float) -> float:
        return float(np.exp(np.interp(q, self.cdf, np.log(self.bounds))))

    def threshold(self, rate: float) -> tuple[float, float]:
        """The bound whose violation rate is nearest, and that rate."""
        at = int(np.argmin(np.abs(np.log(np.maximum(1 - self.cdf, 1e-12) / rate))))
        return float(self.bounds[at]), float(1 - self.cdf[at])


def middles(bounds: np.ndarray) -> np.ndarray:
    return np.sqrt(np.concatenate([bounds[:1], bounds[:-1]]) * bounds)


def profile_of(
    counts: np.ndarray, bounds: np.ndarray, *, step: timedelta, start: datetime = START, service: str = "simulated"
) -> Profile:
    """A Profile of (slots, buckets) counts; durations stand in the middles of their buckets."""
    filled = counts > 0
    some = filled.any(axis=1)
    first, last = filled.argmax(axis=1), len(bounds) - 1 - filled[:, ::-1].argmax(axis=1)
    middle = middles(bounds)
    blank = SlotSums.empty(len(counts))
    sums = SlotSums(
        sums=counts @ middle,
        log_sums=counts @ np.log(middle),
        minima=np.where(some, middle[first], np.nan),
        maxima=np.where(some, middle[last], np.nan),
        failures=blank.failures,
        excluded=blank.excluded,
    )
    return Profile(service=service, start=start, step=step, bounds=bounds, counts=csr_array(counts), slot_sums=sums)


def monte_carlo_error(share: float, runs: int) -> float:
    return float(np.sqrt(share * (1 - share) / runs))
