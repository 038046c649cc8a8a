"""Executions of one arm counted by unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slaopt.buckets import exponential_index, refined_bounds
from slaopt.experiment.observed import ArmUnits, first_of, no_units

__all__ = ["LONGEST", "count_units"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DENSE = 16  # cells that span at most so many times their number are counted in a table, others are sorted
LONGEST = 1e100  # seconds: longer ones count as so long, as their squares could not be added up


def count_units(
    seconds: Floats,
    hashes: NDArray[np.str_] | None,
    times: NDArray[np.datetime64] | None,
    *,
    common_threshold: float,
    other_threshold: float,
    quantiles: bool = True,
) -> ArmUnits:
    """Count the executions of one arm, (n,) each, by the hash of their unit; None: each is a unit of its own.

    Parameters
    ----------
    quantiles
        Whether buckets are counted too.
    """
    if not len(seconds):
        return no_units(each_row=hashes is None)
    if hashes is None:
        found, unit, units = np.array([""], dtype="U64"), None, 1
    else:
        found, unit = _distinct(hashes)
        units = len(found)

    def total(values: NDArray[Any]) -> Floats:
        if unit is None:
            return np.array([values.sum()], dtype=float)
        return np.bincount(unit, weights=values, minlength=units).astype(float)

    above, beyond = seconds > common_threshold, seconds > other_threshold
    zero = seconds == 0
    held = seconds if seconds.max(initial=0.0) < LONGEST else np.minimum(seconds, LONGEST)
    logs = np.log(np.where(zero, 1.0, seconds) if zero.any() else seconds)
    bounds, counts = (
        _buckets(seconds, unit, units, sorted({common_threshold, other_threshold}))
        if quantiles
        else (np.empty(0), csr_array((units, 0)))
    )
    return ArmUnits(
        unit_hashes=found,
        first_seen=first_of(times, unit, units),
        n=np.array([float(len(seconds))]) if unit is None else np.bincount(unit, minlength=units).astype(float),
        common_violations=total(above),
        other_violations=total(beyond),
        between=total(above != beyond),
        sums=total(held),
        squares=total(held**2),
        log_sums=total(logs),
        log_squares=total(logs**2),
        zeros=total(zero),
        bounds=bounds,
        counts=counts,
        each_row=hashes is None,
    )


def _distinct(hashes: NDArray[np.str_]) -> tuple[NDArray[np.str_], Ints]:
    """Give the different hashes in their order, and the place of each row's; `np.unique` sorts all rows for it."""
    import pandas as pd

    codes, names = pd.factorize(hashes.astype(object))
    found = names.astype("U64")
    order = np.argsort(found)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return found[order], place[codes]


def _buckets(seconds: Floats, unit: Ints | None, units: int, counted: Sequence[float]) -> tuple[Floats, csr_array]:
    """Count executions by unit and bucket; exact at the counted bounds."""
    split = np.array(counted)
    zero = seconds == 0
    fine = exponential_index(np.where(zero, 1.0, seconds))
    least = int(fine.min())
    width = len(split) + 1
    cell = (fine - least) * width + np.searchsorted(split, seconds, side="left") + 1
    cell[zero] = 0
    cells = int(cell.max()) + 1
    key = cell if unit is None else unit * cells + cell
    if int(key.max()) < DENSE * len(key):
        table = np.bincount(key)
        keys = np.flatnonzero(table)
        count = table[keys]
    else:
        keys, count = np.unique(key, return_counts=True)
    rows, codes = np.divmod(keys, cells)
    kinds, kind = np.unique(codes, return_inverse=True)
    low, high = refined_bounds((kinds - 1) // width + least, (kinds - 1) % width, split)
    low, high = np.where(kinds == 0, 0.0, low), np.where(kinds == 0, 0.0, high)
    bounds = np.unique(np.concatenate([low, high]))
    column = np.searchsorted(bounds, high)[kind]
    counts = csr_array((count.astype(float), (rows, column)), shape=(units, len(bounds)))
    counts.sum_duplicates()
    return bounds, counts
