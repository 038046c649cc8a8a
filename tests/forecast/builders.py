"""Profiles with known daily counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from slaopt.profile import Profile

END = datetime(2026, 11, 3, 14, tzinfo=UTC)


def profile_of(durations: Sequence[Sequence[float]], *, end: datetime = END, **settings: Any) -> Profile:
    """One day of 24 hours for each sequence of durations, which lie at its sixth hour; oldest first."""
    start = end - timedelta(days=len(durations))
    stamps = [start + timedelta(days=day, hours=6) for day, own in enumerate(durations) for _ in own]
    times = np.array([stamp.replace(tzinfo=None) for stamp in stamps], dtype="datetime64[us]")
    values = np.array([value for own in durations for value in own], dtype=float)
    return Profile.from_durations(
        times, values, service="s", start=start, end=end, thresholds=(1.0, 2.0, 5.0), **settings
    )  # fmt: skip


def lognormal(rng: np.random.Generator, *, days: int, per_day: int, median: float = 1.0) -> list[np.ndarray]:
    return [median * np.exp(0.5 * rng.standard_normal(rng.poisson(per_day))) for _ in range(days)]
