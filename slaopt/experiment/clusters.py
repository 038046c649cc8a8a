"""Ratios of sums over units that were assigned as a whole: executions of one unit are alike, units are not.

The estimate of an arm is R = sum(y) / sum(n) over its units. What its units differ by gives the variance; executions
say nothing of it by themselves.

References
----------
Bell and McCaffrey, Bias reduction in standard errors for linear regression with multi-stage samples, Survey Methodology
2002; Imbens and Kolesar, Robust standard errors in small samples, Review of Economics and Statistics 2016; Donner and
Klar, Design and analysis of cluster randomization trials in health research, 2000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArmRatio", "arm_ratio", "difference_degrees", "intraclass_correlation"]

Floats = NDArray[np.float64]

FEWEST_DEGREES = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRatio:
    """A ratio of sums over one arm's units, its variance and the degrees of freedom of that variance."""

    value: float
    variance: float  # NaN with fewer than two units
    degrees: float
    units: int
    size: float  # sum(n)


def arm_ratio(y: Floats, n: Floats, *, correlation: float) -> ArmRatio:
    """Estimate sum(y) / sum(n) of one arm's units.

    The residual of each unit, y - R n, counts by 1 / (1 - its share of the arm); what bias is left, and the degrees of
    freedom, are those under executions that correlate by `correlation` within a unit. With units of one size it is the
    textbook form: G / (G - 1) times the sum of squared residuals, with G - 1 degrees.

    Parameters
    ----------
    y, n : (units,)
        A sum and the executions of each unit.
    correlation
        Intraclass correlation, 0-1.
    """
    some = n > 0
    y, n = y[some], n[some]
    total, units = float(n.sum()), len(n)
    if units < 2:
        value = float(y.sum()) / total if total else math.nan
        return ArmRatio(value=value, variance=math.nan, degrees=0.0, units=units, size=total)
    value = float(y.sum()) / total
    share = n / total
    factor = 1 / (1 - share)
    found = float((factor * ((y - value * n) / total) ** 2).sum())
    spread = correlation + (1 - correlation) / n  # variance of a unit's own ratio, but for a factor
    expected, squared = _traces(share, factor * share**2, spread)
    variance = found * float((share**2 * spread).sum()) / expected
    degrees = max(expected**2 / squared, FEWEST_DEGREES)
    return ArmRatio(value=value, variance=variance, degrees=degrees, units=units, size=total)


def _traces(share: Floats, factor: Floats, spread: Floats) -> tuple[float, float]:
    """Traces of M and of M², where residuals' r = (I - 1 share') y sum of factor * r² is a form in M = S' A S.

    M is diagonal but for two ranks: diag(d) - u v' - v u' + c v v'.
    """
    root = np.sqrt(spread)
    d, u, v, c = factor * spread, root * factor, root * share, float(factor.sum())
    uu, uv, vv = float(u @ u), float(u @ v), float(v @ v)
    trace = float(d.sum()) - 2 * uv + c * vv
    square = float(d @ d) + 2 * uu * vv + 2 * uv**2 + (c * vv) ** 2
    square += -4 * float(d @ (u * v)) + 2 * c * float(d @ (v * v)) - 4 * c * uv * vv
    return trace, square


def difference_degrees(control: ArmRatio, test: ArmRatio) -> float:
    """Degrees of freedom of the difference of two arms by Welch and Satterthwaite; never more than all units less 2."""
    total = control.variance + test.variance
    if not total > 0:
        return FEWEST_DEGREES
    shares = control.variance**2 / control.degrees + test.variance**2 / test.degrees
    return float(min(total**2 / shares, control.units + test.units - 2))


def intraclass_correlation(arms: list[tuple[Floats, Floats, Floats]]) -> float:
    """Estimate how much executions within a unit correlate, 0-1, by analysis of variance within arms.

    Parameters
    ----------
    arms
        For each arm (sums y, sums of squares of the executions' own values, executions n), each (units,). Of
        violations, sum and sum of squares are the same.
    """
    between = within = usual = 0.0
    units = executions = 0.0
    for y, squares, n in arms:
        some = n > 0
        y, squares, n = y[some], squares[some], n[some]
        if len(n) < 2:
            continue
        total = float(n.sum())
        between += float((y**2 / n).sum()) - float(y.sum()) ** 2 / total
        within += float(squares.sum() - (y**2 / n).sum())
        usual += total - float((n**2).sum()) / total
        units += len(n) - 1
        executions += total - len(n)
    if units == 0 or executions == 0:
        return 0.0
    between, within, usual = between / units, within / executions, usual / units
    whole = between + (usual - 1) * within
    return float(np.clip((between - within) / whole, 0.0, 1.0)) if whole > 0 else 0.0
