"""Lines about reports: what each found, and where the index page is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.printing.text import LONGEST_NAME, visible, width_of
from slaopt.result import Skipped
from slaopt.wording import seconds

if TYPE_CHECKING:
    from slaopt.report import ExperimentReport, Report

__all__ = ["experiment_report_lines", "report_lines"]


def report_lines(results: Sequence[Report | Skipped], index: Path) -> Iterator[str]:
    """Say what each report found, in a line of its own, and where the index page is."""
    width = width_of(result.service for result in results)
    for result in results:
        said = f"skipped: {result.reason}" if isinstance(result, Skipped) else _verdict(result)
        yield f"{visible(result.service, LONGEST_NAME):<{width}}  {visible(said)}"
    yield ""
    yield str(index)


def experiment_report_lines(report: ExperimentReport) -> Iterator[str]:
    """Say what the report of an experiment found, and where its page is."""
    from slaopt.experiment.wording import VERDICT_WORDS

    made = "" if report.status == "made" else " (as before)"
    yield visible(f"{report.experiment_id}  {VERDICT_WORDS[report.verdict]}{made}")
    yield ""
    yield str(report.directory / "report.html")


def _verdict(report: Report) -> str:
    from slaopt.report.portfolio import WORDS

    current, recommended = report.current_threshold, report.recommended_threshold
    thresholds = [seconds(threshold) for threshold in (current, recommended) if threshold is not None]
    made = "" if report.status == "made" else " (as before)"
    return f"{WORDS[report.verdict]}: {' → '.join(dict.fromkeys(thresholds)) or 'no threshold'}{made}"
