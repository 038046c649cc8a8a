"""Logging in and out without a page."""

from __future__ import annotations

from tornado import web

from slaopt.errors import RefusedError
from slaopt.server.base import SlaoptHandler
from slaopt.server.identity import SlaoptIdentityProvider
from slaopt.server.models import LogIn
from slaopt.server.operations import operation
from slaopt.server.published import SessionAnswer

__all__ = ["SessionHandler"]


class SessionHandler(SlaoptHandler):
    """The session of whoever asks."""

    @operation("Who one is", action="read", answers={200: SessionAnswer})
    async def get(self) -> None:
        """Give one's name and role on this server."""
        actor = await self.actor()
        self.answer({"name": actor.name, "role": actor.role, "solo": actor.solo, "server": self.context.mode})

    @operation("Log in", action=None, body=LogIn, answers={200: SessionAnswer}, refusals=(401, 404))
    async def post(self) -> None:
        """Begin a session on the approval server: a cookie out of scripts' reach.

        The XSRF token is in the cookie `_xsrf` that the login page sets.
        """
        provider, body = self._provider(), self.json_body(LogIn)
        try:
            session = await provider.log_in(self, body.name, body.password, code=body.code)
        except RefusedError as error:
            raise web.HTTPError(401, str(error)) from None
        user = session.user
        self.answer({
            "name": user.name, "role": user.role, "solo": False, "server": self.context.mode,
            "expires_at": session.expires_at,
        })  # fmt: skip

    @operation("Log out", action="read", answers={200: SessionAnswer}, refusals=(404,))
    async def delete(self) -> None:
        """End the session in the store, and take the cookie away."""
        provider, actor = self._provider(), await self.actor()
        await provider.end(self)
        self.answer({"name": actor.name, "role": None, "solo": actor.solo, "server": self.context.mode})

    def _provider(self) -> SlaoptIdentityProvider:
        """Give what keeps the sessions of an approval server; Jupyter keeps its own."""
        if not isinstance(self.identity_provider, SlaoptIdentityProvider):
            raise web.HTTPError(404, "Jupyter keeps the sessions here; log in there, or at the approval server")
        return self.identity_provider
