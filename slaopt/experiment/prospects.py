"""The prospects of a design: closed forms and the rehearsal on the service's own past, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from slaopt.experiment.design import Guardrail, Metric
from slaopt.experiment.past import Past, UnitsBefore
from slaopt.experiment.power import (
    Terms,
    bounds_of,
    detectable_effect,
    fixed_power,
    needed,
    planned_power,
    unit_power,
)
from slaopt.experiment.rehearsal import Chance, Rehearsed, judged, rehearse
from slaopt.profile import Profile
from slaopt.result import Result

__all__ = ["QUANTILES", "Ground", "GuardrailPower", "PowerAnalysis", "prospects"]

QUANTILES: dict[Metric, float] = {"p95": 0.95, "p99": 0.99}
HORIZONS = (7, 10, 14, 21, 28, 42, 60)  # days of the power curve
EFFECTS = np.linspace(0.0, 1.0, 21)  # of the power curve, shares of the rate
MARGINS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)  # that a guardrail might be given instead


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What planning stands on: the past at the durations that matter, the units, and the terms of the test."""

    past: Past
    cuts: Mapping[str, int]  # place of each metric's duration among the cuts
    units: UnitsBefore | None
    terms: Terms
    hours: Profile
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailPower(Result):
    """Whether a guardrail can be shown to hold."""

    metric: Metric
    margin: float
    standard_error: float  # of the change at the horizon, a share of the control's value
    chance: float  # that its bound is inside the margin at the horizon where nothing changed
    shown_margin: (
        float | None
    )  # smallest that could be shown so often that all of them together are; None: none up to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAnalysis(Result):
    """What a design can find, what it finds in error, and when it ends; effects are shares of the control's rate."""

    effect: float  # the smallest that is worth finding
    wanted: float  # power
    closed_form: float  # chance of finding the effect with the planned looks
    fixed_horizon: float  # with a single look at the end
    minimum_detectable_effect: float | None  # found with the wanted power; None: no effect is
    required_sample_size: float | None  # executions of both arms; None: these units cannot give so much information
    required_units: float | None  # with as many executions each as planned
    design_effect: float
    better: Rehearsed | None  # simulated where the test arm is better by the effect
    same: Rehearsed | None  # where nothing changed: an A/A replay of the service's own past
    worse: Rehearsed | None  # where it is worse by the effect
    expected_days: dict[str, float]  # until the end, in each of these
    guardrails: tuple[GuardrailPower, ...]
    by_days: tuple[tuple[float, float], ...]  # (days, power) in closed form
    by_effect: tuple[tuple[float, float], ...]  # (effect, power) in closed form
    replications: int
    seed: int

    @property
    def power(self) -> float:
        """Chance of finding the effect: simulated where it was, else in closed form."""
        return self.closed_form if self.better is None else self.better.found.value

    @property
    def doubt(self) -> float:
        """Two Monte-Carlo errors of the power."""
        return 0.0 if self.better is None else 2 * self.better.found.error

    @property
    def false_positive(self) -> Chance | None:
        """Chance that a difference is claimed where none is."""
        return None if self.same is None else self.same.significant

    @property
    def false_stop(self) -> Chance | None:
        """Chance that the test is stopped for harm where none is done."""
        return None if self.same is None else self.same.harmed

    def to_dict(self) -> dict[str, object]:
        """Give the fields, and those figures that follow from them."""
        chances = {"power": self.power, "false_positive": self.false_positive, "false_stop": self.false_stop}
        plain = {name: one.to_dict() if isinstance(one, Chance) else one for name, one in chances.items()}
        return plain | Result.to_dict(self)


def _errors(ground: Ground, metrics: Sequence[Metric]) -> dict[Metric, float]:
    """Standard error of each guardrail's change at the horizon, a share of the control's value."""
    past, spread = ground.past, float(np.sqrt(ground.terms.per_execution(ground.terms.executions)))
    errors: dict[Metric, float] = {}
    for metric in metrics:
        if metric == "mean":
            errors[metric] = float(np.sqrt(past.log_variance)) * spread
        elif metric in QUANTILES:
            q = QUANTILES[metric]
            errors[metric] = float(np.sqrt(q * (1 - q))) * spread / _log_density(ground.hours, q)
        else:
            rate = float(past.rates[ground.cuts[metric]])
            errors[metric] = float(np.sqrt((1 - rate) / rate)) * spread if rate > 0 else float("inf")
    return errors


def _log_density(hours: Profile, q: float) -> float:
    """Density of log durations at a quantile."""
    half = min(0.01, (1 - q) / 2)
    low, high = hours.quantile(q - half), hours.quantile(q + half)
    return 2 * half / max(float(np.log(high / low)), 1e-3) if low > 0 else 1e-3


def _chance(metric: Metric, margin: float, error: float, terms: Terms) -> float:
    """Chance that the bound of an unchanged metric is inside its margin at the last look."""
    if error == 0:  # all durations are the same, or all above the threshold
        return 1.0
    reach = np.log1p(margin) if metric in ("mean", *QUANTILES) else margin
    return float(special.ndtr(reach / error - bounds_of(terms).benefit[-1]))


def _guarded(guardrail: Guardrail, error: float, terms: Terms, *, wanted: float) -> GuardrailPower:
    """Tell whether a guardrail can be shown.

    All must hold at once: error rates of such a union need no correction, its power does, so that each is wanted to be
    shown with more than the power of the test (intersection-union test; Berger, Technometrics 1982).
    """
    metric = guardrail.metric
    shown = (margin for margin in MARGINS if _chance(metric, margin, error, terms) >= wanted)
    return GuardrailPower(
        metric=metric,
        margin=guardrail.margin,
        standard_error=error,
        chance=_chance(metric, guardrail.margin, error, terms),
        shown_margin=next(shown, None),
    )


def prospects(
    ground: Ground, *, effect: float, wanted: float, guardrails: Sequence[Guardrail], runs: int, seed: int
) -> PowerAnalysis:
    """Compute what a design can find, and rehearse it `runs` times in each of three truths (0: closed forms only)."""
    terms = ground.terms
    rehearsed = _rehearsed(ground, guardrails, effect=effect, runs=runs, seed=seed) if runs else {}
    errors = _errors(ground, [guardrail.metric for guardrail in guardrails])
    bounds = bounds_of(terms)
    longer = {days: replace(terms, executions=terms.executions * days / ground.days) for days in HORIZONS}
    by_days = [(float(days), planned_power(one, effect=effect, bounds=bounds)) for days, one in longer.items()]
    by_effect = [(float(share), planned_power(terms, effect=float(share), bounds=bounds)) for share in EFFECTS]
    return PowerAnalysis(
        effect=effect,
        wanted=wanted,
        closed_form=planned_power(terms, effect=effect, bounds=bounds),
        fixed_horizon=fixed_power(terms, effect=effect),
        minimum_detectable_effect=detectable_effect(terms, power=wanted),
        required_sample_size=needed(terms, effect=effect, power=wanted),
        required_units=unit_power(terms, effect=effect, power=wanted),
        design_effect=float(np.max(terms.design_effect(terms.executions))),
        better=rehearsed.get("better"),
        same=rehearsed.get("same"),
        worse=rehearsed.get("worse"),
        expected_days={name: one.mean_fraction * ground.days for name, one in rehearsed.items()},
        guardrails=tuple(
            _guarded(one, errors[one.metric], terms, wanted=1 - (1 - wanted) / len(guardrails)) for one in guardrails
        ),
        by_days=tuple(by_days),
        by_effect=tuple(by_effect),
        replications=runs,
        seed=seed,
    )


def _rehearsed(
    ground: Ground, guardrails: Sequence[Guardrail], *, effect: float, runs: int, seed: int
) -> dict[str, Rehearsed]:
    """Rehearse where the test arm is better, the same and worse."""
    bounds = bounds_of(ground.terms)
    slopes: dict[str, float] = {name: _log_density(ground.hours, q) for name, q in QUANTILES.items()}
    found = {}
    for place, (name, true) in enumerate({"better": effect, "same": 0.0, "worse": -effect}.items()):
        paths = rehearse(
            ground.past,
            ground.terms,
            days=ground.days,
            units=ground.units,
            metrics=ground.cuts,
            margins={one.metric: one.margin for one in guardrails},
            densities=slopes,
            effect=true,
            runs=runs,
            rng=np.random.default_rng([seed, place]),
        )
        found[name] = judged(paths, bounds)
    return found
