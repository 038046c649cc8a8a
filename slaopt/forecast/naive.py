"""Simple rules that a forecast must beat: the rate goes on as in the whole period, the last week, or lately.

Each rule is a number of violations among a number of executions. Its interval is the honest one of one who believes it:
binomial noise of the coming window, and that of the counts the rate was learned from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.buckets import SAME
from slaopt.forecast.history import WEEK

__all__ = ["HALF_LIFE", "Rule", "simple_rules"]

Floats = NDArray[np.float64]

HALF_LIFE = 7.0  # days, of the exponentially weighted mean
LEAST_SIZE = 0.05  # a + b of a beta distribution: for an execution or two


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rate as counts; arrays (T,)."""

    violations: Floats
    executions: float

    @property
    def rate(self) -> Floats:
        """Share that violated, (T,); NaN without executions."""
        nothing = np.full(self.violations.shape, np.nan)
        return np.asarray(self.violations / self.executions if self.executions else nothing)

    def quantiles(self, executions: float, u: Floats) -> Floats:
        """Quantiles of the rate of a coming window of so many executions, (k,) → (T, k)."""
        known, n = self.executions + 1, max(executions, 1.0)
        rate = (self.violations + 0.5) / known
        size = max(n / (1 + (n - 1) / (known + 1)) - 1, LEAST_SIZE)
        return np.asarray(special.betaincinv((size * rate)[:, None], (size * (1 - rate))[:, None], u))


def simple_rules(above: Floats, n: Floats, *, half_life: float = HALF_LIFE) -> tuple[Rule, Rule, Rule]:
    """Whole period, last week, exponentially weighted: daily violations (T, D) and executions (D,).

    A last week without executions is as the whole period.
    """
    whole = Rule(violations=above.sum(axis=1), executions=float(n.sum()))
    week = Rule(violations=above[:, -WEEK:].sum(axis=1), executions=float(n[-WEEK:].sum()))
    weight = 0.5 ** (np.arange(len(n))[::-1] / half_life)
    scale = (weight @ n) / max(float(weight**2 @ n), SAME)  # so many executions would say as much
    lately = Rule(violations=scale * (above @ weight), executions=float(scale * (weight @ n)))
    return whole, week if week.executions else whole, lately
