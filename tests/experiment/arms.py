"""Measurements of experiments made from plain arrays."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from slaopt.buckets import bucket_bounds
from slaopt.experiment import ArmUnits, Observed

COMMON, OTHER = 2.5, 2.0


def arm(durations, units=None, *, common: float = COMMON, other: float = OTHER) -> ArmUnits:
    """Count the durations of one arm by unit; without units each row is one of its own."""
    d = np.asarray(durations, dtype=float)
    names, member = np.unique(np.zeros(len(d), int) if units is None else np.asarray(units), return_inverse=True)
    size = len(names)

    def add(values) -> np.ndarray:
        return np.bincount(member, weights=values, minlength=size).astype(float)

    logs = np.log(d, where=d > 0, out=np.zeros_like(d))
    low, high = bucket_bounds(d, np.array(sorted((common, other))), 7)
    bounds = np.unique(np.concatenate([low, high]))
    counts = csr_array((np.ones(len(d)), (member, np.searchsorted(bounds, high))), shape=(size, len(bounds)))
    counts.sum_duplicates()
    between = (d > min(common, other)) & (d <= max(common, other))
    return ArmUnits(
        unit_hashes=np.array([] if units is None else [f"{name}" for name in names], dtype=np.str_),
        first_seen=np.full(size, np.datetime64("NaT", "us")),
        n=add(np.ones(len(d))),
        common_violations=add(d > common),
        other_violations=add(d > other),
        between=add(between),
        sums=add(d),
        squares=add(d**2),
        log_sums=add(logs),
        log_squares=add(logs**2),
        zeros=add(d == 0),
        bounds=bounds,
        counts=counts,
        each_row=units is None,
    )


def observed(control: ArmUnits, test: ArmUnits, *, common: float = COMMON, other: float = OTHER) -> Observed:
    return Observed(common_threshold=common, other_threshold=other, control=control, test=test)
