"""`sla_threshold_history`: which threshold was in force from when on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from slaopt.store import tables
from slaopt.store.amounts import known_unit, seconds_of
from slaopt.store.records import ServiceRecord, ThresholdRecord

__all__ = ["note_threshold", "read_thresholds", "recent_thresholds"]


def read_thresholds(connection: sa.Connection, service: str | None = None) -> dict[str, list[ThresholdRecord]]:
    """Give the history of thresholds by service (None: of all), the earliest first."""
    table = tables.history
    query = sa.select(table).order_by(table.c.implemented_at, table.c.id)
    if service is not None:
        query = query.where(table.c.service_type == service)
    found = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["service_type"]].append(_threshold(row))
    return dict(found)


def recent_thresholds(connection: sa.Connection, service: str | None, limit: int) -> list[ThresholdRecord]:
    """Give the last thresholds that came into force, of a service or (None) of all, the newest first."""
    table = tables.history
    query = sa.select(table).order_by(table.c.implemented_at.desc(), table.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(table.c.service_type == service)
    return [_threshold(row) for row in connection.execute(query).mappings()]


def note_threshold(
    connection: sa.Connection,
    record: ServiceRecord,
    *,
    previous: float | None,
    by: str,
    reason: str | None,
    at: datetime,
    **more: Any,
) -> int:
    """Note the threshold of a service's row as in force from `at` on, and give the id of that note.

    A clock may run behind the one that wrote the note before: the history stays in order all the same.
    """
    table = tables.history
    earlier = table.c.service_type == record.service
    latest = connection.scalar(
        sa.select(table.c.implemented_at).where(earlier).order_by(table.c.implemented_at.desc()).limit(1)
    )
    connection.execute(sa.update(table).where(earlier, table.c.is_active).values(is_active=False))
    unit = Decimal(str(seconds_of(Decimal(1), record.unit)))
    values = {
        "service_type": record.service,
        "threshold_value": record.amount,
        "threshold_unit": "seconds" if record.unit == "s" else record.unit,
        "previous_value": None if previous is None else Decimal(f"{previous:.12g}") / unit,
        "optimization_reason": reason,
        "implemented_at": at if latest is None else max(at, latest),
        "implemented_by": by,
    }
    noted: int = connection.execute(sa.insert(table).values(values | more).returning(table.c.id)).scalar_one()
    return noted


def _threshold(row: Mapping[Any, Any]) -> ThresholdRecord:
    unit = known_unit(row["threshold_unit"])
    return ThresholdRecord(
        service=row["service_type"],
        threshold=seconds_of(row["threshold_value"], unit),
        previous=None if row["previous_value"] is None else seconds_of(row["previous_value"], unit),
        implemented_at=row["implemented_at"],
        implemented_by=row["implemented_by"],
        reason=row["optimization_reason"],
        id=row["id"],
        is_active=bool(row["is_active"]),
    )
