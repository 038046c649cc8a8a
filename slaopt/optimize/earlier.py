"""The assessment of a week earlier: a change is made where two in a row point the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from slaopt.result import Result

__all__ = ["Earlier"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier(Result):
    """What would have been recommended a week earlier, from the same measurements up to then."""

    as_of: datetime  # UTC
    threshold: float | None  # what the rule liked best; None where nothing could be said then, with the reason in `why`
    direction: int  # +1 looser than the current threshold, −1 tighter, 0 where the rule would have kept it
    confidence: float | None
    counts: bool  # whether this week's change waits for it
    why: str | None = None  # it does not count, or says nothing
