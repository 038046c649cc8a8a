"""What is found out at a look: effects with their errors, what a posterior says of them, and the decision."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from slaopt.experiment.design import Metric
from slaopt.result import Interval, Result

__all__ = [
    "answer_of",
    "Comparison",
    "Decision",
    "Effect",
    "GuardrailLook",
    "Look",
    "Posterior",
    "SampleRatio",
    "Verdict",
]

Verdict = Literal["ship", "ship_low_risk", "equivalent", "inconclusive", "stop_harm", "continue", "invalid"]
Recommendation = Literal["adopt", "reject", "extend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Result):
    """The test arm less the control, of one metric; positive is worse. Of `mean` and quantiles it is a log ratio."""

    metric: Metric
    control: float  # rate, or seconds
    test: float
    difference: float
    standard_error: float
    degrees: float | None  # of freedom of Student's t; None: normal
    interval: Interval | None  # of the difference, for one look; None with the reason in `why`
    ratio: float | None = None  # test / control
    ratio_interval: Interval | None = None
    design_effect: float | None = None  # by how much units make the variance greater than rows would
    why: str | None = None

    @property
    def z(self) -> float | None:
        """The difference in standard errors, as a normal score of the same tail where degrees are few."""
        from slaopt.experiment.scores import normal_score

        return normal_score(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior(Result):
    """What the measurements and the prior say of D, the difference of violation rates at the common threshold."""

    model: Literal["beta", "hierarchical"]
    prior: str  # in words, with its figures
    probability_better: float  # P(D < 0)
    probability_equivalent: float  # P(|D| <= rope)
    expected_loss_of_shipping: float  # E[max(D, 0)]
    expected_loss_of_keeping: float  # E[max(-D, 0)]
    difference: float  # mean of D
    interval: Interval  # credible
    quantiles: tuple[tuple[float, float], ...]  # (probability, D): the posterior as a picture needs it
    icc: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio(Result):
    """Whether units fell to the arms as the split says."""

    control: float
    test: float
    expected_test_share: float
    evidence: float  # the e-process against the split; above 100 it is flagged
    p_value: float  # chi-square, for the end
    flagged: bool
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Result):
    """All that one look at the measurements gives, before anything is decided."""

    primary: Effect  # behaviour: the rates of both arms at the common threshold
    mechanical: Effect | None  # what the moved line alone does to the control's own rate
    own_rates: tuple[float, float]  # each arm's rate at its own threshold: reported, never tested
    guardrails: tuple[Effect, ...]
    posterior: Posterior | None
    sample_ratio: SampleRatio
    avoided_per_1000: float  # violations avoided by the behaviour, at the common threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailLook(Result):
    """A guardrail at a look: `z` against the harm `boundary`, and its upper bound against the margin.

    The first is always the primary metric itself, `rate`, whose margin is what counts as none.
    """

    metric: Metric
    z: float | None
    boundary: float | None  # one-sided; None: harm was not looked for
    harmed: bool
    upper: float | None  # upper bound of the effect as a share of the control's value, valid at every look
    margin: float
    inside: bool  # the upper bound is inside the margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Result):
    """The one decision of a look, with the rule that made it, its numbers and its margins."""

    verdict: Verdict
    recommendation: Recommendation | None
    rule: str  # its name in the documents
    sentence: str
    numbers: dict[str, float | None] = field(default_factory=dict)
    margins: dict[str, float] = field(default_factory=dict)
    units_needed: float | None = None  # more units, where the answer is "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Result):
    """One look: what was found, and what the sequential design makes of it; kept as it was."""

    number: int  # from 1
    at: datetime | None  # end of the measurements it saw
    fraction: float  # information fraction by which error is spent, 0–1: never ahead of the plan, 1 at the last look
    information: float  # 1 / se²
    z: float | None
    boundary: float | None  # of benefit, two-sided; None: nothing can be decided yet
    interval: Interval | None  # of the difference, valid at every look
    p_value: float | None  # valid at every look
    is_significant: bool
    estimate: float
    standard_error: float
    guardrails: tuple[GuardrailLook, ...]
    sample_sizes: tuple[float, float]  # executions (control, test)
    unit_sizes: tuple[float, float]
    decision: Decision
    last: bool  # the horizon is reached


def answer_of(look: Look, comparison: Comparison) -> dict[str, Any]:
    """Give what a look answers, under the names by which other systems know it."""
    decision, primary, posterior = look.decision, comparison.primary, comparison.posterior
    own_control, own_test = comparison.own_rates
    return {
        "verdict": decision.verdict,
        "recommendation": decision.recommendation,
        "reason": decision.sentence,
        "p_value": look.p_value,
        "confidence_interval": look.interval,
        "is_significant": look.is_significant,
        "effect_size": primary.difference,
        "control_violation_rate": primary.control,
        "test_violation_rate": primary.test,
        "control_own_rate": own_control,
        "test_own_rate": own_test,
        "avoided_per_1000": comparison.avoided_per_1000,
        "probability_better": None if posterior is None else posterior.probability_better,
        "expected_loss": None if posterior is None else posterior.expected_loss_of_shipping,
        "sample_sizes": {"control": look.sample_sizes[0], "test": look.sample_sizes[1]},
    }
