"""What every page is: HTML under the pages' own policy, made off the event loop, and sent only where it is new."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado.httputil import url_concat

from slaopt.apply.actor import may
from slaopt.server.base import SlaoptHandler
from slaopt.server.pages.rendering import POLICY, fill, sentence
from slaopt.server.pages.shell import TABS, shell_of

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor
    from slaopt.server.answers import Overview

__all__ = ["FragmentHandler", "PageHandler"]

Values = dict[str, Any]
TITLES = {401: "Log in first", 403: "Not allowed", 404: "Nothing here", 409: "Refused", 503: "Not there now"}


class HtmlHandler(SlaoptHandler):
    """Answers in HTML, and leads one who is not logged in to the login page."""

    @property
    def content_security_policy(self) -> str:
        """Scripts, styles and pictures of this server alone, and nothing written into the page."""
        return POLICY

    def ask_to_log_in(self) -> None:
        """Go to the login page, and from there back to where one wanted to go."""
        self.redirect(url_concat(self.get_login_url(), {"next": str(self.request.uri)}))

    def send(self, text: str, status: int = 200) -> None:
        """Answer with HTML."""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)


class PageHandler(HtmlHandler):
    """A whole page with its tabs. It says which version of itself it is, and is not sent to one who has that."""

    _version = ""

    def compute_etag(self) -> str | None:
        """Give the version of the page that is sent."""
        return f'"{self._version}"' if self._version else None

    async def show(
        self, template: str, *, tab: str, title: str, make: Callable[[Overview, Actor], Values], name: str = ""
    ) -> None:
        """Answer with a page; what `make` gives for its template is made in a thread, and for one actor once.

        Parameters
        ----------
        name
            What else the page hangs on, beside template and actor.
        """
        actor, context, base_url = await self.actor(), self.context, self.base_url
        logout, login = f"{base_url}logout", str(self.get_login_url())

        def written() -> tuple[str, str]:
            overview = context.answers.overview(at=context.now())
            shell = shell_of(overview, actor, mode=context.mode, server=context.book.default.server)
            values = make(overview, actor)
            text = fill(
                template, base_url=base_url, tab=tab, tabs=TABS, title=title, kind=tab, version="", shell=shell,
                login=login, logout=logout, can_administer=overview.enabled and may(actor, "administer"), **values,
            )  # fmt: skip
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            return text.replace('data-version=""', f'data-version="{digest}"', 1), digest

        text, self._version = await context.fresh.get(("page", template, name, actor), written)
        _ = self.xsrf_token  # sets the cookie that scripts send back
        self.send(text)

    def show_error(self, status_code: int, told: dict[str, str]) -> None:
        """Say on a page what went wrong."""
        self.send(
            fill(
                "error.html", base_url=self.base_url, title=TITLES.get(status_code, "Something went wrong"),
                kind="entrance", message=sentence(told["message"]),
            ),
            status_code,
        )  # fmt: skip


class FragmentHandler(HtmlHandler):
    """What a dialog shows, without a page around it."""

    async def show(self, template: str, **values: Any) -> None:
        """Answer with a part of a page."""
        text = await self.run(fill, template, base_url=self.base_url, **values)
        self.send(text)

    def show_error(self, status_code: int, told: dict[str, str]) -> None:
        """Say in the dialog what went wrong."""
        self.send(
            fill(
                "dialog_error.html", base_url=self.base_url, title=TITLES.get(status_code, "Something went wrong"),
                message=sentence(told["message"]),
            ),
            status_code,
        )  # fmt: skip
