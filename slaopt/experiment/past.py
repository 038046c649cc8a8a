"""What a service's own past says of a test that is only planned: traffic, rates, units and how much alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.days import bucket_middles
from slaopt.experiment.observed import ArmUnits
from slaopt.forecast.curve import LEARN_DAYS
from slaopt.profile import Profile

__all__ = ["ASSUMED_ICC", "Past", "UnitsBefore", "assumed_units", "joined", "past_of", "units_before"]

Floats = NDArray[np.float64]

ASSUMED_ICC = 0.05  # where nothing was counted by unit: what the prior of the hierarchical posterior expects, 1 / 21
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitsBefore:
    """The units of assignment as the past, or an assumption, has them; each array (units,)."""

    n: Floats  # executions of each; where they were not counted, in proportion only
    violations: Floats  # above the common threshold; NaN where that was not counted
    icc: float  # intraclass correlation of violations within a unit, at least 0
    counted: bool  # False: number said, sizes and correlation assumed

    @property
    def variation(self) -> float:
        """Coefficient of variation of the units' sizes."""
        return float(self.n.std() / self.n.mean())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Past:
    """Executions of the last days, each of 24 hours counted back from the end, and how many were above some cuts."""

    cuts: Floats  # (C,) seconds, increasing
    n: Floats  # (D,) valid executions, the latest day last
    above: Floats  # (D, C) of them above each cut
    log_means: Floats  # (C + 1,) mean of log seconds between the cuts, the fastest first
    log_variances: Floats  # (C + 1,)

    @property
    def rates(self) -> Floats:
        """Share of all executions above each cut, (C,)."""
        return np.asarray(self.above.sum(axis=0) / max(float(self.n.sum()), 1.0))

    @property
    def log_variance(self) -> float:
        """Variance of log seconds over all executions."""
        shares = -np.diff(np.concatenate([[1.0], self.rates, [0.0]]))
        mean = float(shares @ self.log_means)
        return float(shares @ (self.log_variances + (self.log_means - mean) ** 2))


def past_of(hours: Profile, cuts: Sequence[float], *, days: int = LEARN_DAYS) -> Past:
    """Count the last days of a Profile at some durations (seconds, increasing)."""
    a_day = round(DAY / hours.step)
    whole = min(days, hours.slots // a_day)
    recent = hours.between(hours.end - whole * DAY, hours.end)
    daily = [recent.valid, *(recent.violations(cut).middle for cut in cuts)]
    n, *above = (values.reshape(whole, a_day).sum(axis=1) for values in daily)
    ran = np.flatnonzero(n > 0)
    first = int(ran[0]) if len(ran) else whole
    means, variances = _log_moments(recent, cuts)
    return Past(
        cuts=np.asarray(cuts, dtype=float),
        n=n[first:],
        above=np.stack(above, axis=1)[first:],
        log_means=means,
        log_variances=variances,
    )


def _log_moments(profile: Profile, cuts: Sequence[float]) -> tuple[Floats, Floats]:
    """Mean and variance of log seconds between the cuts, from the middles of buckets, (C + 1,) each."""
    totals, middles = profile.bucket_totals, bucket_middles(profile.bounds)
    positive = (middles > 0) & (totals > 0)
    totals, logs = totals[positive], np.log(middles[positive])
    part = np.searchsorted(np.asarray(cuts, dtype=float), middles[positive])
    n, sums, squares = (np.bincount(part, totals * power, len(cuts) + 1) for power in (logs**0, logs, logs**2))
    means = np.divide(sums, n, out=np.zeros_like(sums), where=n > 0)
    variances = np.divide(squares, n, out=np.zeros_like(sums), where=n > 0) - means**2
    return means, np.maximum(variances, 0.0)


def units_before(counted: ArmUnits) -> UnitsBefore:
    """Take the units of counts of the past, and the correlation within them.

    The correlation is the analysis-of-variance estimate for shares of units of different sizes (Ridout, Demétrio and
    Firth, Biometrics 1999; Donner and Klar 2000).
    """
    some = counted.n > 0
    n, violations = counted.n[some], counted.common_violations[some]
    return UnitsBefore(n=n, violations=violations, icc=_correlation(n, violations), counted=True)


def _correlation(n: Floats, violations: Floats) -> float:
    units, executions = len(n), float(n.sum())
    if units < 2 or executions <= units:
        return ASSUMED_ICC
    shares, mean = violations / n, float(violations.sum()) / executions
    between = float((n * (shares - mean) ** 2).sum()) / (units - 1)
    within = float((n * shares * (1 - shares)).sum()) / (executions - units)
    usual = (executions - float((n**2).sum()) / executions) / (units - 1)
    total = between + (usual - 1) * within
    return min(max((between - within) / total, 0.0), 1.0) if total > 0 else 0.0


def assumed_units(units: int, *, icc: float | None = None) -> UnitsBefore:
    """Assume units whose sizes vary as waiting times do (coefficient of variation near 1)."""
    sizes = -np.log1p(-(np.arange(units) + 0.5) / units)
    return UnitsBefore(
        n=sizes,
        violations=np.full(units, np.nan),
        icc=ASSUMED_ICC if icc is None else icc,
        counted=False,
    )


def joined(units: UnitsBefore, groups: int) -> UnitsBefore:
    """Deal units into groups of about the same size, whose means differ as much as those of the units let them.

    A mean over units varies with icc · Σ n², and so does that over groups; what is left of the correlation follows.
    """
    order = np.argsort(-units.n, kind="stable")
    turn = np.arange(len(order)) % (2 * groups)
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.where(turn < groups, turn, 2 * groups - 1 - turn)  # there and back, so that sizes even out
    n, violations = (np.bincount(group, values, groups).astype(float) for values in (units.n, units.violations))
    kept = float((units.n**2).sum() / (n**2).sum())
    return UnitsBefore(n=n, violations=violations, icc=units.icc * kept, counted=units.counted)
