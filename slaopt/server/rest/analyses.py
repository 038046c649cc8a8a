"""Analyses and recommendations: those of the reports, and those for settings that somebody asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from slaopt.report.answered import Kind
from slaopt.server.answers import Asked
from slaopt.server.base import SlaoptHandler
from slaopt.server.models import Analyse, Recommend
from slaopt.server.operations import operation
from slaopt.server.published import AnalysisAnswer, RecommendationAnswer

__all__ = ["AnalysesHandler", "RecommendationsHandler"]

CHUNK = 256 * 1024  # bytes that are handed to the network at a time


class ListHandler(SlaoptHandler):
    """Sends lists that may be long."""

    async def send_list(self, name: Kind, compute: Callable[[], bytes]) -> None:
        """Send a list in pieces, so that nobody else waits while it is written."""
        text, digest = await self.context.fresh.get(("list", name), lambda: _digested(compute()))
        self.set_header("Content-Type", "application/json")
        self.set_header("Etag", f'"{digest}"')
        if self.check_etag_header():
            self.set_status(304)
            await self.finish()
            return
        for start in range(0, len(text), CHUNK):
            self.write(text[start : start + CHUNK])
            await self.flush()
        await self.finish()


class AnalysesHandler(ListHandler):
    """How services perform."""

    @operation("The latest analysis of each monitored service", action="read", answers={200: list[AnalysisAnswer]})
    async def get(self) -> None:
        """Give what the newest reports found, from the store."""
        await self.send_list("analysis", self.context.answers.published_analyses)

    @operation(
        "Analyse a service",
        action="read",
        body=Analyse,
        answers={200: AnalysisAnswer},
        refusals=(404, 409),
    )
    async def post(self) -> None:
        """Analyse the measurements that the newest report has archived. 400 with the reason where they are too few."""
        body = self.json_body(Analyse)
        settings = (("confidence_level", body.confidence_level), ("days", body.analysis_period_days))
        text = await self.context.computing.answer(Asked("analysis", body.service_type, settings))
        self.answer(text if body.include_seasonal_patterns else await self.run(_without_seasons, text))


class RecommendationsHandler(ListHandler):
    """What should become of thresholds."""

    @operation("The latest recommendation for each service", action="read", answers={200: list[RecommendationAnswer]})
    async def get(self) -> None:
        """Give what the newest reports recommend, from the store, and whether it still holds."""
        context = self.context
        await self.send_list("recommendation", lambda: context.answers.published_recommendations(at=context.now()))

    @operation(
        "Recommend a threshold",
        action="read",
        body=Recommend,
        answers={200: RecommendationAnswer},
        refusals=(404, 409),
    )
    async def post(self) -> None:
        """Recommend a threshold from the measurements that the newest report has archived.

        The answer for the same settings is kept: it is computed once.
        """
        body = self.json_body(Recommend)
        given = (("strategy", body.optimization_strategy), ("business_priority", body.business_priority))
        settings = tuple((name, value) for name, value in given if value is not None)
        self.answer(await self.context.computing.answer(Asked("recommendation", body.service_type, settings)))


def _digested(text: bytes) -> tuple[bytes, str]:
    return text, hashlib.sha256(text).hexdigest()


def _without_seasons(text: bytes) -> bytes:
    analysis = json.loads(text)
    analysis["trend_analysis"]["seasonal_patterns"] = []
    return json.dumps(analysis, ensure_ascii=False).encode()
