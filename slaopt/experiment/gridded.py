"""What is known of the difference of two rates, each a posterior density on nodes that were placed by the data.

Nodes are even in the logit of a rate, where densities fall off on both sides at least exponentially, so that the plain
trapezoid sum is exact to many digits and tails are as right as the middle. A posterior may be a mixture: for each value
of a shared parameter both arms are independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.interpolate import PchipInterpolator

__all__ = ["DifferenceOfRates", "Gridded", "gridded"]

Floats = NDArray[np.float64]

LOWEST, HIGHEST = np.finfo(float).tiny, 1 - 2.0**-53
SAME = 1e-12  # from where on a share cannot be told from 1
REFINEMENTS = 3
HALVINGS = 36
_LADDER = np.sinh(np.linspace(-1, 1, 49) * np.arcsinh(14.0))  # standard deviations, denser in the middle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gridded:
    """Posterior of one arm's rate, for each of K values of what the arms share; (K, nodes) but where said."""

    first: Floats  # (K,) logit of the first node
    step: Floats  # (K,)
    rates: Floats
    weights: Floats  # probability around each node, rows add up to 1
    density: Floats  # of the logit
    below: Floats  # probability below each node
    mass: Floats  # expected rate below each node: integral of rate * density
    evidence: Floats  # (K,) log of the integral: log likelihood of the data

    @property
    def means(self) -> Floats:
        """Mean rate, (K,)."""
        return np.asarray((self.weights * self.rates).sum(axis=1))

    @property
    def spread(self) -> Floats:
        """Standard deviation of the rate, (K,)."""
        return np.asarray(np.sqrt((self.weights * (self.rates - self.means[:, None]) ** 2).sum(axis=1)))

    def below_at(self, rates: Floats) -> Floats:
        """Give P(rate <= r) at any rates, (K, m), by cubic interpolation between nodes."""
        return self._between(rates, self.below, self.density)

    def mass_at(self, rates: Floats) -> Floats:
        """Give E[rate; rate <= r] at any rates, (K, m)."""
        return self._between(rates, self.mass, self.density * self.rates)

    def _between(self, rates: Floats, values: Floats, slopes: Floats) -> Floats:
        nodes = self.density.shape[1]
        inside = np.clip(rates, LOWEST, HIGHEST)
        place = (np.log(inside / (1 - inside)) - self.first[:, None]) / self.step[:, None]
        place = np.clip(place, 0.0, nodes - 1.0)
        left = np.minimum(place.astype(np.int64), nodes - 2)
        return _cubic(
            place - left,
            left + (np.arange(len(self.first)) * nodes)[:, None],
            values.ravel(),
            (slopes * self.step[:, None]).ravel(),
        )


def _cubic(t: Floats, index: NDArray[np.int64], values: Floats, slopes: Floats) -> Floats:
    """Hermite's interpolation at t, 0-1, after the node `index`; slopes are per node."""
    start, rise = values[index], values[index + 1] - values[index]
    first, last = slopes[index], slopes[index + 1]
    return np.asarray(start + t * (first + t * (3 * rise - 2 * first - last + t * (first + last - 2 * rise))))


def gridded(logits: Floats, log_density: Floats) -> Gridded:
    """Make a posterior of log densities of the logit, up to a constant, at even logits; both (K, nodes)."""
    first, step = logits[:, 0], logits[:, 1] - logits[:, 0]
    highest = log_density.max(axis=1, keepdims=True)
    raw = np.exp(log_density - highest)
    total = raw.sum(axis=1, keepdims=True)
    rates = special.expit(logits)
    weights, density = raw / total, raw / (total * step[:, None])
    return Gridded(
        first=first,
        step=step,
        rates=rates,
        weights=weights,
        density=density,
        below=_cumulative(weights, density, step),
        mass=_cumulative(weights * rates, density * rates, step),
        evidence=highest[:, 0] + np.log(total[:, 0] * step),
    )


def _cumulative(weights: Floats, density: Floats, step: Floats) -> Floats:
    """Integral up to each node: trapezoids, with the ends' slopes taken off (Euler and Maclaurin's first term)."""
    sums = np.cumsum(weights, axis=1) - weights / 2
    slopes = np.gradient(density, axis=1) / step[:, None]
    return np.asarray(np.clip(sums - step[:, None] ** 2 / 12 * slopes, 0.0, None))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DifferenceOfRates:
    """D = rate(test) - rate(control), where both are `Gridded` over the same K values, each of probability `shared`."""

    control: Gridded
    test: Gridded
    shared: Floats  # (K,)

    @property
    def mean(self) -> float:
        """Mean of D."""
        return float(self.shared @ (self.test.means - self.control.means))

    @property
    def spread(self) -> float:
        """Standard deviation of D."""
        means = self.test.means - self.control.means
        square = self.control.spread**2 + self.test.spread**2 + (means - self.mean) ** 2
        return float(np.sqrt(self.shared @ square))

    @property
    def _test_is_narrow(self) -> bool:
        """The sum runs over the narrower posterior, in whose nodes the other one is smooth."""
        return bool(self.shared @ self.test.spread <= self.shared @ self.control.spread)

    def below(self, differences: Floats) -> Floats:
        """Give P(D <= d), (m,)."""
        d = np.asarray(differences, dtype=float)
        narrow, wide = (self.test, self.control) if self._test_is_narrow else (self.control, self.test)
        values, nodes = narrow.rates.shape
        sign = -1.0 if self._test_is_narrow else 1.0
        moved = (narrow.rates[:, None, :] + sign * d[None, :, None]).reshape(values, -1)
        cumulative = wide.below_at(moved).reshape(values, len(d), nodes)
        if self._test_is_narrow:
            cumulative = 1 - cumulative
        share = np.einsum("k,kn,kdn->d", self.shared, narrow.weights, cumulative)
        return np.asarray(np.clip(share, 0.0, 1.0))

    def losses(self) -> tuple[float, float]:
        """Give E[max(D, 0)] and E[max(-D, 0)]."""
        narrow, wide = (self.test, self.control) if self._test_is_narrow else (self.control, self.test)
        below, mass = wide.below_at(narrow.rates), wide.mass_at(narrow.rates)
        # E[max(p - wide, 0)] and E[max(wide - p, 0)] at each rate p of the narrower one
        over = narrow.rates * below - mass
        under = np.maximum(wide.means[:, None] - mass - narrow.rates * (1 - below), 0.0)
        over_, under_ = (float(np.einsum("k,kn,kn->", self.shared, narrow.weights, part)) for part in (over, under))
        over_, under_ = max(over_, 0.0), max(under_, 0.0)
        return (over_, under_) if self._test_is_narrow else (under_, over_)

    def quantiles(self, probabilities: Floats) -> Floats:
        """Give quantiles of D by solving P(D <= d) = u, (m,)."""
        u = special.logit(np.asarray(probabilities, dtype=float))
        tried = np.unique(np.clip(self.mean + self.spread * _LADDER, -1.0, 1.0))
        table = tried, self.below(tried)
        for _ in range(REFINEMENTS):
            tried = np.unique(_inverted(*table, u))
            table = np.concatenate([table[0], tried]), np.concatenate([table[1], self.below(tried)])
        return _inverted(*table, u)

    def ratio_quantiles(self, probabilities: Floats) -> Floats:
        """Give quantiles of rate(test) / rate(control), (m,)."""
        control, test = self.control, self.test
        centre = float(np.log(self.shared @ test.means) - np.log(self.shared @ control.means))
        spread = float(max(arm.step.max() for arm in (control, test))) * control.rates.shape[1]
        low, high = (np.full(len(probabilities), centre + side * spread) for side in (-1, 1))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            moved = control.rates[:, None, :] * np.exp(middle)[:, None]
            below = test.below_at(moved.reshape(len(self.shared), -1)).reshape(moved.shape)
            less = np.einsum("k,kn,kmn->m", self.shared, control.weights, below) < probabilities
            low, high = np.where(less, middle, low), np.where(less, high, middle)
        return np.asarray(np.exp((low + high) / 2))


def _inverted(differences: Floats, shares: Floats, logits: Floats) -> Floats:
    """Where the distribution reaches each logit, between points at which it is known: a monotone cubic in logits."""
    d, first = np.unique(differences, return_index=True)
    held = np.maximum.accumulate(np.clip(shares[first], LOWEST, 1 - SAME))
    start = max(int((held > LOWEST).argmax()) - 1, 0)  # of the points below which nothing lies, the last
    known, d = special.logit(held[start:]), d[start:]
    grows = np.concatenate([[True], np.diff(known) > 0])
    known, d = known[grows], d[grows]
    if len(d) < 2:
        return np.full(logits.shape, float(np.median(differences)))
    return np.asarray(PchipInterpolator(known, d)(np.clip(logits, known[0], known[-1])))
