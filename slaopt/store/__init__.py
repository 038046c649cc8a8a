"""The SLA store: what is decided about services, and what was found out about them, in SQLite or PostgreSQL."""

from slaopt.store.address import default_store, locate_store
from slaopt.store.audit import FIRST, chain_faults, entry_digest, entry_text
from slaopt.store.configurations import first_record, service_name
from slaopt.store.database import open_database
from slaopt.store.experiment_records import (
    AssignmentRecord,
    ExperimentRecord,
    ExperimentStatus,
    LookRecord,
    NewExperiment,
)
from slaopt.store.open import find_store, make_store, open_store
from slaopt.store.people import RESERVED
from slaopt.store.records import (
    Action,
    ApprovalRecord,
    AuditEntry,
    ChangeRecord,
    Implementation,
    Needs,
    NewProposal,
    NewRun,
    Origin,
    Proposal,
    RequestRecord,
    Role,
    RunRecord,
    SchemaState,
    ServiceRecord,
    Settled,
    State,
    ThresholdRecord,
    UserRecord,
)
from slaopt.store.schema import current, downgrade, upgrade
from slaopt.store.settle import settle, settled
from slaopt.store.store import Store, Transaction

__all__ = [
    "Action",
    "ApprovalRecord",
    "AssignmentRecord",
    "AuditEntry",
    "ChangeRecord",
    "ExperimentRecord",
    "ExperimentStatus",
    "FIRST",
    "Implementation",
    "LookRecord",
    "Needs",
    "NewExperiment",
    "NewProposal",
    "NewRun",
    "Origin",
    "Proposal",
    "RESERVED",
    "RequestRecord",
    "Role",
    "RunRecord",
    "SchemaState",
    "ServiceRecord",
    "Settled",
    "State",
    "Store",
    "ThresholdRecord",
    "Transaction",
    "UserRecord",
    "chain_faults",
    "current",
    "default_store",
    "downgrade",
    "entry_digest",
    "entry_text",
    "find_store",
    "first_record",
    "locate_store",
    "make_store",
    "open_database",
    "open_store",
    "service_name",
    "settle",
    "settled",
    "upgrade",
]
