"""`sla_runs`: the reports that were made, each with its analysis and its prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.recording import analysis_row, prediction_row, run_row
from slaopt.store.records import NewRun, RunRecord
from slaopt.store.types import Exact

__all__ = [
    "add_prediction",
    "add_run",
    "find_run",
    "latest_runs",
    "read_prediction",
    "run_by_id",
    "run_of",
    "runs_of_report",
]


def find_run(connection: sa.Connection, service: str, input_digest: str) -> RunRecord | None:
    """Give the run of a service that was made from that input."""
    table = tables.runs
    query = sa.select(table).where(table.c.service_type == service, table.c.input_digest == input_digest)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else run_of(row)


def run_by_id(connection: sa.Connection, number: int) -> RunRecord | None:
    """Give a run by its id."""
    table = tables.runs
    row = connection.execute(sa.select(table).where(table.c.id == number)).mappings().one_or_none()
    return None if row is None else run_of(row)


def runs_of_report(connection: sa.Connection, service: str, *, identity: str, report_path: str) -> list[RunRecord]:
    """Give the runs that made a report of that identity, or one at that place."""
    table = tables.runs
    made = sa.and_(table.c.service_type == service, table.c.identity == identity)
    query = sa.select(table).where(sa.or_(made, table.c.report_path == report_path)).order_by(table.c.id)
    return [run_of(row) for row in connection.execute(query).mappings()]


def latest_runs(connection: sa.Connection, services: Iterable[str] | None = None) -> dict[str, RunRecord]:
    """Give the run of the latest period by service (None: of all), of those the one recorded last."""
    table = tables.runs
    place = sa.func.row_number().over(
        partition_by=table.c.service_type, order_by=(table.c.as_of.desc(), table.c.id.desc())
    )
    ranked = sa.select(table.c.id, place.label("place"))
    if services is not None:
        ranked = ranked.where(table.c.service_type.in_(list(services)))
    inner = ranked.subquery()
    query = sa.select(table).join(inner, inner.c.id == table.c.id).where(inner.c.place == 1)
    rows = connection.execute(query.order_by(table.c.as_of, table.c.id)).mappings()
    return {row["service_type"]: run_of(row) for row in rows}


def add_run(connection: sa.Connection, run: NewRun, *, at: datetime) -> int:
    """Add a run with its analysis, and with its recommendation as a prediction; give its id."""
    analysis = _insert(connection, tables.analyses, analysis_row(run))
    predicted = prediction_row(run)
    prediction = None if predicted is None else _insert(connection, tables.predictions, predicted)
    references = {"analysis_id": analysis, "prediction_id": prediction, "created_at": at}
    return _insert(connection, tables.runs, run_row(run) | references)


def read_prediction(connection: sa.Connection, number: int) -> dict[str, Any] | None:
    """Give a row of `sla_threshold_impact_predictions`, thresholds in seconds."""
    table = tables.predictions
    row = connection.execute(sa.select(table).where(table.c.id == number)).mappings().one_or_none()
    if row is None:
        return None
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def add_prediction(connection: sa.Connection, values: Mapping[str, Any]) -> int:
    """Add a row of `sla_threshold_impact_predictions` that no report made; give its id."""
    table = tables.predictions
    told = {
        name: Decimal(f"{value:.12g}") if isinstance(table.c[name].type, Exact) and value is not None
        else value if isinstance(value, datetime) else plain(value)
        for name, value in values.items()
    }  # fmt: skip
    return _insert(connection, table, told)


def run_of(row: Mapping[Any, Any]) -> RunRecord:
    """Give a row of `sla_runs` as what leaves the store."""
    return RunRecord(
        id=row["id"],
        service=row["service_type"],
        as_of=row["as_of"],
        input_digest=row["input_digest"],
        identity=row["identity"],
        manifest_digest=row["manifest_digest"],
        report_path=row["report_path"],
        slaopt_version=row["slaopt_version"],
        verdict=row["verdict"],
        sentence=row["sentence"],
        analysis_id=row["analysis_id"],
        prediction_id=row["prediction_id"],
        recorded_at=row["created_at"],
    )


def _insert(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> int:
    added: int = connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
    return added
