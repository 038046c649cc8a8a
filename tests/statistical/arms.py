"""How often comparisons of two arms err: units assigned as a whole, quantiles, and a line that moved by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from slaopt.experiment import ArmUnits, quantile_interval
from slaopt.experiment.behaviour import behaviour
from slaopt.experiment.hierarchical import hierarchical_posterior
from slaopt.experiment.mechanical import mechanical_effect
from slaopt.experiment.rates import difference_ends
from slaopt.experiment.tails import quantile_effect
from tests.experiment.arms import arm
from tests.experiment.looks import DESIGN
from tests.statistical.sequential import Measured

LEVEL = 0.05
ICC = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Units:
    """Units of both arms, what they execute on average and how much that varies from unit to unit (lognormal)."""

    name: str
    control: int
    test: int
    size: int = 250
    variation: float = 0.0  # standard deviation of the logarithm
    icc: float = ICC

    def drawn(self, units: int, rate: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Violations and executions of one arm's units."""
        kappa = 1 / self.icc - 1
        shape = -(self.variation**2) / 2 + self.variation * rng.standard_normal(units)
        n = np.maximum(np.round(self.size * np.exp(shape)), 1).astype(int)
        return rng.binomial(n, rng.beta(rate * kappa, (1 - rate) * kappa, units)).astype(float), n.astype(float)


UNITS = (
    Units(name="20 + 20", control=20, test=20),
    Units(name="5 + 5", control=5, test=5),
    Units(name="20 + 20, sizes vary", control=20, test=20, variation=1.0),
    Units(name="10 + 30, sizes vary", control=10, test=30, variation=1.0),
)


def counted(x: np.ndarray, n: np.ndarray, *, each_row: bool = False) -> ArmUnits:
    """An arm of which only violations at the common threshold are known."""
    if each_row:
        x, n = x.sum(keepdims=True), n.sum(keepdims=True)
    return replace(arm([1.0] * len(n), np.arange(len(n))), n=n, common_violations=x, each_row=each_row)


def share(hits: list[bool] | np.ndarray) -> Measured:
    return Measured(share=float(np.mean(hits)), runs=len(hits))


def significant(units: Units, control: float, test: float, *, runs: int, seed: int) -> tuple[Measured, Measured]:
    """In how many experiments units differ significantly, and rows, if they are taken as independent."""
    rng = np.random.default_rng(seed)
    found: list[tuple[bool, bool]] = []
    for _ in range(runs):
        arms = units.drawn(units.control, control, rng), units.drawn(units.test, test, rng)
        effects = [behaviour(*(counted(*pair, each_row=rows) for pair in arms)) for rows in (False, True)]
        found.append(tuple(e.interval is not None and not e.interval.covers(0) for e in effects))
    by_units, by_rows = zip(*found, strict=True)
    return share(by_units), share(by_rows)


def believed(units: Units, control: float, test: float, *, runs: int, seed: int) -> Measured:
    """In how many experiments the hierarchical credible interval leaves out 0."""
    rng = np.random.default_rng(seed)
    hits = []
    for _ in range(runs):
        arms = units.drawn(units.control, control, rng), units.drawn(units.test, test, rng)
        hits.append(not hierarchical_posterior(*arms, rope=0.005).interval.covers(0))
    return share(hits)


def interval_coverage(rate: float, n: int) -> tuple[float, float]:
    """Exact coverage of the interval of a difference of two equal rates, and the least width; nothing is drawn."""
    most = int(stats.binom.ppf(1 - 1e-9, n, rate)) + 1
    x = np.arange(most + 1)
    weight = stats.binom.pmf(x, n, rate)
    low, high = difference_ends(x[:, None], n, x[None], n, confidence_level=0.95)
    inside = (low <= 0) & (high >= 0)
    return float((weight[:, None] * weight * inside).sum()), float((high - low).min())


def series(rng: np.random.Generator, n: int, rho: float = 0.6) -> np.ndarray:
    """Lognormal durations whose logarithms are AR(1), standard deviation 0.5."""
    from scipy.signal import lfilter

    shocks = rng.standard_normal(n) * np.sqrt(1 - rho**2)
    shocks[0] /= np.sqrt(1 - rho**2)
    return np.exp(0.5 * lfilter([1.0], [1.0, -rho], shocks))


def quantile_coverage(q: float, n: int, *, runs: int, seed: int) -> tuple[Measured, float]:
    """How often the interval of a quantile of a dependent sequence holds it, and how often it warned."""
    rng = np.random.default_rng(seed)
    truth = float(np.exp(0.5 * special.ndtri(q)))
    found = [quantile_interval(series(rng, n), q) for _ in range(runs)]
    return share([each.interval.covers(truth) for each in found]), float(np.mean([bool(e.warning) for e in found]))


def moved_line(*, runs: int, seed: int, control: float = 3.0, test: float = 3.5, size: int = 4000):
    """A line that moves and durations that do not.

    Gives how often the plain test of measured rates finds an effect, the test of behaviour does, and how often the
    interval of the mechanical part holds what the line does.
    """
    rng = np.random.default_rng(seed)
    design = replace(DESIGN, control_threshold=control, test_threshold=test, common_threshold=control)
    truth = special.ndtr(-np.log(test / 2) / 0.4) - special.ndtr(-np.log(control / 2) / 0.4)
    plain, behaved, covered = [], [], []
    for _ in range(runs):
        c, t = (rng.lognormal(np.log(2), 0.4, size) for _ in range(2))
        a, b = (c > control).mean(), (t > test).mean()
        plain.append(abs(b - a) > 1.96 * np.sqrt((a * (1 - a) + b * (1 - b)) / size))
        arms = [_sums(d, control, test) for d in (c, t)]
        interval = behaviour(*arms).interval
        behaved.append(interval is not None and not interval.covers(0))
        mechanical = mechanical_effect(arms[0], design)
        covered.append(mechanical is not None and mechanical.interval is not None and mechanical.interval.covers(truth))
    return share(plain), share(behaved), share(covered)


def _sums(durations: np.ndarray, common: float, other: float) -> ArmUnits:
    low, high = sorted((common, other))
    counts = {"common_violations": durations > common, "other_violations": durations > other}
    counts |= {"between": (durations > low) & (durations <= high), "n": durations >= 0}
    return replace(_ONE, **{name: np.array([float(mask.sum())]) for name, mask in counts.items()})


_ONE = arm([1.0])


def shared_hours(metric, *, runs: int, seed: int, size: int = 4000, hours: int = 48, sd: float = 0.3) -> Measured:
    """How often a quantile differs significantly between arms without a difference that ran in the same slow hours."""
    rng = np.random.default_rng(seed)
    hits = []
    for _ in range(runs):
        level = sd * rng.standard_normal(hours)
        d = np.exp(level[rng.integers(0, hours, size)] + 0.5 * rng.standard_normal(size))
        chosen = rng.random(size) < 0.5
        effect = quantile_effect(arm(d[~chosen]), arm(d[chosen]), metric=metric)
        hits.append(effect.interval is not None and not effect.interval.covers(0))
    return share(hits)


def quantile_of_units(metric, units: int, *, runs: int, seed: int, size: int = 200, sd: float = 0.2) -> Measured:
    """How often a quantile differs significantly between arms of units that vary, without a difference of the arms."""
    rng = np.random.default_rng(seed)
    hits = []
    for _ in range(runs):
        arms = []
        for _ in range(2):
            member = np.repeat(np.arange(units), size)
            level = sd * rng.standard_normal(units)
            arms.append(arm(np.exp(level[member] + 0.5 * rng.standard_normal(len(member))), member))
        effect = quantile_effect(*arms, metric=metric)
        hits.append(effect.interval is not None and not effect.interval.covers(0))
    return share(hits)
