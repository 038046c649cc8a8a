"""The version of slaopt's tables in a database: told, brought up to date, taken away again.

`REVISIONS` names the steps in order, so that a store is opened without Alembic, which takes a while to import.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from slaopt.errors import InputError, RefusedError
from slaopt.store.database import Database
from slaopt.store.records import SchemaState, StateOfSchema
from slaopt.store.tables import ADDITIONS, VERSION

__all__ = ["REVISIONS", "current", "downgrade", "is_empty", "is_own", "state_of", "upgrade"]

REVISIONS = ("0001", "0002", "0003")  # the oldest first
MIGRATIONS = Path(__file__).with_name("migrations")


def current(database: Database) -> SchemaState:
    """Tell which version of slaopt's tables the database holds."""
    if database.path is not None and not database.path.exists():
        return SchemaState(store=database.label, revision=None, newest=REVISIONS[-1], state="none")
    with database.reading() as connection:
        return state_of(database, connection)


def state_of(database: Database, connection: sa.Connection) -> SchemaState:
    """Tell the same within a transaction."""
    revision = None
    if sa.inspect(connection).has_table(VERSION):
        revision = connection.scalar(sa.text(f"SELECT version_num FROM {VERSION}"))
    return SchemaState(store=database.label, revision=revision, newest=REVISIONS[-1], state=_state(revision))


def _state(revision: str | None) -> StateOfSchema:
    if revision is None:
        return "none"
    if revision not in REVISIONS:
        return "newer"
    return "current" if revision == REVISIONS[-1] else "old"


def is_empty(database: Database) -> bool:
    """Tell whether the database holds no table at all, or is not there yet."""
    if database.path is not None and not database.path.exists():
        return True
    with database.reading() as connection:
        return not sa.inspect(connection).get_table_names()


def is_own(database: Database) -> bool:
    """Tell whether every table of the database is one that slaopt made."""
    with database.reading() as connection:
        query = sa.text(f"SELECT table_name FROM {ADDITIONS} WHERE column_name IS NULL")
        noted = set(connection.scalars(query))
        return set(sa.inspect(connection).get_table_names()) <= noted | {ADDITIONS, VERSION}


def upgrade(database: Database) -> SchemaState:
    """Bring slaopt's tables to the newest version, in one transaction; tables of others keep their rows.

    Raises
    ------
    InputError
        If a newer slaopt made them, or a table of one of their names is in the way.
    """
    database.create()
    with database.begin() as connection:
        state = state_of(database, connection)
        refuse_newer(state)
        if state.state != "current":
            _run(connection, "upgrade", "head")
        return state_of(database, connection)


def downgrade(database: Database, *, with_rows: bool = False) -> SchemaState:
    """Take away what slaopt added, in one transaction; tables that were there before stay, and all their rows.

    Parameters
    ----------
    with_rows
        Also where that loses rows.

    Raises
    ------
    RefusedError
        If slaopt's tables hold rows and `with_rows` was not said.
    InputError
        If a newer slaopt made them.
    """
    if current(database).state == "none":
        return current(database)
    with database.begin() as connection:
        refuse_newer(state_of(database, connection))
        lost = dict(_rows_to_lose(connection))
        if lost and not with_rows:
            told = ", ".join(f"{count:,} of {table}" for table, count in lost.items())
            raise RefusedError(f"{database.label}: rows would be lost ({told}); keep a copy, then say --yes")
        _run(connection, "downgrade", "base")
        connection.execute(sa.text(f"DROP TABLE {VERSION}"))
        return state_of(database, connection)


def refuse_newer(state: SchemaState) -> None:
    """Raise where a newer slaopt made the tables."""
    if state.state == "newer":
        raise InputError(
            f"{state.store}: its tables are of a newer slaopt (schema {state.revision}; this one knows "
            f"{state.newest}); install that version or a later one"
        )


def _rows_to_lose(connection: sa.Connection) -> Iterator[tuple[str, int]]:
    added = connection.execute(sa.text(f"SELECT table_name FROM {ADDITIONS} WHERE column_name IS NULL ORDER BY id"))
    for name in added.scalars().all():
        if name != "workflow_performance_metrics":  # stays where it holds rows, since slaopt writes none there
            count = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name)))
            if count:
                yield name, count


def _run(connection: sa.Connection, direction: str, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)
