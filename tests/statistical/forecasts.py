"""Forecasts scored on public series, leave-one-family-out, and on simulated services.

Real windows are those of `forecast_windows.parquet`: learn the days before an origin, score the days after it. The
thresholds are quantiles 0.75, 0.9, 0.95 and 0.99 of what is learned from. Rows without a value and complete doubles
are dropped first; zeros count as half the smallest positive value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from scipy.signal import lfilter

from slaopt.forecast import models
from slaopt.forecast.accuracy import (
    HIT,
    QUANTILES,
    covered,
    hits,
    pinball,
    relative_errors,
)
from slaopt.forecast.calibration import CONSTANTS, Cells, Constants, Spread, fit, spread_of
from slaopt.forecast.curve import ENDS, curve_of, whole_counts
from slaopt.forecast.history import TAIL, History
from slaopt.forecast.naive import Rule, simple_rules

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FAMILIES = ("cold", "itsm", "net", "nab")  # a family with a common cause is one: ping and test runs share a line
SIMULATED = "simulation"
SHIFT = "after a shift"
COLUMNS = ("7 days", "14 days", "30 days", SHIFT)
NAIVE = ("whole period", "last week", "half-life of 7 days", "EWMA 0.2")
SEED = 20261125
DAY = 86_400_000_000  # microseconds


def resolvable(rate: np.ndarray, executions: np.ndarray) -> np.ndarray:
    """Where a rate is known well enough to tell a hit: its binomial error is at most 15 %."""
    return (rate > 0) & (executions * rate >= (1 - rate) / HIT**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a forecast may learn from, and what came; four thresholds."""

    family: str
    file: str
    block: int  # four weeks of one family, which share causes
    learn: int
    horizon: int
    after_shift: bool
    history: History
    executions: float
    violations: np.ndarray  # (4,)


def available() -> bool:
    return (DATA / "forecast_windows.parquet").exists()


def _history(day: np.ndarray, durations: np.ndarray, days: int) -> History:
    thresholds = np.quantile(durations, TAIL)
    above = np.array([np.bincount(day[durations > t], minlength=days) for t in thresholds], dtype=float)
    n = np.bincount(day, minlength=days).astype(float)
    return History(thresholds=thresholds, n=n, above=above, tail=above, doubt=np.zeros(len(TAIL)))


def _series(file: str, services: Sequence[str]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    frame = pd.read_parquet(DATA / f"{file}.parquet")
    column = "value" if file == "nab_metrics" else "duration_s"
    frame = frame[frame[column].notna()].drop_duplicates()
    for service in services:
        own = frame[frame["service"] == service].sort_values("timestamp", kind="stable")
        values = own[column].to_numpy(float)
        zero = values == 0
        stamps = own["timestamp"].dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
        yield service, stamps, np.where(zero, values[values > 0].min() / 2, values)


def real_windows(lengths: Sequence[tuple[int, int]], *, every: int = 1) -> list[Window]:
    """Windows of the given (days learned from, horizon); `every` fifth of them makes a quick look."""
    listed = pd.read_parquet(DATA / "forecast_windows.parquet")
    chosen = listed[[pair in set(lengths) for pair in zip(listed.learn_days, listed.horizon_days, strict=True)]]
    found: list[Window] = []
    for file, rows in chosen.iloc[::every].groupby("file"):
        by_service = dict(list(rows.groupby("service")))
        for service, stamps, durations in _series(str(file), list(by_service)):
            found += [_window(row, stamps, durations) for row in by_service[service].itertuples()]
    return found


def _window(row, stamps: np.ndarray, durations: np.ndarray) -> Window:
    origin = int(row.origin.tz_localize(None).to_datetime64().astype("datetime64[us]").astype(np.int64))
    first, at, last = np.searchsorted(
        stamps, [origin - row.learn_days * DAY, origin, origin + row.horizon_days * DAY]
    )  # fmt: skip
    assert (at - first, last - at) == (row.learn_rows, row.horizon_rows)
    day = row.learn_days - 1 - (origin - 1 - stamps[first:at]) // DAY
    history = _history(day, durations[first:at], row.learn_days)
    return Window(
        family=row.family, file=row.file, block=FAMILIES.index(row.family) * 10_000 + origin // (28 * DAY),
        learn=row.learn_days, horizon=row.horizon_days,
        after_shift=bool(row.after_shift), history=history, executions=float(last - at),
        violations=(durations[at:last, None] > history.thresholds).sum(axis=0).astype(float),
    )  # fmt: skip


def simulated_windows(*, services: int = 300, seed: int = SEED) -> list[Window]:
    """Thirty days and what came in the next 7, 14 and 30, of services of 8 to 1,500 executions a day.

    Half of them have a level that walks (0.5 % to 10 % a day), half one shift in sixty days, some incidents.
    """
    rng = np.random.default_rng(seed)
    found: list[Window] = []
    for number in range(services):
        day, durations = _simulated(rng)
        history = _history(day[day < 30], durations[day < 30], 30)
        for horizon in (7, 14, 30):
            came = durations[(day >= 30) & (day < 30 + horizon)]
            violations = (came[:, None] > history.thresholds).sum(axis=0).astype(float)
            found.append(
                Window(
                    family=SIMULATED, file=SIMULATED, block=-number, learn=30, horizon=horizon,
                    after_shift=False, history=history,
                    executions=float(len(came)), violations=violations,
                )
            )  # fmt: skip
    return found


def _simulated(rng: np.random.Generator, days: int = 60) -> tuple[np.ndarray, np.ndarray]:
    hours = np.arange(days * 24)
    per_day = np.exp(rng.uniform(np.log(8), np.log(1500)))
    rho, sd = rng.choice([0.6, 0.9]), rng.uniform(0.05, 0.25)
    shocks = sd * rng.standard_normal(len(hours))
    shocks[1:] *= np.sqrt(1 - rho**2)
    level = lfilter([1.0], [1.0, -rho], shocks)
    level += rng.uniform(0, 0.2) * np.sin(2 * np.pi * hours / 24) - rng.uniform(0, 0.2) * (hours // 24 % 7 >= 5)
    daily = rng.uniform(0, 0.1) * rng.standard_normal(days)
    if rng.random() < 0.5:
        daily += np.exp(rng.uniform(np.log(0.005), np.log(0.1))) * np.cumsum(rng.standard_normal(days))
    level += np.repeat(daily, 24)
    for start in rng.integers(0, len(hours), rng.poisson(2 * rng.integers(0, 4))):
        level[start : start + rng.integers(1, 7)] += np.log(rng.uniform(2, 5))
    if rng.random() < 0.5:
        level += rng.choice([-1, 1]) * np.log(rng.uniform(1.1, 2.5)) * (hours > rng.integers(0, len(hours)))
    traffic = (1 + 0.6 * np.sin(2 * np.pi * (hours - 9) / 24)) * np.where(hours // 24 % 7 >= 5, 0.75, 1)
    hour = np.repeat(hours, rng.poisson(per_day / 24 * traffic))
    shape, sigma = rng.choice(3, p=[0.5, 0.25, 0.25]), rng.uniform(0.3, 0.8)
    logs = sigma * rng.standard_normal(len(hour))
    if shape == 1:
        logs = np.where(rng.random(len(hour)) < 0.05, np.log(2) - np.log(rng.random(len(hour))) / 1.5, logs)
    elif shape == 2:
        logs = np.where(rng.random(len(hour)) < 0.4, np.log(4) + 0.35 * rng.standard_normal(len(hour)), logs)
    return hour // 24, np.exp(level[hour] + logs)


def cells_of(windows: Sequence[Window]) -> Cells:
    """What the constants are fitted to: every family weighs the same."""
    spreads = []
    for one in windows:
        above, n = one.history.above, one.history.n
        spreads.append(spread_of(above, n, models.expected_rates(above, n, one.history.tail)))
    family = np.repeat([one.family for one in windows], len(TAIL))
    names, counts = np.unique(family, return_counts=True)
    share = dict(zip(names, 1000 / len(names) / counts, strict=True))
    return Cells(
        spread=Spread(
            **{part.name: np.concatenate([getattr(one, part.name) for one in spreads]) for part in fields(Spread)}
        ),
        executions=np.repeat([one.executions for one in windows], len(TAIL)),
        violations=np.concatenate([one.violations for one in windows]),
        weight=np.array([share[name] for name in family]),
    )


def without_family(windows: Sequence[Window]) -> dict[str, Constants]:
    """Constants for each family fitted to all others; under `all` those that are shipped."""
    everything = fit(cells_of(windows))
    return {"all": everything} | {
        family: fit(cells_of([one for one in windows if one.family != family]), everything)
        for family in FAMILIES
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Scores of one set of cells by one method; arrays (cells,)."""

    forecast: np.ndarray
    rate: np.ndarray
    executions: np.ndarray  # that came
    quantiles: np.ndarray  # (cells, 7)
    ends: np.ndarray  # (cells, 4)
    best: np.ndarray  # rate named for most hits
    confidence: np.ndarray  # high, medium, low
    likely: np.ndarray  # violations to expect if the learning period's rate goes on
    learned: np.ndarray  # rate of the learning period
    horizon: np.ndarray
    after_shift: np.ndarray
    family: np.ndarray
    file: np.ndarray
    block: np.ndarray

    def take(self, mask: np.ndarray) -> Scores:
        return Scores(**{part.name: getattr(self, part.name)[mask] for part in fields(self)})

    def column(self, name: str) -> np.ndarray:
        """Cells of 7, 14 or 30 days, or of 14 days 3 to 8 days after a shift of level."""
        shifted = name == SHIFT
        return (self.horizon == (14 if shifted else int(name.split()[0]))) & (self.after_shift == shifted)

    def error_of(self, values: np.ndarray) -> float:
        """Standard error of a mean over these cells, those of one family and four weeks taken together."""
        _, member = np.unique(self.block, return_inverse=True)
        sums = np.bincount(member, weights=values - values.mean())
        return float(np.sqrt((sums**2).sum()) / len(values))

    @property
    def hit(self) -> np.ndarray:
        return hits(self.forecast, self.rate)

    @property
    def resolvable(self) -> np.ndarray:
        return resolvable(self.rate, self.executions)

    @property
    def foreseeable(self) -> np.ndarray:
        return self.likely >= (1 - self.learned) / HIT**2

    @property
    def error(self) -> np.ndarray:
        return relative_errors(self.forecast, self.rate)

    @property
    def loss(self) -> np.ndarray:
        """Pinball loss of seven quantiles, doubled: about the mean distance, in violations of 1,000."""
        return 2 * pinball(self.quantiles, self.rate)

    def covers(self, level: float) -> np.ndarray:
        low, high = (1, 2) if level == 0.8 else (0, 3)
        return covered(self.ends[:, low], self.ends[:, high], self.rate)

    @property
    def oracle(self) -> np.ndarray:
        """Chance that one who knows the rate hits, binomial noise being left."""
        low = np.ceil(np.round(self.executions * self.rate * (1 - HIT), 9)) - 1
        high = np.floor(np.round(self.executions * self.rate * (1 + HIT), 9))
        chance = stats.binom.cdf(high, self.executions, self.rate) - stats.binom.cdf(low, self.executions, self.rate)
        return np.where(self.rate > 0, chance, 0.0)


def scores_of(windows: Sequence[Window], constants: dict[str, Constants]) -> dict[str, Scores]:
    """Score the forecast and the simple rules, each with intervals; constants by family (else those shipped)."""
    told: dict[str, list[list[np.ndarray]]] = {name: [] for name in ("slaopt", *NAIVE)}
    for one in windows:
        horizon = np.array([float(one.horizon)])
        curve = curve_of(one.history, horizon, constants.get(one.family, CONSTANTS))
        expected, rate = float(curve.executions[0]), one.violations / one.executions
        learned = one.history.above.sum(axis=1) / one.history.n.sum()
        said = [forecast.confidence for forecast in curve.forecasts()]
        about = (one.horizon, one.after_shift, one.family, one.file, one.block)
        common = [np.full(4, one.executions), expected * learned, learned, *(np.full(4, item) for item in about)]
        own = [curve.rates[0], curve.outlook.quantiles(0, QUANTILES), curve.ends[0], _best(curve), np.array(said)]
        told["slaopt"].append([*own, rate, *common])
        for name, rule in _rules(one.history).items():
            ends = whole_counts(rule.quantiles(expected, ENDS), expected)
            named = [rule.rate, rule.quantiles(expected, QUANTILES), ends, rule.rate, np.array(said)]
            told[name].append([*named, rate, *common])
    names = (
        "forecast", "quantiles", "ends", "best", "confidence", "rate", "executions", "likely", "learned", "horizon",
        "after_shift", "family", "file", "block",
    )  # fmt: skip
    return {
        method: Scores(
            **{name: np.concatenate(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
        )
        for method, rows in told.items()
    }


def _rules(history: History) -> dict[str, Rule]:
    above, n = history.above, history.n
    faster = simple_rules(above, n, half_life=np.log(0.5) / np.log(0.8))[-1]
    return dict(zip(NAIVE, (*simple_rules(above, n), faster), strict=True))


def _best(curve) -> np.ndarray:
    """The rate named when hits are all that counts."""
    rates, below = curve.outlook.rates[0], curve.outlook.below[0]
    chances = [
        np.interp(r / (1 - HIT), r, b) - np.interp(r / (1 + HIT), r, b) for r, b in zip(rates, below, strict=True)
    ]
    return np.array([r[np.argmax(chance)] for r, chance in zip(rates, chances, strict=True)])
