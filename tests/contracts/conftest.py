"""The same rows, written for every kind of source; the same places for a store, in every engine."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slaopt.store import Store, open_database, open_store, upgrade
from tests.parts import require
from tests.postgres import postgresql_server
from tests.store.builders import Place, place

TABLE = "workflow_performance_metrics"
Columns = Mapping[str, Sequence[Any]]
Writer = Callable[[Columns], str]


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    require("postgresql")
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def new(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place with nothing in it."""
    server = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    return place(kind, tmp_path, server)


@pytest.fixture
def made(new: Place) -> Place:
    upgrade(open_database(new.address))
    return new


@pytest.fixture
def store(made: Place) -> Store:
    return open_store(made.address)


@pytest.fixture(params=["csv", "csv.gz", "tsv", "jsonl", "parquet", "sqlite", "postgresql"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Writer:
    """Write columns, by name, and give the address of the source."""
    kind = request.param
    if kind == "postgresql":
        url = request.getfixturevalue("postgresql_url")
        return lambda columns: write_postgresql(url, columns)
    path = tmp_path / f"{TABLE}.{kind}"

    def write_file(columns: Columns) -> str:
        {"sqlite": _sqlite, "parquet": _parquet, "jsonl": _jsonl}.get(kind, _text)(path, columns)
        return f"sqlite:///{path}" if kind == "sqlite" else str(path)

    return write_file


def write_postgresql(url: str, columns: Columns, *, table: str = TABLE, types: Mapping[str, str] | None = None) -> str:
    """Make the table anew; types are PostgreSQL's and guessed where not given."""
    import psycopg
    from psycopg import sql

    known = {name: (types or {}).get(name) or _postgresql_type(values) for name, values in columns.items()}
    defined = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in known.items()
    )
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(table)))
        connection.execute(
            sql.SQL("CREATE TABLE {} (id bigserial PRIMARY KEY, {})").format(sql.Identifier(table), defined)
        )
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table.replace("%", "%%")),
            sql.SQL(", ").join(sql.Identifier(name.replace("%", "%%")) for name in columns),
            sql.SQL(", ").join(sql.SQL("%s::{}").format(sql.SQL(kind)) for kind in known.values()),
        )
        connection.cursor().executemany(insert, list(zip(*columns.values(), strict=True)))
    return url


def _postgresql_type(values: Sequence[Any]) -> str:
    some = next((value for value in values if value is not None), "")
    if isinstance(some, datetime):
        return "timestamptz" if some.tzinfo else "timestamp"
    return {int: "bigint", float: "double precision"}.get(type(some), "text")


def _sqlite(path: Path, columns: Columns) -> None:
    with sqlite3.connect(path) as database:
        names = ", ".join(f'"{name}"' for name in columns)
        database.execute(f'CREATE TABLE "{TABLE}" (id INTEGER PRIMARY KEY, {names})')
        marks = ", ".join("?" for _ in columns)
        rows = ([_plain(value) for value in row] for row in zip(*columns.values(), strict=True))
        database.executemany(f'INSERT INTO "{TABLE}" ({names}) VALUES ({marks})', rows)
    database.close()


def _plain(value: Any) -> Any:
    """A time as the text that most programs write into SQLite."""
    return value.isoformat(" ").replace("+00:00", "Z") if isinstance(value, datetime) else value


def _parquet(path: Path, columns: Columns) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def array(values: Sequence[Any]) -> pa.Array:
        some = next((value for value in values if value is not None), "")
        if isinstance(some, datetime):
            return pa.array(values, pa.timestamp("us", "UTC" if some.tzinfo else None))
        return pa.array(values)

    pq.write_table(pa.table({name: array(values) for name, values in columns.items()}), path)


def _jsonl(path: Path, columns: Columns) -> None:
    def cell(value: Any) -> Any:
        if isinstance(value, float) and value in (float("inf"), -float("inf")):
            return str(value)  # JSON has no such number
        return value.isoformat() if isinstance(value, datetime) else value

    rows = zip(*columns.values(), strict=True)
    lines = (json.dumps(dict(zip(columns, map(cell, row), strict=True))) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _text(path: Path, columns: Columns) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter="\t" if path.suffix == ".tsv" else ",")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([value.isoformat() if isinstance(value, datetime) else value for value in row])
    content = buffer.getvalue().encode("utf-8")
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def utc(text: str) -> datetime:
    """Read a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
