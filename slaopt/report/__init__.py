"""Reports: notebooks executed and exported, archived with what they were made from, verified and listed.

Importing this costs little: papermill and nbconvert are imported where a report is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slaopt.report.manifest import Manifest, Run, open_run
from slaopt.report.portfolio import Portfolio, open_portfolio
from slaopt.report.record import Recorder
from slaopt.report.run import Report, run_reports
from slaopt.report.verify import Verification, verify_report

if TYPE_CHECKING:
    from slaopt.report.experiments import ExperimentReport, ExperimentRun, open_experiment, report_experiment

__all__ = [
    "ExperimentReport",
    "ExperimentRun",
    "Manifest",
    "Portfolio",
    "Recorder",
    "Report",
    "Run",
    "Verification",
    "open_experiment",
    "open_portfolio",
    "open_run",
    "report_experiment",
    "run_reports",
    "verify_report",
]


def __getattr__(name: str) -> Any:
    """Import what is about experiments when it is first used: reports of services do not need their statistics."""
    if name in ("ExperimentReport", "ExperimentRun", "open_experiment", "report_experiment"):
        from slaopt.report import experiments

        return getattr(experiments, name)
    raise AttributeError(f"module 'slaopt.report' has no attribute {name!r}")
