"""The design of a threshold A/B test: all that is decided before it starts, and nothing that is found out in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from slaopt.result import Result

__all__ = ["EACH_ROW", "GUARDRAILS", "Arm", "Design", "Guardrail", "Metric", "Mode"]

Arm = Literal["control", "test"]
Mode = Literal["planned", "open_ended"]
Metric = Literal["rate", "other_rate", "mean", "p95", "p99"]

EACH_ROW = "request"  # the unit of assignment where each execution is assigned by itself
GUARDRAILS: tuple[Metric, ...] = ("other_rate", "mean", "p95", "p99")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrail(Result):
    """What must not get worse by more than `margin`, a share of the control's value.

    `rate` is the violation rate at the common threshold, `other_rate` that at the other one of both, `mean` the
    geometric mean of the durations, `p95` and `p99` their quantiles.
    """

    metric: Metric
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Design(Result):
    """A test that is frozen once it starts: its `digest` is kept, and later changes are amendments to be seen.

    Thresholds are seconds, sizes shares of the control's value, rates 0–1.
    """

    service: str
    control_threshold: float
    test_threshold: float
    common_threshold: float  # at which both arms are compared; default the control's
    unit: str  # EACH_ROW, or what is assigned as a whole: tenant, team, instance
    traffic_split: float  # share of the units under the test threshold
    days: int
    looks: int  # planned looks, spread evenly over the days
    mode: Mode = "planned"
    significance_level: float = 0.05  # of the primary question, two-sided
    harm_level: float = 0.05  # of the harm boundary of each guardrail, one-sided
    control_rate: float  # violation rate at the common threshold that is expected of the control
    smallest_effect: float = 0.2  # the smallest change of that rate that is worth finding, a share of it
    rope: float  # differences of rates up to this one are as good as none
    tolerated_loss: float  # expected loss of the rate, in its own unit, under which shipping is safe
    guardrails: tuple[Guardrail, ...]
    units: float  # units of both arms that are expected over the days; executions where each is a unit of its own
    executions: float  # of both arms over the days
    icc: float = 0.0  # intraclass correlation of violations within a unit
    information: float  # I_max = 1 / se² of the difference of rates that the planned traffic gives
    prior_rate: float | None = None  # historic violation rate behind the prior; None: the default prior
    prior_size: float | None = None  # executions that the prior is worth
    forced: tuple[str, ...] = ()  # what spoke against the design and was overruled

    @property
    def digest(self) -> str:
        """SHA-256 of the design in one form."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def other_threshold(self) -> float:
        """The one of both thresholds that is not the common one, seconds."""
        return self.test_threshold if self.common_threshold == self.control_threshold else self.control_threshold

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Make one of what `to_dict` gave, as the store keeps it."""
        guardrails = tuple(Guardrail(**guardrail) for guardrail in fields["guardrails"])
        return cls(**{**fields, "guardrails": guardrails, "forced": tuple(fields["forced"])})
