"""What planning stands on: the forecast of the planned days, the past at the durations that matter, the guardrails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slaopt.buckets import SAME
from slaopt.errors import InputError, RefusedError
from slaopt.experiment.design import GUARDRAILS, Guardrail, Metric, Mode
from slaopt.experiment.past import Past, UnitsBefore, past_of
from slaopt.experiment.power import Terms
from slaopt.experiment.prospects import QUANTILES, Ground
from slaopt.forecast import forecast_curve
from slaopt.forecast.curve import LEARN_DAYS
from slaopt.params import ExperimentRules
from slaopt.profile import Profiles
from slaopt.result import Skipped

__all__ = ["Asked", "ground_of", "guardrails_of"]

WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The settings of a test, from what was said and from the rules."""

    unit: str
    days: int
    looks: int
    traffic_split: float
    significance_level: float
    harm_level: float
    mode: Mode
    smallest_effect: float
    rope: float
    tolerated_loss: float


def ground_of(
    profiles: Profiles, asked: Asked, *, thresholds: tuple[float, float], units: UnitsBefore | None
) -> Ground:
    """Forecast the planned days and count the past; `thresholds` are (control, test), seconds.

    Raises
    ------
    RefusedError
        If nothing can be forecast of the service.
    """
    control, test = thresholds
    curve = forecast_curve(profiles.hours, [control], horizons=[asked.days])
    if isinstance(curve, Skipped):
        raise RefusedError(f"{profiles.service}: no test can be planned on so little: {curve.reason}")
    outlook = curve.at(control, asked.days)
    recent = profiles.last(min(LEARN_DAYS, curve.learned_days)).hours
    quantiles: dict[str, float] = {name: recent.quantile(q) for name, q in QUANTILES.items()}
    wanted: dict[str, float] = {"rate": control, "other_rate": test, **quantiles}
    cuts: list[float] = []
    for duration in sorted(wanted.values()):
        if not cuts or duration > cuts[-1] * (1 + SAME):
            cuts.append(duration)
    past = past_of(recent, cuts, days=curve.learned_days)
    places = {name: int(np.argmin(np.abs(np.array(cuts) - duration))) for name, duration in wanted.items()}
    terms = Terms(
        rate=outlook.violation_rate,
        split=asked.traffic_split,
        executions=outlook.executions,
        shares=_shares(past, asked.days, asked.looks),
        level=asked.significance_level,
        harm_level=asked.harm_level,
        mode=asked.mode,
        units=None if units is None else float(len(units.n)),
        variation=0.0 if units is None else units.variation,
        icc=0.0 if units is None else units.icc,
    )
    return Ground(past=past, cuts=places, units=units, terms=terms, hours=recent, days=asked.days)


def _shares(past: Past, days: int, looks: int) -> NDArray[np.float64]:
    """Share of the traffic that has come until each look, by the weekdays of the past, (looks,)."""
    back = len(past.n) - np.arange(len(past.n))
    usual = [past.n[(back + day) % WEEK == 0] for day in range(days)]
    daily = np.array([part.mean() if len(part) else past.n.mean() for part in usual])
    if not daily.all():  # weekdays without traffic: a look after them has nothing new, which no boundary can use
        daily = np.maximum(daily, 1e-3 * daily.mean())
    total = np.concatenate([[0.0], daily.cumsum()])
    at = np.arange(1, looks + 1) * days / looks
    return np.asarray(np.interp(at, np.arange(days + 1), total) / total[-1])


def guardrails_of(
    given: Sequence[Guardrail] | Mapping[Metric, float] | None, rules: ExperimentRules
) -> tuple[Guardrail, ...]:
    """Take the margins that were said; without any, that of the rules for every metric.

    Raises
    ------
    InputError
        If a metric is unknown or stands twice, or a margin is not within (0, 1].
    """
    if given is None:
        return tuple(Guardrail(metric=metric, margin=rules.guardrail_margin) for metric in GUARDRAILS)
    stated = [(one.metric, one.margin) for one in given] if not isinstance(given, Mapping) else [*given.items()]
    for metric, margin in stated:
        if metric not in GUARDRAILS:
            raise InputError(f"guardrail {metric!r} is none of {', '.join(GUARDRAILS)}")
        if not 0 < margin <= 1:
            raise InputError(f"guardrail {metric}: margin {margin} is not above 0 and at most 1")
    if len(dict(stated)) < len(stated):
        raise InputError("a guardrail stands twice: give one margin for each")
    return tuple(Guardrail(metric=metric, margin=float(margin)) for metric, margin in stated)
