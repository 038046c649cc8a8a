"""The evaluation of an experiment: measurements in, one result out that tells the decision and what it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from slaopt.errors import InputError
from slaopt.experiment.checks import remarks_of
from slaopt.experiment.comparing import compare
from slaopt.experiment.decide import look_at
from slaopt.experiment.design import GUARDRAILS, Design, Guardrail, Metric
from slaopt.experiment.found import Comparison, Look, answer_of
from slaopt.experiment.frames import counted_rows
from slaopt.experiment.observed import Observed, Remark
from slaopt.experiment.showing import evaluation_html
from slaopt.experiment.unplanned import design_of, shown_margins
from slaopt.params import ExperimentRules
from slaopt.result import Result, plain

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Evaluation", "evaluate", "recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation(Result):
    """What an experiment has shown, and what follows from it."""

    design: Design
    planned: bool  # the design was there before the measurements
    observed: Observed
    comparison: Comparison
    look: Look  # the one that decides
    looks: tuple[Look, ...]  # all, that one included
    remarks: tuple[Remark, ...]

    @property
    def sentence(self) -> str:
        """The decision in words."""
        return self.look.decision.sentence

    @property
    def hints(self) -> tuple[str, ...]:
        """Which margins measurements of this precision could show, where the stated ones are not."""
        return shown_margins(self)

    def to_dict(self) -> dict[str, Any]:
        """Give the figures under the names by which other systems know them, and all that they come from."""
        found = answer_of(self.look, self.comparison)
        parts = {
            "planned": self.planned,
            "design": self.design,
            "observed": self.observed,
            "comparison": self.comparison,
            "look": self.look,
            "looks": self.looks,
            "remarks": self.remarks,
            "hints": self.hints,
        }
        told: dict[str, Any] = plain(found | parts)
        return told

    def to_frame(self) -> pd.DataFrame:
        """Give the effects, one a row: the primary one, the mechanical part and the guardrails."""
        import pandas as pd

        comparison = self.comparison
        named = [("behaviour", comparison.primary), ("mechanical", comparison.mechanical)]
        named += [("guardrail", effect) for effect in comparison.guardrails]
        rows = []
        for part, effect in named:
            if effect is not None:
                interval = effect.interval
                ends = (None, None) if interval is None else (interval.low, interval.high)
                fields = {name: getattr(effect, name) for name in ("metric", "control", "test", "difference")}
                rows.append({"part": part, **fields, "low": ends[0], "high": ends[1], "why": effect.why})
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        return evaluation_html(self)


def evaluate(
    data: pd.DataFrame | Observed,
    design: Design | None = None,
    *,
    control_threshold: float | None = None,
    test_threshold: float | None = None,
    arm: str = "arm",
    duration: str = "duration",
    unit: str | None = None,
    timestamp: str | None = None,
    arms: Sequence[str] = ("control", "test"),
    traffic_split: float = 0.5,
    looks: Sequence[Look] = (),
    at: datetime | None = None,
    last: bool = True,
    rules: ExperimentRules | None = None,
    guardrails: Mapping[Metric, float] | None = None,
    service: str = "",
) -> Evaluation:
    """Evaluate an experiment: compare both arms, look for what forbids a conclusion, and decide.

    Without a design, one look is taken at all of the measurements, as with a fixed horizon. That is valid where their
    end was fixed in advance, and not where it was chosen because of what they showed.

    Parameters
    ----------
    data
        A frame with a row for each execution, or counts of both arms.
    design
        As it was frozen when the experiment started.
    control_threshold, test_threshold
        Seconds; needed without a design. Both arms are compared at the control's.
    arm, duration, unit, timestamp
        Columns of the frame; durations are seconds (or timedeltas). Without a unit of assignment each row is its own.
    arms
        How the frame names them, control first.
    traffic_split
        Share of the units that the test arm was to get; a design has its own.
    looks
        The looks before, oldest first. If the last of them ended the experiment, its decision stands.
    at
        End of the measurements (default: as they say).
    last
        The horizon is reached.
    rules
        What holds where there is no design.
    guardrails
        Margins by metric, without a design; default: that of the rules for each.
    service
        Its name, for measurements without a design.

    Raises
    ------
    InputError
        If a column is missing, a threshold is, no row belongs to either arm, or times cannot be read.
    """
    if not 0 < traffic_split < 1:
        raise InputError(f"traffic_split is the share of the test arm, between 0 and 1, not {traffic_split}")
    terms = _thresholds(data, design, control_threshold, test_threshold)
    observed = data if isinstance(data, Observed) else counted_rows(
        data, terms, arm=arm, duration=duration, unit=unit, timestamp=timestamp, arms=arms, service=service
    )  # fmt: skip
    planned, rules = design is not None, rules or ExperimentRules()
    if design is None:
        design = design_of(
            observed, rules, control_threshold=terms[0], test_threshold=terms[1], traffic_split=traffic_split,
            unit=unit, service=service,
        )  # fmt: skip
        design = replace(design, guardrails=_stated(guardrails) or design.guardrails)
    comparison = compare(observed, design, final=last)
    remarks = remarks_of(observed, design, final=last)
    look = looks[-1] if looks and _ended(looks[-1]) else None
    if look is None:
        look = look_at(
            comparison, design, earlier=looks, number=looks[-1].number + 1 if looks else 1, at=at or observed.end,
            last=last, remarks=remarks, sizes=(observed.control.executions, observed.test.executions),
            unit_sizes=(observed.control.units, observed.test.units),
        )  # fmt: skip
        looks = (*looks, look)
    return Evaluation(
        design=design, planned=planned, observed=observed, comparison=comparison, look=look, looks=tuple(looks),
        remarks=remarks,
    )  # fmt: skip


def recorded(observed: Observed, design: Design, looks: Sequence[Look]) -> Evaluation:
    """Show the looks of a planned test as they were taken, without taking another.

    Raises
    ------
    InputError
        If there is none yet.
    """
    if not looks:
        raise InputError(f"{design.service}: no look has been taken yet; `slaopt experiment watch` takes those due")
    final = looks[-1].last
    return Evaluation(
        design=design, planned=True, observed=observed, comparison=compare(observed, design, final=final),
        look=looks[-1], looks=tuple(looks), remarks=remarks_of(observed, design, final=final),
    )  # fmt: skip


def _stated(margins: Mapping[Metric, float] | None) -> tuple[Guardrail, ...]:
    for metric, margin in (margins or {}).items():
        if metric not in GUARDRAILS or not 0 < margin <= 1:
            raise InputError(f"guardrail {metric}={margin}: give one of {', '.join(GUARDRAILS)} and a share up to 1")
    return tuple(Guardrail(metric=metric, margin=float(margin)) for metric, margin in (margins or {}).items())


def _ended(look: Look) -> bool:
    return look.last or look.decision.verdict not in ("continue", "invalid")


def _thresholds(
    data: pd.DataFrame | Observed, design: Design | None, control: float | None, test: float | None
) -> tuple[float, float]:
    """Thresholds of (control, test), seconds."""
    if design is not None:
        return design.control_threshold, design.test_threshold
    if isinstance(data, Observed):
        control = data.common_threshold if control is None else control
        test = data.other_threshold if test is None else test
        if {control, test} != {data.common_threshold, data.other_threshold}:
            raise InputError("the measurements were counted at other thresholds: count them again at these two")
    if control is None or test is None:
        raise InputError("evaluate needs a design, or control_threshold and test_threshold (seconds)")
    try:
        sound = 0 < control < np.inf and 0 < test < np.inf
    except TypeError:  # '2s'
        sound = False
    if not sound:
        raise InputError(f"thresholds are seconds above 0, not {control!r} and {test!r}")
    return float(control), float(test)
