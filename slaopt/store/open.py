"""A store opened: made by the first command that needs it, found by those that only look, never used half made.

SQLite files that are slaopt's own bring themselves up to date. A server's database, and a SQLite file that others use
too, change only by `slaopt db upgrade`.
"""

from __future__ import annotations

from slaopt.errors import InputError
from slaopt.store.database import Database, open_database
from slaopt.store.records import SchemaState
from slaopt.store.schema import current, is_empty, is_own, refuse_newer, upgrade
from slaopt.store.store import Store

__all__ = ["find_store", "make_store", "open_store"]


def make_store(address: str) -> Store:
    """Open the store, and make it first where the address means a SQLite file that is not there or empty.

    Raises
    ------
    InputError
        If slaopt's tables are missing, older or newer, and `slaopt db upgrade` or another version is needed.
    UnreachableError
        If the database does not answer.
    """
    database = open_database(address)
    if database.path is not None and is_empty(database):
        upgrade(database)
    return _opened(database)


def find_store(address: str) -> Store | None:
    """Open the store for one who only looks; None where nothing was made at the address. Raises as `make_store`."""
    database = open_database(address)
    if database.path is not None and is_empty(database):
        return None
    return _opened(database)


def open_store(address: str) -> Store:
    """Open a store that is there. Raises as `make_store`, and where there is none."""
    store = find_store(address)
    if store is None:
        raise InputError(f"{open_database(address).label}: there is no store; slaopt db upgrade makes one")
    return store


def _opened(database: Database) -> Store:
    state = current(database)
    if state.state == "old" and database.path is not None and is_own(database):
        state = upgrade(database)
    refuse_newer(state)
    _refuse_without(state)
    return Store(database)


def _refuse_without(state: SchemaState) -> None:
    remedy = "run slaopt db upgrade with the same --store, which leaves all rows that are there as they are"
    if state.state == "none":
        raise InputError(f"{state.store}: holds no tables of slaopt yet; {remedy}")
    if state.state == "old":
        raise InputError(f"{state.store}: its tables are of schema {state.revision}, not {state.newest}; {remedy}")
