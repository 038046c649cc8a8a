"""`slaopt experiment report`: the page of a test, or of data that were collected elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slaopt.cli.answers import DONE, SKIPPED, print_json, print_lines
from slaopt.cli.experiment.evaluating import COLLECTED, collected_options, evaluated
from slaopt.cli.experiment.reading import ROLES
from slaopt.cli.options import json_option, source_option, store_option, workspace_option

if TYPE_CHECKING:
    from slaopt.report import ExperimentRun

__all__ = ["kept_run", "report"]


@click.command()
@click.argument("experiment", metavar="ID_OR_FILE")
@source_option
@click.option("--table", help="Table of a SQL source, `schema.table` too.")
@collected_options
@workspace_option
@store_option
@json_option
def report(
    experiment: str, source: str | None, workspace: Path | None, store: str | None, as_json: bool, **given: Any
) -> int:
    """Write the page of a test: a figure for each question, the model fitted and checked, how far to trust it.

    ID is that of a test in the store; it is read from its source up to its last look. FILE is data collected elsewhere,
    with the options of `slaopt experiment evaluate`.

    \b
    Example:  slaopt experiment report trial.csv --control 2s --test 2.6s --column unit=tenant
    """
    from slaopt.printing import experiment_report_lines
    from slaopt.report import report_experiment
    from slaopt.workspace import find_workspace

    place = find_workspace(workspace)
    file = Path(experiment)
    table = given.pop("table")
    if file.is_file():
        run = _collected(file, place, {name: given[name] for name in COLLECTED})
    else:
        columns = {ROLES[role]: name for role, name in given["columns"].items()}
        reading = {name: given[name] for name in ("timezone", "decimal")}
        reading |= {"table": table, "columns": columns, "unit": given["duration_unit"]}
        run = kept_run(experiment, place, store, source, reading)
    made = report_experiment(run, place)
    if as_json:
        print_json(made.to_dict())
    else:
        print_lines(experiment_report_lines(made))
    return SKIPPED if made.verdict == "invalid" else DONE


def _collected(file: Path, workspace: Path, given: dict[str, Any]) -> ExperimentRun:
    from slaopt.report import ExperimentRun

    evaluation = evaluated(file, workspace, given)
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return ExperimentRun(
        experiment_id=f"{file.stem} {digest[:8]}", source=file.name, status="collected", planned=False,
        design=evaluation.design, looks=(), observed=evaluation.observed,
    )  # fmt: skip


def kept_run(
    experiment_id: str, workspace: Path, store: str | None, source: str | None, reading: dict[str, Any]
) -> ExperimentRun:
    """Read a test of the store, up to its last look."""
    from slaopt.apply.experiments.schedule import counted_from
    from slaopt.cli.opening import open_source
    from slaopt.cli.stores import address_of
    from slaopt.errors import InputError
    from slaopt.experiment import Design, look_from_dict
    from slaopt.params import load_params
    from slaopt.report import ExperimentRun
    from slaopt.sources.observing import observe
    from slaopt.store import open_store

    address = address_of(store, load_params(workspace), workspace)
    if address is None:
        raise InputError(f"{experiment_id}: neither a file nor a test that a store knows; name the store with --store")
    with open_store(address).begin() as transaction:
        record = transaction.experiments.get(experiment_id)
        looks = () if record is None else tuple(transaction.experiments.looks(record))
    if record is None:
        raise InputError(f"{experiment_id}: neither a file nor a test in the store; `slaopt experiment list` has them")
    if record.experiment_start is None or not looks:
        raise InputError(f"{experiment_id}: no look has been taken yet; `slaopt experiment watch` takes those due")
    design = Design.from_dict(record.design)
    opened = open_source(source, workspace=workspace, **reading)
    observed = observe(
        opened.source, service=record.service, design=design, params=opened.book.of(record.service),
        start=counted_from(record, design), end=looks[-1].as_of, salt=record.salt,
    )  # fmt: skip
    return ExperimentRun(
        experiment_id=experiment_id, source=opened.source.inspect().reading.source, status=record.status, planned=True,
        design=design, looks=tuple(look_from_dict(look.look) for look in looks), observed=observed,
    )  # fmt: skip
