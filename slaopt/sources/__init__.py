"""Measurements in: files and SQL tables, described and counted."""

from __future__ import annotations

from slaopt.sources.base import Options, Source

__all__ = ["Options", "Source"]
