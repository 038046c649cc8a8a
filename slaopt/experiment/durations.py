"""How the durations of both arms compare on average, on the scale on which they are least skewed: logarithms."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slaopt.experiment.behaviour import reach_of, too_few, unknown
from slaopt.experiment.clusters import ArmRatio, arm_ratio, difference_degrees, intraclass_correlation
from slaopt.experiment.found import Effect
from slaopt.experiment.observed import ArmUnits
from slaopt.result import Interval
from slaopt.wording import count

__all__ = ["adjusted_for", "mean_effect", "probability_shorter"]

Floats = NDArray[np.float64]

SAME = 1e-12  # a variance that is smaller than this share of the squares is rounding


def mean_effect(control: ArmUnits, test: ArmUnits, *, confidence_level: float = 0.95) -> Effect:
    """Compare geometric means of the durations: Welch's t of logarithms, of units where they have many executions.

    Durations of 0 have no logarithm and are left out of both.
    """
    positive = [arm.n - arm.zeros for arm in (control, test)]
    values = [_geometric(arm, n) for arm, n in zip((control, test), positive, strict=True)]
    why = too_few(control, test) or _no_logarithm(control, test, positive)
    if why is not None:
        return unknown("mean", values[0], values[1], why)
    rows = [_of_rows(arm, n) for arm, n in zip((control, test), positive, strict=True)]
    flat = [name for name, arm in zip(("control", "test"), rows, strict=True) if not arm.variance > 0]
    if flat:
        return unknown("mean", values[0], values[1], f"Every execution of the {flat[0]} arm took equally long.")
    arms, design_effect = rows, None
    if not control.each_row:
        pairs = list(zip((control, test), positive, strict=True))
        alike = intraclass_correlation([(arm.log_sums, arm.log_squares, n) for arm, n in pairs])
        arms = [arm_ratio(arm.log_sums, n, correlation=alike) for arm, n in pairs]
        design_effect = sum(arm.variance for arm in arms) / sum(arm.variance for arm in rows)
    error, degrees = math.sqrt(arms[0].variance + arms[1].variance), difference_degrees(arms[0], arms[1])
    if not error > 0:
        return unknown("mean", values[0], values[1], "The mean log durations of the units do not differ at all.")
    difference = arms[1].value - arms[0].value
    half = reach_of(degrees, confidence_level) * error
    return Effect(
        metric="mean",
        control=values[0],
        test=values[1],
        difference=difference,
        standard_error=error,
        degrees=degrees,
        interval=Interval(low=difference - half, high=difference + half, level=confidence_level),
        ratio=math.exp(difference),
        ratio_interval=Interval(
            low=math.exp(difference - half), high=math.exp(min(difference + half, 700.0)), level=confidence_level
        ),
        design_effect=design_effect,
    )


def _geometric(arm: ArmUnits, positive: Floats) -> float:
    n = float(positive.sum())
    return math.exp(float(arm.log_sums.sum()) / n) if n else math.nan


def _no_logarithm(control: ArmUnits, test: ArmUnits, positive: list[Floats]) -> str | None:
    for name, arm, n in zip(("control", "test"), (control, test), positive, strict=True):
        if n.sum() < 2 or (not arm.each_row and (n > 0).sum() < 2):
            return f"{count(arm.zeros.sum())} of {count(arm.executions)} executions of the {name} arm took 0 s."
    return None


def _of_rows(arm: ArmUnits, positive: Floats) -> ArmRatio:
    """Mean log duration and its variance as if executions were independent."""
    n, total, squares = float(positive.sum()), float(arm.log_sums.sum()), float(arm.log_squares.sum())
    spread = squares - total**2 / n
    variance = spread / (n - 1) / n if spread > SAME * max(squares, 1.0) else 0.0
    return ArmRatio(value=total / n, variance=variance, degrees=n - 1, units=round(n), size=n)


def probability_shorter(effect: Effect) -> float | None:
    """Give the posterior probability that the test arm's geometric mean is the shorter one; None without an estimate.

    Under the usual flat limit of the normal-inverse-gamma prior of each arm's mean log duration, the difference is
    close to Student's t with the effect's degrees (Welch; Box and Tiao, 1973).
    """
    from scipy import special

    if effect.interval is None:
        return None
    t = -effect.difference / effect.standard_error
    return float(special.ndtr(t) if effect.degrees is None else special.stdtr(effect.degrees, t))


def adjusted_for(values: ArrayLike, before: ArrayLike, is_test: ArrayLike) -> Floats:
    """Take out of each unit's value what its own past explains: CUPED (Deng, Xu, Kohavi and Walker, WSDM 2013).

    Parameters
    ----------
    values, before : (units,)
        The metric during the test, and the same or another one before it started.
    is_test : (units,)
        Arm of each unit: the slope is that within arms, so that no effect is taken out.

    >>> adjusted_for([1.0, 2.0, 3.0, 5.0], [1.0, 2.0, 1.0, 3.0], [False, False, True, True]).tolist()
    [1.75, 1.75, 3.75, 3.75]
    """
    y, x, test = np.asarray(values, dtype=float), np.asarray(before, dtype=float), np.asarray(is_test, dtype=bool)
    within = [(y[arm] - y[arm].mean(), x[arm] - x[arm].mean()) for arm in (test, ~test) if arm.any()]
    covariance, variance = sum(float(b @ a) for a, b in within), sum(float(b @ b) for _, b in within)
    return np.asarray(y - covariance / variance * (x - x.mean()) if variance > 0 else y)
