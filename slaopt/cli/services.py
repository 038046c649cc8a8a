"""Commands about what is decided of services: list it, decide it first, have slaopt look after one or leave it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from slaopt.cli.actors import setting_up
from slaopt.cli.answers import DONE, complain, print_json, print_lines
from slaopt.cli.options import Seconds, place_options

if TYPE_CHECKING:
    from slaopt.store import Store
    from slaopt.store.store import Decided

__all__ = ["services"]


@click.group(invoke_without_command=True)
@click.pass_context
def services(context: click.Context) -> int:
    """List the services of the SLA store, add one, enable or disable one.

    \b
    Example:  slaopt services add checkout --threshold 2s --objective 0.99
    """
    if context.invoked_subcommand is None:
        return int(context.invoke(list_services, store=None, workspace=None, as_json=False))
    return DONE


@services.command(name="list")
@place_options
def list_services(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """List what is decided of each service, and what its latest report found.

    \b
    Example:  slaopt services list
    """
    from slaopt.printing import service_lines

    with _store(store, workspace).reading() as transaction:
        records, runs = list(transaction.services().values()), transaction.latest_runs()
    if as_json:
        last = {name: run.to_dict() for name, run in runs.items()}
        print_json(
            [record.to_dict() | {"state": record.state, "last_run": last.get(record.service)} for record in records]
        )
    else:
        print_lines(service_lines(records, runs))
    return DONE


@services.command()
@click.argument("name")
@click.option("--threshold", type=Seconds(), required=True, help="How long an execution may take: seconds, or 300ms.")
@click.option("--objective", type=click.FloatRange(0, 1, min_open=True, max_open=True),
              help="Share of executions that must keep it, 0–1 (default: that of params).")  # fmt: skip
@click.option("--min", "least", type=Seconds(), help="Least threshold that may be recommended.")
@click.option("--max", "most", type=Seconds(), help="Greatest threshold that may be recommended.")
@click.option("--unit", default="seconds", show_default=True, help="Unit in which the row holds its thresholds.")
@place_options
def add(
    name: str, threshold: float, objective: float | None, least: float | None, most: float | None, unit: str,
    store: str | None, workspace: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Decide the first threshold and objective of a service.

    \b
    Example:  slaopt services add checkout --threshold 2s --objective 0.99
    """
    from slaopt.apply.services import add_service
    from slaopt.printing import visible
    from slaopt.store import first_record, service_name

    service = service_name(name)
    agreed = objective if objective is not None else _objective(service, workspace)
    record = first_record(service, threshold=threshold, objective=agreed, least=least, most=most)
    by = setting_up(store, workspace)
    added = add_service(by.ledger, record, unit=unit, actor=by.actor, at=by.at)
    if as_json:
        print_json(added.to_dict())
    else:
        click.echo(f"{visible(service)} is added to {by.ledger.store.label}")
    return DONE


@services.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@place_options
def enable(names: tuple[str, ...], store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Have slaopt look after services again.

    \b
    Example:  slaopt services enable checkout
    """
    return _switch(names, store, workspace, as_json, enabled=True)


@services.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@place_options
def disable(names: tuple[str, ...], store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Have slaopt leave services out, unless a command names them.

    \b
    Example:  slaopt services disable checkout
    """
    return _switch(names, store, workspace, as_json, enabled=False)


@services.command(name="set")
@click.argument("name")
@click.option("--auto-adjust/--no-auto-adjust", default=None,
              help="Bring routine changes of low risk into force without a person.")  # fmt: skip
@click.option("--min", "least", type=Seconds(), help="Least threshold that may be recommended or set.")
@click.option("--max", "most", type=Seconds(), help="Greatest threshold that may be recommended or set.")
@click.option("--unbounded", is_flag=True, help="Take away the bounds that are not given.")
@place_options
def set_service(
    name: str, auto_adjust: bool | None, least: float | None, most: float | None, unbounded: bool,
    store: str | None, workspace: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Decide within which bounds a service's threshold may lie, and whether it adjusts by itself.

    \b
    Example:  slaopt services set checkout --auto-adjust --min 1s --max 5s
    """
    from slaopt.apply.services import configure
    from slaopt.printing import decided_line

    decided: dict[str, Any] = {} if auto_adjust is None else {"auto_adjust": auto_adjust}
    bounds = {"min_threshold": least, "max_threshold": most}
    decided |= {bound: value for bound, value in bounds.items() if unbounded or value is not None}
    if not decided:
        raise click.UsageError("nothing to set: give --auto-adjust, --min, --max or --unbounded")
    by = setting_up(store, workspace)
    record = configure(by.ledger, name, actor=by.actor, at=by.at, **cast("Decided", decided))
    if as_json:
        print_json(record.to_dict() | {"state": record.state})
    else:
        click.echo(decided_line(record))
    return DONE


def _switch(names: tuple[str, ...], store: str | None, workspace: Path | None, as_json: bool, *, enabled: bool) -> int:
    from slaopt.apply.services import switch
    from slaopt.printing import visible

    by = setting_up(store, workspace)
    records = switch(by.ledger, names, enabled=enabled, actor=by.actor, at=by.at)
    for record in records:
        if record.state == "not active":
            complain(f"{record.service} is not active (is_active) in sla_configurations: it stays left out")
    if as_json:
        print_json([record.to_dict() | {"state": record.state} for record in records])
    else:
        print_lines(f"{visible(record.service)} is {record.state}" for record in records)
    return DONE


def _store(given: str | None, workspace: Path | None) -> Store:
    from slaopt.cli.stores import needed_address
    from slaopt.store import make_store

    return make_store(needed_address(given, workspace))


def _objective(service: str, workspace: Path | None) -> float:
    """The objective that params have for the service, or the built-in one outside a workspace."""
    from slaopt.errors import InputError
    from slaopt.params import load_params
    from slaopt.workspace import find_workspace

    try:
        found: Path | None = find_workspace(workspace)
    except InputError:
        if workspace is not None:
            raise
        found = None
    return load_params(found).of(service).objective
