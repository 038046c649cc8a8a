"""The design that data have which were collected elsewhere: one look at all of them, with the usual margins."""

from __future__ import annotations

import math

from scipy import special

from slaopt.experiment.design import EACH_ROW, GUARDRAILS, Design, Guardrail, Metric
from slaopt.experiment.found import Effect
from slaopt.experiment.observed import Observed
from slaopt.params import ExperimentRules

__all__ = ["design_of", "with_margins"]

FLOOR = 0.001  # differences of one violation in 1,000 are as good as none, unless they are worth finding
MARGINS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5)  # of a guardrail whose usual margin so few measurements cannot show
SHOWN = 0.95  # chance with which each margin is shown where nothing changes


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


def with_margins(effects: tuple[Effect, ...], rules: ExperimentRules) -> tuple[Guardrail, ...]:
    """Take the usual margin of each guardrail that has an estimate, or the next that such errors could show.

    The errors decide, never the estimates: a margin that follows the effect would test nothing.
    """
    errors: dict[Metric, float] = {}
    for effect in effects:
        if effect.interval is not None and effect.standard_error > 0:
            relative = effect.metric != "other_rate"
            errors[effect.metric] = effect.standard_error if relative else _share(effect)
    reach = float(special.ndtri(1 - rules.significance_level / 2) + special.ndtri(SHOWN))
    ladder = (rules.guardrail_margin, *(margin for margin in MARGINS if margin > rules.guardrail_margin))
    return tuple(
        Guardrail(
            metric=metric,
            margin=next((m for m in ladder if reach * error <= _size(metric, m)), ladder[-1]),
        )
        for metric, error in errors.items()
        if math.isfinite(error)
    )


def _share(effect: Effect) -> float:
    """Standard error of a rate as a share of the control's."""
    return effect.standard_error / effect.control if effect.control > 0 else math.inf


def _size(metric: Metric, margin: float) -> float:
    """A margin on the scale of the effect's error."""
    return margin if metric == "other_rate" else math.log1p(margin)
