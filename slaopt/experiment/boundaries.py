"""Boundaries of planned looks that share one error among them, and what may be said at a look that they rule.

Error is spent as a function of the information fraction (Lan and DeMets, Biometrika 70, 1983), so that neither the
number of the looks nor their moments need to be known beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from slaopt.experiment.recursion import START, Paths, Stage, above, advance, below, toward
from slaopt.result import Interval

__all__ = [
    "Spending",
    "boundaries",
    "constant_shape",
    "crossing_probabilities",
    "median_unbiased",
    "repeated_interval",
    "repeated_p_value",
    "spent",
]

Floats = NDArray[np.float64]
Spending = Literal["obrien_fleming", "pocock"]
Sides = Literal[1, 2]

LEAST_P = 1e-12
FURTHEST = 37.0  # standard errors: no probability is left beyond


def spent(fraction: float, *, level: float, spending: Spending, sides: Sides) -> float:
    """Error that may be used until an information fraction 0–1: O'Brien-Fleming type or Pocock type.

    >>> round(spent(0.5, level=0.05, spending="obrien_fleming", sides=2), 5)
    0.00305
    """
    if fraction <= 0:
        return 0.0
    if fraction >= 1:
        return level
    if spending == "pocock":
        return level * float(np.log1p((np.e - 1) * fraction))
    tail = level / (2 * sides)
    return min(level, 2 * sides * float(special.ndtr(special.ndtri(tail) / np.sqrt(fraction))))


def boundaries(
    fractions: Sequence[float],
    *,
    level: float,
    spending: Spending,
    sides: Sides,
    information: Sequence[float] | None = None,
) -> Floats:
    """Standard errors that each look has to pass, (looks,); infinite where a look may spend nothing.

    Parameters
    ----------
    fractions
        Information fraction of each look, by which error is spent: 1 / se² of the look over that of the planned
        horizon. From 1 on all error is spent; a last look that comes with less is given as 1 and spends what is left.
    information
        Information of each look on any scale, where it is not in proportion to the fractions: of a last look with more
        or less than planned. Looks are compared by its ratios.
    sides
        2: a look is passed by ±z, 1: by z alone.

    Raises
    ------
    ValueError
        If the level is not within (0, 1), or there are not as many informations as fractions.

    >>> boundaries([0.2, 0.4, 0.6, 0.8, 1.0], level=0.05, spending="obrien_fleming", sides=2).round(3)
    array([4.877, 3.357, 2.68 , 2.29 , 2.031])
    """
    if not 0 < level < 1:
        raise ValueError(f"the level must lie between 0 and 1, not {level}")
    scores = fractions if information is None else information
    if len(scores) != len(fractions):
        raise ValueError("each look needs one fraction and one information")
    if not len(fractions):
        return np.empty(0)
    looks = tuple(zip(map(float, fractions), map(float, scores), strict=True))
    return np.array(_ruled(looks, level, spending, sides)[0])


@lru_cache(maxsize=512)
def _ruled(
    looks: tuple[tuple[float, float], ...], level: float, spending: Spending, sides: Sides
) -> tuple[tuple[float, ...], Stage, float]:
    """Boundaries, the stage after the last look, and the fraction by which error is spent."""
    if not looks:
        return (), START, 0.0
    earlier, stage, before = _ruled(looks[:-1], level, spending, sides)
    fraction, information = looks[-1]
    fraction = max(fraction, before)
    left = spent(fraction, level=level, spending=spending, sides=sides)
    left -= spent(before, level=level, spending=spending, sides=sides)
    if left <= 0 or information <= 0:
        return (*earlier, np.inf), stage, before
    paths = toward(stage, information)
    bound = _bound(paths, left, sides)
    return (*earlier, bound), advance(paths, -bound if sides == 2 else -np.inf, bound), fraction


def _bound(paths: Paths, error: float, sides: Sides) -> float:
    """Standard errors that the paths pass at the look ahead with probability `error`."""

    def excess(z: float) -> float:
        passed = above(paths, z) + (below(paths, -z) if sides == 2 else 0.0)
        return float(np.log(max(passed, 1e-320)) - np.log(max(error, 1e-300)))

    lowest = 0.0 if sides == 2 else -FURTHEST
    if excess(lowest) <= 0:
        return lowest
    if excess(FURTHEST) >= 0:
        return float(np.inf)
    return float(optimize.brentq(excess, lowest, FURTHEST, xtol=1e-9))


def constant_shape(looks: int, *, level: float, shape: Spending) -> Floats:
    """Classical two-sided boundaries of equal steps, (looks,).

    Pocock, Biometrika 64 (1977): the same at each look; O'Brien and Fleming, Biometrics 35 (1979): in proportion to
    1 / √fraction.

    >>> constant_shape(5, level=0.05, shape="pocock").round(3)
    array([2.413, 2.413, 2.413, 2.413, 2.413])
    """
    fractions = np.arange(1, looks + 1) / looks
    form = np.ones(looks) if shape == "pocock" else fractions**-0.5

    def excess(constant: float) -> float:
        return float(np.sum(crossing_probabilities(fractions, constant * form)) - level)

    return form * float(optimize.brentq(excess, 0.1, 8.0, xtol=1e-9))


def crossing_probabilities(
    information: Sequence[float] | Floats, bounds: Sequence[float] | Floats, *, drift: float = 0.0, sides: Sides = 2
) -> tuple[Floats, Floats]:
    """Probability that each look is the first to pass its boundary, upwards and downwards, (looks,) each.

    Parameters
    ----------
    drift
        The true effect, on the scale whose information is given: 1 / effect² is the information that makes it one
        standard error.
    """
    up, down = np.zeros(len(bounds)), np.zeros(len(bounds))
    for i, (paths, bound) in enumerate(_arriving(information, bounds, sides)):
        up[i] = above(paths, bound, drift=drift)
        down[i] = below(paths, -bound, drift=drift) if sides == 2 else 0.0
    return up, down


def _arriving(
    information: Sequence[float] | Floats, bounds: Sequence[float] | Floats, sides: Sides
) -> list[tuple[Paths, float]]:
    """Each look: the paths that come to it, and its boundary."""
    looks, stage = [], START
    for reached, bound in zip(information, bounds, strict=True):
        paths = toward(stage, float(reached))
        looks.append((paths, float(bound)))
        stage = advance(paths, -bound if sides == 2 else -np.inf, bound)
    return looks


def repeated_interval(
    estimate: float, standard_error: float, boundary: float, level: float, *, degrees: float | None = None
) -> Interval:
    """Interval that holds at every look at once (Jennison and Turnbull, JRSS B 51, 1989): estimate ± boundary · se.

    With `degrees` of freedom the boundary, a normal score, becomes the quantile of Student's t of the same tail.
    """
    from scipy import stats

    reach = boundary if degrees is None else float(stats.t.isf(special.ndtr(-boundary), degrees))
    half = reach * standard_error
    return Interval(low=estimate - half, high=estimate + half, level=level)


def repeated_p_value(
    z: float,
    fractions: Sequence[float],
    *,
    spending: Spending,
    sides: Sides,
    information: Sequence[float] | None = None,
    so_far: float = 1.0,
) -> float:
    """Smallest level at which some look so far passes its boundary (Jennison and Turnbull, 2000, ch. 9).

    Parameters
    ----------
    z
        What the last of the looks found, in standard errors; with one side positive values count.
    so_far
        What this function gave for the looks before.
    """

    def short(log_level: float) -> float:
        level = float(np.exp(log_level))
        bound = boundaries(fractions, level=level, spending=spending, sides=sides, information=information)[-1]
        return float(min(bound, FURTHEST) - (abs(z) if sides == 2 else z))

    highest = float(np.log(min(so_far, 1 - 1e-9)))
    if short(highest) >= 0:
        return so_far
    if short(float(np.log(LEAST_P))) <= 0:
        return LEAST_P
    return float(np.exp(optimize.brentq(short, np.log(LEAST_P), highest, xtol=1e-4)))


def median_unbiased(estimate: float, information: Sequence[float], bounds: Sequence[float]) -> float:
    """Estimate at stopping that is as often too low as too high, by the stagewise order of Tsiatis et al. (1984).

    Parameters
    ----------
    estimate
        Of the look that stopped, the last of those given.
    information
        1 / se² of each look.
    bounds
        Boundary of each look, two-sided.
    """
    looks = _arriving(information, bounds, 2)
    last, _ = looks[-1]
    z = estimate * float(np.sqrt(last.information))

    def excess(effect: float) -> float:
        before = sum(above(paths, bound, drift=effect) for paths, bound in looks[:-1])
        return before + above(last, z, drift=effect) - 0.5

    error = last.information**-0.5
    return _root(excess, estimate - 4 * error, estimate + 4 * error, estimate)


def _root(function: Callable[[float], float], low: float, high: float, otherwise: float) -> float:
    if function(low) * function(high) >= 0:
        return otherwise
    return float(optimize.brentq(function, low, high, xtol=1e-12))
