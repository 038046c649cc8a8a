"""Reports: notebooks executed and exported, archived with what they were made from, verified and listed.

Importing this costs little: papermill and nbconvert are imported where a report is made.
"""

from __future__ import annotations

from slaopt.report.experiments import ExperimentReport, ExperimentRun, open_experiment, report_experiment
from slaopt.report.manifest import Manifest, Run, open_run
from slaopt.report.portfolio import Portfolio, open_portfolio
from slaopt.report.record import Recorder
from slaopt.report.run import Report, run_reports
from slaopt.report.verify import Verification, verify_report

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
