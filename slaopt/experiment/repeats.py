"""Rows that stand twice in the measurements of an experiment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from slaopt.experiment.observed import Remark
from slaopt.wording import count

__all__ = ["Repeats"]


class Repeats:
    """Counts rows that agree in time, duration and unit, to the last digit, over all batches."""

    def __init__(self) -> None:
        self._marks: list[NDArray[np.uint64]] = []

    def add(self, times: NDArray[np.datetime64], seconds: NDArray[np.float64], hashes: NDArray[np.str_] | None) -> None:
        """Take a batch, arrays (n,)."""
        import pandas as pd

        columns = {"time": times.astype("datetime64[us]").astype(np.int64), "seconds": seconds}
        if hashes is not None:
            codes, names = pd.factorize(hashes)
            table = np.array([int(str(name)[:16] or "0", 16) for name in names] + [0], dtype=np.uint64)
            columns["unit"] = table[codes]
        self._marks.append(pd.util.hash_pandas_object(pd.DataFrame(columns), index=False).to_numpy(dtype=np.uint64))

    def remarks(self) -> Iterator[Remark]:
        """Say how many rows repeat another, where some do."""
        marks = np.concatenate([np.empty(0, dtype=np.uint64), *self._marks])
        if repeated := len(marks) - len(np.unique(marks)):
            yield Remark(
                kind="duplicates",
                count=repeated,
                sentence=f"{count(repeated)} of {count(len(marks))} rows repeat another in time, duration and unit. "
                "They are counted; if they were written twice, take them out: they make chance look smaller.",
            )
