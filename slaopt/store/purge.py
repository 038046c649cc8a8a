"""What has become old, taken away: measurements, analyses, and what served for a moment; never what was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from slaopt.store import tables

__all__ = ["purge"]

AT_ONCE = 500  # rows named in one statement


def purge(connection: sa.Connection, before: datetime) -> dict[str, int]:
    """Take away what is older than a moment, and tell how many rows of each table that were.

    Of runs the end of their period counts, of measurements their time, of sessions their expiry, of an experiment's
    units its end: its looks stay, no hash does. Runs that a proposal rests on stay, with all that belongs to them. A
    table of measurements that slaopt did not make is not touched.
    """
    counts = {table.name: 0 for table in (tables.answers, tables.runs, tables.analyses, tables.predictions)}
    doomed = _old_runs(connection, before)
    for table, column in (
        (tables.answers, tables.answers.c.run_id),
        (tables.runs, tables.runs.c.id),
        (tables.analyses, tables.analyses.c.id),
        (tables.predictions, tables.predictions.c.id),
    ):
        name = {tables.analyses: "analysis_id", tables.predictions: "prediction_id"}.get(table, "id")
        keys = [row[name] for row in doomed if row[name] is not None]
        for start in range(0, len(keys), AT_ONCE):
            gone = connection.execute(sa.delete(table).where(column.in_(keys[start : start + AT_ONCE])))
            counts[table.name] += gone.rowcount
    aged = {
        tables.requests: tables.requests.c.created_at < before,
        tables.sessions: tables.sessions.c.expires_at < before,
        tables.assignments: tables.assignments.c.experiment_id.in_(_ended(before)),
    }
    if _made(connection, tables.measurements.name):
        aged[tables.measurements] = _measured(connection, before)
    for table, old in aged.items():
        counts[table.name] = connection.execute(sa.delete(table).where(old)).rowcount
    return counts


def _old_runs(connection: sa.Connection, before: datetime) -> list[sa.RowMapping]:
    """Runs on which no proposal rests, neither on them nor on their predictions."""
    runs, proposals = tables.runs, tables.proposals
    rests = sa.or_(proposals.c.run_id == runs.c.id, proposals.c.prediction_id == runs.c.prediction_id)
    query: sa.Select[Any] = sa.select(runs.c.id, runs.c.analysis_id, runs.c.prediction_id).where(
        runs.c.as_of < before, ~sa.exists().where(rests)
    )
    return list(connection.execute(query).mappings())


def _ended(before: datetime) -> sa.Select[Any]:
    table = tables.experiments
    return sa.select(table.c.id).where(table.c.status.in_(("completed", "stopped")), table.c.experiment_end < before)


def _measured(connection: sa.Connection, before: datetime) -> sa.ColumnElement[bool]:
    """Whether a measurement is of before; in SQLite its time is a text, which others write in several forms."""
    time = tables.measurements.c.timestamp
    if connection.dialect.name == "postgresql":
        return time < before
    return sa.func.julianday(time) < sa.func.julianday(before.astimezone(UTC).isoformat())


def _made(connection: sa.Connection, table: str) -> bool:
    noted = sa.table(tables.ADDITIONS, sa.column("table_name"), sa.column("column_name"))
    query = sa.select(sa.func.count()).where(noted.c.table_name == table, noted.c.column_name.is_(None))
    return bool(connection.scalar(query))
