"""What a request may hold: bodies and queries, with the bounds under which other systems know them.

Everything else is refused: unknown fields, texts for numbers, numbers that are not finite, control characters.
Thresholds are seconds. What is longer than these bounds is no name, no reason and no code of anybody.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from slaopt.errors import InputError
from slaopt.store import service_name
from slaopt.store.records import State

__all__ = [
    "Analyse",
    "Approve",
    "Body",
    "Code",
    "Commit",
    "ConfigureService",
    "HistoryQuery",
    "LogIn",
    "ProposalsQuery",
    "Propose",
    "Query",
    "Reason",
    "Recommend",
    "Reject",
    "RollbackThreshold",
    "RuleFields",
    "Schedule",
    "Service",
    "Threshold",
    "UpdateThreshold",
    "Withdraw",
    "said",
]

LONGEST = 100 * 86_400.0  # seconds; no execution is given longer


def _named(text: str) -> str:
    try:
        return service_name(text)
    except InputError as error:
        raise ValueError(str(error)) from error


def _readable(text: str) -> str:
    """Let line breaks and tabs through, and no other control character."""
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t" for sign in text):
        raise ValueError("holds control characters")
    return text


def said(text: str) -> str:
    """Take the blanks around a text away, and refuse one that says nothing."""
    stripped = _readable(text).strip()
    if not stripped:
        raise ValueError("is blank")
    return stripped


def _moment(time: Any) -> datetime:
    """Take times as texts only: a number would be seconds to some and milliseconds to others."""
    if not isinstance(time, str):
        raise ValueError("is no text such as 2026-11-03T14:00:00Z")
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise ValueError("is no time such as 2026-11-03T14:00:00Z") from None
    if not 2000 <= moment.year <= 2200:
        raise ValueError("lies outside the years 2000 to 2200")
    return moment


Service = Annotated[str, Field(min_length=1, max_length=100, examples=["checkout"]), AfterValidator(_named)]
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(said)]
Reason = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(said)]
Comment = Annotated[str, Field(max_length=2_000), AfterValidator(_readable)]
Code = Annotated[str, Field(pattern=r"^[0-9]{6,8}$", examples=["123456"])]
ChangeId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")]
Threshold = Annotated[float, Field(gt=0, le=LONGEST, allow_inf_nan=False)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
Rule = Annotated[str, Field(min_length=1, max_length=200, examples=["burn_rate >= 6 over 6h"])]


class Body(BaseModel):
    """The JSON object of a request."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Query(BaseModel):
    """What may stand behind the question mark. Numbers come as texts there."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Analyse(Body):
    """How a service performs, from its newest report's archive."""

    service_type: Service
    analysis_period_days: int = Field(30, ge=7, le=365)
    include_seasonal_patterns: bool = True
    confidence_level: float = Field(0.95, ge=0.8, le=0.99)


class Recommend(Body):
    """What should become of a threshold. What is left out is as the settings of the service say."""

    service_type: Service
    optimization_strategy: Literal["balanced", "aggressive", "conservative"] | None = None
    business_priority: Literal["reliability", "efficiency", "cost"] | None = None


class RuleFields(Body):
    """When a change is to be rolled back: `metric` over `window` is above (or at) `value`."""

    metric: Literal["watch_z", "burn_rate"]
    operator: Literal[">", ">="]
    value: float = Field(gt=0, allow_inf_nan=False)
    window: str = Field(pattern=r"^[1-9][0-9]{0,3}(min|h|d)$", examples=["6h"])


class UpdateThreshold(Body):
    """A threshold that somebody asks for, whether a report recommends it or not."""

    service_type: Service
    new_threshold: Threshold
    implementation_type: Literal["immediate", "scheduled", "ab_test"] = "immediate"
    rollback_criteria: list[RuleFields | Rule] = Field(
        default=[], max_length=10, description="Fields, or lines such as `burn_rate >= 6 over 6h`; none: slaopt's own."
    )
    scheduled_time: Moment | None = None
    reason: Reason | None = None
    code: Code | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.implementation_type == "scheduled") != (self.scheduled_time is not None):
            raise ValueError("scheduled_time belongs to implementation_type scheduled, and only there")
        if self.implementation_type == "ab_test" and self.rollback_criteria:
            raise ValueError("rollback_criteria: a test is stopped by its harm boundary; they go with a change")
        return self

    @property
    def rules(self) -> tuple[dict[str, Any] | str, ...]:
        """The rollback rules asked for, as the apply module takes them."""
        return tuple(rule if isinstance(rule, str) else rule.model_dump(mode="json") for rule in self.rollback_criteria)


class RollbackThreshold(Body):
    """Which change is to be taken back, and why."""

    change_id: ChangeId
    reason: Reason


class Propose(Body):
    """File what the newest report of a service recommends."""

    service_type: Service


class Approve(Body):
    """One person's yes; `hold`: it is committed by hand later."""

    comment: Comment | None = None
    code: Code | None = None
    hold: bool = False


class Schedule(Body):
    """An approval that says when."""

    scheduled_time: Moment
    comment: Comment | None = None
    code: Code | None = None


class Reject(Body):
    """One person's no."""

    reason: Reason


class Withdraw(Body):
    """The proposer thinks better of it."""

    reason: Reason | None = None


class Commit(Body):
    """Nothing more is to be said."""


class ConfigureService(Body):
    """What an admin decides about a service; what is left out stays."""

    auto_adjust: bool | None = None
    optimization_enabled: bool | None = None
    min_threshold: Threshold | None = None
    max_threshold: Threshold | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.columns:
            raise ValueError("says nothing: give one of " + ", ".join(type(self).model_fields))
        return self

    @property
    def columns(self) -> dict[str, Any]:
        """What is to be changed."""
        return self.model_dump(exclude_none=True)


class LogIn(Body):
    """Who one is. Longer passwords than these are refused unread."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    password: Annotated[str, Field(min_length=1, max_length=1_000)]
    code: Code | None = None


class HistoryQuery(Query):
    """Whose history, and how much of it."""

    service_type: Service | None = None
    limit: int = Field(50, ge=1, le=1_000)


class ProposalsQuery(Query):
    """Which proposals: those that are open, or all; of one service, or of all."""

    service_type: Service | None = None
    state: State | Literal["open", "any"] = "open"
    limit: int = Field(50, ge=1, le=1_000)
