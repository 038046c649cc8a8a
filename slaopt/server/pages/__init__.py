"""Pages on which people see what is proposed, approve it and take it back."""

from __future__ import annotations

import re
from typing import Any

from tornado import web

from slaopt.server.pages.dialogs import ChangeDialogHandler, ProposalDialogHandler, ServiceDialogHandler
from slaopt.server.pages.experiment_dialogs import (
    ExperimentDialogHandler,
    ServiceTestDialogHandler,
    TestDialogHandler,
)
from slaopt.server.pages.experiment_views import ExperimentHandler, ExperimentsHandler
from slaopt.server.pages.rendering import UNDER
from slaopt.server.pages.static import StaticHandler
from slaopt.server.pages.views import (
    ConfigureHandler,
    HistoryHandler,
    OverviewHandler,
    PrivacyHandler,
    RecommendationsHandler,
    ReportFileHandler,
    ReportHandler,
)

__all__ = ["routes"]

EXPERIMENT = "([A-Za-z0-9._-]{1,40})"
FOLDER, NAME = r"([a-z0-9][a-z0-9-]{0,60})", r"([0-9TZa-f-]{20,40})"
ROUTES: tuple[tuple[str, type[web.RequestHandler]], ...] = (
    ("", OverviewHandler),
    ("recommendations", RecommendationsHandler),
    ("experiments", ExperimentsHandler),
    (f"experiments/{EXPERIMENT}", ExperimentHandler),
    ("history", HistoryHandler),
    ("configure", ConfigureHandler),
    ("privacy", PrivacyHandler),
    (f"reports/{FOLDER}/{NAME}", ReportHandler),
    (f"files/{FOLDER}/{NAME}/report[.]html", ReportFileHandler),
    (
        "dialogs/proposals/([1-9][0-9]{0,8})/(preview|approve|schedule|reject|withdraw|commit)",
        ProposalDialogHandler,
    ),
    ("dialogs/proposals/([1-9][0-9]{0,8})/test", TestDialogHandler),
    (f"dialogs/experiments/{EXPERIMENT}/(stop|amend|adopt)", ExperimentDialogHandler),
    ("dialogs/services/test", ServiceTestDialogHandler),
    ("dialogs/changes/([A-Za-z0-9-]{1,40})/rollback", ChangeDialogHandler),
    ("dialogs/services/(propose|adjust|configure)", ServiceDialogHandler),
    ("static/([a-z.]{1,40})", StaticHandler),
)


def routes(base_url: str) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
    """Give the routes of the pages, with the base URL before each."""
    return [(f"{re.escape(f'{base_url}{UNDER}')}{pattern}", handler, {}) for pattern, handler in ROUTES]
