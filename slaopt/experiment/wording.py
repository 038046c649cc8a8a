"""The figures of an evaluation as people write them, the same in a notebook, on the command line and in a report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from slaopt.experiment.design import EACH_ROW, Design
from slaopt.experiment.found import Effect, Verdict
from slaopt.wording import count, number, percent, seconds

if TYPE_CHECKING:
    from slaopt.experiment.evaluation import Evaluation

__all__ = [
    "METRIC_NAMES",
    "UNITS_WEIGH",
    "VERDICT_WORDS",
    "change",
    "claim",
    "difference_of",
    "guarded_rows",
    "points",
    "rows_of",
    "share_of",
    "signed",
]

VERDICT_WORDS: dict[Verdict, str] = {
    "ship": "Adopt the test threshold",
    "ship_low_risk": "Adopt the test threshold, at low risk",
    "equivalent": "Both thresholds are as good: the test threshold can be adopted",
    "inconclusive": "Not decided: extend the test",
    "stop_harm": "Keep the control threshold: the test does harm",
    "continue": "Not decided yet: go on",
    "invalid": "Nothing can be concluded",
}
ALIKE: dict[Verdict, str] = {
    "ship": "executions of the test arm violate less",
    "ship_low_risk": "no difference is established",
    "equivalent": "they are as good as equal",
    "inconclusive": "no difference is established",
    "stop_harm": "the test arm does worse",
}
METRIC_NAMES = {
    "rate": "violation rate",
    "other_rate": "rate at the other threshold",
    "mean": "typical duration (geometric mean)",
    "p95": "p95",
    "p99": "p99",
}
RATES = ("rate", "other_rate")
UNITS_WEIGH = (
    "Rates of the arms are of their executions; their difference is that of a typical unit, by a model of units, and "
    "need not be the difference of both rates."
)


def claim(verdict: Verdict, design: Design) -> str:
    """Say in a few words what to do about which threshold."""
    control, test = seconds(design.control_threshold), seconds(design.test_threshold)
    if control == test:  # a test of the test: both arms have one threshold
        return f"Both arms have {control}: {ALIKE.get(verdict, VERDICT_WORDS[verdict].lower())}"
    named: dict[Verdict, str] = {
        "ship": f"Adopt {test} instead of {control}",
        "ship_low_risk": f"Adopt {test} instead of {control}, at low risk",
        "equivalent": f"Both are as good: {test} can be adopted instead of {control}",
        "stop_harm": f"Keep {control}: the test of {test} does harm",
        "inconclusive": f"{test} against {control} is not decided: extend the test",
    }
    return named.get(verdict, VERDICT_WORDS[verdict])


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign.

    >>> signed(0.5), signed(-1.234), signed(0)
    ('+0.5', '−1.2', '0')
    """
    text = number(abs(value), digits)
    return text if text in ("0", "–") else f"{'+' if value > 0 else '−'}{text}"


def points(low: float, high: float) -> str:
    """Write both ends of a difference of rates, in percentage points.

    >>> points(-0.012, 0.003)
    '−1.2 to +0.3 points'
    """
    return f"{signed(100 * low)} to {signed(100 * high)} points"


def change(ratio: float, digits: int = 2) -> str:
    """Write a ratio as a change in percent.

    >>> change(1.25), change(0.9)
    ('+25 %', '−10 %')
    """
    return f"{signed(100 * (ratio - 1), digits)} %"


def difference_of(effect: Effect) -> str:
    """Write the effect with its interval: points of a rate, else a change in percent.

    >>> difference_of(Effect(metric="rate", control=0.05, test=0.04, difference=-0.01, standard_error=0.002,
    ...                      degrees=None, interval=None, why="too few"))
    'too few'
    """
    if effect.interval is None or not math.isfinite(effect.difference):
        return effect.why or "–"
    low, high = effect.interval.low, effect.interval.high
    if effect.metric in RATES:
        return f"{signed(100 * effect.difference)} points ({points(low, high).removesuffix(' points')})"
    ends = (change(math.exp(end)) if end < 700 else "no upper end" for end in (low, high))
    return f"{change(math.exp(effect.difference))} ({' to '.join(ends)})"


def share_of(value: float | None) -> str:
    """Write a bound, a share of the control's value."""
    return "–" if value is None else f"{signed(100 * value)} %"


def value_of(effect: Effect, value: float) -> str:
    """Write what was measured of one arm."""
    if not math.isfinite(value):
        return "–"
    return percent(value, 3) if effect.metric in RATES else seconds(value)


def rows_of(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Rows about both arms: what was measured, and the difference."""
    design, look, comparison = evaluation.design, evaluation.look, evaluation.comparison
    observed = evaluation.observed
    rows: list[tuple[str, ...]] = [("threshold", seconds(design.control_threshold), seconds(design.test_threshold), "")]
    rows.append(("executions", *(count(arm.executions) for arm in (observed.control, observed.test)), ""))
    if design.unit != EACH_ROW:
        rows.append((f"units ({design.unit})", *(count(arm.units) for arm in (observed.control, observed.test)), ""))
    primary = comparison.primary
    found = difference_of(primary)
    if look.interval is not None:
        found = f"{signed(100 * primary.difference)} points ({points(look.interval.low, look.interval.high)})"
        found = found.replace(" points)", ")")
    name = f"above {seconds(design.common_threshold)}"
    rows.append((name, value_of(primary, primary.control), value_of(primary, primary.test), found))
    for effect in comparison.guardrails:
        metric = effect.metric
        name = f"above {seconds(design.other_threshold)}" if metric == "other_rate" else METRIC_NAMES[metric]
        rows.append((name, value_of(effect, effect.control), value_of(effect, effect.test), difference_of(effect)))
    own = [percent(rate, 3) if math.isfinite(rate) else "–" for rate in comparison.own_rates]
    rows.append(("above its own threshold", *own, "not tested: moved by the line"))
    return rows


def guarded_rows(evaluation: Evaluation) -> list[tuple[str, ...]]:
    """Rows about the guardrails: what was found, how much worse it can be, and how much it may be."""
    comparison, design = evaluation.comparison, evaluation.design
    effects = {effect.metric: effect for effect in comparison.guardrails} | {"rate": comparison.primary}
    stated = {guardrail.metric for guardrail in design.guardrails}
    rows: list[tuple[str, ...]] = []
    for guardrail in evaluation.look.guardrails:
        effect = effects[guardrail.metric]
        inside = "inside" if guardrail.inside else "not shown"
        told = "harm" if guardrail.harmed else inside if guardrail.metric in stated else "watched for harm only"
        margin = f"+{percent(guardrail.margin)}" if math.isfinite(guardrail.margin) else "–"
        found = METRIC_NAMES[guardrail.metric]
        rows.append((found, difference_of(effect), share_of(guardrail.upper), margin, told))
    return rows
