"""The posterior of the difference of rates where each execution was assigned by itself: two Beta distributions."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.experiment.found import Posterior
from slaopt.experiment.gridded import DifferenceOfRates, Gridded, gridded
from slaopt.result import Interval
from slaopt.wording import count, number, percent

__all__ = ["PICTURED", "beta_arm", "beta_posterior", "posterior_of", "prior_of", "prior_worth"]

Floats = NDArray[np.float64]

NODES = (257, 1025)  # at least and at most
STEP = 0.04  # in the logit; wider ones blur what lies near a rate of 0
PRIOR_SHARE = 0.1
FAR = 1e-12  # probability beyond the outermost nodes
PICTURED = np.concatenate([[0.0005, 0.001, 0.0025, 0.005], np.linspace(0.01, 0.99, 50), [0.995, 0.9975, 0.999, 0.9995]])


def prior_of(rate: float | None, size: float | None) -> tuple[float, float]:
    """Give both parameters of the Beta prior of a rate: of the past, or Jeffreys' where nothing is known of it."""
    if rate is None or size is None or not 0 < rate < 1 or size <= 0:
        return 0.5, 0.5
    return rate * size, (1 - rate) * size


def prior_worth(rate: float, size: float, fewest: float) -> float:
    """How many executions a prior of the past may be worth where the smaller arm has `fewest` effective ones.

    A tenth of them, or one violation. Both arms have the same prior, but it pulls the smaller one further: where rates
    have moved since, more of it would make a difference where there is none.
    """
    return min(size, max(PRIOR_SHARE * fewest, 1 / min(rate, 1 - rate)))


def _prior_words(rate: float | None, size: float | None) -> str:
    """Say where the prior comes from."""
    a, b = prior_of(rate, size)
    figures = f"Beta({number(a)}, {number(b)})"
    if (a, b) == (0.5, 0.5) or rate is None or size is None:
        return f"{figures} for each arm: Jeffreys' prior, as no history was given"
    return f"{figures} for each arm: the past's {percent(rate, 3)}, worth {count(size)} executions"


def beta_posterior(
    x_control: float,
    n_control: float,
    x_test: float,
    n_test: float,
    *,
    rope: float,
    confidence_level: float = 0.95,
    prior_rate: float | None = None,
    prior_size: float | None = None,
    worth: float = 1.0,
) -> Posterior:
    """Give the posterior of rate(test) - rate(control) from violations x among n executions of each arm.

    The same Beta prior holds for both arms, Jeffreys' where no rate of the past is given. Everything about the
    difference comes from quadrature, not from draws. Where units are very many, counts come divided by their design
    effect, and `worth` says so.

    >>> found = beta_posterior(500, 10_000, 400, 10_000, rope=0.005)
    >>> round(found.probability_better, 4)
    0.9997
    """
    if prior_rate is not None and prior_size is not None and 0 < prior_rate < 1:
        prior_size = prior_worth(prior_rate, prior_size, min(n_control, n_test))
    a, b = prior_of(prior_rate, prior_size)
    control, test = (beta_arm(a + x, b + n - x) for x, n in ((x_control, n_control), (x_test, n_test)))
    difference = DifferenceOfRates(control=control, test=test, shared=np.ones(1))
    prior = _prior_words(prior_rate, prior_size)
    if worth > 1:
        prior += f"; {number(worth)} executions count as one, as those of one unit are alike"
    return posterior_of(difference, model="beta", prior=prior, rope=rope, confidence_level=confidence_level, icc=None)


def beta_arm(a: float, b: float) -> Gridded:
    """Put a Beta distribution on nodes."""
    low = min(special.betaincinv(a, b, FAR), special.betaincinv(a, b, 0.5))
    high = special.betainccinv(a, b, FAR)
    # in its tails the distribution is like a power of the rate: what betaincinv cannot hold, that gives
    first = special.logit(low) if low > 1e-300 else (math.log(FAR) + math.log(a) + special.betaln(a, b)) / a
    last = special.logit(high) if high < 1 else -(math.log(FAR) + math.log(b) + special.betaln(a, b)) / b
    nodes = int(np.clip((last - first) / STEP, *NODES))
    logits = np.linspace(first, last, nodes, dtype=float)[None]
    return gridded(logits, a * special.log_expit(logits) + b * special.log_expit(-logits))


def posterior_of(
    difference: DifferenceOfRates,
    *,
    model: Literal["beta", "hierarchical"],
    prior: str,
    rope: float,
    confidence_level: float,
    icc: float | None,
) -> Posterior:
    """Say what a difference of rates is known by: probabilities, expected losses, interval and quantiles."""
    tail = (1 - confidence_level) / 2
    cuts = difference.below(np.array([0.0, -rope, rope]))
    quantiles = difference.quantiles(np.concatenate([[tail, 1 - tail], PICTURED]))
    shipping, keeping = difference.losses()
    low, high = float(quantiles[0]), float(quantiles[1])
    return Posterior(
        model=model,
        prior=prior,
        probability_better=float(cuts[0]),
        probability_equivalent=float(cuts[2] - cuts[1]),
        expected_loss_of_shipping=shipping,
        expected_loss_of_keeping=keeping,
        difference=difference.mean,
        interval=Interval(low=low, high=high, level=confidence_level, kind="credible"),
        quantiles=tuple((float(u), float(d)) for u, d in zip(PICTURED, quantiles[2:], strict=True)),
        icc=icc,
    )
