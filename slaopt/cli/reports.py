"""Commands about reports: write them, and compute them again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slaopt.cli.answers import DIFFERENT, DONE, print_json, print_lines, status_of
from slaopt.cli.opening import open_source
from slaopt.cli.options import json_option, reading_options, source_option, span_options, workspace_option

__all__ = ["report", "verify"]


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@source_option
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Reports made at once.")
@span_options
@reading_options
@workspace_option
@json_option
def report(services: tuple[str, ...], source: str | None, jobs: int, as_json: bool, **options: Any) -> int:
    """Write a report for each service and the index page.

    \b
    Example:  slaopt report checkout --source requests.csv --jobs 2
    """
    from slaopt.printing import report_lines
    from slaopt.report import run_reports
    from slaopt.workspace import find_workspace

    workspace = find_workspace(options.pop("workspace"))
    opened = open_source(source, workspace=workspace, **options)
    results = run_reports(
        opened.source, opened.book, workspace, services=services or None, as_of=opened.as_of, jobs=jobs
    )
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        print_lines(report_lines(results, workspace / "reports" / "index.html"))
    return status_of(results)


@click.command()
@click.argument("directories", nargs=-1, required=True, metavar="REPORT_DIR...", type=click.Path(path_type=Path))
@json_option
def verify(directories: tuple[Path, ...], as_json: bool) -> int:
    """Compute reports again from their archived Profiles: same, tampered, differs or other version.

    \b
    Example:  slaopt verify reports/checkout-*/*
    """
    from slaopt.report import verify_report

    verifications = [verify_report(directory) for directory in directories]
    if as_json:
        print_json([verification.to_dict() for verification in verifications])
    else:
        for directory, verification in zip(directories, verifications, strict=True):
            click.echo(f"{verification.status:<14} {directory}")
            for detail in verification.details:
                click.echo(f"               {detail}")
    return DONE if all(verification.status == "same" for verification in verifications) else DIFFERENT
