"""`sla_settings`: what holds for the whole store, such as that one person works with it alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from slaopt.result import plain
from slaopt.store import tables

__all__ = ["Settings"]


class Settings:
    """Settings of the store, by name."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> Any | None:
        """Give a setting; None where it was never set."""
        table = tables.settings
        return self._connection.scalar(sa.select(table.c.value).where(table.c.name == name))

    def set(self, name: str, value: Any, at: datetime) -> None:
        """Set it; None takes it away."""
        table = tables.settings
        if value is None:
            self._connection.execute(sa.delete(table).where(table.c.name == name))
            return
        changed = sa.update(table).where(table.c.name == name).values(value=plain(value), updated_at=at)
        if self._connection.execute(changed).rowcount == 0:
            values = {"name": name, "value": plain(value), "created_at": at, "updated_at": at}
            self._connection.execute(sa.insert(table).values(values))
