"""The REST interface: one handler class for each resource."""

from __future__ import annotations

from typing import Any

from tornado import web

__all__ = ["routes"]


def routes(base_url: str) -> list[tuple[str, type[web.RequestHandler], dict[str, Any]]]:
    """Give the routes of the REST interface, with the base URL before each."""
    return []
