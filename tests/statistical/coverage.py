"""How often the intervals hold the truth: simulated services, and the bar that each figure has to reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.stats.proportion import proportion_confint

from slaopt.analysis import mean_estimate, quantile_estimate, violation_rates
from tests.statistical.simulated import Service, bimodal, heavy_tail, monte_carlo_error

QUANTILES = (0.5, 0.95, 0.99)
RATES = (0.05, 0.01, 0.001)
FIGURES = ("p50", "p95", "p99", "rate 5 %", "rate 1 %", "rate 0.1 %", "mean")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service, the coverage that its 95 % intervals must have, and the runs of the short and of the long proof."""

    name: str
    service: Service
    bar: float | None = 0.92  # None: shown, but out of reach for any method
    mean_bar: float | None = None

    def bars(self) -> list[float | None]:
        return [self.bar] * 6 + [self.bar if self.mean_bar is None else self.mean_bar]


CASES = (
    *(
        Case(
            name=f"{days} days, {per_day:,.0f} a day, rho {rho}",
            service=Service(days=days, per_day=per_day, rho=rho),
            bar=0.90 if per_day == 1e6 and rho == 0.9 else 0.92,
        )
        for days in (30, 90)
        for per_day in (30, 1000, 1e6)
        for rho in (0.6, 0.9)
    ),
    Case(name="14 days, 1,000 a day, rho 0.6", service=Service(days=14), bar=0.90),
    Case(name="14 days, 30 a day, rho 0.6", service=Service(days=14, per_day=30), bar=0.90),
    Case(name="14 days, 1,000,000 a day, rho 0.6", service=Service(days=14, per_day=1e6), bar=0.90),
    Case(name="7 days, 1,000 a day, rho 0.6", service=Service(days=7), bar=0.90),
    Case(name="7 days, 1,000,000 a day, rho 0.6", service=Service(days=7, per_day=1e6), bar=0.90),
    Case(name="heavy tail, 1,000 a day", service=Service(shape=heavy_tail, log_high=13), bar=0.90, mean_bar=0.86),
    Case(name="two modes, 1,000 a day", service=Service(shape=bimodal, log_low=-7), bar=0.90),
    Case(name="incidents, 1,000 a day", service=Service(incidents=True), bar=None),
)
SHORT = (
    "30 days, 30 a day, rho 0.6", "30 days, 1,000 a day, rho 0.6", "30 days, 1,000 a day, rho 0.9",
    "30 days, 1,000,000 a day, rho 0.9", "14 days, 1,000 a day, rho 0.6", "7 days, 1,000 a day, rho 0.6",
    "heavy tail, 1,000 a day", "two modes, 1,000 a day",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Share of runs in which the interval of each of FIGURES held the truth."""

    runs: int
    shares: np.ndarray
    independent: float  # of the rate 1 % if executions were taken as independent (Clopper-Pearson)
    narrowest: float  # least width of an interval in any run

    def misses(self, bars: list[float | None]) -> list[str]:
        """Figures that stay below their bar by more than two Monte-Carlo errors."""
        return [
            f"{figure}: {share:.3f} < {bar}"
            for figure, share, bar in zip(FIGURES, self.shares, bars, strict=True)
            if bar is not None and share < bar - 2 * monte_carlo_error(bar, self.runs)
        ]


def coverage(service: Service, *, runs: int, seed: int, confidence_level: float = 0.95) -> Coverage:
    truth, rng = service.truth(), np.random.default_rng(seed)
    thresholds, rates = zip(*(truth.threshold(rate) for rate in RATES), strict=True)
    true = [truth.quantile(q) for q in QUANTILES] + [*rates, truth.mean]
    held, independent, narrowest = np.zeros(len(FIGURES)), 0, np.inf
    for _ in range(runs):
        profile = service.profile(rng)
        estimates = [
            *(quantile_estimate(profile, q, confidence_level=confidence_level) for q in QUANTILES),
            *violation_rates(profile, thresholds, confidence_level=confidence_level),
            mean_estimate(profile, confidence_level=confidence_level),
        ]
        held += [estimate.interval.covers(value) for estimate, value in zip(estimates, true, strict=True)]
        narrowest = min(narrowest, *(e.interval.high - e.interval.low for e in estimates))
        low, high = proportion_confint(estimates[4].violations, estimates[4].n, 1 - confidence_level, method="beta")
        independent += low <= rates[1] <= high
    return Coverage(runs=runs, shares=held / runs, independent=independent / runs, narrowest=narrowest)
