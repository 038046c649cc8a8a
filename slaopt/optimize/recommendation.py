"""The recommendation: which threshold, why, what it would bring and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from slaopt.analysis.alerts import BurnRateWindow, Cell
from slaopt.optimize.candidates import Bound
from slaopt.optimize.decide import Gate
from slaopt.optimize.earlier import Earlier
from slaopt.optimize.html import recommendation_html
from slaopt.optimize.impact import Impact
from slaopt.optimize.outcome import Outcome
from slaopt.optimize.risk import RiskFactor, RiskLevel
from slaopt.optimize.scores import CandidateScore
from slaopt.result import Result

if TYPE_CHECKING:
    import pandas as pd

    from slaopt.analysis.watch import Watch
    from slaopt.forecast import Forecast
    from slaopt.optimize.criteria import RollbackRule

__all__ = ["ASSUMPTION", "Outcome", "PredictedOutcomes", "Rationale", "Recommendation", "Verdict"]

Verdict = Literal["raise", "lower", "keep", "set", "not_suited", "objective", "data_problem"]

ASSUMPTION = "violations are forecast for the coming 30 days; pages and slowdowns are replayed on the period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rationale(Result):
    """Why, in sentences."""

    statistical_basis: str
    reliability_impact: str
    achievability_improvement: str | None
    business_justification: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedOutcomes(Result):
    """The figures under which other systems know them."""

    expected_violation_rate: float
    violation_rate_change: float | None  # percent of the current one, negative = less; None where that is 0
    reliability_score_change: float | None  # difference of attainment
    team_stress_reduction: float | None  # 1 − pages after / pages before; None where there are none
    team_stress_change: float | None  # the same in percent, negative = less


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation(Result):
    """What to do about the threshold of a service."""

    service: str = field(metadata={"published": "service_type"})
    current_threshold: float | None
    recommended_threshold: float | None  # the current one where it is kept; None without a recommendation
    verdict: Verdict
    gate: Gate | None  # what held a kept threshold
    bound: Bound | None  # what kept the choice from going further
    objective: float
    strategy: str
    business_priority: str | None
    sentence: str
    reasons: tuple[str, ...]
    optimization_rationale: Rationale | None
    predicted_outcomes: PredictedOutcomes | None
    now: Outcome | None  # at the current threshold
    then: Outcome | None  # at the recommended threshold; equal to `now` where it is kept
    alternative: Outcome | None  # the best change, where it gained too little
    gain: float | None  # pages a month, of the best change; of its aim where max_change makes it a step
    simple_choice: float | None  # tightest threshold that used at most half the budget
    choice_half_cost: float | None  # the choice if not seeing a slowdown cost half as much
    choice_double_cost: float | None
    candidates: tuple[CandidateScore, ...]
    cells_now: tuple[Cell, ...]  # of the injected degradations
    cells_then: tuple[Cell, ...]
    pages_now: tuple[datetime, ...]  # replayed pages, UTC
    pages_then: tuple[datetime, ...]
    daily_then: tuple[float, ...] | None = None  # violation rate at the recommended threshold on each analysed day
    replay_policy: tuple[BurnRateWindow, ...]
    policy: str  # the same in a sentence, with the factors and what counts as one page
    assumption: str = ASSUMPTION
    command: str | None  # what a reviewer types to propose it
    forecast_now: tuple[Forecast, ...] = ()  # at the current threshold, over 7, 14 and 30 days
    forecast_then: tuple[Forecast, ...] = ()  # at the recommended one
    confidence_score: float | None = None  # that the best change lowers the loss of the coming 30 days
    week_before: Earlier | None = None
    impact: Impact | None = None
    implementation_risk: RiskLevel | None = None  # of a change
    risk_factors: tuple[RiskFactor, ...] = ()
    mitigation_strategies: tuple[str, ...] = ()
    rollback_criteria: tuple[str, ...] = ()
    rollback_rules: tuple[RollbackRule, ...] = ()
    watch: Watch | None = None  # at the recommended threshold

    def to_frame(self) -> pd.DataFrame:
        """Give the candidates, one a row."""
        import pandas as pd

        rows = []
        for score in self.candidates:
            row = {name: value for name, value in score.to_dict().items() if name != "expected_interval"}
            interval = score.rate.interval
            row["rate"] = score.rate.average_week
            row["rate_low"], row["rate_high"] = (interval.low, interval.high) if interval else (None, None)
            row["expected_low"], row["expected_high"] = score.expected_interval.low, score.expected_interval.high
            rows.append(row)
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        return recommendation_html(self)
