"""Threshold A/B tests: their addresses, and that they come later."""

from __future__ import annotations

from tornado import web

from slaopt.server.base import SlaoptHandler
from slaopt.server.models import StartExperiment, StopExperiment
from slaopt.server.operations import operation

__all__ = ["ActiveExperimentsHandler", "ExperimentHandler", "ExperimentsHandler", "StopExperimentHandler", "later"]

LATER = "experiments come with a later version of slaopt; until then ask for an immediate or a scheduled change"


def later() -> web.HTTPError:
    """Give the answer to whatever takes experiments."""
    return web.HTTPError(501, LATER)


class ExperimentsHandler(SlaoptHandler):
    """Experiments."""

    @operation("Start an experiment", action="propose", body=StartExperiment, answers={}, refusals=(501,))
    async def post(self) -> None:
        """Check what is asked for, and say that experiments come later."""
        self.json_body(StartExperiment)
        raise later()


class ActiveExperimentsHandler(SlaoptHandler):
    """Experiments that run."""

    @operation("Running experiments", action="read", answers={}, refusals=(501,))
    async def get(self) -> None:
        """Say that experiments come later."""
        raise later()


class ExperimentHandler(SlaoptHandler):
    """One experiment."""

    @operation("An experiment", action="read", answers={}, refusals=(501,))
    async def get(self, number: str) -> None:
        """Say that experiments come later."""
        raise later()


class StopExperimentHandler(SlaoptHandler):
    """The end of an experiment before its time."""

    @operation("Stop an experiment", action="approve", body=StopExperiment, answers={}, refusals=(501,))
    async def post(self, number: str) -> None:
        """Check what is asked for, and say that experiments come later."""
        self.json_body(StopExperiment)
        raise later()
