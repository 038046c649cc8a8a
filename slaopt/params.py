"""Settings from params/*.yaml and flags, validated once, with unknown names answered by the nearest known one."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from slaopt.errors import ParamsError
from slaopt.excluded import BusinessHours, Excluded, Maintenance, WeeklyMaintenance
from slaopt.wording import moment, parse_seconds, seconds

__all__ = [
    "ApprovalRules",
    "Costs",
    "ExperimentRules",
    "Params",
    "ParamsBook",
    "SourceParams",
    "ThresholdChange",
    "is_enabled",
    "load_params",
]

FAILED_STATUSES = (
    "failed", "failure", "fail", "error", "errored", "cancelled", "canceled", "aborted", "timeout", "timed_out",
    "timed out", "killed", "rejected", "exception", "crashed", "false",
)  # fmt: skip


class SourceParams(BaseModel):
    """A named source of measurements; `${NAME}` in the URL is read from the environment when connecting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    table: str | None = None
    columns: dict[str, str] = {}
    unit: str | None = None
    timezone: str | None = None
    decimal: Literal[".", ","] | None = None


class ThresholdChange(BaseModel):
    """From `since` on, until the next change, this threshold (seconds) was in force."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: AwareDatetime
    threshold: float

    @field_validator("threshold", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        return parse_seconds(value)


class Costs(BaseModel):
    """What one violation and one page cost, in `currency`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    violation: float = Field(0.0, ge=0, allow_inf_nan=False)
    page: float = Field(0.0, ge=0, allow_inf_nan=False)
    currency: str = Field(min_length=1, max_length=10)


class ApprovalRules(BaseModel):
    """Which changes take more than one approval. A size is by what share the greater threshold is above the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    significant_change: float = Field(0.25, ge=0)  # from here on two approve
    significant_risk: Literal["low", "medium", "high"] = "high"  # likewise
    critical_change: float = Field(1.0, ge=0)  # from here on with a second factor
    critical: bool = False  # every change of the service takes a second factor


class ExperimentRules(BaseModel):
    """How threshold A/B tests are designed and read where nothing else is said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str = Field("request", min_length=1, max_length=100)  # of assignment; request: each execution by itself
    days: int = Field(14, ge=3, le=60)
    traffic_split: float = Field(0.5, ge=0.1, le=0.9)  # share of the units under the test threshold
    significance_level: float = Field(0.05, ge=0.01, le=0.1)
    harm_level: float = Field(0.05, ge=0.01, le=0.1)  # of the harm boundary of each guardrail
    mode: Literal["planned", "open_ended"] = "planned"
    smallest_effect: float = Field(0.2, gt=0, le=1)  # worth finding, a share of the control's violation rate
    guardrail_margin: float = Field(0.1, gt=0, le=1)  # a share of the control's value
    rope: float = Field(0.1, gt=0, le=1)  # differences up to this share of the control's rate are as good as none
    tolerated_loss: float = Field(0.01, gt=0, le=1)  # expected loss that shipping may have, a share of that rate
    power: float = Field(0.8, ge=0.5, le=0.99)


_NO_FIGURE = {
    "source", "sources", "store", "enabled", "approvals", "report_valid_days", "watch_days", "audit_heads",
    "experiments",
}  # fmt: skip


class Params(BaseModel):
    """The settings of one service. Durations are seconds; texts such as `300ms` are accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str | None = None
    source: str | None = None
    sources: dict[str, SourceParams] = {}
    store: str | None = None

    timezone: str = "UTC"
    timestamp_is: Literal["start", "end"] = "start"
    days: int = Field(30, ge=7, le=365)
    history_days: int = Field(120, ge=7, le=730)
    failures: Literal["excluded", "violations"] = "excluded"
    failed_statuses: tuple[str, ...] = FAILED_STATUSES
    excluded: Excluded = Excluded()
    confidence_level: float = Field(0.95, ge=0.8, le=0.99)

    threshold: float | None = None
    threshold_history: tuple[ThresholdChange, ...] = ()
    objective: float = Field(0.99, gt=0, lt=1)
    min_threshold: float | None = None
    max_threshold: float | None = None
    max_change: float = Field(0.5, gt=0, lt=1)
    strategy: Literal["conservative", "balanced", "aggressive"] = "balanced"
    business_priority: Literal["reliability", "efficiency", "cost"] | None = None
    degradations_per_month: float = Field(1.0, gt=0, le=100)
    minimum_gain: float = Field(3.0, ge=0)
    costs: Costs | None = None
    seed: int = Field(0, ge=0)

    enabled: bool = True
    server: str | None = Field(None, pattern=r"^https?://[^\s\"'<>]+$")
    approvals: ApprovalRules = ApprovalRules()
    report_valid_days: float = Field(7.0, gt=0, le=365)
    watch_days: int = Field(30, ge=1, le=365)
    experiments: ExperimentRules = ExperimentRules()
    audit_heads: str | None = None

    def published(self) -> dict[str, Any]:
        """Give the settings that figures hang on, as JSON holds them; sources change none and may hold secrets."""
        return self.model_dump(mode="json", exclude=_NO_FIGURE)

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold in force and those before it, each once, seconds."""
        known = (self.threshold, *(change.threshold for change in self.threshold_history))
        return tuple(dict.fromkeys(threshold for threshold in known if threshold is not None))

    def threshold_at(self, moment: datetime) -> float | None:
        """Give the threshold in force at a moment, seconds.

        Before the first of `threshold_history` the earliest known one is assumed; without a history the current one.
        """
        if not self.threshold_history:
            return self.threshold
        begun = [change.threshold for change in self.threshold_history if change.since <= moment]
        return begun[-1] if begun else self.threshold_history[0].threshold

    @field_validator("threshold_history")
    @classmethod
    def _in_order(cls, value: tuple[ThresholdChange, ...]) -> tuple[ThresholdChange, ...]:
        ordered = tuple(sorted(value, key=lambda change: change.since))
        twice = [a.since for a, b in itertools.pairwise(ordered) if a.since == b.since]
        if twice:
            raise ValueError(f"two thresholds begin at {twice[0].isoformat()}: keep one")
        return ordered

    @field_validator("threshold", "min_threshold", "max_threshold", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        return value if value is None else parse_seconds(value)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is no time zone: give an IANA name such as Europe/Berlin") from error
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_threshold and self.max_threshold and self.min_threshold > self.max_threshold:
            raise ValueError("min_threshold is greater than max_threshold")
        if self.history_days < self.days:
            raise ValueError(f"history_days ({self.history_days}) is less than days ({self.days})")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsBook:
    """The settings of a workspace: the defaults, and those of each service that has its own."""

    default: Params
    services: Mapping[str, Params]

    def of(self, service: str) -> Params:
        """Give the settings of a service."""
        own = self.services.get(service)
        return own if own is not None else self.default.model_copy(update={"service": service})


_NESTED = [
    field.alias or name
    for model in (
        SourceParams,
        ThresholdChange,
        Costs,
        ApprovalRules,
        ExperimentRules,
        Excluded,
        BusinessHours,
        Maintenance,
        WeeklyMaintenance,
    )
    for name, field in model.model_fields.items()
]


def load_params(workspace: Path | None, *, overrides: Mapping[str, Any] | None = None) -> ParamsBook:
    """Read `params/default.yaml` and `params/services/*.yaml`; flags override both. No workspace: built-in defaults.

    Raises
    ------
    ParamsError
        Naming file and key, and the nearest known name for an unknown one.
    """
    flags = {key: value for key, value in (overrides or {}).items() if value is not None}
    if workspace is None:
        return ParamsBook(default=_validated(_with(flags, {}), Path("flags")), services={})
    path = workspace / "params" / "default.yaml"
    common = _read(path) if path.exists() else {}
    default = _validated(_with(flags, common), path)
    _agreeing(common, path)
    services: dict[str, Params] = {}
    for file in sorted((workspace / "params" / "services").glob("*.y*ml")):
        own = _read(file)
        name = own.get("service")
        if not isinstance(name, str) or not name.strip():
            raise ParamsError(f"{file}: `service:` is missing; name the service these settings are for")
        if name in services:
            raise ParamsError(f"{file}: service {name!r} has another file already; keep one")
        services[name] = _validated(_with(flags, common | own), file)
        _agreeing(common | own, file)
    return ParamsBook(default=default, services=services)


def is_enabled(workspace: Path) -> bool:
    """Tell whether the off switch of a workspace, `enabled` in its defaults, lets slaopt write at this moment.

    Raises
    ------
    ParamsError
        If the file cannot be read.
    """
    path = workspace / "params" / "default.yaml"
    return _validated(_read(path), path).enabled if path.exists() else True


def _agreeing(values: Mapping[str, Any], path: Path) -> None:
    """Refuse a history of thresholds that does not end in the one in force; a flag's what-if may differ."""
    if not values.get("threshold_history"):
        return
    params = _validated(_with({}, values), path)
    last = params.threshold_history[-1]
    if params.threshold not in (None, last.threshold):
        raise ParamsError(
            f"{path}: `threshold_history` ends in {seconds(last.threshold, 6)} since {moment(last.since)}, but "
            f"`threshold` is {seconds(params.threshold or 0.0, 6)}: add since when that has been in force"
        )


def _with(flags: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Let flags override; a period longer than the history that is read asks for as much history."""
    merged = {**values, **flags}
    days, history = flags.get("days"), merged.get("history_days", Params.model_fields["history_days"].default)
    return merged | {"history_days": days} if isinstance(history, int) and days and days > history else merged


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParamsError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: expected settings such as `objective: 0.99`, found {type(content).__name__}")
    return {str(key): value for key, value in content.items()}


def _validated(values: Mapping[str, Any], path: Path) -> Params:
    try:
        return Params.model_validate(dict(values))
    except ValidationError as error:
        raise ParamsError("; ".join(f"{path}: {_explained(detail)}" for detail in error.errors())) from error


def _explained(detail: Any) -> str:
    key = ".".join(str(part) for part in detail["loc"]) or "settings"
    if detail["type"] == "extra_forbidden":
        name = str(detail["loc"][-1])
        known = Params.model_fields if len(detail["loc"]) == 1 else _NESTED
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
        return f"unknown key `{key}`" + (f"; did you mean `{near[0]}`?" if near else "")
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"`{key}`: {message} (found {detail['input']!r:.60})" if detail["loc"] else message
