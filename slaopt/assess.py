"""Profiles and settings in, an assessment out: the one call behind notebook, command and `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slaopt.optimize import Recommendation
from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.analysis import Analysis

__all__ = ["Assessment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Result):
    """How a service performs, and what to do about its threshold."""

    analysis: Analysis
    recommendation: Recommendation
    settings: Mapping[str, Any]  # the parameters, as JSON holds them
    seed: int
