"""Measurements in: files and SQL tables, described and counted."""

from __future__ import annotations

from slaopt.sources.base import Options, Source
from slaopt.sources.connect import connect
from slaopt.sources.scan import read, require_services, scan

__all__ = ["Options", "Source", "connect", "read", "require_services", "scan"]
