"""Errors of which each day passes a share on to the next: AR(1), days without a value allowed for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["log_determinant", "weekend_column", "whitened"]

Floats = NDArray[np.float64]


def whitened(columns: Floats, days: NDArray[np.int64], rho: float) -> Floats:
    """Free columns (n, …) of AR(1) errors of variance 1; `days` (n,) are whole numbers, increasing.

    Two values g days apart correlate by rho ** g, so that a day without a value costs nothing but itself.
    """
    shared = (rho ** np.diff(days)).reshape(-1, *[1] * (columns.ndim - 1))
    out = np.array(columns, dtype=float)
    out[1:] = (columns[1:] - shared * columns[:-1]) / np.sqrt(1 - shared**2)
    return out


def log_determinant(days: NDArray[np.int64], rho: float) -> float:
    """Log determinant of the correlation of AR(1) errors on these days."""
    return float(np.log1p(-(rho ** (2 * np.diff(days)))).sum())


def weekend_column(days: NDArray[np.int64], first_weekday: int) -> Floats:
    """1 on weekends, else 0, for days counted from one of the given weekday (Monday 0), (n,)."""
    return np.asarray((days + first_weekday) % 7 >= 5, dtype=float)
