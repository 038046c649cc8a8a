"""Parts of a page above, between and below its charts: results → semantic HTML."""

from __future__ import annotations

from slaopt.parts.answer import action, now_and_then, reasons, verdict
from slaopt.parts.appendix import excluded_time, provenance, settings, statistics
from slaopt.parts.course import course, low_traffic, months
from slaopt.parts.evidence import candidates, outliers, quality, replay_policy, slowdowns, trust
from slaopt.parts.experiments import (
    adopt,
    both_arms,
    control_and_test,
    experiment_design,
    experiment_source,
    experiment_verdict,
    fit_checks,
    guardrails,
    predictive_checks,
    prior_sensitivity,
    remarks,
)
from slaopt.parts.history import backtest, calibration
from slaopt.parts.markup import Part
from slaopt.parts.outlook import impact, outlook
from slaopt.parts.portfolio import services, skipped, totals
from slaopt.parts.risk import risk, rollback, rollback_seen

__all__ = [
    "Part",
    "action",
    "adopt",
    "backtest",
    "both_arms",
    "calibration",
    "candidates",
    "control_and_test",
    "course",
    "excluded_time",
    "experiment_design",
    "experiment_source",
    "experiment_verdict",
    "fit_checks",
    "guardrails",
    "impact",
    "low_traffic",
    "months",
    "now_and_then",
    "outliers",
    "outlook",
    "predictive_checks",
    "prior_sensitivity",
    "provenance",
    "quality",
    "reasons",
    "remarks",
    "replay_policy",
    "risk",
    "rollback",
    "rollback_seen",
    "services",
    "settings",
    "skipped",
    "slowdowns",
    "statistics",
    "totals",
    "trust",
    "verdict",
]
