"""Incidents of hours: what a period would have been without them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slaopt.analysis.outliers import OddHour
from slaopt.profile import Profile

__all__ = ["without_hours"]


def without_hours(profile: Profile, hours: Sequence[OddHour]) -> Profile | None:
    """Empty the slots of a Profile that are odd hours; None where none of them lies in it."""
    slots = np.array([(hour.start - profile.start) // profile.step for hour in hours], dtype=np.int64)
    inside = slots[(slots >= 0) & (slots < profile.slots)]
    if not len(inside):
        return None
    kept = np.ones(profile.slots, dtype=bool)
    kept[inside] = False
    return profile.where(kept)
