"""The grid: which thresholds may be chosen, and which are looked at beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from slaopt.buckets import ROUND_NUMBERS, SAME, round_thresholds
from slaopt.params import Params
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["Bound", "Grid", "grid_of"]

Bound = Literal["max_change", "min_threshold", "max_threshold", "measured"]
STEP = max(ROUND_NUMBERS[i + 1] / ROUND_NUMBERS[i] for i in range(len(ROUND_NUMBERS) - 1))  # widest, 1.143


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid(Result):
    """The candidates, and all thresholds at which history is replayed; seconds, increasing."""

    candidates: tuple[float, ...]
    thresholds: tuple[float, ...]  # the candidates, and round numbers from the median to the longest duration
    tight_bound: Bound  # what keeps candidates from being tighter
    loose_bound: Bound

    @property
    def index(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Places of the candidates among the thresholds, (candidates,)."""
        return np.searchsorted(self.thresholds, self.candidates)

    def place(self, threshold: float) -> int:
        """Give the place of a threshold that is there."""
        return int(np.argmin(np.abs(np.array(self.thresholds) - threshold)))

    def including(self, threshold: float) -> Grid:
        """Add a candidate that somebody asks for, whatever the bounds are."""
        candidates, thresholds = (
            tuple(sorted([*(one for one in there if abs(one / threshold - 1) > SAME), threshold]))
            for there in (self.candidates, self.thresholds)
        )
        return replace(self, candidates=candidates, thresholds=thresholds)


def grid_of(hours: Profile, params: Params) -> Grid:
    """List the candidates: round numbers around the current threshold, or over what was measured without one.

    The current threshold is always among them. What `min_threshold` and `max_threshold` forbid is not; where no round
    number lies between the bounds, they are the candidates themselves.
    """
    current = params.threshold
    median, longest = _measured(hours)
    tight: Bound = "measured" if current is None else "max_change"
    loose: Bound = tight
    if current is not None:
        low, high = (1 - params.max_change) * current, (1 + params.max_change) * current
    else:
        low, high = median, longest * STEP
    if params.min_threshold is not None and params.min_threshold > low:
        low, tight = params.min_threshold, "min_threshold"
    if params.max_threshold is not None and params.max_threshold < high:
        high, loose = params.max_threshold, "max_threshold"
    candidates = set(round_thresholds(low, high).tolist())
    if not candidates:
        candidates = _ends(low, high, tight)
    if current is not None:
        candidates = {c for c in candidates if abs(c / current - 1) > SAME} | {current}
    around = round_thresholds(min([median, *candidates]), max([longest * STEP, *candidates])).tolist()
    chosen = np.array(sorted(candidates))
    beside = [t for t in around if not np.isclose(t, chosen, rtol=SAME, atol=0).any()]
    return Grid(
        candidates=tuple(chosen.tolist()),
        thresholds=tuple(sorted([*chosen.tolist(), *beside])),
        tight_bound=tight,
        loose_bound=loose,
    )


def _ends(low: float, high: float, tight: Bound) -> set[float]:
    """Candidates where no round number lies between the bounds; where they contradict each other the limit wins."""
    if low <= high:
        return {low, high}
    if low > high:
        return {low} if tight == "min_threshold" else {high}
    return set()  # nothing was measured


def _measured(hours: Profile) -> tuple[float, float]:
    """Median and longest duration, seconds; the shortest positive one where the median is 0."""
    positive = hours.bounds[(hours.bounds > 0) & (hours.bucket_totals > 0)]
    if not len(positive):
        return float("nan"), float("nan")
    median = hours.quantile(0.5)
    return (median if median > 0 else float(positive[0])), float(np.nanmax(hours.slot_sums.maxima))
