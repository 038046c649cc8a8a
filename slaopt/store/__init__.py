"""The SLA store: what is decided about services, and what was found out about them, in SQLite or PostgreSQL."""

from slaopt.store.address import default_store, locate_store
from slaopt.store.configurations import first_record, service_name
from slaopt.store.database import open_database
from slaopt.store.open import find_store, make_store, open_store
from slaopt.store.records import NewRun, RunRecord, SchemaState, ServiceRecord, Settled, ThresholdRecord
from slaopt.store.schema import current, downgrade, upgrade
from slaopt.store.settle import settle, settled
from slaopt.store.store import Store, Transaction

__all__ = [
    "NewRun",
    "RunRecord",
    "SchemaState",
    "ServiceRecord",
    "Settled",
    "Store",
    "ThresholdRecord",
    "Transaction",
    "current",
    "default_store",
    "downgrade",
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
