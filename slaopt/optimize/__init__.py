"""Decisions: which threshold fits, chosen by a rule that was tried, and told in sentences made from the figures."""

from __future__ import annotations

from slaopt.optimize.outcome import Outcome
from slaopt.optimize.recommend import recommend_threshold
from slaopt.optimize.recommendation import PredictedOutcomes, Rationale, Recommendation, Verdict
from slaopt.optimize.scores import CandidateScore

__all__ = [
    "CandidateScore",
    "Outcome",
    "PredictedOutcomes",
    "Rationale",
    "Recommendation",
    "Verdict",
    "recommend_threshold",
]
