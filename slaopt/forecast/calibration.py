"""How far the rate of a coming window strays from its forecast: a mixture of two beta-binomials.

One part is the ordinary window, the other the one that brings a new level. How wide they are follows from what the
learning period showed: dispersion between days and weeks, how far simple forecasts lie apart, the horizon.

References
----------
Williams: Extra-binomial variation in logistic linear models. Applied Statistics 31 (1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["CONSTANTS", "Outlook", "Spread", "dispersion", "outlook_of"]

Floats = NDArray[np.float64]

OFFSETS = 0.05 * np.sinh(np.linspace(-6.4, 6.4, 61))  # logits around the centre at which a distribution is tabulated


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What the learning period tells about the width of a forecast; every array (T,)."""

    daily: Floats  # intra-class correlation of executions of a day
    weekly: Floats  # of seven days
    apart: Floats  # standard deviation of the logits of simple forecasts


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """Of the two correlations and the weight of the wide part, by maximum likelihood."""

    shift: float = 0.07
    narrow: tuple[float, ...] = (-3.62, 0.09, 0.47, 0.44, 0.28, 0.11)
    wide: tuple[float, ...] = (-1.11, 1.04, 0.37)
    weight: tuple[float, ...] = (-1.42, 0.13)


CONSTANTS = Constants()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Distributions of the rate of coming windows, (H, T) each, tabulated at `rates`."""

    executions: Floats  # (H,) expected in the window
    rates: Floats  # (H, T, nodes) increasing
    below: Floats  # (H, T, nodes) probability that the rate is at most that

    def quantiles(self, u: Floats) -> Floats:
        """Rates that are not passed with probability u, (k,) → (H, T, k)."""
        found = np.empty((*self.rates.shape[:2], len(u)))
        for place in np.ndindex(*self.rates.shape[:2]):
            found[place] = np.interp(u, self.below[place], self.rates[place])
        return found

    def at_most(self, rate: Floats) -> Floats:
        """Probability that the rate is at most one of each horizon and threshold: (H, T) → (H, T)."""
        found = np.empty(self.rates.shape[:2])
        for place in np.ndindex(*found.shape):
            found[place] = np.interp(rate[place], self.rates[place], self.below[place], left=0.0, right=1.0)
        return found


def dispersion(above: Floats, n: Floats) -> Floats:
    """Intra-class correlation of the executions of a block, 0 to 0.9: (T, blocks) → (T,)."""
    ran = n > 0
    blocks = int(ran.sum())
    if blocks < 2:
        return np.zeros(len(above))
    rate = np.clip(above.sum(axis=-1) / n.sum(), 1e-12, 1 - 1e-12)[:, None]
    square = (above[:, ran] - rate * n[ran]) ** 2 / (n[ran] * rate * (1 - rate))
    phi = square.sum(axis=-1) / (blocks - 1)
    return np.clip((phi - 1) / max(float(n[ran].mean()) - 1, 1.0), 0.0, 0.9)


def outlook_of(
    center: Floats, spread: Spread, executions: Floats, horizons: Floats, constants: Constants = CONSTANTS
) -> Outlook:
    """Spread forecasts into distributions: logits (H, T) → (H, T)."""
    narrow, wide, weight = _widths(center, spread, horizons, constants)
    size = np.maximum(executions, 1.0)[:, None]
    middle = special.expit(center + constants.shift)
    nodes = special.expit(center[..., None] + constants.shift + OFFSETS)
    below = (1 - weight)[..., None] * _cumulative(nodes, middle, narrow, size)
    below += weight[..., None] * _cumulative(nodes, middle, wide, size)
    return Outlook(executions=executions, rates=nodes, below=below)


def _widths(center: Floats, spread: Spread, horizons: Floats, constants: Constants) -> tuple[Floats, Floats, Floats]:
    """Both correlations and the weight of the wide one, (H, T) each."""
    n, w, k = constants.narrow, constants.wide, constants.weight
    known = n[1] * (np.log(spread.weekly + 0.001) + 5) + n[2] * (np.log(spread.daily + 0.001) + 3) + n[3] * spread.apart
    narrow = n[0] + known + n[4] * (center + 2) + n[5] * np.log(horizons / 14)[:, None]
    wide = w[0] + w[1] * spread.apart + w[2] * (center + 2)
    weight = 0.5 * special.expit(k[0] + k[1] * spread.apart)
    return (
        special.expit(np.clip(narrow, -9, 2)),
        np.minimum(special.expit(wide), 0.8),
        np.broadcast_to(weight, center.shape),
    )


def _cumulative(nodes: Floats, middle: Floats, correlation: Floats, size: Floats) -> Floats:
    total = np.maximum(size / (1 + (size - 1) * correlation) - 1, 0.05)
    a, b = (total * middle)[..., None], (total * (1 - middle))[..., None]
    return np.asarray(special.betainc(a, b, nodes))
