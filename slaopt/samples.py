"""Simulated services with a known truth: the README's example, the tests' truth and a playground for notebooks.

Every service follows one process, documented here so that a figure in a report can be compared with the truth:

- An hour has the level `median × trend × shift × season × exp(noise) × incident`, constant within it. The noise is a
  stationary AR(1) of the hourly log level; trend and shift are counted back from the end of the simulated time.
- Executions arrive as a Poisson process whose rate has a shape of day and week; each takes level × X seconds, X drawn
  from a mixture of lognormal and Pareto parts whose main part has median 1.
- Incidents start at random hours, last one to six hours and multiply the level by two to five.

The truth over a span is the average over the noise and the incidents, weighted with the expected traffic.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.special import ndtr

from slaopt.intake import Reading, ServiceIntake
from slaopt.params import Params
from slaopt.profile import HOURS, STEPS, Profile, Profiles

__all__ = ["BROKEN", "SERVICES", "Incidents", "LogNormal", "Pareto", "SampleService", "service", "write_samples"]

Floats = NDArray[np.float64]
Stamps = NDArray[np.datetime64]

HOUR = timedelta(hours=1)
HISTORY_DAYS = 60
TRAFFIC = 1 + 0.6 * np.sin(2 * np.pi * (np.arange(24) - 9) / 24)  # hour of day UTC; quiet at 3, busy at 15
WEEKEND_TRAFFIC = 0.75
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNormal:
    """Lognormal durations of median `scale` and log standard deviation `sigma`."""

    sigma: float
    scale: float = 1.0
    weight: float = 1.0

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw n durations, relative to the level."""
        return self.scale * np.exp(self.sigma * rng.standard_normal(n))

    def survival(self, x: Floats) -> Floats:
        """Give P(X > x) for x > 0."""
        return np.asarray(ndtr(-np.log(x / self.scale) / self.sigma))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pareto:
    """Pareto durations above `scale` with the tail exponent `alpha`."""

    alpha: float
    scale: float = 1.0
    weight: float = 1.0

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw n durations, relative to the level."""
        return self.scale * rng.random(n) ** (-1 / self.alpha)

    def survival(self, x: Floats) -> Floats:
        """Give P(X > x) for x > 0."""
        return np.asarray(np.minimum(1.0, (x / self.scale) ** -self.alpha))


Part = LogNormal | Pareto  # of the mixture of durations, relative to the level of the hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Incidents:
    """Rare incidents: so many a month, each a whole number of hours long, multiplying the level."""

    per_month: float
    hours: tuple[int, int] = (1, 6)
    factor: tuple[float, float] = (2.0, 5.0)  # log-uniform between

    @property
    def share(self) -> float:
        """Share of the hours that lie in an incident."""
        return self.per_month * (self.hours[0] + self.hours[1]) / 2 / (30 * 24)

    def draw(self, rng: np.random.Generator, hours: int) -> Floats:
        """Draw the factor of each hour, (hours,); 1 outside incidents."""
        factors = np.ones(hours)
        for start in rng.integers(0, hours, rng.poisson(self.per_month * hours / (30 * 24))):
            length = rng.integers(self.hours[0], self.hours[1], endpoint=True)
            factors[start : start + length] = np.exp(rng.uniform(*np.log(self.factor)))
        return factors


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleService:
    """A simulated service, its threshold and objective, and its truth. Durations are seconds."""

    name: str
    story: str
    threshold: float
    objective: float
    median: float  # level at the end, without season, noise and incidents
    parts: tuple[Part, ...]
    per_day: float = 2_500  # executions on a weekday
    noise: float = 0.08  # standard deviation of the hourly log level
    rho: float = 0.7  # autocorrelation of the hourly log level
    day_season: float = 0.0  # amplitude of the log level over the day, highest with the traffic
    weekend: float = 0.0  # log level of Saturday and Sunday against the weekdays
    slope: float = 0.0  # log level a day
    shift: float = 1.0  # factor by which the level jumped …
    shift_days: float = 10.0  # … so many days before the end
    incidents: Incidents | None = None

    @property
    def params(self) -> Params:
        """The settings under which the service runs."""
        return Params(service=self.name, threshold=self.threshold, objective=self.objective)

    def levels(self, end: datetime, *, days: float = HISTORY_DAYS) -> Floats:
        """Give the median duration of each hour before `end` without noise and incidents, seconds, (hours,)."""
        hours, of_day, weekend = _calendar(end, days)
        age = (len(hours) - hours) / 24  # days before the end, of the start of each hour
        log_level = np.log(self.median) - self.slope * age
        log_level -= np.log(self.shift) * (age > self.shift_days)
        log_level += self.day_season * np.sin(2 * np.pi * (of_day - 9) / 24) + self.weekend * weekend
        return np.asarray(np.exp(log_level))

    def traffic(self, end: datetime, *, days: float = HISTORY_DAYS) -> Floats:
        """Give the expected number of executions of each hour before `end`, (hours,)."""
        _, of_day, weekend = _calendar(end, days)
        return np.asarray(self.per_day / 24 * TRAFFIC[of_day] * np.where(weekend, WEEKEND_TRAFFIC, 1.0))

    def violation_rate(self, threshold: float, *, end: datetime, days: float = 30) -> float:
        """Give the true share of executions above a threshold over the days before `end`."""
        levels, traffic = self.levels(end, days=days), self.traffic(end, days=days)
        noise, noise_weight = np.exp(self.noise * NODES), WEIGHTS / WEIGHTS.sum()
        ratio = threshold / (levels[:, None] * noise)
        rate = self._survival(ratio)
        if self.incidents:
            low, high = np.log(self.incidents.factor)
            factors = np.exp(low + (high - low) * (np.arange(16) + 0.5) / 16)
            during = np.mean([self._survival(ratio / factor) for factor in factors], axis=0)
            rate += self.incidents.share * (during - rate)
        return float(traffic @ (rate @ noise_weight) / traffic.sum())

    def quantile(self, q: float, *, end: datetime, days: float = 30) -> float:
        """Give the true q-th quantile of the durations over the days before `end`, seconds."""

        def excess(log_duration: float) -> float:
            return self.violation_rate(float(np.exp(log_duration)), end=end, days=days) - (1 - q)

        center = np.log(self.median)
        return float(np.exp(brentq(excess, center - 12, center + 20, xtol=1e-10)))

    def budget_consumed(self, *, end: datetime, days: float = 30) -> float:
        """Give the true share of the error budget that the current threshold uses up."""
        return self.violation_rate(self.threshold, end=end, days=days) / (1 - self.objective)

    def simulate(self, rng: np.random.Generator, end: datetime, *, days: float = HISTORY_DAYS) -> tuple[Stamps, Floats]:
        """Draw the executions of the days before `end`: UTC start times, sorted, and seconds, both (n,)."""
        levels = self.levels(end, days=days) * np.exp(self._noise(rng, round(days * 24)))
        if self.incidents:
            levels *= self.incidents.draw(rng, len(levels))
        arrivals = rng.poisson(self.traffic(end, days=days))
        hour = np.repeat(np.arange(len(levels)), arrivals)
        offset = np.sort(hour + rng.random(len(hour)))
        durations = levels[hour] * self._draw(rng, len(hour))
        start = np.datetime64(end.astimezone(UTC).replace(tzinfo=None), "us") - np.timedelta64(round(days * 24), "h")
        return start + (offset * 3.6e9).astype("timedelta64[us]"), durations

    def profiles(
        self,
        rng: np.random.Generator | int,
        end: datetime,
        *,
        days: float = HISTORY_DAYS,
        thresholds: tuple[float, ...] = (),
    ) -> Profiles:
        """Simulate and count: both resolutions, with exact counts at the current threshold and those given."""
        times, durations = self.simulate(np.random.default_rng(rng), end, days=days)
        start = end - timedelta(days=days)
        counted = (self.threshold, *thresholds)
        hours, steps = (
            Profile.from_durations(
                times, durations, service=self.name, start=start, end=end, resolution=resolution, thresholds=counted
            )
            for resolution in (HOURS, STEPS)
        )
        intake = ServiceIntake(
            service=self.name,
            rows=len(times),
            accepted=len(times),
            most_frequent=min(1, len(times)),
            first=_moment(times[0]) if len(times) else None,
            last=_moment(times[-1]) if len(times) else None,
            reading=Reading(source="simulated", format="simulation"),
        )
        return Profiles(service=self.name, hours=hours, steps=steps, intake=intake)

    def _survival(self, x: Floats) -> Floats:
        return np.asarray(sum(part.weight * part.survival(x) for part in self.parts))

    def _draw(self, rng: np.random.Generator, n: int) -> Floats:
        chosen = rng.choice(len(self.parts), size=n, p=[part.weight for part in self.parts])
        draws = np.empty(n)
        for index, part in enumerate(self.parts):
            of_part = chosen == index
            draws[of_part] = part.draw(rng, int(of_part.sum()))
        return draws

    def _noise(self, rng: np.random.Generator, hours: int) -> Floats:
        """A stationary AR(1) of standard deviation `noise`, (hours,)."""
        shocks = rng.standard_normal(hours) * self.noise
        shocks[1:] *= np.sqrt(1 - self.rho**2)
        return np.asarray(lfilter([1.0], [1.0, -self.rho], shocks))


SERVICES: tuple[SampleService, ...] = (
    SampleService(
        name="checkout",
        story="steady, with a fitting threshold",
        threshold=2.0,
        objective=0.99,
        median=0.92,
        parts=(LogNormal(sigma=0.3),),
        per_day=3_000,
        noise=0.05,
        rho=0.6,
    ),
    SampleService(
        name="search",
        story="slower by day and on weekdays: a daily and a weekly season",
        threshold=0.5,
        objective=0.99,
        median=0.192,
        parts=(LogNormal(sigma=0.35),),
        per_day=5_000,
        day_season=0.15,
        weekend=-0.12,
    ),
    SampleService(
        name="recommendations",
        story="slowly degrading, 0.8 % a day",
        threshold=0.4,
        objective=0.99,
        median=0.205,
        parts=(LogNormal(sigma=0.3),),
        slope=0.008,
    ),
    SampleService(
        name="payment",
        story="a level shift of 40 % ten days ago",
        threshold=2.5,
        objective=0.99,
        median=1.4,
        parts=(LogNormal(sigma=0.3),),
        per_day=2_000,
        shift=1.4,
    ),
    SampleService(
        name="image-upload",
        story="a heavy tail, and rare incidents",
        threshold=9.0,
        objective=0.99,
        median=0.9,
        parts=(LogNormal(sigma=0.5, weight=0.95), Pareto(alpha=1.5, scale=2.0, weight=0.05)),
        noise=0.1,
        rho=0.8,
        incidents=Incidents(per_month=3),
    ),
    SampleService(
        name="login",
        story="a threshold that is far too tight",
        threshold=0.5,
        objective=0.99,
        median=0.26,
        parts=(LogNormal(sigma=0.45),),
        per_day=3_000,
    ),
    SampleService(
        name="catalog",
        story="a threshold that is far too loose; two modes, cache hits and misses",
        threshold=1.0,
        objective=0.99,
        median=0.11,
        parts=(LogNormal(sigma=0.35, weight=0.3), LogNormal(sigma=0.3, scale=2.2, weight=0.7)),
        per_day=5_000,
        rho=0.9,
    ),
    SampleService(
        name="invoice-export",
        story="low traffic, 30 a day",
        threshold=40.0,
        objective=0.95,
        median=13.0,
        parts=(LogNormal(sigma=0.55),),
        per_day=30,
    ),
)
BROKEN = "stock-sync"  # the ninth service: its rows cannot be used


def service(name: str) -> SampleService:
    """Give a sample service by its name.

    >>> service("checkout").threshold
    2.0
    """
    return next(candidate for candidate in SERVICES if candidate.name == name)


def write_samples(directory: Path, *, end: datetime, seed: int = 0) -> list[Path]:
    """Write the eight services as `requests.parquet` and the ninth as `broken.csv`; the same call, the same bytes.

    Parameters
    ----------
    directory
        Made where missing.
    end
        A full hour; the last execution starts before it.
    """
    import pyarrow as pa
    from pyarrow import parquet

    directory.mkdir(parents=True, exist_ok=True)
    drawn = [one.simulate(np.random.default_rng([seed, index]), end) for index, one in enumerate(SERVICES)]
    times = np.concatenate([stamps for stamps, _ in drawn]).astype("datetime64[ms]")
    order = np.argsort(times, kind="stable")
    milliseconds = np.concatenate([np.round(durations * 1_000, 1) for _, durations in drawn])
    index = np.repeat(np.arange(len(SERVICES), dtype=np.int32), [len(stamps) for stamps, _ in drawn])
    names = pa.DictionaryArray.from_arrays(index[order], [one.name for one in SERVICES])
    table = pa.table(
        {
            "timestamp": pa.array(times[order], pa.timestamp("ms", tz="UTC")),
            "service": names.cast(pa.string()),
            "duration_ms": milliseconds[order],
        }
    )
    requests = directory / "requests.parquet"
    parquet.write_table(
        table, requests, compression="zstd", use_dictionary=["service", "duration_ms"],
        column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
    )  # fmt: skip
    return [requests, _write_broken(directory / "broken.csv", end=end, seed=seed)]


def _write_broken(path: Path, *, end: datetime, seed: int) -> Path:
    """Write a month of an exporter that went wrong: text, negative numbers and blanks, and 3 % that can be used."""
    rng = np.random.default_rng([seed, len(SERVICES)])
    rows = 1_500
    ages = np.sort(rng.uniform(0, 30 * 24 * 3600, rows))[::-1]
    durations = np.round(np.exp(rng.normal(6.5, 0.4, rows)), 1)
    faults = rng.choice(5, size=rows, p=[0.4, 0.25, 0.15, 0.17, 0.03])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["timestamp", "service", "duration_ms"])
        for age, duration, fault in zip(ages, durations, faults, strict=True):
            stamp = (end - timedelta(seconds=round(float(age)) + 1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            text = ("timed out", f"-{duration}", "", f"{duration}", f"{duration}")[fault]
            writer.writerow(["" if fault == 3 else stamp, BROKEN, text])
    return path


def _calendar(end: datetime, days: float) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Number, hour of day and weekend (UTC) of each hour before the end, (hours,) each."""
    hours = np.arange(round(days * 24))
    first = end.astimezone(UTC) - len(hours) * HOUR
    of_week = (first.weekday() * 24 + first.hour + hours) % (7 * 24)
    return hours, of_week % 24, of_week >= 5 * 24


def _moment(stamp: np.datetime64) -> datetime:
    moment: datetime = stamp.astype("datetime64[us]").item()
    return moment.replace(tzinfo=UTC)
