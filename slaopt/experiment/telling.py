"""The decision of a look in words."""

from __future__ import annotations

from collections.abc import Sequence

from slaopt.experiment.design import EACH_ROW, Design
from slaopt.experiment.found import Comparison, Effect, GuardrailLook, Posterior, Verdict
from slaopt.experiment.reading import Reading
from slaopt.experiment.wording import points
from slaopt.wording import count, number, percent, seconds

__all__ = ["METRIC_WORDS", "told"]

METRIC_WORDS = {
    "rate": "the violation rate",
    "other_rate": "the violation rate at the other threshold",
    "mean": "the typical duration",
    "p95": "the 95th percentile",
    "p99": "the 99th percentile",
}


def told(
    verdict: Verdict,
    comparison: Comparison,
    design: Design,
    reading: Reading,
    guardrails: Sequence[GuardrailLook],
    *,
    better: bool,
    safe: bool,
    units_needed: float | None,
) -> str:
    """Say in a few sentences what was decided and by what."""
    found, posterior = _found(comparison, design, reading), comparison.posterior
    outside = _listed([METRIC_WORDS[g.metric] for g in guardrails if not g.inside and g.metric != "rate"])
    if verdict == "stop_harm":
        return f"{_harm(comparison, design, guardrails)} {found}"
    if posterior is not None and verdict == "ship":
        return f"Fewer executions violate under the test threshold. {found} {_loss(posterior, design)}"
    if posterior is not None and verdict == "equivalent":
        return f"Both arms are as good as equal: {_equal(posterior, design)} {found}"
    if posterior is not None and verdict == "ship_low_risk":
        return f"No difference is established, but adopting risks little. {_loss(posterior, design)} {found}"
    if verdict == "inconclusive":
        opening = "Fewer executions violate under the test threshold, but" if better else "The measurements"
        question = "it is not safe to adopt it" if better else "do not decide it"
        return f"{opening} {question}. {found} {_missing(design, outside, units_needed)}"
    if reading.withheld:
        return f"Nothing is decided yet: {reading.withheld}."
    if reading.boundary is None:
        return "Nothing is decided: this look has no more information than the ones before."
    if better and not (safe and not outside):
        wait = (
            f"the bound of {outside} is not inside its margin" if outside else "the expected loss is not small enough"
        )
        return f"Fewer executions violate under the test threshold, but {wait}. {found}"
    return f"No boundary is passed. {found}"


def _found(comparison: Comparison, design: Design, reading: Reading) -> str:
    primary = comparison.primary
    text = (
        f"Above {seconds(design.common_threshold)} were {percent(primary.test, 3)} in test and "
        f"{percent(primary.control, 3)} in control"
    )
    if reading.interval is None:
        return f"{text}."
    interval = reading.interval
    ends, level = points(interval.low, interval.high), f"{100 * interval.level:g} %"
    return (
        f"{text}, a difference of {ends} ({level} interval{' that holds at every look' if design.looks > 1 else ''})."
    )


def _harm(comparison: Comparison, design: Design, guardrails: Sequence[GuardrailLook]) -> str:
    effects = {effect.metric: effect for effect in comparison.guardrails} | {"rate": comparison.primary}
    harmed = [_worse(effects[guardrail.metric]) for guardrail in guardrails if guardrail.harmed]
    if not harmed:
        return "More executions violate under the test threshold."
    return (
        f"The test arm does harm: {_listed(harmed)} passed the harm boundary, which a test without any effect passes "
        f"with probability {percent(design.harm_level)} at most."
    )


def _worse(effect: Effect) -> str:
    if effect.metric in ("rate", "other_rate"):
        return f"{METRIC_WORDS[effect.metric]} ({percent(effect.test, 3)} against {percent(effect.control, 3)})"
    return f"{METRIC_WORDS[effect.metric]} ({seconds(effect.test)} against {seconds(effect.control)})"


def _loss(posterior: Posterior, design: Design) -> str:
    loss = 1000 * posterior.expected_loss_of_shipping
    costs = number(loss, 2) if loss >= 0.001 else "less than 0.001"
    return (
        f"Adopting costs {costs} violations per 1,000 executions in expectation; "
        f"{number(1000 * design.tolerated_loss, 2)} are tolerated."
    )


def _equal(posterior: Posterior, design: Design) -> str:
    return (
        f"with probability {percent(posterior.probability_equivalent, 3)} they differ by at most "
        f"{number(100 * design.rope, 2)} percentage points."
    )


def _missing(design: Design, outside: str, units_needed: float | None) -> str:
    bound = f"The bound of {outside} is not inside its margin. " if outside else ""
    if units_needed is None:
        return f"{bound}More measurements would hardly change that.".strip()
    what = "executions" if design.unit == EACH_ROW else f"units ({design.unit})"
    effect = percent(design.smallest_effect)
    return f"{bound}About {count(units_needed)} more {what} are needed to find a change of {effect}."


def _listed(texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
