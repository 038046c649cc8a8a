"""Decisions: which threshold fits, chosen by a rule that was tried, and told in sentences made from the figures."""

from __future__ import annotations

from slaopt.optimize.earlier import Earlier
from slaopt.optimize.impact import Estimate, Impact, MonthlyFigure
from slaopt.optimize.outcome import Outcome
from slaopt.optimize.recommend import judge_threshold, recommend_threshold
from slaopt.optimize.recommendation import PredictedOutcomes, Rationale, Recommendation, Verdict
from slaopt.optimize.risk import RiskFactor
from slaopt.optimize.scores import CandidateScore

__all__ = [
    "CandidateScore",
    "Earlier",
    "Estimate",
    "Impact",
    "MonthlyFigure",
    "Outcome",
    "PredictedOutcomes",
    "Rationale",
    "Recommendation",
    "RiskFactor",
    "Verdict",
    "judge_threshold",
    "recommend_threshold",
]
