"""Looks as they were kept: JSON of a store or an archive becomes the look that was taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from slaopt.experiment.found import Decision, GuardrailLook, Look
from slaopt.result import Interval

__all__ = ["look_from_dict"]


def look_from_dict(fields: Mapping[str, Any]) -> Look:
    """Make a look of what its `to_dict` gave; fields that a look does not have are passed over."""
    decision = fields["decision"]
    return Look(
        number=int(fields["number"]),
        at=None if fields["at"] is None else datetime.fromisoformat(fields["at"]),
        fraction=_number(fields["fraction"]),
        information=_number(fields["information"]),
        z=fields["z"],
        boundary=fields["boundary"],
        interval=None if fields["interval"] is None else Interval(**fields["interval"]),
        p_value=fields["p_value"],
        is_significant=bool(fields["is_significant"]),
        estimate=_number(fields["estimate"]),
        standard_error=_number(fields["standard_error"]),
        guardrails=tuple(_guardrail(one) for one in fields["guardrails"]),
        sample_sizes=_pair(fields["sample_sizes"]),
        unit_sizes=_pair(fields["unit_sizes"]),
        decision=Decision(
            verdict=decision["verdict"],
            recommendation=decision["recommendation"],
            rule=decision["rule"],
            sentence=decision["sentence"],
            numbers=dict(decision["numbers"]),
            margins=dict(decision["margins"]),
            units_needed=decision["units_needed"],
        ),
        last=bool(fields["last"]),
    )


def _guardrail(fields: Mapping[str, Any]) -> GuardrailLook:
    # a margin without end has no number in JSON
    return GuardrailLook(**{**fields, "margin": math.inf if fields["margin"] is None else fields["margin"]})


def _number(value: float | None) -> float:
    """JSON has no NaN, which stands for an estimate that there is not."""
    return math.nan if value is None else float(value)


def _pair(values: tuple[float, float]) -> tuple[float, float]:
    control, test = values
    return float(control), float(test)
