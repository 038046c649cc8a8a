"""What an experiment has measured until a moment: counts of each unit, which add up over days, shards and machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["ArmUnits", "Observed", "Remark", "RemarkKind"]

Floats = NDArray[np.float64]

RemarkKind = Literal[
    "units_in_both_arms", "unknown_arm", "outside_time", "late", "missing_days", "dried_up", "duplicates", "rejected",
    "without_unit", "rows_as_units", "one_arm", "tiny_arm", "few_units", "constant", "all_violate", "none_violates",
    "outlier", "sample_ratio", "not_as_assigned",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Result):
    """Something about the measurements that a reader has to know; `decisive`: nothing can be concluded from them."""

    kind: RemarkKind
    sentence: str
    count: float = 0.0
    decisive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmUnits:
    """What the units of one arm did, each array (units,), in the order of their hashes.

    Where each row is a unit of its own, one entry holds the sums of all (`each_row`): rows are exchangeable, and their
    variance follows from the sums. Counts of buckets, (units, buckets), are kept for quantiles: bucket i holds the
    durations in (bounds[i-1], bounds[i]], the first those of exactly 0 where bounds[0] is 0.
    """

    unit_hashes: NDArray[np.str_]  # never names
    first_seen: NDArray[np.datetime64]  # UTC, NaT where no times are known
    n: Floats  # executions
    common_violations: Floats  # above the common threshold
    other_violations: Floats  # above the other one
    between: Floats  # between both: min < duration <= max
    sums: Floats  # seconds
    squares: Floats  # seconds²
    log_sums: Floats  # of log seconds, positive durations only
    log_squares: Floats
    zeros: Floats  # durations of exactly 0, which have no logarithm
    bounds: Floats  # (buckets,) seconds, increasing
    counts: csr_array  # (units, buckets)
    each_row: bool

    @property
    def units(self) -> float:
        """Number of units: of executions where each row is one."""
        return float(self.n.sum()) if self.each_row else float(len(self.n))

    @property
    def executions(self) -> float:
        """Number of executions."""
        return float(self.n.sum())

    def __add__(self, other: ArmUnits) -> ArmUnits:
        """Add what the same or other units did elsewhere.

        Raises
        ------
        ValueError
            If one counts rows and the other units, or their bounds do not fit together.
        """
        from slaopt.experiment.merge import merged

        return merged(self, other)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observed(Result):
    """Both arms of an experiment, from its start until a moment."""

    common_threshold: float  # seconds
    other_threshold: float
    control: ArmUnits = field(metadata={"published": None})
    test: ArmUnits = field(metadata={"published": None})
    start: datetime | None = None  # None: the measurements have no times
    end: datetime | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict, metadata={"published": None})  # by arm, in hours
    by_day: Mapping[date, tuple[float, float]] = field(default_factory=dict, metadata={"published": None})
    remarks: tuple[Remark, ...] = ()

    def arm(self, name: str) -> ArmUnits:
        """Give one arm by its name, `control` or `test`."""
        return {"control": self.control, "test": self.test}[name]

    def __add__(self, other: Observed) -> Observed:
        """Add measurements of the same experiment from elsewhere.

        Raises
        ------
        ValueError
            If their thresholds differ, or their units cannot be added.
        """
        from slaopt.experiment.merge import joined

        return joined(self, other)

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers of units and executions, the span and the remarks."""
        return {
            "sample_sizes": {name: self.arm(name).executions for name in ("control", "test")},
            "units": {name: self.arm(name).units for name in ("control", "test")},
            "start": None if self.start is None else self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
            "remarks": [remark.to_dict() for remark in self.remarks],
        }
