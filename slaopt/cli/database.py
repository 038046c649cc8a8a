"""Commands about the store's tables: bring them up to date, take them away, say of which version they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slaopt.cli.answers import DONE, print_json
from slaopt.cli.options import place_options

if TYPE_CHECKING:
    from slaopt.store import SchemaState

__all__ = ["db"]


@click.group()
def db() -> None:
    """Make, update or take away the tables of the SLA store.

    \b
    Example:  slaopt db upgrade --store postgresql://sla@db/ops
    """


@db.command()
@place_options
def upgrade(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Bring slaopt's tables to the newest version. Tables and rows that are there already stay as they are.

    \b
    Example:  slaopt db upgrade
    """
    from slaopt.cli.stores import needed_address
    from slaopt.store import open_database
    from slaopt.store import upgrade as upgrade_tables

    return _tell(upgrade_tables(open_database(needed_address(store, workspace))), as_json)


@db.command()
@click.option("--yes", is_flag=True, help="Also where rows are lost: recorded runs, history, decisions.")
@place_options
def downgrade(yes: bool, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Take away all that slaopt added: its tables, and its columns of tables that were there before.

    \b
    Example:  slaopt db downgrade
    """
    from slaopt.cli.stores import needed_address
    from slaopt.store import downgrade as downgrade_tables
    from slaopt.store import open_database

    return _tell(downgrade_tables(open_database(needed_address(store, workspace)), with_rows=yes), as_json)


@db.command()
@place_options
def current(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Say which version of slaopt's tables the store holds.

    \b
    Example:  slaopt db current
    """
    from slaopt.cli.stores import needed_address
    from slaopt.store import current as current_tables
    from slaopt.store import open_database

    return _tell(current_tables(open_database(needed_address(store, workspace))), as_json)


def _tell(state: SchemaState, as_json: bool) -> int:
    from slaopt.printing import schema_line

    if as_json:
        print_json(state.to_dict())
    else:
        click.echo(schema_line(state))
    return DONE
