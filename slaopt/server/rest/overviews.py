"""What is asked for most: all services, how well past recommendations did, and whether the server works."""

from __future__ import annotations

from slaopt.errors import SlaoptError
from slaopt.server.answers import Effectiveness, Summary, summarised
from slaopt.server.answers.shelf import written
from slaopt.server.base import SlaoptHandler
from slaopt.server.operations import operation
from slaopt.server.published import HealthAnswer

__all__ = ["EffectivenessHandler", "HealthHandler", "OverviewHandler"]


class OverviewHandler(SlaoptHandler):
    """All services at a glance."""

    @operation("All services", action="read", answers={200: Summary})
    async def get(self) -> None:
        """Give what is decided, advised and waiting; asked again with `If-None-Match`, 304 where that is the same."""
        answers, at = self.context.answers, self.context.now()
        text = await self.context.fresh.get("summary", lambda: written(summarised(answers.overview(at=at)).to_dict()))
        self.answer(text)


class EffectivenessHandler(SlaoptHandler):
    """Past recommendations."""

    @operation("How well past recommendations did", action="read", answers={200: Effectiveness})
    async def get(self) -> None:
        """Give what became of recommendations, predicted against observed, over all and by strategy."""
        self.answer(await self.context.fresh.get("effectiveness", self.context.answers.effectiveness))


class HealthHandler(SlaoptHandler):
    """Whether the server works."""

    @operation("Whether the server works", action=None, answers={200: HealthAnswer, 503: HealthAnswer})
    async def get(self) -> None:
        """Ask the store, and say whether it answers; open to all, so that a monitor needs no login."""
        context = self.context
        try:
            await context.fresh.version()
            healthy = True
        except SlaoptError as error:
            self.log.warning("the store does not answer: %s", error)
            healthy = False
        status = "healthy" if healthy else "unavailable"
        told = {"status": status, "service": "slaopt", "timestamp": context.now()}
        self.answer(told, status=200 if healthy else 503)
