"""The REST interface: one handler class for each resource."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from tornado import web

from slaopt.server.answers.shelf import written
from slaopt.server.base import API, SlaoptHandler
from slaopt.server.openapi import document
from slaopt.server.operations import operation
from slaopt.server.rest.analyses import AnalysesHandler, RecommendationsHandler
from slaopt.server.rest.assignments import AssignmentHandler, AssignmentsHandler
from slaopt.server.rest.experiments import (
    ActiveExperimentsHandler,
    AdoptExperimentHandler,
    AmendExperimentHandler,
    ExperimentHandler,
    ExperimentsHandler,
    ProposalTestHandler,
    StopExperimentHandler,
)
from slaopt.server.rest.overviews import EffectivenessHandler, HealthHandler, OverviewHandler
from slaopt.server.rest.proposals import (
    ApproveHandler,
    CommitHandler,
    PreviewHandler,
    ProposalHandler,
    ProposalsHandler,
    RejectHandler,
    ScheduleHandler,
    WithdrawHandler,
)
from slaopt.server.rest.services import ServiceHandler
from slaopt.server.rest.sessions import SessionHandler
from slaopt.server.rest.thresholds import HistoryHandler, RollbackHandler, UpdateHandler

__all__ = ["ROUTES", "routes"]

PLACES = {"number": "([1-9][0-9]{0,8})", "name": "([^/]+)", "id": "([^/]{1,100})"}  # what may stand for them


class OpenApiHandler(SlaoptHandler):
    """What is served here, described for programs."""

    @operation("This interface, as OpenAPI 3.1", action="read", answers={200: dict[str, Any]})
    async def get(self) -> None:
        """Give the document that clients are made from."""
        self.answer(await self.run(_document, f"{self.base_url}{API}"))


ROUTES: tuple[tuple[str, type[SlaoptHandler]], ...] = (
    ("/performance-analysis", AnalysesHandler),
    ("/recommendations", RecommendationsHandler),
    ("/update-threshold", UpdateHandler),
    ("/rollback-threshold", RollbackHandler),
    ("/experiments", ExperimentsHandler),
    ("/experiments/active", ActiveExperimentsHandler),
    ("/experiments/{id}", ExperimentHandler),
    ("/experiments/{id}/stop", StopExperimentHandler),
    ("/experiments/{id}/amend", AmendExperimentHandler),
    ("/experiments/{id}/adopt", AdoptExperimentHandler),
    ("/experiments/{id}/assignment", AssignmentHandler),
    ("/experiments/{id}/assignments", AssignmentsHandler),
    ("/history/threshold-changes", HistoryHandler),
    ("/metrics/optimization-effectiveness", EffectivenessHandler),
    ("/health", HealthHandler),
    ("/overview", OverviewHandler),
    ("/proposals", ProposalsHandler),
    ("/proposals/{number}", ProposalHandler),
    ("/proposals/{number}/preview", PreviewHandler),
    ("/proposals/{number}/approve", ApproveHandler),
    ("/proposals/{number}/schedule", ScheduleHandler),
    ("/proposals/{number}/test", ProposalTestHandler),
    ("/proposals/{number}/reject", RejectHandler),
    ("/proposals/{number}/withdraw", WithdrawHandler),
    ("/proposals/{number}/commit", CommitHandler),
    ("/services/{name}", ServiceHandler),
    ("/session", SessionHandler),
    ("/openapi.json", OpenApiHandler),
)


def routes(base_url: str) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
    """Give the routes of the REST interface, with the base URL before each."""
    return [(f"{re.escape(f'{base_url}{API}')}{_pattern(path)}", handler, {}) for path, handler in ROUTES]


def _pattern(path: str) -> str:
    """Give the regular expression of a path.

    >>> _pattern("/proposals/{number}/preview")
    '/proposals/([1-9][0-9]{0,8})/preview'
    """
    return re.sub(r"{(\w+)}", lambda found: PLACES[found[1]], path)


@cache
def _document(server: str) -> bytes:
    return written(document(ROUTES, server=server))
