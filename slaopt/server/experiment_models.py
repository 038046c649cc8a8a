"""What a request about experiments may hold; as `models`, with the same bounds and refusals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from slaopt.experiment.assignment import unit_hash
from slaopt.server.models import Body, Code, Query, Reason, Service, Threshold, said
from slaopt.store import ExperimentStatus

__all__ = [
    "AdoptExperiment",
    "AmendExperiment",
    "AssignUnits",
    "AssignmentQuery",
    "DesignQuery",
    "ExperimentsQuery",
    "StartExperiment",
    "StopExperiment",
    "ProposeTest",
]

GUARDRAIL = r"^(other_rate|mean|p95|p99)(=(1(\.0+)?|0?\.[0-9]{1,4}))?$"


def _hashable(text: str) -> str:
    """Refuse what has no arm."""
    unit_hash("", text)
    return text


Unit = Annotated[str, Field(min_length=1, max_length=100, examples=["tenant"]), AfterValidator(said)]
UnitName = Annotated[str, Field(min_length=1, max_length=200, examples=["tenant-1"]), AfterValidator(_hashable)]
Units = Annotated[int, Field(ge=2, le=1_000_000)]
Guardrails = Annotated[
    list[Annotated[str, Field(pattern=GUARDRAIL, max_length=20, examples=["p95=0.1"])]],
    Field(max_length=4, description="Metrics, each with its margin as a share; without one, that of the settings."),
]


class StartExperiment(Body):
    """A threshold A/B test. What is left out of units and guardrails is as the settings of the service say."""

    service_type: Service
    proposed_threshold: Threshold
    experiment_duration_days: int = Field(14, ge=3, le=60)
    traffic_split: float = Field(0.5, ge=0.1, le=0.9)
    significance_level: float = Field(0.05, ge=0.01, le=0.1)
    unit: Unit | None = None
    units: Units | None = None
    guardrails: Guardrails | None = None
    force: bool = False
    hypothesis: Reason | None = None
    code: Code | None = None


class ProposeTest(Body):
    """A test of what an open proposal proposes, in its place. What is left out is as the settings say."""

    experiment_duration_days: int | None = Field(None, ge=3, le=60)
    traffic_split: float | None = Field(None, ge=0.1, le=0.9)
    unit: Unit | None = None
    units: Units | None = None
    guardrails: Guardrails | None = None
    force: bool = False
    code: Code | None = None


class StopExperiment(Body):
    """Why an experiment ends before its time."""

    reason: Reason


class AmendExperiment(Body):
    """How many days an experiment is to take, and why it is no longer what was planned."""

    experiment_duration_days: int = Field(ge=3, le=60)
    reason: Reason


class AdoptExperiment(Body):
    """Nothing more is to be said."""


class AssignUnits(Body):
    """Units whose arms are asked for. Their names are not kept: hashes are."""

    units: list[UnitName] = Field(min_length=1, max_length=1_000)


class AssignmentQuery(Query):
    """Which unit."""

    unit: UnitName


class DesignQuery(Query):
    """The design that a dialog shows: of which service, and what differs from the settings."""

    service: Service | None = None
    days: int | None = Field(None, ge=3, le=60)
    split: float | None = Field(None, ge=0.1, le=0.9)
    unit: Unit | None = None
    units: Units | None = None


class ExperimentsQuery(Query):
    """Which experiments: of one status, or of any; of one service, or of all."""

    service_type: Service | None = None
    status: ExperimentStatus | Literal["any"] = "any"
    limit: int = Field(50, ge=1, le=1_000)
