"""What tests of the store share: both engines, tables that were there before, and runs to record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from slaopt.params import Params, ParamsBook
from slaopt.store import NewRun

AT = datetime(2026, 11, 3, 14, 30, tzinfo=UTC)
AS_OF = datetime(2026, 11, 3, 14, tzinfo=UTC)
BOOK = ParamsBook(default=Params(threshold=2.0, objective=0.99), services={})
_numbers = count()


@dataclass(frozen=True)
class Place:
    """Where a store is, with a way in that does not go through slaopt."""

    address: str
    dialect: str

    def run(self, *statements: str) -> None:
        with self.connection() as connection:
            for statement in statements:
                if self.dialect == "postgresql":
                    statement = statement.replace("INTEGER PRIMARY KEY", "SERIAL PRIMARY KEY")
                connection.exec_driver_sql(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def all_of(self, table: str, columns: Sequence[str] = ("*",)) -> list[tuple[Any, ...]]:
        """Every row, in an order that hangs on nothing but what is in it."""
        return sorted(self.rows(f"SELECT {', '.join(columns)} FROM {table}"), key=repr)

    def tables(self) -> dict[str, list[str]]:
        with self.connection() as connection:
            looked = sa.inspect(connection)
            names = looked.get_table_names()
            return {name: [column["name"] for column in looked.get_columns(name)] for name in names}

    def content(self, *tables: str) -> list[Any]:
        """Tables' definitions and rows, to the last digit."""
        with self.connection() as connection:
            if self.dialect == "sqlite":
                told = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name").all()
                known: list[Any] = [tuple(row) for row in told if row[0] in tables]
            else:
                known = [str(sa.inspect(connection).get_columns(table)) for table in tables]
        return known + [self.all_of(table) for table in tables]

    @contextmanager
    def connection(self) -> Iterator[sa.Connection]:
        if self.dialect == "sqlite":
            path = self.address.removeprefix("sqlite:///")
            engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=sa.NullPool)
        else:
            engine = sa.create_engine(self.address, poolclass=sa.NullPool)
        with engine.begin() as connection:
            yield connection


def place(kind: str, folder: Path, server: str | None = None) -> Place:
    """An address at which nothing is yet; of a server, an empty schema of its own."""
    if kind == "sqlite":
        return Place(f"sqlite:///{folder / 'slaopt.db'}", kind)
    assert server is not None
    name = f"store_{next(_numbers)}"
    own = sa.make_url(server).set(database="stores")  # tests of measurements see only what they wrote themselves
    with _at_once(sa.make_url(server)) as connection:
        if not connection.scalar(sa.text("SELECT count(*) FROM pg_database WHERE datname = 'stores'")):
            connection.exec_driver_sql("CREATE DATABASE stores")
    with _at_once(own) as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    return Place(f"{own.render_as_string(hide_password=False)}?options=-csearch_path%3D{name}", kind)


@contextmanager
def _at_once(url: sa.URL) -> Iterator[sa.Connection]:
    with sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as connection:
        yield connection


def new_run(service: str = "checkout", *, digest: str = "a", **recommendation: Any) -> NewRun:
    """A run as a report's result.json has it, with only what the store takes from it."""
    return NewRun(
        service=service,
        as_of=AS_OF,
        input_digest=digest * 64,
        identity=digest * 64,
        manifest_digest="e" * 64,
        report_path=f"{service}/{digest}",
        slaopt_version="0.3.0",
        analysis={
            "analysis_period": 30,
            "performance_statistics": {"mean": 1.2},
            "trend_analysis": {"direction": "stable"},
            "baseline_performance": {"baseline_value": 1.2},
            "data_quality_score": 0.97,
            "sample_size": 12_000,
            "confidence_level": 0.95,
        },
        recommendation={
            "verdict": "raise",
            "sentence": "Raise the threshold from 2 s to 2.5 s.",
            "current_threshold": 2.0,
            "recommended_threshold": 2.5,
            "predicted_outcomes": {
                "expected_violation_rate": 0.006, "reliability_score_change": 0.004, "team_stress_reduction": 0.25,
            },
            "confidence_score": 0.91,
            "implementation_risk": "low",
            "risk_factors": [{"name": "thin data", "level": "low"}],
            "mitigation_strategies": ["Look again in a week."],
        }
        | recommendation,
    )  # fmt: skip


def names(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    return [row[0] for row in rows]
