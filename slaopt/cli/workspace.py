"""Commands that make things to begin with: a workspace, sample measurements."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from slaopt.cli.answers import DONE, print_json
from slaopt.cli.options import Moment, json_option

__all__ = ["init", "sample"]


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--notebooks", is_flag=True, help="Copy the report notebooks too; reports are then made from your copies."
)
@click.option(
    "--solo/--no-solo",
    default=None,
    help="One works alone here: no login, and one's own approval is enough. Makes the store too.",
)
@json_option
def init(directory: Path, notebooks: bool, solo: bool | None, as_json: bool) -> int:
    """Make a workspace: params, a notebook to explore with, a place for reports. What is there already stays.

    \b
    Example:  slaopt init sla-work
    """
    from slaopt.workspace import EXPLORE, REPORT_NOTEBOOKS, init_workspace

    made = init_workspace(directory, notebooks=(EXPLORE, *REPORT_NOTEBOOKS) if notebooks else (EXPLORE,))
    if solo is not None:
        _set_solo(directory, solo)
    if as_json:
        print_json([str(path) for path in made])
        return DONE
    click.echo(f"{directory.resolve()} is a workspace" + (f" ({len(made)} files made)" if made else " already"))
    if solo is not None:
        click.echo("solo mode is on: your own approval is enough" if solo else "solo mode is off: users log in")
    click.echo("next: name your services in params/services/, then slaopt check PATH_OR_URL")
    return DONE


def _set_solo(workspace: Path, on: bool) -> None:
    from slaopt.apply.people import os_user, set_solo
    from slaopt.cli.actors import begun_ledger, known_actor

    at = datetime.now(UTC)
    ledger = begun_ledger(None, workspace)
    set_solo(ledger, on, actor=known_actor(ledger, at=at), os_user=os_user(), at=at)


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("samples"))
@click.option("--end", type=Moment(), help="Last full hour of the simulated time (default: now).")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, other noise.")
@json_option
def sample(directory: Path, end: datetime | None, seed: int, as_json: bool) -> int:
    """Simulate measurements of sample services whose truth is known, and one with broken data.

    \b
    Example:  slaopt sample samples && slaopt check samples
    """
    from slaopt import samples

    last = (end or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    paths = samples.write_samples(directory, end=last, seed=seed)
    if as_json:
        print_json([str(path) for path in paths])
        return DONE
    for path in paths:
        click.echo(str(path))
    return DONE
