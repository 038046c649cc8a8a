"""What a planned test can find, in closed form: power, smallest effect, sample sizes, chances of the guardrails.

The information of each look follows from the traffic that is to come, and the chance of passing the boundaries at some
look from the recursion that made them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from slaopt.experiment.boundaries import FURTHEST, boundaries, crossing_probabilities
from slaopt.experiment.design import Mode
from slaopt.experiment.open_ended import FEWEST_EVENTS, TIGHTEST, anytime_boundary

__all__ = [
    "Bounds",
    "Terms",
    "bounds_of",
    "detectable_effect",
    "fixed_power",
    "needed",
    "planned_power",
    "unit_power",
]

Floats = NDArray[np.float64]

NORMAL = 200  # degrees of freedom from which Student's t is as good as normal
MOST = 1e4  # times the planned traffic, beyond which nobody waits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """All that the power of a test hangs on."""

    rate: float  # violations of the control at the common threshold, 0–1
    split: float  # share of the units in the test arm
    executions: float  # of both arms over the horizon
    shares: Floats  # (looks,) of the traffic that has come until each look; the last is 1
    level: float
    harm_level: float
    mode: Mode = "planned"
    units: float | None = None  # of both arms; None: each execution is one
    variation: float = 0.0  # coefficient of variation of the units' executions
    icc: float = 0.0

    def design_effect(self, executions: Floats | float) -> Floats | float:
        """By how much units make the variance greater: 1 + (m (1 + CV²) − 1) ICC (Donner and Klar, 2000)."""
        if self.units is None:
            return 1.0
        each = np.asarray(executions) / self.units * (1 + self.variation**2)
        return np.maximum(1.0, 1 + (each - 1) * self.icc)

    def per_execution(self, executions: Floats | float) -> Floats | float:
        """Sum of one over the executions of each arm, times the design effect: variance per unit variance."""
        total = np.asarray(executions, dtype=float)
        return self.design_effect(total) * (1 / (total * self.split) + 1 / (total * (1 - self.split)))

    def information(self, effect: float = 0.0) -> Floats:
        """1 / se² of the difference of rates at each look, (looks,), where each unit of the test has less by `effect`.

        What units differ by shrinks with their rates, so that the test arm's design effect is smaller than the other's.
        """
        total, kept = self.executions * self.shares, 1 - effect
        single, differing = self.rate * (1 - self.rate), self.icc * self.rate * (1 - self.rate)
        changed = min(self.rate * kept, 1.0)
        more = 0.0 if self.units is None else np.maximum(total / self.units * (1 + self.variation**2) - 1, 0.0)
        control, test = single + more * differing, changed * (1 - changed) + more * differing * kept**2
        return np.asarray(total / (control / (1 - self.split) + test / self.split))

    @property
    def degrees(self) -> float | None:
        """Degrees of freedom of the last look; None: so many that the normal distribution does."""
        return None if self.units is None else max(self.units - 2, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """What z has to pass at each look, (looks,) each: ± for benefit, + for harm."""

    fractions: Floats
    benefit: Floats
    harm: Floats


def bounds_of(terms: Terms) -> Bounds:
    """Give the boundaries at the looks as they are planned, by the rules that hold them against measurements later.

    Error is spent by the information, but never ahead of the looks; looks at which too few violations are to be
    expected ask nothing.
    """
    information, looks = terms.information(), len(terms.shares)
    fractions = np.minimum(information / information[-1], np.arange(1, looks + 1) / looks)
    few = terms.rate * terms.executions * terms.shares < FEWEST_EVENTS
    few[-1] &= terms.mode == "open_ended"
    asked = np.flatnonzero(~few)
    benefit, harm = np.full(looks, np.inf), np.full(looks, np.inf)
    level, harm_level = terms.level, terms.harm_level
    if terms.mode == "open_ended":
        best = TIGHTEST * float(information[-1])
        for look in asked.tolist():
            at = float(information[look])
            benefit[look] = anytime_boundary(at, optimal=best, level=level)
            harm[look] = anytime_boundary(at, optimal=best, level=harm_level, sides=1)
    elif len(asked):
        spends, gained = fractions[asked].tolist(), information[asked].tolist()
        benefit[asked] = boundaries(spends, information=gained, level=level, spending="obrien_fleming", sides=2)
        harm[asked] = boundaries(spends, information=gained, level=harm_level, spending="pocock", sides=1)
    return Bounds(fractions=fractions, benefit=benefit, harm=harm)


def planned_power(terms: Terms, *, effect: float, bounds: Bounds | None = None) -> float:
    """Chance that some look passes the benefit boundary where violations fall by `effect`, a share of the rate."""
    passed, information = (bounds or bounds_of(terms)).benefit, terms.information(effect)
    asked = np.isfinite(passed)
    passed, information = passed[asked], information[asked]
    if terms.degrees is not None and terms.degrees < NORMAL:
        passed = np.minimum(stats.t.isf(special.ndtr(-passed), terms.degrees), FURTHEST)
    up, _ = crossing_probabilities(information, passed, drift=effect * terms.rate)
    return float(min(up.sum(), 1.0))


def fixed_power(terms: Terms, *, effect: float) -> float:
    """Chance that one look at the end, without any before it, finds the effect."""
    z = effect * terms.rate * float(np.sqrt(terms.information(effect)[-1]))
    tail = 1 - terms.level / 2
    bound = special.ndtri(tail) if terms.degrees is None else stats.t.ppf(tail, terms.degrees)
    return float(special.ndtr(z - bound))


def detectable_effect(terms: Terms, *, power: float) -> float | None:
    """Smallest fall of the rate, a share of it, that is found with a power; None: not even that all violations end."""
    bounds = bounds_of(terms)
    return _least(lambda effect: planned_power(terms, effect=effect, bounds=bounds) - power, 1 / 128, 1.0)


def needed(terms: Terms, *, effect: float, power: float) -> float | None:
    """Executions of both arms with which an effect is found; None: these units cannot give so much information."""
    if fixed_power(replace(terms, executions=terms.executions * MOST), effect=effect) < power:
        return None
    bounds = bounds_of(terms)

    def short(times: float) -> float:
        more = replace(terms, executions=terms.executions * times)
        return planned_power(more, effect=effect, bounds=bounds) - power

    times = _least(short, 1 / 128, MOST)
    return None if times is None else terms.executions * times


def unit_power(terms: Terms, *, effect: float, power: float) -> float | None:
    """Units of both arms with which an effect is found, each with as many executions as planned; None: too many."""
    if terms.units is None:
        return needed(terms, effect=effect, power=power)
    units, bounds = terms.units, bounds_of(terms)

    def short(times: float) -> float:
        more = replace(terms, executions=terms.executions * times, units=units * times)
        return planned_power(more, effect=effect, bounds=bounds) - power

    times = _least(short, 4 / units, MOST)
    return None if times is None else units * times


def _least(short: Callable[[float], float], low: float, high: float) -> float | None:
    """Where a growing function passes 0: the first doubling that does, then between it and the one before."""
    if short(low) >= 0:
        return low
    while low < high:
        next_one = min(2 * low, high)
        if short(next_one) >= 0:
            found = optimize.brentq(lambda log: short(float(np.exp(log))), np.log(low), np.log(next_one), xtol=1e-3)
            return float(np.exp(found))
        low = next_one
    return None
