"""The store's database: how it is connected to, and the two kinds of transaction, one that reads and one that writes.

Only one transaction at a time writes, in both engines: SQLite locks its file, PostgreSQL is asked for an advisory lock.
Writing transactions are short, and what they read is still true when they write.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc

from slaopt.databases import Dialect, postgresql_engine, postgresql_url, shown, translated
from slaopt.errors import InputError, UnreachableError
from slaopt.store.address import sqlite_path

__all__ = ["Database", "open_database"]

PATIENCE = 30.0  # seconds that a writer waits for the one before
LATEST = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"  # who waited for the lock sees what was written meanwhile
LOCK = """
    SELECT pg_advisory_xact_lock(hashtext('slaopt store ' || coalesce(
        (SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass('sla_audit_log')),
        quote_ident(current_schema())
    )))
"""  # by the schema that the tables are in: a role may have one of its own before it


class Database:
    """One database; every error of its driver comes out as ours, without secrets."""

    def __init__(self, url: sa.URL, engine: sa.Engine, *, path: Path | None = None) -> None:
        self._url, self._engine, self.path = url, engine, path
        self.label = shown(url)
        self.dialect: Dialect = "sqlite" if path is not None else "postgresql"

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes; what it did is undone where it ends in an error.

        Raises
        ------
        UnreachableError
            If the database does not answer, or others keep it locked.
        InputError
            If it answers with an error.
        """
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if self.dialect == "postgresql":
                connection.execute(sa.text(LATEST))
                connection.execute(sa.text(f"SET LOCAL lock_timeout = {round(1000 * PATIENCE)}"))
                connection.execute(sa.text(LOCK))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a transaction in which everything is seen as of one moment. Raises as `begin`."""
        with self._transaction("BEGIN") as connection:
            if self.dialect == "postgresql":
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield connection

    def create(self) -> None:
        """Make a SQLite file that its owner alone can read, and that is read while it is written; others stay as is."""
        if self.path is None or (self.path.exists() and self.path.stat().st_size):
            return
        if not self.path.exists():
            if not self.path.parent.is_dir():
                raise InputError(f"{self.path.parent}: there is no such folder for the store; make it first")
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        with sqlite3.connect(self.path, isolation_level=None, timeout=PATIENCE) as connection:
            _read_while_written(connection, self.label)
        connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                if self.dialect == "sqlite":
                    connection.exec_driver_sql(begin)
                else:
                    connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
                yield connection
                connection.commit()
        except exc.SQLAlchemyError as error:
            raise translated(error, self._url, self.dialect) from None  # the driver's error may hold the password
        except UnicodeEncodeError as error:  # half a surrogate pair, which JSON can smuggle in
            raise InputError(f"{self.label}: {error.object[:30]!r} holds what is no character; write it anew") from None


def open_database(address: str) -> Database:
    """Open the database at a path or URL; nothing is connected yet.

    Raises
    ------
    InputError
        If the address means neither SQLite nor PostgreSQL, or the driver is not installed.
    """
    path = sqlite_path(address)
    if path is not None:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is no file, so it is no SQLite store; name a file, such as {path / 'slaopt.db'}")
        return Database(sa.URL.create("sqlite", database=str(path)), _sqlite_engine(path), path=path)
    url = postgresql_url(address, otherwise="Give the store a SQLite file or a PostgreSQL database")
    return Database(url, postgresql_engine(url))


def _sqlite_engine(path: Path) -> sa.Engine:
    def connect() -> sqlite3.Connection:
        where, as_uri = _sqlite_name(path)
        connection = sqlite3.connect(where, timeout=PATIENCE, isolation_level=None, uri=as_uri)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def _sqlite_name(path: Path) -> tuple[str | Path, bool]:
    """Give what SQLite is to open, and whether that is a URI: what cannot be written can still be read.

    The write-ahead log needs a file beside the store. Where none can be made and none is there, nobody writes either.
    """
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return path, False
    log = path.with_name(f"{path.name}-wal")
    return f"{path.absolute().as_uri()}?mode=ro{'' if log.exists() else '&immutable=1'}", True


def _read_while_written(connection: sqlite3.Connection, label: str) -> None:
    """Turn on SQLite's write-ahead log; where another process does so too it fails at once, so it is tried again."""
    deadline = time.monotonic() + PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise InputError(f"{label}: SQLite says: {error}") from error
            if time.monotonic() > deadline:
                raise UnreachableError(f"{label} is kept locked by another program; try again") from error
        time.sleep(0.01)
