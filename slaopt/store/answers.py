"""`sla_answers`: what was computed from a run with certain settings, kept so that it is not computed again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.records import RunRecord
from slaopt.store.runs import run_of

__all__ = ["AnswerKind", "Answers"]

AnswerKind = Literal["analysis", "recommendation"]


class Answers:
    """Stored answers of the store's runs."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, run_id: int, kind: AnswerKind, settings: str) -> dict[str, Any] | None:
        """Give the answer of a run for settings, which are written in one form by whoever asks."""
        table = tables.answers
        same = (table.c.run_id == run_id, table.c.kind == kind, table.c.settings == settings)
        found: dict[str, Any] | None = self._connection.scalar(sa.select(table.c.answer).where(*same))
        return found

    def put(self, run_id: int, kind: AnswerKind, settings: str, answer: Mapping[str, Any], at: datetime) -> None:
        """Keep an answer; one that is there already stays."""
        if self.get(run_id, kind, settings) is None:
            values = {"run_id": run_id, "kind": kind, "settings": settings, "answer": plain(answer), "created_at": at}
            self._connection.execute(sa.insert(tables.answers).values(values))

    def latest(
        self, kind: AnswerKind, settings: str | None = None, *, services: Collection[str] | None = None
    ) -> dict[str, tuple[RunRecord, dict[str, Any]]]:
        """Give by service (None: of all) the answer of the run of the latest period that has one, with that run.

        Without settings it is the first that was kept of the run: that of the report itself.
        """
        rows = self._latest(tables.answers.c.answer, kind, settings, services)
        return {row["service_type"]: (run_of(row), row["answer"]) for row in rows}

    def latest_texts(
        self, kind: AnswerKind, *, services: Collection[str] | None = None
    ) -> dict[str, tuple[RunRecord, str, str]]:
        """Give the same of the reports themselves, with settings and answer as the database holds them."""
        text = sa.cast(tables.answers.c.answer, sa.Text).label("answer")
        rows = self._latest(text, kind, None, services)
        return {row["service_type"]: (run_of(row), row["settings"], row["answer"]) for row in rows}

    def _latest(
        self,
        answer: sa.ColumnElement[Any],
        kind: AnswerKind,
        settings: str | None,
        services: Collection[str] | None,
    ) -> Iterable[Mapping[Any, Any]]:
        answers, runs = tables.answers, tables.runs
        place = sa.func.row_number().over(
            partition_by=runs.c.service_type, order_by=(runs.c.as_of.desc(), runs.c.id.desc(), answers.c.id)
        )
        ranked = sa.select(answers.c.id, place.label("place")).join(runs).where(answers.c.kind == kind)
        if settings is not None:
            ranked = ranked.where(answers.c.settings == settings)
        if services is not None:
            ranked = ranked.where(runs.c.service_type.in_(list(services)))
        inner = ranked.subquery()
        query = (
            sa.select(runs, answers.c.settings, answer)
            .join(answers, answers.c.run_id == runs.c.id)
            .join(inner, inner.c.id == answers.c.id)
            .where(inner.c.place == 1)
            .order_by(runs.c.service_type)
        )
        return self._connection.execute(query).mappings()
