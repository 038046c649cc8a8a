"""The exact front of a grid: what no other candidate beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["non_dominated"]


def non_dominated(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the candidates that no other beats: (candidates, scores) → (candidates,); smaller is better.

    >>> non_dominated(np.array([[1.0, 2.0], [2.0, 1.0], [2.0, 2.0]])).tolist()
    [True, True, False]
    """
    no_worse = (losses[:, None] <= losses[None]).all(axis=-1)
    better = (losses[:, None] < losses[None]).any(axis=-1)
    return np.asarray(~(no_worse & better).any(axis=0))
