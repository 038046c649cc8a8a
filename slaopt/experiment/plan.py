"""From a service's past to the design of a test, with what it can find, or the reasons why it cannot answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from slaopt.buckets import SAME
from slaopt.errors import InputError, RefusedError
from slaopt.experiment.design import EACH_ROW, Design, Guardrail, Metric, Mode
from slaopt.experiment.ground import Asked, ground_of, guardrails_of
from slaopt.experiment.observed import ArmUnits
from slaopt.experiment.past import UnitsBefore, assumed_units, units_before
from slaopt.experiment.prospects import Ground, PowerAnalysis, prospects
from slaopt.experiment.refusals import final_refusals, refusals_of
from slaopt.experiment.told import html_of, sentences_of
from slaopt.params import ExperimentRules
from slaopt.profile import Profiles
from slaopt.result import Result
from slaopt.wording import seconds

__all__ = ["REPLICATIONS", "PlannedDesign", "design_for"]

REPLICATIONS = 2000
FLOOR = 0.001  # differences of one violation in 1,000 are as good as none, unless they are worth finding
PRIOR_EVENTS = 20.0  # violations that the past is worth at most, as a prior
RULED = (
    "unit", "days", "traffic_split", "significance_level", "harm_level", "mode", "smallest_effect", "rope",
    "tolerated_loss",
)  # fmt: skip
BOUNDS = {"days": (3, 60), "traffic_split": (0.1, 0.9), "significance_level": (0.01, 0.1), "smallest_effect": (0.01, 1)}
MODES = ("planned", "open_ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDesign(Result):
    """A design with what it can find, in figures and in sentences."""

    design: Design
    power: PowerAnalysis
    refusals: tuple[str, ...]  # what speaks against it: overruled, or it would not be here
    sentences: tuple[str, ...]
    ground: Ground = field(metadata={"published": None}, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Give the fields of an experiment that is not started: what an interface shows before it is asked for."""
        design = self.design
        return {
            "service_type": design.service,
            "control_threshold": design.control_threshold,
            "test_threshold": design.test_threshold,
            "traffic_split": design.traffic_split,
            "estimated_duration_days": design.days,
            "required_sample_size": self.power.to_dict()["required_sample_size"],
            "power_analysis": self.power.to_dict(),
            "experiment_config": design.to_dict() | {"digest": design.digest},
            "refusals": list(self.refusals),
            "sentences": list(self.sentences),
        }

    def _repr_html_(self) -> str:
        return html_of(self.design, self.power, self.sentences)


def design_for(
    profiles: Profiles,
    rules: ExperimentRules | None = None,
    *,
    test_threshold: float,
    control_threshold: float | None = None,
    unit: str | None = None,
    unit_counts: ArmUnits | None = None,
    units: int | None = None,
    icc: float | None = None,
    days: int | None = None,
    looks: int | None = None,
    traffic_split: float | None = None,
    significance_level: float | None = None,
    smallest_effect: float | None = None,
    guardrails: Sequence[Guardrail] | Mapping[Metric, float] | None = None,
    mode: Mode | None = None,
    force: bool = False,
    replications: int = REPLICATIONS,
    seed: int = 0,
) -> PlannedDesign:
    """Design a test of a threshold on a service, and compute and rehearse what it can find.

    Parameters
    ----------
    profiles
        The service's past; traffic and rates of the planned days are forecast from it.
    rules
        What holds where nothing is said (default: those of the profiles' params).
    test_threshold, control_threshold
        Seconds; the control is the threshold in force where none is given. Both arms are compared at the control's.
    unit
        What is assigned as a whole; `request`: each execution by itself.
    unit_counts
        Executions and violations of the past by unit, where they were counted.
    units
        Number of units, where they were not counted; their sizes and alikeness are then assumed.
    icc
        Intraclass correlation of violations, where it is known better than by the counts.
    looks
        Default one a day.
    smallest_effect
        Smallest change of the violation rate that is worth finding, a share of it.
    guardrails
        Margins by metric; by default that of the rules for all four. Whether they can be shown is told.
    force
        Overrule what can be overruled; the design then says what it was.
    replications
        Of the rehearsal in each of three truths; 0: closed forms only.

    Raises
    ------
    InputError
        If an argument is out of its bounds or missing.
    RefusedError
        If such a test could not answer; all reasons are named.

    >>> design_for(profiles, test_threshold=2.6)  # doctest: +SKIP
    """
    rules = rules or (profiles.params.experiments if profiles.params else ExperimentRules())
    control = _control(profiles, control_threshold, test_threshold)
    asked = _asked(
        rules,
        unit=unit,
        days=days,
        looks=looks,
        traffic_split=traffic_split,
        significance_level=significance_level,
        smallest_effect=smallest_effect,
        mode=mode,
    )
    counted = _units(asked, unit_counts, units, icc)
    ground = ground_of(profiles, asked, thresholds=(control, test_threshold), units=counted)
    if final := final_refusals(ground, unit=asked.unit):
        raise RefusedError(f"{profiles.service}: {_said(final)}")
    guards = guardrails_of(guardrails, rules)
    power = prospects(
        ground, effect=asked.smallest_effect, wanted=rules.power, guardrails=guards, runs=replications, seed=seed
    )
    against = refusals_of(ground, power, unit=asked.unit)
    if against and not force:
        raise RefusedError(f"{profiles.service}: {_said(against)}")
    design = _design(profiles.service, asked, ground, (control, test_threshold), guards, forced=against)
    assumed = counted is not None and not counted.counted
    return PlannedDesign(
        design=design,
        power=power,
        refusals=against,
        sentences=sentences_of(design, power, assumed=assumed),
        ground=ground,
    )


def _said(refusals: Sequence[str]) -> str:
    """Join sentences that may each stand after the name of a service."""
    first, *others = refusals
    return " ".join([first, *(other[0].upper() + other[1:] for other in others)])


def _control(profiles: Profiles, given: float | None, test: float) -> float:
    control = given if given is not None else (profiles.params.threshold if profiles.params else None)
    if control is None:
        raise InputError(f"{profiles.service} has no threshold: name the control's, or set `threshold:` in params")
    for name, value in (("control", control), ("test", test)):
        if not (0 < value < math.inf):
            raise InputError(f"{name} threshold: {value} is no duration; give seconds above 0")
    if math.isclose(control, test, rel_tol=SAME):
        raise InputError(f"both arms would have {seconds(control)}: give a test threshold other than the control's")
    return control


def _asked(rules: ExperimentRules, **given: Any) -> Asked:
    """Join what was said with the rules, and check both.

    Raises
    ------
    InputError
        If something is out of its bounds.
    """
    said = {name: value for name, value in given.items() if value is not None}
    asked = Asked(**({name: getattr(rules, name) for name in RULED} | {"looks": said.get("days", rules.days)} | said))
    for name, (low, high) in BOUNDS.items():
        if not low <= getattr(asked, name) <= high:
            raise InputError(f"{name}: {getattr(asked, name)} is not within {low} to {high}")
    if not 1 <= asked.looks <= asked.days:
        raise InputError(f"looks: {asked.looks} do not fit into {asked.days} days; give at most one a day")
    if asked.mode not in MODES:
        raise InputError(f"mode: {asked.mode!r} is none of {', '.join(MODES)}")
    return asked


def _units(asked: Asked, counted: ArmUnits | None, number: int | None, icc: float | None) -> UnitsBefore | None:
    if icc is not None and not 0 <= icc < 1:
        raise InputError(f"icc: {icc} is no correlation within units; give one from 0 to below 1")
    if asked.unit == EACH_ROW:
        return None
    if counted is not None and not counted.each_row and len(counted.n):
        before = units_before(counted)
        return before if icc is None else replace(before, icc=icc)
    if number is None:
        raise InputError(
            f"how many units ({asked.unit}) there are is not known: count them in the measurements "
            "(--column unit=NAME), or say their number (--units)"
        )
    if number < 2:
        raise InputError(f"units: {number} cannot be parted into two arms")
    return assumed_units(number, icc=icc)


def _design(
    service: str,
    asked: Asked,
    ground: Ground,
    thresholds: tuple[float, float],
    guards: tuple[Guardrail, ...],
    *,
    forced: tuple[str, ...],
) -> Design:
    terms, rate = ground.terms, ground.terms.rate
    past = float(ground.past.rates[ground.cuts["rate"]])
    worth = float(ground.past.n.sum() / np.max(terms.design_effect(float(ground.past.n.sum()))))
    return Design(
        service=service,
        control_threshold=thresholds[0],
        test_threshold=thresholds[1],
        common_threshold=thresholds[0],
        unit=asked.unit,
        traffic_split=asked.traffic_split,
        days=asked.days,
        looks=asked.looks,
        mode=asked.mode,
        significance_level=asked.significance_level,
        harm_level=asked.harm_level,
        control_rate=rate,
        smallest_effect=asked.smallest_effect,
        rope=min(max(asked.rope * rate, FLOOR), asked.smallest_effect * rate),
        tolerated_loss=asked.tolerated_loss * rate,
        guardrails=guards,
        units=terms.executions if terms.units is None else terms.units,
        executions=terms.executions,
        icc=terms.icc,
        information=float(terms.information()[-1]),
        prior_rate=past,
        prior_size=min(worth, PRIOR_EVENTS / past),
        forced=forced,
    )
