"""Statistics of durations over the whole period, and the baseline: the same figures with their intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from slaopt.analysis.intervals import QuantileEstimate, mean_estimate, quantile_estimate, standard_deviation
from slaopt.profile import Profile
from slaopt.result import Result

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QUANTILES", "Baseline", "Statistics", "baseline", "statistics"]

QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Result):
    """How long executions took, seconds: what happened, without a claim about what will."""

    mean: float  # exact
    median: float
    std: float  # from the middles of buckets, 0.3 % off at most
    minimum: float
    maximum: float
    percentile_95: float
    percentile_99: float
    coefficient_variation: float | None  # std / mean; None where the mean is 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Result):
    """What level the service has now: its mean and quantiles in seconds, with intervals."""

    baseline_value: float  # mean
    confidence_interval_lower: float | None  # of the mean; None with the reason in `why`
    confidence_interval_upper: float | None
    coefficient_variation: float | None
    is_stable: bool | None = None  # neither trend nor change in what it rests on; None where days are too few to tell
    quantiles: tuple[QuantileEstimate, ...] = field(default=())
    why: str | None = None  # there is no interval

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each quantile."""
        import pandas as pd

        return pd.DataFrame(
            {
                "q": [estimate.q for estimate in self.quantiles],
                "value": [estimate.value for estimate in self.quantiles],
                "low": [estimate.interval.low if estimate.interval else np.nan for estimate in self.quantiles],
                "high": [estimate.interval.high if estimate.interval else np.nan for estimate in self.quantiles],
            }
        )


def statistics(profile: Profile) -> Statistics:
    """Describe the durations of a Profile that has at least one."""
    mean = float(profile.slot_sums.sums.sum() / profile.executions.sum())
    std = standard_deviation(profile)
    return Statistics(
        mean=mean,
        median=profile.quantile(0.5),
        std=std,
        minimum=float(np.nanmin(profile.slot_sums.minima)),
        maximum=float(np.nanmax(profile.slot_sums.maxima)),
        percentile_95=profile.quantile(0.95),
        percentile_99=profile.quantile(0.99),
        coefficient_variation=std / mean if mean else None,
    )


def baseline(profile: Profile, *, confidence_level: float = 0.95, is_stable: bool | None = None) -> Baseline:
    """Estimate the level of a service: mean and quantiles with intervals; whether it is stable is told by others."""
    mean = mean_estimate(profile, confidence_level=confidence_level)
    return Baseline(
        baseline_value=mean.value,
        confidence_interval_lower=mean.interval.low if mean.interval else None,
        confidence_interval_upper=mean.interval.high if mean.interval else None,
        coefficient_variation=standard_deviation(profile) / mean.value if mean.value else None,
        is_stable=is_stable,
        quantiles=tuple(quantile_estimate(profile, q, confidence_level=confidence_level) for q in QUANTILES),
        why=mean.why,
    )
