"""Pages on which people see what is proposed, approve it and take it back."""

from __future__ import annotations

from typing import Any

from tornado import web

from slaopt.server.pages.static import StaticHandler

__all__ = ["routes"]


def routes(base_url: str) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
    """Give the routes of the pages, with the base URL before each."""
    return [(f"{base_url}slaopt/static/(.+)", StaticHandler, {})]
