"""What comes out of the store: frozen records, durations in seconds, times in UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from slaopt.params import ParamsBook
from slaopt.result import Result, Skipped

__all__ = [
    "Action",
    "ApprovalRecord",
    "AuditEntry",
    "ChangeRecord",
    "Implementation",
    "Needs",
    "NewProposal",
    "NewRun",
    "Origin",
    "Proposal",
    "ProposalFate",
    "RequestRecord",
    "Role",
    "RunRecord",
    "SchemaState",
    "ServiceRecord",
    "Settled",
    "State",
    "StateOfSchema",
    "ThresholdRecord",
    "UserRecord",
]

Role = Literal["viewer", "analyst", "approver", "admin"]
Action = Literal["read", "propose", "approve", "administer"]  # what a role may do; each includes those before it
Origin = Literal["report", "request"]  # what a proposal rests on
Implementation = Literal["immediate", "scheduled", "ab_test"]
State = Literal[
    "draft", "proposed", "approved", "scheduled", "committed", "kept", "rolled_back", "rejected", "withdrawn",
    "expired", "superseded",
]  # fmt: skip
StateOfSchema = Literal["none", "old", "current", "newer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState(Result):
    """Which version of slaopt's tables a database holds."""

    store: str  # address without secrets
    revision: str | None  # None: none of slaopt's tables
    newest: str  # that this slaopt knows
    state: StateOfSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRecord(Result):
    """A row of `sla_configurations`: what is decided about a service. None: nothing is."""

    service: str = field(metadata={"published": "service_type"})
    threshold: float | None  # seconds
    unit: str  # of the row: s, ms, …
    objective: float | None
    min_threshold: float | None  # seconds
    max_threshold: float | None
    is_active: bool
    optimization_enabled: bool
    auto_adjust: bool
    optimization_frequency: str | None
    last_optimization_at: datetime | None
    problem: str | None = None  # why the row cannot be used, with the remedy
    key: str = field(metadata={"published": None})  # the service's name as it stands in the row
    amount: Decimal | None = field(default=None, metadata={"published": None})  # the threshold as it stands in the row
    scale: int | None = field(default=None, metadata={"published": None})  # decimals of its column; None: any
    stands: tuple[Any, Any] = field(default=(None, None), metadata={"published": None})  # threshold and unit, untouched

    @property
    def state(self) -> Literal["enabled", "disabled", "not active", "unusable"]:
        """Whether slaopt looks after the service of itself."""
        if self.problem is not None:
            return "unusable"
        if not self.is_active:
            return "not active"
        return "enabled" if self.optimization_enabled else "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRecord(Result):
    """A row of `sla_threshold_history`: from `implemented_at` on this threshold was in force."""

    service: str = field(metadata={"published": "service_type"})
    threshold: float  # seconds
    previous: float | None = field(metadata={"published": "previous_value"})
    implemented_at: datetime
    implemented_by: str
    reason: str | None = field(metadata={"published": "optimization_reason"})
    id: int = field(metadata={"published": None})
    is_active: bool = field(metadata={"published": None})  # none of the service has followed


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun(Result):
    """A report that is to be recorded."""

    service: str = field(metadata={"published": "service_type"})
    as_of: datetime
    input_digest: str  # SHA-256 of all that decides over the report's content
    identity: str  # the same without the versions of other packages: what the report's folder is named after
    manifest_digest: str
    report_path: str  # relative to the folder of reports
    slaopt_version: str
    analysis: Mapping[str, Any]  # as published in result.json
    recommendation: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Result):
    """A row of `sla_runs`: a report that was made, and where its figures stand."""

    id: int
    service: str = field(metadata={"published": "service_type"})
    as_of: datetime
    input_digest: str
    identity: str
    manifest_digest: str
    report_path: str
    slaopt_version: str
    verdict: str
    sentence: str
    analysis_id: int
    prediction_id: int | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(Result):
    """Settings after the store has had its say."""

    book: ParamsBook = field(metadata={"published": None})
    warnings: tuple[str, ...] = ()  # differences between store and params, each with both values
    left_out: Mapping[str, str] = field(default_factory=dict)  # services to be run only where they are named, and why
    unusable: tuple[Skipped, ...] = ()  # services whose row makes no sense

    def select(self, named: Sequence[str] | None, there: Iterable[str]) -> tuple[list[str] | None, list[Skipped]]:
        """Give the services to look at, and those that cannot be: the named, else all that are there and not left out.

        None stands for all, where nobody is left out.
        """
        reasons = {skipped.service: skipped for skipped in self.unusable}
        known = list(there)
        wanted = list(dict.fromkeys(named)) if named else [name for name in known if name not in self.left_out]
        refused = [reasons[name] for name in wanted if name in reasons]
        if not named and not refused and len(wanted) == len(known):
            return None, []
        return [name for name in wanted if name not in reasons], refused


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord(Result):
    """A row of `sla_users`. Neither password nor secret leaves the store in it."""

    name: str
    role: Role
    is_active: bool
    has_password: bool
    has_second_factor: bool
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs(Result):
    """Whose approval a proposal takes, and why."""

    approvals: int  # of people other than the one who proposed; 0 in solo mode
    second_factor: bool  # of each who approves
    significance: Literal["routine", "significant", "critical"]
    why: tuple[str, ...]  # sentences; empty where one approval is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProposal(Result):
    """A proposal that is to be filed."""

    service: str = field(metadata={"published": "service_type"})
    origin: Origin
    input_digest: str  # of the report's input; of a request, of that and what was asked for
    run_id: int | None
    prediction_id: int | None
    current_threshold: float | None  # seconds
    proposed_threshold: float
    proposed_by: str
    implementation_type: Implementation = "immediate"
    scheduled_at: datetime | None = None
    reason: str | None = None
    needs: Needs
    assessment: Mapping[str, Any]  # impact assessment: the fields of a recommendation that a preview shows
    rollback_rules: tuple[Mapping[str, Any], ...]  # metric, operator, value, window
    watch: Mapping[str, Any] | None = None  # what is usual at the proposed threshold; None: there is no watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(NewProposal):
    """A row of `sla_proposals`."""

    id: int
    change_id: str  # of the change that it makes once it is committed
    state: State
    held: bool  # its last approval does not bring it into force
    proposed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalFate(Result):
    """What became of a proposal, without what was expected of it."""

    service: str = field(metadata={"published": "service_type"})
    change_id: str
    origin: Origin
    state: State
    strategy: str | None  # under which it was recommended
    confidence_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord(Result):
    """A row of `sla_approvals`: one person's decision on a proposal."""

    approver: str
    decision: Literal["approved", "rejected"]
    comment: str | None
    second_factor: bool
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord(Result):
    """A change that slaopt made: a row of `sla_changes` with its row of `sla_threshold_history`."""

    change_id: str
    kind: Literal["commit", "rollback"]
    service: str = field(metadata={"published": "service_type"})
    threshold: float = field(metadata={"published": "threshold_value"})  # seconds, from `implemented_at` on
    previous: float | None = field(metadata={"published": "previous_value"})
    implemented_at: datetime
    implemented_by: str
    reason: str | None
    confidence: float | None = field(metadata={"published": "optimization_confidence"})
    rollback_criteria: tuple[Any, ...]
    performance_impact: Mapping[str, Any] | None  # predicted, and observed since
    proposal_id: int | None
    undoes: str | None  # change_id of the change that this took back
    undone_by: str | None  # change_id of the rollback that took this back
    in_force: bool  # no other threshold has followed
    history_id: int = field(metadata={"published": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord(Result):
    """A row of `sla_requests`: a request that was done, and what it was answered."""

    action: str
    body_digest: str
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry(Result):
    """A row of `sla_audit_log`."""

    number: int
    at: datetime
    actor: str
    action: str
    service: str | None = field(metadata={"published": "service_type"})
    details: Mapping[str, Any]
    previous_digest: str
    digest: str  # SHA-256 of `entry`
    entry: str = field(metadata={"published": None})  # all of the above but the digest, in one form
