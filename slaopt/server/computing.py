"""Analyses and recommendations with other settings than a report's own: computed once, then kept with its run."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tornado import web

from slaopt.errors import InputError, RefusedError, SlaoptError
from slaopt.report.answered import Kind, answer_of
from slaopt.server.answers.shelf import written

if TYPE_CHECKING:
    from slaopt.report.manifest import Run
    from slaopt.server.answers import Asked, Wanted
    from slaopt.server.answers.asked import Place
    from slaopt.server.context import Context

__all__ = ["Computing", "computed", "opened"]

logger = logging.getLogger("slaopt.computing")

MOST_WAITING = 16  # computations; whoever comes then is asked to come again
MOST_KEPT = 100  # answers of one run that one server puts into the store, so that nobody fills it


class Computing:
    """Answers for any settings: from the store, else computed in the desk's process, once for all who ask the same."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running: dict[Place, asyncio.Task[bytes]] = {}
        self._waiting = 0  # computations that are not done
        self._kept: Counter[int] = Counter()

    async def answer(self, asked: Asked) -> bytes:
        """Give an answer as it is sent.

        Raises
        ------
        InputError
            If there is no report of the service, or its measurements are too few for what is asked.
        RefusedError
            If the report is not as it was recorded.
        """
        context = self._context
        standing = await context.fresh.get("standing", lambda: context.answers.standing(at=context.now()))
        wanted = standing.wanted(asked)
        text = context.answers.remembered(wanted.place)
        return wanted.sent(await self._found(wanted) if text is None else text)

    async def _found(self, wanted: Wanted) -> bytes:
        """Read an answer or compute it, once for all who ask meanwhile."""
        place = wanted.place
        if place not in self._running:
            task = asyncio.ensure_future(self._compute(wanted))
            self._running[place] = task
            task.add_done_callback(lambda _: self._running.pop(place))
        return await asyncio.shield(self._running[place])

    async def _compute(self, wanted: Wanted) -> bytes:
        context, (run_id, kind, settings) = self._context, wanted.place
        text = await context.run(context.answers.kept, wanted.place)
        if text is not None:
            return text
        if self._waiting >= MOST_WAITING:
            raise web.HTTPError(503, "too much is being computed; try again in a few seconds")
        folder = context.reports / wanted.run.report_path
        self._waiting += 1
        try:
            answer = await context.compute(computed, folder, wanted.run.manifest_digest, kind, dict(wanted.settings))
        finally:
            self._waiting -= 1
        text = await context.run(written, answer)
        context.answers.keep(wanted.place, text)
        if self._kept[run_id] < MOST_KEPT:
            self._kept[run_id] += 1
            await context.wait_for(self._store, run_id, kind, settings, answer)
        return text

    def _store(self, run_id: int, kind: Kind, settings: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer, unless slaopt is switched off; where the store takes none it is an answer all the same."""
        ledger = self._context.ledger
        try:
            if ledger.is_on:
                with ledger.store.begin() as transaction:
                    transaction.answers.put(run_id, kind, settings, answer, self._context.now())
        except SlaoptError as error:
            logger.warning("an answer was not kept: %s", error)


def computed(folder: Path, manifest_digest: str, kind: Kind, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Compute an answer from a report's archive; called in the desk's process.

    Raises
    ------
    RefusedError
        If the report is not the one of that manifest, or its files were changed.
    InputError
        If the measurements are too few for what is asked.
    """
    from slaopt.assess import Assessment, analyze, assess
    from slaopt.result import Skipped

    run = opened(folder, manifest_digest)
    params = run.params.model_copy(update=dict(settings))
    made = analyze(run.profiles, params) if kind == "analysis" else assess(run.profiles, params)
    if isinstance(made, Skipped):
        raise InputError(f"{run.service}: {made.reason}")
    published = made.recommendation.to_dict() if isinstance(made, Assessment) else made.to_dict()
    plain: dict[str, Any] = json.loads(json.dumps(answer_of(kind, published), allow_nan=False))
    return plain


def opened(folder: Path, manifest_digest: str) -> Run:
    """Open a report's archive, if it is the one of that manifest.

    Raises
    ------
    RefusedError
        If it is not, or its files were changed.
    """
    from slaopt.report.folders import is_whole
    from slaopt.report.manifest import Manifest, open_run

    if not is_whole(folder) or Manifest.read(folder).digest != manifest_digest:
        raise RefusedError(
            f"the report {folder.parent.name}/{folder.name} is not as it was recorded; look at it with slaopt verify, "
            "and make a fresh one with slaopt report"
        )
    return open_run(folder)
