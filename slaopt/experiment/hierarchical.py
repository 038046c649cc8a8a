"""The posterior of the difference of rates where units were assigned as a whole: a Beta-Binomial model by quadrature.

A unit's own rate varies around that of its arm: x | mu, kappa ~ BetaBinomial(n, mu kappa, (1 - mu) kappa), where
kappa = 1 / ICC - 1 is shared by both arms. The prior of each mu is a Beta, that of log kappa normal around log 20.

Where the past is not known, the Beta is centred on the rate of both arms together. Another centre pulls the arm with
fewer units further than the other one, and so makes a difference where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.experiment.clusters import intraclass_correlation
from slaopt.experiment.found import Posterior
from slaopt.experiment.gridded import DifferenceOfRates, Gridded, gridded
from slaopt.experiment.posterior import posterior_of, prior_worth
from slaopt.wording import count, number, percent

__all__ = ["KAPPA_PRIOR", "hierarchical_difference", "hierarchical_posterior", "mean_prior"]

Floats = NDArray[np.float64]

GUESSED = (1.0, 20.0)  # violations and executions that stand for what is usual before anything was seen
KAPPA_PRIOR = (float(np.log(20.0)), 1.0)  # mean and standard deviation of log kappa
SPAN = 9.0  # standard deviations of the prior of log kappa that the first pass looks at, on either side
COARSE = (25, 49)  # values of log kappa, nodes of mu
FINE = (21, 97)
DOUBLINGS = 3
CLOSE = 1e-3  # change of P(D < 0) that is small enough
NEGLIGIBLE = -30.0  # log of a density, against the greatest


def mean_prior(
    rate: float | None, size: float | None, control: tuple[Floats, Floats], test: tuple[Floats, Floats]
) -> tuple[float, float]:
    """Give both parameters of the Beta prior of an arm's rate, the same for both arms.

    It is that of the past, but never worth much of what the smaller arm has seen; where nothing is known of it, around
    the rate of both arms together, worth one violation (or one execution without, where these are the rarer).
    """
    if rate is not None and size is not None and 0 < rate < 1 and size > 0:
        alike = intraclass_correlation([(x, x, n) for x, n in (control, test)])
        size = prior_worth(rate, size, min(float((n / (1 + (n - 1) * alike))[n > 0].sum()) for _, n in (control, test)))
        return rate * size, (1 - rate) * size
    violations, executions = (float(control[i].sum() + test[i].sum()) + GUESSED[i] for i in (0, 1))
    rate = min(violations / executions, 1 - 1 / executions)
    size = 1 / min(rate, 1 - rate)
    return rate * size, (1 - rate) * size


def hierarchical_posterior(
    control: tuple[Floats, Floats],
    test: tuple[Floats, Floats],
    *,
    rope: float,
    confidence_level: float = 0.95,
    prior_rate: float | None = None,
    prior_size: float | None = None,
) -> Posterior:
    """Give the posterior of rate(test) - rate(control), and of the intraclass correlation.

    Parameters
    ----------
    control, test
        Violations and executions of each unit of the arm, (units,) each.

    >>> x, n = np.array([2.0, 0, 7, 3, 4]), np.full(5, 100.0)
    >>> round(hierarchical_posterior((x, n), (x, n), rope=0.005).probability_better, 6)
    0.5
    """
    a, b = mean_prior(prior_rate, prior_size, control, test)
    difference, icc = hierarchical_difference(control, test, prior=(a, b))
    known = prior_rate is not None and prior_size is not None and 0 < prior_rate < 1 and prior_size > 0
    source = "the past's" if known else "both arms'"
    worth = f"{source} {percent(a / (a + b), 3)}, worth {count(a + b)} executions"
    prior = f"rate of each arm Beta({number(a)}, {number(b)}) ({worth}), units alike by log kappa ~ N(log 20, 1)"
    return posterior_of(
        difference, model="hierarchical", prior=prior, rope=rope, confidence_level=confidence_level, icc=icc
    )


def hierarchical_difference(
    control: tuple[Floats, Floats], test: tuple[Floats, Floats], *, prior: tuple[float, float] | None = None
) -> tuple[DifferenceOfRates, float]:
    """Give the posterior on nodes, and the mean intraclass correlation.

    Coarse passes find where the posterior of kappa lies and, given each kappa, that of each rate; the nodes of the last
    pass cover that, and are doubled until half of them give the same P(D < 0).
    """
    prior = prior or mean_prior(None, None, control, test)
    arms = (_Arm.of(*control), _Arm.of(*test))
    mean, deviation = KAPPA_PRIOR
    logs = np.linspace(mean - SPAN * deviation, mean + SPAN * deviation, COARSE[0])
    for _ in range(2):
        ends = [arm.ends(logs, prior) for arm in arms]
        dense = [arm.log_density(_spaced(*end, COARSE[1]), logs, prior) for arm, end in zip(arms, ends, strict=True)]
        weight = _log_weight([gridded(_spaced(*e, COARSE[1]), d) for e, d in zip(ends, dense, strict=True)], logs)
        narrowed = [_held(_spaced(*end, COARSE[1]), d) for end, d in zip(ends, dense, strict=True)]
        before, (low, high) = logs, _held(logs[None], weight[None])
        logs = np.linspace(low[0], high[0], COARSE[0])
    values, nodes = FINE
    for _ in range(DOUBLINGS):
        fine = np.linspace(logs[0], logs[-1], values)
        spaced = [_spaced(np.interp(fine, before, end[0]), np.interp(fine, before, end[1]), nodes) for end in narrowed]
        dense = [arm.log_density(at, fine, prior) for arm, at in zip(arms, spaced, strict=True)]
        difference = _difference(spaced, dense, fine)
        half = _difference([at[::2, ::2] for at in spaced], [d[::2, ::2] for d in dense], fine[::2])
        if abs(difference.below(np.zeros(1))[0] - half.below(np.zeros(1))[0]) < CLOSE:
            break
        values, nodes = 2 * values - 1, 2 * nodes - 1
    return difference, float(difference.shared @ special.expit(-fine))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arm:
    """What the likelihood needs of an arm: how often each number of violations, of others and of both occurs."""

    violations: tuple[Floats, Floats]  # (numbers, how many units)
    others: tuple[Floats, Floats]
    executions: tuple[Floats, Floats]
    x: Floats
    n: Floats

    @classmethod
    def of(cls, x: Floats, n: Floats) -> Self:
        some = n > 0
        x, n = x[some], n[some]
        found = [np.unique(values, return_counts=True) for values in (x, n - x, n)]
        each = [(values, counts.astype(float)) for values, counts in found]
        return cls(violations=each[0], others=each[1], executions=each[2], x=x, n=n)

    def log_density(self, logits: Floats, logs: Floats, prior: tuple[float, float]) -> Floats:
        """Log of prior times likelihood per logit of mu, (K, nodes), for each log kappa, (K,)."""
        kappa = np.exp(logs)[:, None]
        total = prior[0] * special.log_expit(logits) + prior[1] * special.log_expit(-logits)
        total += _risen(special.expit(logits) * kappa, *self.violations)
        total += _risen(special.expit(-logits) * kappa, *self.others)
        return np.asarray(total - _risen(kappa, *self.executions))

    def ends(self, logs: Floats, prior: tuple[float, float]) -> tuple[Floats, Floats]:
        """Logits that hold nearly all of mu's posterior for each kappa, (K,), by a Beta of matching moments."""
        icc = special.expit(-logs)[:, None]
        worth = 1 / (1 + (self.n - 1) * icc)  # of each execution
        a, b = prior[0] + worth @ self.x, prior[1] + worth @ (self.n - self.x)
        # far out a Beta is a power of the rate; each end is at most so far
        reach = 8 * np.sqrt(special.polygamma(1, a) + special.polygamma(1, b)) + 2
        centre = special.digamma(a) - special.digamma(b)
        return centre - reach - 25 / a, centre + reach + 25 / b


def _risen(start: Floats, numbers: Floats, counts: Floats) -> Floats:
    """Sum over units of log Gamma(start + number) - log Gamma(start)."""
    base = special.gammaln(start)
    total = np.zeros_like(start)
    for risen_by, how_many in zip(numbers, counts, strict=True):
        if risen_by:
            total += how_many * (special.gammaln(start + risen_by) - base)
    return total


def _spaced(low: Floats, high: Floats, nodes: int) -> Floats:
    return np.asarray(np.linspace(low, high, nodes, axis=1))


def _difference(logits: Sequence[Floats], log_densities: Sequence[Floats], logs: Floats) -> DifferenceOfRates:
    grids = [gridded(at, density) for at, density in zip(logits, log_densities, strict=True)]
    return DifferenceOfRates(control=grids[0], test=grids[1], shared=special.softmax(_log_weight(grids, logs)))


def _log_weight(grids: Sequence[Gridded], logs: Floats) -> Floats:
    """Log posterior density of log kappa, up to a constant, (K,)."""
    mean, deviation = KAPPA_PRIOR
    weight = grids[0].evidence + grids[1].evidence - (logs - mean) ** 2 / (2 * deviation**2)
    return np.asarray(weight - weight.max())


def _held(nodes: Floats, log_density: Floats) -> tuple[Floats, Floats]:
    """First and last node of each row whose density counts, with one more on either side; (K, nodes) → (K,) twice."""
    counts = log_density > log_density.max(axis=1, keepdims=True) + NEGLIGIBLE
    last = nodes.shape[1] - 1
    first = np.maximum(counts.argmax(axis=1) - 1, 0)
    final = np.minimum(last - counts[:, ::-1].argmax(axis=1) + 1, last)
    rows = np.arange(len(nodes))
    return nodes[rows, first], nodes[rows, final]
