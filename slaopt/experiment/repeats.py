"""Rows that stand twice in the measurements of an experiment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from slaopt.experiment.observed import Remark
from slaopt.wording import count

__all__ = ["Repeats"]

BY_CHANCE = 0.001  # probability of so many, from which on chance does not explain them
MOST = 0.4  # share of the rows; with more, all of them may have been written twice
MARGIN = 2.0  # executions come in bursts: that many times as many agree as if they came evenly


class Repeats:
    """Counts rows that agree in time, duration and unit, to the last digit, over all batches."""

    def __init__(self) -> None:
        self._columns: list[list[NDArray[np.uint64]]] = []

    def add(
        self, times: NDArray[np.datetime64], seconds: NDArray[np.float64], units: NDArray[np.object_] | None
    ) -> None:
        """Take a batch, arrays (n,)."""
        import pandas as pd

        same = np.zeros(len(times), dtype=np.uint64)
        self._columns.append(
            [
                times.astype("datetime64[us]").astype(np.uint64),
                pd.util.hash_array(seconds),
                same if units is None else pd.util.hash_array(units),
            ]
        )

    def remarks(self) -> Iterator[Remark]:
        """Say how many rows repeat another, where chance does not explain it: many share a time that is coarse."""
        if not self._columns:
            return
        time, seconds, unit = (np.concatenate(parts) for parts in zip(*self._columns, strict=True))
        with np.errstate(over="ignore"):
            marks = (time * np.uint64(0x9E3779B97F4A7C15) + seconds) * np.uint64(0xC2B2AE3D27D4EB4F) + unit
        repeated = len(marks) - len(np.unique(marks))
        if repeated and _chance(repeated, time, seconds, unit) < BY_CHANCE:
            yield Remark(
                kind="duplicates",
                count=repeated,
                decisive=repeated > MOST * len(marks),
                sentence=f"{count(repeated)} of {count(len(marks))} rows repeat another in time, duration and unit. "
                "They are counted; if they were written twice, take them out: they make chance look smaller.",
            )


def _chance(repeated: int, *columns: NDArray[np.uint64]) -> float:
    """Probability of so many repetitions, were time, duration and unit independent: a birthday problem, Poisson."""
    from scipy import stats

    pairs = len(columns[0]) * (len(columns[0]) - 1) / 2
    for column in columns:
        numbers = np.unique(column, return_counts=True)[1].astype(float)
        pairs *= float((numbers * (numbers - 1)).sum()) / max(len(column) * (len(column) - 1), 1)
    return float(stats.poisson.sf(repeated - 1, MARGIN * pairs))
