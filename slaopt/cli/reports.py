"""Commands about reports: write them, and compute them again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from slaopt.cli.answers import DIFFERENT, DONE, complain, print_json, print_lines, status_of
from slaopt.cli.opening import open_source
from slaopt.cli.options import json_option, reading_options, source_option, span_options, store_option, workspace_option
from slaopt.cli.stores import announce, consult, needed_address, stores_of

__all__ = ["report", "verify"]


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@source_option
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Reports made at once.")
@span_options
@reading_options
@workspace_option
@store_option
@json_option
def report(
    services: tuple[str, ...], source: str | None, jobs: int, store: str | None, as_json: bool, **options: Any
) -> int:
    """Write a report for each service and the index page, and record what was found in the store.

    \b
    Example:  slaopt report checkout --source requests.csv --jobs 2
    """
    from slaopt.printing import report_lines
    from slaopt.report import Recorder, run_reports
    from slaopt.store import make_store, settle
    from slaopt.workspace import find_workspace

    workspace = find_workspace(options.pop("workspace"))
    opened = open_source(source, workspace=workspace, **options)
    there = [entry.service for entry in opened.source.inspect().services]
    address, at, recorder = needed_address(store, workspace, opened.book), datetime.now(UTC), None
    chosen = [name for name in there if name in services] if services else there
    if opened.book.default.enabled:
        recorder = Recorder(make_store(address), at)
        settled = settle(recorder.store, opened.book, chosen, at=at)
    else:
        complain("slaopt is switched off (`enabled: false` in params): nothing is recorded in the store")
        settled = consult(address, opened.book, chosen)
    announce(settled, all_of=() if services else there)
    results = run_reports(
        opened.source, settled.book, workspace, services=services or None, as_of=opened.as_of, jobs=jobs,
        recorder=recorder, settled=settled,
    )  # fmt: skip
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        print_lines(report_lines(results, workspace / "reports" / "index.html"))
    return status_of(results)


@click.command()
@click.argument("directories", nargs=-1, required=True, metavar="REPORT_DIR...", type=click.Path(path_type=Path))
@workspace_option
@store_option
@json_option
def verify(directories: tuple[Path, ...], workspace: Path | None, store: str | None, as_json: bool) -> int:
    """Compute reports again from their archived Profiles: same, tampered, differs or other version.

    Where the store of the workspace knows a report, its digest must be the one recorded.

    \b
    Example:  slaopt verify reports/checkout-*/*
    """
    from slaopt.report import verify_report

    stores = stores_of(directories, store, workspace)
    verifications = [verify_report(*pair) for pair in zip(directories, stores, strict=True)]
    if as_json:
        print_json([verification.to_dict() for verification in verifications])
    else:
        for directory, verification in zip(directories, verifications, strict=True):
            click.echo(f"{verification.status:<14} {directory}")
            for detail in verification.details:
                click.echo(f"               {detail}")
            if verification.recorded is False and verification.status == "same":
                click.echo("               not recorded in the store: a consistent forgery of all files would not show")
    return DONE if all(verification.status == "same" for verification in verifications) else DIFFERENT
