"""Parts of a page above, between and below its charts: results → semantic HTML."""

from __future__ import annotations

from slaopt.parts.answer import action, now_and_then, reasons, verdict
from slaopt.parts.appendix import excluded_time, provenance, settings, statistics
from slaopt.parts.evidence import candidates, outliers, quality, replay_policy, slowdowns, trust
from slaopt.parts.markup import Part
from slaopt.parts.portfolio import services, skipped, totals

__all__ = [
    "Part",
    "action",
    "candidates",
    "excluded_time",
    "now_and_then",
    "outliers",
    "provenance",
    "quality",
    "reasons",
    "replay_policy",
    "services",
    "settings",
    "skipped",
    "slowdowns",
    "statistics",
    "totals",
    "trust",
    "verdict",
]
