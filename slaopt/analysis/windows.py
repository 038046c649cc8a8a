"""Sums over windows of time that end with each slot."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cumulative", "window_sums"]

Floats = NDArray[np.float64]


def cumulative(counts: Floats) -> Floats:
    """Sum what came before each slot: (…, slots) → (…, slots + 1)."""
    sums = np.zeros((*counts.shape[:-1], counts.shape[-1] + 1))
    np.cumsum(counts, axis=-1, out=sums[..., 1:])
    return sums


def window_sums(sums: Floats, length: int) -> Floats:
    """Sum the `length` slots that end with each slot, fewer at the start: cumulative (…, slots + 1) → (…, slots)."""
    inside = sums[..., 1:].copy()
    inside[..., length:] -= sums[..., 1 : max(inside.shape[-1] - length, 0) + 1]
    return inside
