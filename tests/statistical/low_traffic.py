"""How often intervals hold the truth where few executions ran: from one a day on, with rates down to none at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slaopt.analysis import mean_estimate, quantile_estimate, violation_rates
from tests.statistical.simulated import Service, monte_carlo_error

RATES = (0.0, 0.001, 0.01, 0.05, 0.2)
QUANTILES = (0.5, 0.95)
FIGURES = (*(f"rate {100 * rate:g} %" for rate in RATES), "p50", "p95", "mean")
BAR = 0.92


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Service):
    """A service whose executions of a day all run in one hour, and so share its level."""

    def season(self) -> tuple[np.ndarray, np.ndarray]:
        _, level = Service.season(self)
        night = (np.arange(168) % 24 == 2).astype(float)
        return self.per_day * night, level


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service with few executions, told apart by its name."""

    name: str
    service: Service


CASES = (
    *(
        Case(name=f"{per_day} a day, {days} days, rho {rho}", service=Service(per_day=per_day, days=days, rho=rho))
        for per_day in (1, 3, 10, 30)
        for days, rho in ((30, 0.6), (30, 0.9), (14, 0.6), (90, 0.6))
    ),
    *(
        Case(name=f"{per_day} a day in one hour, sd 0.5", service=Batch(per_day=per_day, sd=0.5, rho=0.9))
        for per_day in (3, 10, 30)
    ),
    *(
        Case(name=f"{per_day} a day, incidents", service=Service(per_day=per_day, incidents=True))
        for per_day in (3, 30)
    ),
)
SHORT = (
    "1 a day, 30 days, rho 0.6",
    "3 a day, 14 days, rho 0.6",
    "10 a day, 30 days, rho 0.9",
    "3 a day in one hour, sd 0.5",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Shares of the runs that have an interval at all, by FIGURES."""

    name: str
    runs: int
    known: float  # share of the runs that have intervals
    shares: np.ndarray  # in which the interval held the truth
    width: np.ndarray  # median high end of the rates' intervals, (rates,)
    clean: float  # of the runs without a violation of the rate 1 %: share whose high end lay above the truth
    clean_runs: int
    narrowest: float

    def misses(self) -> list[str]:
        """Figures that stay below the bar by more than two Monte-Carlo errors."""
        allowed = BAR - 2 * monte_carlo_error(BAR, self.runs)
        low = [f"{f}: {s:.3f}" for f, s in zip(FIGURES, self.shares, strict=True) if s < allowed]
        return [f"{self.name}, {miss}" for miss in low] + [f"{self.name}: no width"] * (self.narrowest <= 0)


def coverage(case: Case, *, runs: int, seed: int) -> Coverage:
    service = case.service
    truth, rng = service.truth(), np.random.default_rng(seed)
    thresholds, rates = zip(*(truth.threshold(rate) if rate else (1e6, 0.0) for rate in RATES), strict=True)
    true = [*rates, *(truth.quantile(q) for q in QUANTILES), truth.mean]
    held, highs, clean, narrowest = np.zeros(len(FIGURES)), [], [], np.inf
    for _ in range(runs):
        profile = service.profile(rng)
        estimates = violation_rates(profile, thresholds)
        if estimates[0].why:
            continue
        everything = [*estimates, *(quantile_estimate(profile, q) for q in QUANTILES), mean_estimate(profile)]
        held += [estimate.interval.covers(value) for estimate, value in zip(everything, true, strict=True)]
        highs.append([estimate.interval.high for estimate in estimates])
        narrowest = min(narrowest, *(e.interval.high - e.interval.low for e in everything))
        if not estimates[2].violations:
            clean.append(estimates[2].interval.high >= rates[2])
    return Coverage(
        name=case.name,
        runs=len(highs),
        known=len(highs) / runs,
        shares=held / len(highs),
        width=np.median(highs, axis=0),
        clean=float(np.mean(clean)) if clean else float("nan"),
        clean_runs=len(clean),
        narrowest=narrowest,
    )
