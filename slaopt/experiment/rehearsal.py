"""A planned test carried out many times on the service's own past, so that its chances are seen, not only computed.

Each planned day replays a day of the past of the same weekday. Executions fall to the arms at random: each by itself,
or with its unit, whose size and rate are those of the past. What differs between the arms is then known, and so is how
often the looks, with their boundaries, say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from slaopt.experiment.past import Past, UnitsBefore, joined
from slaopt.experiment.power import NORMAL, Bounds, Terms
from slaopt.experiment.reading import FEWEST_TO_DECIDE
from slaopt.result import Result

__all__ = ["Chance", "Paths", "Rehearsed", "judged", "rehearse"]

Floats = NDArray[np.float64]

WEEK = 7
MOST_UNITS = 100  # more are dealt into so many groups, whose means differ as much
CELLS = 500_000  # replications × units × looks that are held at once
MOST_CELLS = 1_000_000  # that are drawn for one answer
FEWEST_RUNS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance(Result):
    """A probability that was simulated, and its Monte-Carlo error."""

    value: float
    error: float

    @classmethod
    def of(cls, happened: NDArray[Any] | np.bool_) -> Chance:
        """Count in how many replications something happened."""
        share, n = float(np.mean(happened)), np.size(happened)
        least = 1 / n  # where it never or always happened the error is not 0
        spread = max(share * (1 - share), least * (1 - least))
        return cls(value=share, error=float(np.sqrt(spread / n)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """What each look of each replication finds, (replications, looks) each; positive is worse."""

    z: Floats  # of the primary metric, in standard errors
    guardrails: dict[str, Floats]  # z of each
    room: dict[str, Floats]  # standard errors from each guardrail to its margin; negative: beyond it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed(Result):
    """What came of all replications."""

    found: Chance  # benefit boundary passed to the good side
    significant: Chance  # passed to either side
    harmed: Chance  # a harm boundary passed, of the primary metric or a guardrail
    shipped: Chance  # benefit with every guardrail inside its margin, before any harm
    mean_fraction: float  # of the looks at which the test ended


def rehearse(
    past: Past,
    terms: Terms,
    *,
    days: int,
    units: UnitsBefore | None,
    metrics: Mapping[str, int],
    margins: Mapping[str, float],
    densities: Mapping[str, float],
    effect: float,
    runs: int,
    rng: np.random.Generator,
) -> Paths:
    """Carry the test out so many times.

    Parameters
    ----------
    past
        The days that are replayed.
    terms
        Traffic, looks and split.
    units
        The units that are assigned as a whole; None: each execution by itself.
    metrics
        Which cut of the past belongs to each metric that counts violations: `rate`, `other_rate`, `p95`, `p99`.
    margins
        Of each guardrail, a share of the control's value; `mean` among them.
    densities
        Density of log durations at each quantile: what a unit of its logarithm changes in the share above it.
    effect
        By which share durations above the common threshold become fewer in the test arm; negative: more.
    """
    if units is None:
        drawn = _rows(past, terms, days=days, effect=effect, at=metrics["rate"], runs=runs, rng=rng)
    else:
        drawn = _clusters(past, terms, units, effect=effect, at=metrics["rate"], runs=runs, rng=rng)
    guardrails, rooms = {}, {}
    for name, margin in margins.items():
        at = len(past.cuts) if name == "mean" else metrics[name]
        difference, error, control = (part[..., at] for part in drawn)
        reach = margin * control if name == "other_rate" else np.log1p(margin) * densities.get(name, 1.0)
        guardrails[name] = _scores(difference, error, terms)
        rooms[name] = np.divide(reach - difference, error, out=np.full_like(error, -np.inf), where=error > 0)
    difference, error, _ = (part[..., metrics["rate"]] for part in drawn)
    return Paths(z=_scores(difference, error, terms), guardrails=guardrails, room=rooms)


def judged(paths: Paths, bounds: Bounds) -> Rehearsed:
    """Apply the boundaries to each look, and see where each replication ends."""
    benefit, worse = paths.z <= -bounds.benefit, paths.z >= bounds.benefit
    harm = (paths.z >= bounds.harm) | worse
    inside = np.ones_like(harm)
    for name, z in paths.guardrails.items():
        harm |= z >= bounds.harm
        inside &= paths.room[name] >= bounds.benefit
    ship = benefit & inside
    looks = paths.z.shape[1]
    first_harm, first_ship = _first(harm), _first(ship)
    ended = np.minimum(np.minimum(first_harm, first_ship), looks - 1)
    return Rehearsed(
        found=Chance.of(benefit.any(axis=1)),
        significant=Chance.of((benefit | worse).any(axis=1)),
        harmed=Chance.of(first_harm < np.minimum(first_ship, looks)),
        shipped=Chance.of(first_ship < first_harm),
        mean_fraction=float(np.mean((ended + 1) / looks)),
    )


def _first(hit: NDArray[np.bool_]) -> NDArray[Any]:
    """The look at which it first happens; where it never does, the number of looks."""
    return np.asarray(np.where(hit.any(axis=1), hit.argmax(axis=1), hit.shape[1]))


def _scores(difference: Floats, error: Floats, terms: Terms) -> Floats:
    """Standard errors, as normal scores of the same tail where units are few."""
    z = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    if terms.degrees is None or terms.degrees >= NORMAL:
        return z
    return np.asarray(np.sign(z) * special.ndtri(stats.t.cdf(np.abs(z), terms.degrees)).clip(max=30))


def _changed(parts: Floats, at: int, effect: float) -> Floats:
    """Executions to expect between the cuts, (…, C + 1), where those above one cut become fewer by a share."""
    above = parts[..., at + 1 :].sum(axis=-1, keepdims=True)
    below = parts[..., : at + 1].sum(axis=-1, keepdims=True)
    scale = np.divide(effect * above, below, out=np.zeros_like(below), where=below > 0)
    return np.concatenate([parts[..., : at + 1] * (1 + scale), parts[..., at + 1 :] * (1 - effect)], axis=-1)


def _rows(
    past: Past, terms: Terms, *, days: int, effect: float, at: int, runs: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Differences, standard errors and the control's values, (runs, looks, cuts + 1); the last is the log mean."""
    daily = -np.diff(np.column_stack([past.n, past.above, np.zeros(len(past.n))]), axis=1)
    back = len(daily) - np.arange(len(daily))  # days before the start
    donors = [np.flatnonzero((back + day) % WEEK == 0) for day in range(days)]
    picked = np.stack([rng.choice(d if len(d) else len(daily), runs) for d in donors], axis=1)
    usual = np.mean([daily[d if len(d) else slice(None)].sum(axis=1).mean() for d in donors]) * days
    as_foretold = 1 - terms.rate / float(past.rates[at])  # the planned days are not all like the past ones
    parts = _changed(daily[picked] * (terms.executions / usual), at, as_foretold)
    ends = np.unique(np.ceil(np.arange(1, len(terms.shares) + 1) * days / len(terms.shares) - 1e-9).astype(int)) - 1
    sums = []
    for share, change in ((1 - terms.split, 0.0), (terms.split, effect)):
        counts = rng.poisson(_changed(parts, at, change) * share).astype(float)
        logs = _log_sums(counts, past, rng)
        sums.append((counts.cumsum(axis=1)[:, ends], logs.cumsum(axis=1)[:, ends]))
    return _row_figures(sums, past)


def _log_sums(counts: Floats, past: Past, rng: np.random.Generator) -> Floats:
    """Sums of log seconds of so many executions between the cuts, (…, C + 1) → (…,)."""
    spread = np.sqrt(counts @ past.log_variances)
    return np.asarray(counts @ past.log_means + spread * rng.standard_normal(spread.shape))


def _row_figures(sums: list[tuple[Floats, Floats]], past: Past) -> tuple[Floats, Floats, Floats]:
    n = [np.maximum(counts.sum(axis=-1), 1.0) for counts, _ in sums]
    above = [counts[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:] for counts, _ in sums]
    rates = [x / total[..., None] for x, total in zip(above, n, strict=True)]
    pooled = (above[0] + above[1]) / (n[0] + n[1])[..., None]
    both = 1 / n[0] + 1 / n[1]
    means = [logs / total for (_, logs), total in zip(sums, n, strict=True)]
    difference = np.concatenate([rates[1] - rates[0], (means[1] - means[0])[..., None]], axis=-1)
    apart = sum(rate * (1 - rate) / total[..., None] for rate, total in zip(rates, n, strict=True))
    of_rates = np.maximum(pooled * (1 - pooled) * both[..., None], apart)  # as the comparison of both arms has it
    variance = np.concatenate([of_rates, (past.log_variance * both)[..., None]], axis=-1)
    control = np.concatenate([rates[0], means[0][..., None]], axis=-1)
    return difference, np.sqrt(variance), control


def _clusters(
    past: Past, terms: Terms, units: UnitsBefore, *, effect: float, at: int, runs: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """The same where units are assigned: sizes as they were, rates drawn from what each unit's past says."""
    units = joined(units, MOST_UNITS) if len(units.n) > MOST_UNITS else units
    size, looks = len(units.n), len(terms.shares)
    runs = min(runs, max(FEWEST_RUNS, MOST_CELLS // (size * looks)))
    chunk = max(1, CELLS // (size * looks))
    done = [
        _cluster_chunk(past, terms, units, effect=effect, at=at, runs=min(chunk, runs - first), rng=rng)
        for first in range(0, runs, chunk)
    ]
    one, two, three = (np.concatenate(parts) for parts in zip(*done, strict=True))
    return one, two, three


def _cluster_chunk(
    past: Past, terms: Terms, units: UnitsBefore, *, effect: float, at: int, runs: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    in_test = rng.random((runs, len(units.n))) < terms.split
    rates = _unit_rates(units, terms, runs, rng) * np.where(in_test, 1 - effect, 1.0)
    steps = np.diff(terms.shares, prepend=0.0)
    expected = (units.n / units.n.sum())[:, None] * steps * terms.executions  # (units, looks)
    violating = rng.poisson(rates[..., None].clip(0, 1) * expected)
    others = rng.poisson((1 - rates[..., None]).clip(0, 1) * expected)
    counts = _parted(violating, others, past, at, rng)  # (runs, units, looks, C + 1)
    logs = _log_sums(counts, past, rng).cumsum(axis=2)
    counts = counts.cumsum(axis=2)
    n = counts.sum(axis=-1)
    above = counts[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]
    values = np.concatenate([above, logs[..., None]], axis=-1)
    arms = [_ratio(values, n, member) for member in (~in_test, in_test)]
    error = np.sqrt(arms[0][1] + arms[1][1])
    smaller = np.minimum(in_test.sum(axis=1), (~in_test).sum(axis=1))
    error[smaller < FEWEST_TO_DECIDE] = np.inf  # nothing is decided then
    return arms[1][0] - arms[0][0], error, arms[0][0]


def _unit_rates(units: UnitsBefore, terms: Terms, runs: int, rng: np.random.Generator) -> Floats:
    """Violation rate of each unit, drawn from its Beta posterior (or from the prior alone), (runs, units)."""
    icc = min(units.icc, 0.99)
    if icc < 1e-4:
        return np.full((runs, len(units.n)), terms.rate)
    size = 1 / icc - 1
    x = np.nan_to_num(units.violations) if units.counted else np.zeros(len(units.n))
    n = units.n if units.counted else np.zeros(len(units.n))
    usual = float(x.sum() / n.sum()) if n.sum() and 0 < x.sum() < n.sum() else terms.rate
    drawn = rng.beta(usual * size + x, (1 - usual) * size + n - x, (runs, len(units.n)))
    return np.asarray((drawn * terms.rate / usual).clip(0, 1))


def _parted(
    violating: NDArray[np.int64], others: NDArray[np.int64], past: Past, at: int, rng: np.random.Generator
) -> Floats:
    """Part executions above and below the common threshold among the other cuts, as the past has them."""
    shares = -np.diff(np.concatenate([[1.0], past.rates, [0.0]]))
    parts = []
    for total, some in ((others, shares[: at + 1]), (violating, shares[at + 1 :])):
        left, rest = total, float(some.sum())
        for share in some[:-1].tolist():
            taken = rng.binomial(left, min(1.0, share / rest) if rest > 0 else 0.0)
            parts.append(taken)
            left, rest = left - taken, rest - share
        parts.append(left)
    return np.stack(parts, axis=-1).astype(float)


def _ratio(values: Floats, n: Floats, member: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Ratio of sums over an arm's units and its variance, (runs, looks, figures) each.

    Linearised: G / (G − 1) Σ e² / (Σ n)², e = value − ratio · n (Donner and Klar, 2000).
    """
    weight = member.astype(float)[:, :, None]
    total = np.maximum((n * weight).sum(axis=1), 1.0)
    ratio = (values * weight[..., None]).sum(axis=1) / total[..., None]
    left = (values - ratio[:, None] * n[..., None]) * weight[..., None]
    count = np.maximum(member.sum(axis=1), 2.0)[:, None, None]
    variance = count / (count - 1) * (left**2).sum(axis=1) / total[..., None] ** 2
    return ratio, variance
