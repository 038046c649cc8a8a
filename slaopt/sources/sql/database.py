"""A database opened to read and for nothing else, and the table that holds the measurements."""

from __future__ import annotations

import difflib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc

from slaopt.databases import PATIENCE, Dialect, postgresql_engine, postgresql_url, shown, translated
from slaopt.errors import InputError
from slaopt.sources.columns import listed

__all__ = ["DEFAULT_TABLE", "Database", "Kind", "Table", "TableColumn", "open_database"]

DEFAULT_TABLE = "workflow_performance_metrics"

Kind = Literal["any", "number", "decimal", "interval", "text", "boolean", "zoned", "naive", "other"]

_KINDS: dict[str, Kind] = {
    "int2": "number", "int4": "number", "int8": "number", "float4": "number", "float8": "number",
    "numeric": "decimal", "money": "decimal", "interval": "interval", "time": "interval", "bool": "boolean",
    "timestamptz": "zoned", "timestamp": "naive", "date": "naive",
    "text": "text", "varchar": "text", "bpchar": "text", "name": "text", "citext": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table: `any` where each row may hold another type, as in SQLite."""

    name: str
    kind: Kind
    type: str  # as the database calls it, for messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table or view."""

    schema: str | None
    name: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]  # columns of its primary key

    @property
    def label(self) -> str:
        """Its name as a user would give it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


class Database:
    """One database, read only; every error of its driver comes out as ours, without secrets."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        self._url, self._engine = url, engine
        self.label = shown(url)
        self.dialect: Dialect = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a read-only transaction in which everything is seen as of one moment, session time zone UTC.

        Raises
        ------
        UnreachableError
            If the database does not answer, or not in time.
        InputError
            If it answers with an error.
        """
        try:
            with self._engine.connect() as connection:
                if self.dialect == "postgresql":
                    connection = connection.execution_options(isolation_level="REPEATABLE READ")
                    connection.execute(sa.text("SET TRANSACTION READ ONLY"))
                    connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
                    connection.execute(sa.text("SET LOCAL cursor_tuple_fraction = 1"))  # all rows are fetched
                    # in the order of the table, whoever else reads it, so that sums are the same to the last digit
                    connection.execute(sa.text("SET LOCAL synchronize_seqscans = off"))
                yield connection
                connection.rollback()
        except exc.SQLAlchemyError as error:
            raise translated(error, self._url, self.dialect) from None

    def table(self, wanted: str | None) -> Table:
        """Find the table that was named, else the usual one, else the only one.

        Raises
        ------
        InputError
            If there is none, or none of that name, or several to choose from.
        """
        with self.reading() as connection:
            schema, name = self._chosen(connection, wanted)
            if self.dialect == "sqlite":
                return _sqlite_table(connection, name)
            return _postgresql_table(connection, schema, name)

    def _chosen(self, connection: sa.Connection, wanted: str | None) -> tuple[str | None, str]:
        tables = _sqlite_tables(connection) if self.dialect == "sqlite" else _postgresql_tables(connection)
        labels = {f"{schema}.{name}" if schema else name: (schema, name) for schema, name in tables}
        if not tables:
            raise InputError(f"{self.label} holds no table that can be read")
        if wanted is None:
            usual = [table for table in tables if table[1] == DEFAULT_TABLE]
            if len(usual) == 1 or len(tables) == 1:
                return (usual or tables)[0]
            raise InputError(f"{self.label} holds several tables: {listed(list(labels))}; name one: --table NAME")
        alike = [label for label in labels if label.casefold() == wanted.casefold()]
        if wanted in labels or len(alike) == 1:
            return labels.get(wanted) or labels[alike[0]]
        if len(elsewhere := [table for table in tables if table[1] == wanted]) == 1:
            return elsewhere[0]
        near = difflib.get_close_matches(wanted, list(labels), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{self.label} has no table {wanted!r} among {listed(list(labels))}{hint}")


def open_database(address: str) -> Database:
    """Open the database at a SQLAlchemy URL; nothing is connected yet, but a SQLite file must be there.

    Raises
    ------
    InputError
        If the URL is none, the file is missing, or the driver is not installed.
    """
    if address.split(":", 1)[0].split("+")[0] == "sqlite":
        path = address.partition(":///")[2]  # as it stands: no sign has a meaning in it
        return Database(sa.URL.create("sqlite", database=path), _sqlite_engine(path))
    url = postgresql_url(address, otherwise="Export the table to CSV or Parquet and give the file instead")
    return Database(url, postgresql_engine(url))


def _sqlite_engine(path: str) -> sa.Engine:
    if not path or path == ":memory:":
        raise InputError("a SQLite database in memory holds nothing to read; name a file: sqlite:///path/to/file.db")
    if path.startswith("file:"):
        raise InputError("SQLite's own file: addresses are not taken; write sqlite:///path/to/file.db")
    file = Path(path)
    if not file.exists():
        raise InputError(f"{path}: there is no such file" + ("" if file.is_absolute() else f" in {Path.cwd()}"))
    if not file.is_file():
        raise InputError(f"{path} is no file, so it is no SQLite database")

    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(file.resolve()))}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        return connection

    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)


def _sqlite_tables(connection: sa.Connection) -> list[tuple[None, str]]:
    names = connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"))
    return [(None, name) for name in sorted(names) if not name.startswith("sqlite_")]


def _sqlite_table(connection: sa.Connection, name: str) -> Table:
    statement = sa.text("SELECT name, type, pk FROM pragma_table_xinfo(:name) WHERE hidden <> 1")
    rows = connection.execute(statement, {"name": name}).all()
    key = [row.name for row in sorted(rows, key=lambda row: row.pk) if row.pk]
    columns = [TableColumn(name=row.name, kind="any", type=row.type or "any") for row in rows]
    return Table(schema=None, name=name, columns=tuple(columns), key=tuple(key))


_POSTGRESQL_TABLES = """
SELECT CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE n.nspname END AS schema, c.relname AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY 1 NULLS FIRST, 2
"""

_POSTGRESQL_COLUMNS = """
SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       coalesce(base.typname, t.typname) AS base, array_position(i.indkey::int2[], a.attnum) AS key
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type base ON base.oid = t.typbasetype
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relname = :name AND CASE WHEN :schema = '' THEN pg_table_is_visible(c.oid) ELSE n.nspname = :schema END
ORDER BY a.attnum
"""


def _postgresql_tables(connection: sa.Connection) -> list[tuple[str | None, str]]:
    return [(row.schema, row.name) for row in connection.execute(sa.text(_POSTGRESQL_TABLES))]


def _postgresql_table(connection: sa.Connection, schema: str | None, name: str) -> Table:
    rows = connection.execute(sa.text(_POSTGRESQL_COLUMNS), {"name": name, "schema": schema or ""}).all()
    columns = [TableColumn(name=row.name, kind=_KINDS.get(row.base, "other"), type=row.type) for row in rows]
    keys: Sequence[Any] = sorted((row for row in rows if row.key is not None), key=lambda row: row.key)
    return Table(schema=schema, name=name, columns=tuple(columns), key=tuple(row.name for row in keys))
