"""slaopt as an extension of Jupyter Server: its settings, its routes, and what begins and ends with the server."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.extension.application import ExtensionApp
from tornado import web
from traitlets import Unicode

from slaopt.errors import InputError
from slaopt.server import pages, rest
from slaopt.server.base import API, PAGES, SlaoptHandler, needs
from slaopt.server.context import Context
from slaopt.server.hub import CALLBACK, HubCallbackHandler, HubLoginHandler
from slaopt.server.identity import LoginHandler, LogoutHandler
from slaopt.workspace import find_workspace, workspace_around

if TYPE_CHECKING:
    from slaopt.server.context import Mode

__all__ = ["Route", "SlaoptApp"]

Route = tuple[str, type[web.RequestHandler], dict[str, Any]]


class NothingHereHandler(SlaoptHandler):
    """Answers that there is nothing at an address, to anyone and for every method."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Refuse."""
        raise web.HTTPError(404, "there is nothing at this address")

    head = post = put = patch = delete = options = get


class HomeHandler(SlaoptHandler):
    """Leads from the server's own address to the pages."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Go there."""
        self.redirect(f"{self.base_url}{PAGES}/")


class PingHandler(SlaoptHandler):
    """The least that one who is logged in can ask: whether the server is there, and who one is on it."""

    @needs("read")
    async def get(self) -> None:
        """Answer with name and role."""
        actor = await self.actor()
        self.answer({"name": actor.name, "role": actor.role, "solo": actor.solo, "server": self.context.mode})


class SlaoptApp(ExtensionApp):
    """Serves the pages of slaopt and its REST interface beside JupyterLab, or alone as the approval server."""

    name = "slaopt"
    app_name = "slaopt"
    description = "Pages and REST interface of slaopt"
    extension_url = f"/{PAGES}/"
    load_other_extensions = True

    workspace = Unicode(
        "", help="Folder with params/ and reports/ (default: SLAOPT_WORKSPACE, else around the server's root folder)."
    ).tag(config=True)
    store = Unicode("", help="Address of the SLA store (default: SLAOPT_STORE, else params, else slaopt.db).").tag(
        config=True
    )

    @property
    def alone(self) -> bool:
        """Whether this is the approval server. No setting says so: what runs code must not pass for one."""
        return getattr(self.serverapp, "is_approval_server", False) is True

    def initialize_settings(self) -> None:
        """Put the context where handlers find it."""
        mode: Mode = "approval server" if self.alone else "lab"
        self.settings["extra_log_scrub_param_keys"] = (
            *self.settings.get("extra_log_scrub_param_keys", ()), "unit",  # of experiments: names are kept nowhere
        )  # fmt: skip
        self.settings["slaopt"] = Context(self._workspace(), mode=mode, address=self.store or None)

    def initialize_handlers(self) -> None:
        """Put the routes before Jupyter's own."""
        if self.serverapp is not None:
            application = cast("web.Application", self.serverapp.web_app)
            found: list[Any] = list(
                routes(str(self.settings["base_url"]), alone=self.alone, hub="slaopt_hub" in self.settings)
            )
            application.add_handlers(".*$", found)

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        if self.alone:
            self._context.desk.warm()
            await self._context.warm()
            _spare_pauses()

    async def stop_extension(self) -> None:
        """End threads and process."""
        self._context.close()

    @property
    def _context(self) -> Context:
        context: Context = self.settings["slaopt"]
        return context

    def _workspace(self) -> Path | None:
        """The workspace that is named, else the one around the server's root folder, else none."""
        if self.workspace:
            return find_workspace(Path(self.workspace))
        root = workspace_around(Path(self.serverapp.root_dir)) if self.serverapp is not None else None
        try:
            return find_workspace(None)
        except InputError as error:
            if root is None:
                self.log.info("slaopt serves nothing yet: %s", error)
            return root


def _spare_pauses() -> None:
    """Leave what is there for good out of garbage collection: a pass over all of it stops everybody for 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 10, 100)


def routes(base_url: str, *, alone: bool, hub: bool = False) -> list[Route]:
    """Give all routes with the base URL before each, the first that fits first.

    At the approval server the last one takes whatever is left, so that nothing of Jupyter's own is reached.
    """
    found: list[Route] = [*rest.routes(base_url), (f"{base_url}{PAGES}/ping", PingHandler, {}), *pages.routes(base_url)]
    if alone:
        found += [(f"{base_url}login", HubLoginHandler if hub else LoginHandler, {})]
        found += [(f"{base_url}{CALLBACK}", HubCallbackHandler, {})] if hub else []
        found += [(f"{base_url}logout", LogoutHandler, {})]
        return [*found, (f"{base_url.rstrip('/')}/?", HomeHandler, {}), (r".*", NothingHereHandler, {})]
    return [*found, (f"{base_url}(?:{API}|{PAGES})(?:/.*)?", NothingHereHandler, {})]
