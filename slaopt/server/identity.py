"""Who is logged in at the approval server: users of the store, by a session of the store. No token opens anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from tornado import web
from traitlets import default

from slaopt.apply.people import CodeNeededError, log_in, log_out, token_digest
from slaopt.errors import RefusedError
from slaopt.server.base import PAGES, SlaoptHandler
from slaopt.server.pages.rendering import login_page

if TYPE_CHECKING:
    from slaopt.apply.people import Session
    from slaopt.server.context import Context
    from slaopt.store import UserRecord

__all__ = ["LoginHandler", "LogoutHandler", "SlaoptIdentityProvider", "safe_next"]

SIGNED_FOR = 12 / 24  # days after which a cookie is not even looked up
SESSION = re.compile(r"[\w-]{20,200}")


class SlaoptIdentityProvider(IdentityProvider):
    """Named users of the SLA store. The cookie holds a session's token, of which the store keeps the digest."""

    @default("token")
    def _token_default(self) -> str:
        return ""

    @default("need_token")
    def _need_token_default(self) -> bool:
        return False

    async def get_user(self, handler: web.RequestHandler) -> User | None:
        """Give the user whose session the request's cookie is."""
        known = getattr(handler, "_jupyter_current_user", None)
        if known is not None:
            return cast("User", known)
        token = self.session_token(handler)
        if token is None:
            return None
        record = await _user_of(_context(handler), token)
        return None if record is None else User(username=record.name)

    async def get_user_token(self, handler: web.RequestHandler) -> None:
        """Give nobody: no token is accepted, neither in an address nor in a header."""

    def is_token_authenticated(self, handler: web.RequestHandler) -> bool:
        """Tell that it was not, so that Jupyter checks forgery and origin of every request."""
        return False

    def session_token(self, handler: web.RequestHandler) -> str | None:
        """Give the token of the request's cookie; None without one that this server has signed."""
        value = handler.get_secure_cookie(self.get_cookie_name(handler), max_age_days=SIGNED_FOR)
        token = "" if value is None else value.decode("ascii", "replace")
        return token if SESSION.fullmatch(token) else None

    async def log_in(self, handler: SlaoptHandler, name: str, password: str, *, code: str | None) -> Session:
        """Begin a session and give the browser its cookie; an earlier session of the same browser ends.

        Raises
        ------
        CodeNeededError
            If the user has a second factor and gave no code of it.
        RefusedError
            If anything is wrong, without saying what.
        """
        context = handler.context
        handler.refuse_flood(context.limits.logins, handler.client)
        ledger, now = context.ledger, context.now()
        session = await context.wait_for(log_in, ledger, name, password, kind="web", at=now, code=code)
        await self.end(handler)
        self.begin(handler, session)
        return session

    async def end(self, handler: SlaoptHandler) -> None:
        """End the session in the store, and take the cookie away."""
        token = self.session_token(handler)
        if token is not None:
            await handler.context.wait_for(log_out, handler.context.ledger, token, at=handler.context.now())
            self.clear_login_cookie(handler)

    def begin(self, handler: web.RequestHandler, session: Session) -> None:
        """Give the browser the session's cookie: out of scripts' reach, and sent to nobody from other sites."""
        handler.set_secure_cookie(
            self.get_cookie_name(handler), session.token, expires_days=None, httponly=True, samesite="Strict",
            secure=self.is_secure(handler), path=str(handler.settings["base_url"]),
        )  # fmt: skip

    def is_secure(self, handler: web.RequestHandler) -> bool:
        """Tell whether cookies go over TLS alone."""
        return bool(self.secure_cookie) or handler.request.protocol == "https"

    def get_cookie_name(self, handler: web.RequestHandler) -> str:
        """Give a name that other servers of the same host do not use."""
        return re.sub("[^A-Za-z0-9]", "-", f"slaopt-{handler.request.host}")

    def get_handlers(self) -> list[tuple[str, object]]:
        """Give none: login and logout are among the routes of the extension."""
        return []


class LoginHandler(SlaoptHandler):
    """The page on which one logs in."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Show the form, or go on where one is logged in already."""
        if self.current_user is not None:
            self.redirect(self._next())
        else:
            self._show()

    @allow_unauthenticated
    async def post(self) -> None:
        """Log in with what the form holds, and go on."""
        name, password = self.get_body_argument("name", ""), self.get_body_argument("password", "", strip=False)
        code = self.get_body_argument("code", "").strip() or None
        try:
            await _provider(self).log_in(self, name, password, code=code)
        except CodeNeededError as error:
            self._show(401, name=name, message=str(error), code=True)
        except RefusedError as error:
            self._show(401, name=name, message=str(error), code=code is not None)
        else:
            self.redirect(self._next(), status=303)

    def show_error(self, status_code: int, told: dict[str, str]) -> None:
        """Show the form again, with what was wrong."""
        if self.context.is_open:
            self._show(status_code, message=told["message"])
        else:
            super().show_error(status_code, told)

    def _show(self, status: int = 200, **values: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(login_page(self, next_url=self._next(), **values))

    def _next(self) -> str:
        return safe_next(self.base_url, self.get_argument("next", ""))


class LogoutHandler(SlaoptHandler):
    """Ends a session. Only by POST, so that no link of another page logs one out."""

    @allow_unauthenticated
    async def post(self) -> None:
        """End the session in the store, and take the cookie away."""
        await _provider(self).end(self)
        self.answer({"message": "logged out"})


def safe_next(base_url: str, wanted: str) -> str:
    """Give where to go after a login: a page of this server, whatever the address says."""
    home = f"{base_url}{PAGES}/"
    odd = re.search(r"[\x00-\x20\x7f]", wanted) or re.search(r"\\|//|/\.\.?(/|$)", wanted.partition("?")[0])
    return wanted if wanted.startswith(home) and not odd else home


async def _user_of(context: Context, token: str) -> UserRecord | None:
    digest = token_digest(token)

    def find() -> UserRecord | None:
        with context.store.reading() as transaction:
            return transaction.people.session(digest, at=context.now())

    return await context.fresh.get(("session", digest), find)


def _provider(handler: SlaoptHandler) -> SlaoptIdentityProvider:
    return cast("SlaoptIdentityProvider", handler.identity_provider)


def _context(handler: web.RequestHandler) -> Context:
    return cast("Context", handler.settings["slaopt"])
