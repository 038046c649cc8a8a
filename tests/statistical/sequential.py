"""How often tests err that are looked at fifty times: what they find where nothing is, and where something is.

Ten thousand executions an arm, each assigned by itself, 5 % above the common threshold in control; counts are binomial
increments, drawn for all experiments at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from slaopt.experiment.boundaries import boundaries
from slaopt.experiment.open_ended import FEWEST_EVENTS, TIGHTEST, anytime_boundary, event_concentration
from slaopt.experiment.ratio import CONCENTRATION, FINAL_P, FLAGGED_AT
from slaopt.experiment.shares import share_evidence

LOOKS, SIZE, CONTROL = 50, 10_000, 0.05
LEVEL = 0.05
Z = special.ndtri(1 - LEVEL / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Share of the simulated experiments of which something holds."""

    share: float
    runs: int
    stopped: float = 1.0  # mean share of the sample that was seen until the stop

    @property
    def error(self) -> float:
        return float(np.sqrt(max(self.share * (1 - self.share), 1 / self.runs) / self.runs))

    def __str__(self) -> str:
        return f"{self.share:.4f} ± {self.error:.4f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Violations of both arms at each look, and their difference in standard errors, (experiments, looks)."""

    control: np.ndarray
    test: np.ndarray
    z: np.ndarray


def paths(test_rate: float, *, runs: int, rng: np.random.Generator, control_rate: float = CONTROL, size: int = SIZE):
    step = size // LOOKS
    control = np.cumsum(rng.binomial(step, control_rate, (runs, LOOKS)), axis=1)
    test = np.cumsum(rng.binomial(step, test_rate, (runs, LOOKS)), axis=1)
    n = step * np.arange(1, LOOKS + 1)
    a, b = control / n, test / n
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / n)
    z = np.divide(b - a, error, out=np.zeros_like(error), where=(control + test) >= FEWEST_EVENTS)
    return Paths(control=control, test=test, z=z)


def passed(crossed: np.ndarray) -> Measured:
    """Measure in how many of (experiments, looks) some look crossed, and after which share of the looks."""
    some = crossed.any(axis=1)
    first = np.where(some, (crossed.argmax(axis=1) + 1) / crossed.shape[1], 1.0)
    return Measured(share=float(some.mean()), runs=len(crossed), stopped=float(first.mean()))


FRACTIONS = np.arange(1, LOOKS + 1) / LOOKS


def naive(drawn: Paths) -> Measured:
    return passed(np.abs(drawn.z) > Z)


def fixed(drawn: Paths) -> Measured:
    return passed(np.abs(drawn.z[:, -1:]) > Z)


def planned(drawn: Paths) -> Measured:
    bounds = boundaries(FRACTIONS, level=LEVEL, spending="obrien_fleming", sides=2)
    return passed(np.abs(drawn.z) > bounds)


def harm(drawn: Paths) -> Measured:
    return passed(drawn.z > boundaries(FRACTIONS, level=LEVEL, spending="pocock", sides=1))


def open_ended(drawn: Paths) -> Measured:
    bounds = [anytime_boundary(fraction, optimal=TIGHTEST, level=LEVEL) for fraction in FRACTIONS]
    return passed(np.abs(drawn.z) > bounds)


def open_ended_harm(drawn: Paths) -> Measured:
    bounds = [anytime_boundary(fraction, optimal=TIGHTEST, level=LEVEL, sides=1) for fraction in FRACTIONS]
    return passed(drawn.z > bounds)


def by_violations(drawn: Paths, *, expected: float = 2 * CONTROL * SIZE) -> Measured:
    concentration = event_concentration(TIGHTEST * expected, level=LEVEL)
    evidence = share_evidence(drawn.control, drawn.test, 0.5, split=0.5, concentration=concentration)
    return passed(evidence > np.log(1 / LEVEL))


def fixed_power(test_rate: float) -> float:
    """Power in theory of one look at the whole sample."""
    error = np.sqrt((CONTROL * (1 - CONTROL) + test_rate * (1 - test_rate)) / SIZE)
    return float(special.ndtr((abs(test_rate - CONTROL)) / error - Z))


def ratio_flagged(test_share: float, *, split: float, total: int, runs: int, rng: np.random.Generator) -> Measured:
    """How often the sample-ratio monitor flags arms at some assignment, the first to the last, or at the end."""
    flagged = np.zeros(runs, bool)
    number = np.arange(1, total + 1)
    for first in range(0, runs, 100):
        some = slice(first, min(first + 100, runs))
        test = np.cumsum(rng.random((some.stop - first, total)) < test_share, axis=1)
        control = number - test
        evidence = share_evidence(control, test, split, split=split, concentration=CONCENTRATION)
        square = (test[:, -1] - split * total) ** 2 / (total * split * (1 - split))
        flagged[some] = (evidence > np.log(FLAGGED_AT)).any(axis=1) | (special.chdtrc(1, square) < FINAL_P)
    return Measured(share=float(flagged.mean()), runs=runs)
