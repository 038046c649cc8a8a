"""How much a store holds."""

from __future__ import annotations

import sqlalchemy as sa

from slaopt.store import tables

__all__ = ["row_counts"]


def row_counts(connection: sa.Connection) -> dict[str, int]:
    """Count the rows of slaopt's own tables, the history of thresholds among them."""
    own = [
        table for table in tables.metadata.sorted_tables if table not in (tables.configurations, tables.measurements)
    ]
    counts = [sa.select(sa.func.count()).select_from(table).scalar_subquery().label(table.name) for table in own]
    return dict(connection.execute(sa.select(*counts)).mappings().one())
