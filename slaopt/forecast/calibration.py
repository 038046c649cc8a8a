"""How far the rate of a coming window strays from its forecast: a mixture of two beta-binomials.

One part is the ordinary window, the other the one that brings a new level. Both widths are variances of the logit of
the rate, and powers of what the learning period showed: of the variance between days, and of that between simple
forecasts, which lie apart where the level moved. A longer window is narrower by its executions only: what levels do in
it was found to be as uncertain. The seven constants are those of greatest likelihood over the windows of public series,
each family of series and 300 simulated services weighted alike: `fit` makes them, tests/statistical/forecasts.py feeds
it.

References
----------
Williams: Extra-binomial variation in logistic linear models. Applied Statistics 31 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import minimize

from slaopt.forecast import models

__all__ = ["CONSTANTS", "Cells", "Constants", "Outlook", "Spread", "fit", "log_likelihood", "outlook_of", "spread_of"]

Floats = NDArray[np.float64]

NODES = 0.05 * np.sinh(np.linspace(-6.4, 6.4, 61))  # logits from the centre at which a distribution is tabulated
LEAST_SIZE = 0.05  # a + b of a beta distribution: for an execution or two
LEAST_VARIANCE = 1e-6  # of an execution: p (1 - p)
WIDEST = 0.8  # correlation of the wide part
EDGE = 0.25  # violations by which a rate stays away from 0 and 1 before its logit is taken
CALM = 0.02  # variance of a logit that a window may bring where a month showed none


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What a learning period says about the width of its forecasts; every array (T,)."""

    center: Floats  # logit of the forecast
    daily: Floats  # variance of the logit between days, and what the period is too short to tell
    apart: Floats  # variance of the logits of whole period, last week and forecast, and the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """Of the log variances of both parts, and of their weights."""

    shift: float  # of the centre's logit
    narrow: tuple[float, float, float]  # 1, log daily, log apart
    wide: tuple[float, float]  # 1, log apart
    weight: float  # of the wide part: half its inverse logit

    @classmethod
    def of(cls, values: Floats) -> Constants:
        """Make them from a flat array, (7,)."""
        shift, a, b, c, d, e, weight = (float(value) for value in values)
        return cls(shift=shift, narrow=(a, b, c), wide=(d, e), weight=weight)

    @property
    def flat(self) -> Floats:
        """All of them, (7,)."""
        return np.array([self.shift, *self.narrow, *self.wide, self.weight])


CONSTANTS = Constants(shift=0.098, narrow=(0.297, 0.428, 0.441), wide=(3.895, 0.826), weight=-1.680)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Distributions of the rate of coming windows, tabulated."""

    rates: Floats  # (H, T, nodes) increasing
    below: Floats  # (H, T, nodes) probability that the rate is at most that

    def quantiles(self, row: int, u: Floats) -> Floats:
        """Rates of one horizon that are not passed with each probability, (k,) → (T, k)."""
        found = [np.interp(u, below, rates) for rates, below in zip(self.rates[row], self.below[row], strict=True)]
        return np.array(found)

    def at_most(self, row: int, rate: float) -> Floats:
        """Probability that the rate of one horizon is at most so much, (T,)."""
        pairs = zip(self.rates[row], self.below[row], strict=True)
        return np.array([np.interp(rate, rates, below, left=0.0, right=1.0) for rates, below in pairs])

    def within(self, row: int, place: int, relative: float) -> float:
        """Greatest probability that the rate is within a relative error of one named in advance."""
        rates, below = self.rates[row, place], self.below[row, place]
        low, high = rates / (1 + relative), rates / (1 - relative)
        return float((np.interp(high, rates, below) - np.interp(low, rates, below)).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Forecasts whose windows have ended, with what came; every array (cells,)."""

    spread: Spread
    executions: Floats  # in the window
    violations: Floats
    weight: Floats  # in the likelihood


def spread_of(above: Floats, n: Floats, rates: Floats) -> Spread:
    """Measure how widely forecasts must spread: daily violations (T, D), executions (D,), forecasts (T,)."""
    edge = EDGE / max(float(n.sum()), 1.0)
    simple = np.array([models.whole_period(above, n), models.last_week(above, n), rates])
    logits = special.logit(np.clip(simple, edge, 1 - edge))
    of_one = np.maximum(rates * (1 - rates), LEAST_VARIANCE)
    least = CALM + 1 / np.maximum(n.sum() * of_one, EDGE)  # a rate of few violations is not known any better
    return Spread(center=logits[-1], daily=_dispersion(above, n) / of_one + least, apart=logits.var(axis=0) + least)


def _dispersion(above: Floats, n: Floats) -> Floats:
    """Correlation of the executions of a day by Pearson's chi-square of the days, (T,)."""
    ran = n > 0
    days, hits, n = int(ran.sum()), above[:, ran], n[ran]
    if days < 2:
        return np.zeros(len(above))
    rate = np.clip(hits.sum(axis=-1) / n.sum(), 1e-12, 1 - 1e-12)[:, None]
    phi = ((hits - rate * n) ** 2 / (n * rate * (1 - rate))).sum(axis=-1) / (days - 1)
    return np.asarray(np.clip((phi - 1) / max(float(n.mean()) - 1, 1.0), 0.0, 0.9))


def _parts(spread: Spread, constants: Constants) -> tuple[Floats, Floats, Floats, float]:
    """Centre (a rate), correlations of the narrow and the wide part, weight of the wide."""
    n, w = constants.narrow, constants.wide
    daily, apart = np.log(spread.daily), np.log(spread.apart)
    rate = special.expit(spread.center)
    of_one = np.log(np.maximum(rate * (1 - rate), LEAST_VARIANCE))
    narrow = of_one + n[0] + n[1] * daily + n[2] * apart
    wide = of_one + w[0] + w[1] * apart
    return (
        special.expit(spread.center + constants.shift),
        special.expit(np.clip(narrow, -14, 2)),
        np.minimum(special.expit(np.clip(wide, -14, 2)), WIDEST),
        float(special.expit(constants.weight)) / 2,
    )


def outlook_of(spread: Spread, executions: Floats, constants: Constants = CONSTANTS) -> Outlook:
    """Spread forecasts into the distributions of the rates of windows of so many executions, (H,)."""
    middle, narrow, wide, weight = _parts(spread, constants)
    size = np.maximum(executions, 1.0)[:, None]
    rates = special.expit(spread.center[:, None] + constants.shift + NODES)
    below = (1 - weight) * _cumulative(rates, middle, narrow, size) + weight * _cumulative(rates, middle, wide, size)
    return Outlook(rates=np.broadcast_to(rates, below.shape), below=below)


def _cumulative(rates: Floats, middle: Floats, correlation: Floats, size: Floats) -> Floats:
    """Beta distribution with the variance of a beta-binomial rate, (H, T, nodes)."""
    total = np.maximum(size / (1 + (size - 1) * correlation) - 1, LEAST_SIZE)
    a, b = (total * middle)[..., None], (total * (1 - middle))[..., None]
    return np.asarray(special.betainc(a, b, rates))


def log_likelihood(cells: Cells, constants: Constants) -> Floats:
    """Log probability of each cell's count, without the binomial coefficient, (cells,)."""
    middle, narrow, wide, weight = _parts(cells.spread, constants)
    ordinary = np.log1p(-weight) + _beta_binomial(cells, middle, narrow)
    return np.asarray(np.logaddexp(ordinary, np.log(weight) + _beta_binomial(cells, middle, wide)))


def _beta_binomial(cells: Cells, rate: Floats, correlation: Floats) -> Floats:
    total = (1 - correlation) / correlation
    a, b = rate * total, (1 - rate) * total
    hits, misses = cells.violations, cells.executions - cells.violations
    return np.asarray(special.betaln(a + hits, b + misses) - special.betaln(a, b))


def fit(cells: Cells, start: Constants = CONSTANTS) -> Constants:
    """Find the constants of greatest likelihood over forecasts whose windows have ended."""

    def loss(values: Floats) -> float:
        return -float(cells.weight @ log_likelihood(cells, Constants.of(values)))

    return Constants.of(minimize(loss, start.flat, method="L-BFGS-B", options={"maxiter": 60}).x)
