"""The design that data have which were collected elsewhere: one look at all of them, with the usual margins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scipy import special

from slaopt.experiment.design import EACH_ROW, GUARDRAILS, Design, Guardrail
from slaopt.experiment.found import Effect
from slaopt.experiment.observed import Observed
from slaopt.experiment.wording import METRIC_NAMES
from slaopt.params import ExperimentRules
from slaopt.wording import percent

if TYPE_CHECKING:
    from slaopt.experiment.evaluation import Evaluation

__all__ = ["design_of", "shown_margins"]

FLOOR = 0.001  # differences of one violation in 1,000 are as good as none, unless they are worth finding
MARGINS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
SHOWN = 0.95  # chance with which a margin is shown where nothing changes


def design_of(
    observed: Observed,
    rules: ExperimentRules,
    *,
    control_threshold: float,
    test_threshold: float,
    traffic_split: float,
    unit: str | None,
    service: str,
) -> Design:
    """Give the design of measurements that nobody planned here: a fixed horizon and the rules' settings.

    Its rates are those of the measurements' own control, since nothing was forecast.
    """
    control, test = observed.control, observed.test
    executions = control.executions + test.executions
    rate = float(control.common_violations.sum()) / control.executions if control.executions else 0.0
    spread = max(rate * (1 - rate), 1 / max(executions, 2.0) ** 2)
    each = control.each_row and test.each_row
    days = 1
    if observed.start is not None and observed.end is not None:
        days = max(1, math.ceil((observed.end - observed.start).total_seconds() / 86_400))
    return Design(
        service=service,
        control_threshold=control_threshold,
        test_threshold=test_threshold,
        common_threshold=observed.common_threshold,
        unit=EACH_ROW if each else unit or "unit",
        traffic_split=traffic_split,
        days=days,
        looks=1,
        mode="planned",
        significance_level=rules.significance_level,
        harm_level=rules.harm_level,
        control_rate=rate,
        smallest_effect=rules.smallest_effect,
        rope=min(max(rules.rope * rate, FLOOR), max(rules.smallest_effect * rate, FLOOR)),
        tolerated_loss=rules.tolerated_loss * max(rate, FLOOR),
        guardrails=tuple(Guardrail(metric=metric, margin=rules.guardrail_margin) for metric in GUARDRAILS),
        units=control.units + test.units,
        executions=executions,
        information=max(executions, 1.0) * traffic_split * (1 - traffic_split) / spread,
    )


def shown_margins(evaluation: Evaluation) -> tuple[str, ...]:
    """Say of each guardrail that is not shown to hold which margin measurements of this precision could show.

    A hint for the next test: its margins are fixed before its data are seen. Errors alone decide, not the estimates.
    """
    comparison, design = evaluation.comparison, evaluation.design
    effects = {effect.metric: effect for effect in comparison.guardrails}
    stated = {guardrail.metric: guardrail.margin for guardrail in design.guardrails}
    told = []
    for look in evaluation.look.guardrails:
        if look.inside or look.harmed or look.metric not in stated or look.metric not in effects:
            continue
        effect, margin = effects[look.metric], stated[look.metric]
        found = _shown(effect, design.significance_level)
        name = METRIC_NAMES[look.metric]
        if found is not None and found > margin:
            told.append(
                f"Measurements of this precision can show a margin of {percent(found)} for the {name}, not "
                f"{percent(margin)}; state it before the next test (--guardrail {look.metric}={found:g})."
            )
        elif found is None:
            told.append(f"No margin up to {percent(MARGINS[-1])} can be shown for the {name} with so few measurements.")
    return tuple(told)


def _shown(effect: Effect, level: float) -> float | None:
    """The smallest usual margin that such an error shows in 95 % of tests where nothing changes."""
    if effect.interval is None or not effect.standard_error > 0:
        return None
    rate = effect.metric == "other_rate"
    error = effect.standard_error
    if rate:
        error = error / effect.control if effect.control > 0 else math.inf
    reach = float(special.ndtri(1 - level / 2) + special.ndtri(SHOWN))
    return next((m for m in MARGINS if reach * error <= (m if rate else math.log1p(m))), None)
