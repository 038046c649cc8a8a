"""Tests without a horizon: intervals and p-values that hold at every moment, for whoever looks as often as he likes.

The asymptotic sequence is for any estimate with a standard error. Where few executions violate, the violations
themselves are the evidence: under no effect each falls to the test arm with the probability of the split, whatever the
rate is and however it moves, so that no approximation is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import optimize

from slaopt.experiment.shares import share_evidence
from slaopt.result import Interval

__all__ = [
    "FEWEST_CLUSTERS",
    "FEWEST_EVENTS",
    "TIGHTEST",
    "anytime_boundary",
    "anytime_p_value",
    "event_concentration",
    "event_interval",
]

Sides = Literal[1, 2]

FEWEST_EVENTS = 20  # in both arms together; before, a normal approximation means nothing
FEWEST_CLUSTERS = 10  # in each arm
TIGHTEST = 0.7  # share of the planned information at which an open-ended test is sharpest


def _best(level: float, sides: Sides) -> float:
    """n·r² of Waudby-Smith et al. where the sequence is tightest."""
    tail = level if sides == 2 else 2 * level
    return float(np.log(1 - 2 * np.log(tail)) - 2 * np.log(tail))


def _spread(information: float, optimal: float, level: float, sides: Sides) -> float:
    """n·r², where n/n_opt is the ratio of both informations."""
    return _best(level, sides) * information / optimal


def anytime_boundary(information: float, *, optimal: float, level: float, sides: Sides = 2) -> float:
    """Standard errors that an estimate has to pass at any moment to be told from nothing.

    Asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, arXiv 2103.06476 (2021).

    Parameters
    ----------
    information
        1 / se² of the estimate.
    optimal
        Information at which the sequence is to be tightest.

    >>> round(anytime_boundary(1.0, optimal=1.0, level=0.05), 2)
    3.04
    """
    spread = _spread(information, optimal, level, sides)
    root = np.sqrt(spread + 1)
    log = np.log(root / level) if sides == 2 else np.log1p(root / (2 * level))
    return float(np.sqrt((spread + 1) / spread * 2 * log))


def anytime_p_value(z: float, information: float, *, optimal: float, level: float, sides: Sides = 2) -> float:
    """p-value of one moment; the least of all moments so far holds at any.

    `level` only tunes it, as in `anytime_boundary`, which `z` passes where the p-value is not above the level.
    """
    spread = _spread(information, optimal, level, sides)
    power = spread / (spread + 1) * z**2 / 2
    root = float(np.sqrt(spread + 1))
    if sides == 2:
        return float(min(1.0, root * np.exp(-power)))
    return 1.0 if z <= 0 else float(min(1.0, root / (2 * np.expm1(min(power, 700.0)))))


def event_concentration(violations: float, *, level: float) -> float:
    """Size of the Beta prior of the test arm's share that makes evidence sharpest after so many violations.

    As the asymptotic sequence is tightest where n·r² has its best value, with r² the prior's variance in units of that
    of one violation.

    >>> round(event_concentration(600, level=0.05))
    76
    """
    return max(violations / _best(level, 2), 2.0)


def event_interval(
    control: float, test: float, *, traffic_split: float, concentration: float, level: float, sides: Sides = 2
) -> Interval:
    """Interval of the test arm's share of violations that holds at every moment; with one side up to 1.

    Parameters
    ----------
    control, test
        Violations of each arm.
    concentration
        Of the prior around the split, see `event_concentration`.
    level
        Of the error, 0–1.
    """

    def excess(share: float) -> float:
        evidence = share_evidence(control, test, share, split=traffic_split, concentration=concentration, sides=sides)
        return float(evidence + np.log(level))

    found = (test + concentration * traffic_split) / (test + control + concentration)
    low = _end(excess, 0.0, found)
    high = 1.0 if sides == 1 else _end(excess, 1.0, found)
    return Interval(low=low, high=high, level=1 - level)


def _end(excess: Callable[[float], float], outer: float, inner: float) -> float:
    near = outer + (inner - outer) * 1e-9
    if excess(near) <= 0 or excess(inner) >= 0:
        return outer if excess(inner) < 0 else inner
    return float(optimize.brentq(excess, near, inner, xtol=1e-12))
