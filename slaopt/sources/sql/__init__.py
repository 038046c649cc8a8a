"""Measurements in a SQL table, counted by the database itself."""

from __future__ import annotations

from slaopt.sources.sql.source import SqlSource

__all__ = ["SqlSource"]
