"""What every handler of slaopt is: limited, checked, told who asks, and exact about what went wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import JupyterHandler
from pydantic import BaseModel, ValidationError
from tornado import web

from slaopt.apply.actor import Actor, require_right
from slaopt.errors import InputError, SlaoptError
from slaopt.result import plain
from slaopt.server.actors import actor_of
from slaopt.server.context import Context
from slaopt.server.faults import explained, status_of
from slaopt.server.limits import Limit
from slaopt.store.records import Action

__all__ = ["API", "PAGES", "RESOURCE", "SlaoptHandler", "needs"]

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")
Body = TypeVar("Body", bound=BaseModel)
Method = TypeVar("Method", bound=Callable[..., Any])

API, PAGES, RESOURCE = "api/v1/sla-optimization", "slaopt", "slaopt"  # paths below the base URL; what is authorised
LONGEST_KEY = 200
SAFE = ("GET", "HEAD", "OPTIONS")
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


def needs(action: Action) -> Callable[[Method], Method]:
    """Run a method for those alone who are logged in and may do `action`, as Authorizer and roles say."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        async def held(self: SlaoptHandler, *args: Any, **kwargs: Any) -> Any:
            await self.require(action)
            answered = method(self, *args, **kwargs)
            return await answered if isinstance(answered, Awaitable) else answered

        return cast("Method", web.authenticated(authorized(action, RESOURCE)(held)))

    return decorate


class SlaoptHandler(JupyterHandler):
    """Base of all handlers of slaopt; by itself it answers in JSON."""

    _actor: Actor | None = None

    @property
    def context(self) -> Context:
        """Workspace, store and clock."""
        return cast("Context", self.settings["slaopt"])

    async def prepare(self) -> None:  # type: ignore[override]  # as in Jupyter's own handlers
        """Refuse what is too much, from elsewhere or from nobody; then Jupyter's own checks, XSRF among them."""
        self.refuse_flood(self.context.limits.requests, self.client)
        if len(self.request.body) > self.context.limits.body:
            raise web.HTTPError(413, f"the body has more than {self.context.limits.body} bytes")
        if not self.check_host():
            raise web.HTTPError(403, "this server is not known by the name that was asked for")
        if not self.check_origin():
            raise web.HTTPError(403, "the request comes from a page of another origin")
        self.context.fresh.hold()
        await self.context.refresh(writing=self.request.method not in SAFE)
        user = await ensure_async(self.identity_provider.get_user(self))
        self.current_user = self._jupyter_current_user = user
        if user is None and not self._is_open():
            if self._came_by_a_link():
                self._knock_again()
            else:
                self.ask_to_log_in()
        else:
            await super().prepare(_redirect_to_login=False)

    def ask_to_log_in(self) -> None:
        """Answer one who is not logged in; a page sends them to the login instead."""
        raise web.HTTPError(401, "not logged in, or the login has expired")

    @property
    def client(self) -> str:
        """The address that requests are counted by."""
        return str(self.request.remote_ip)

    def skip_check_origin(self) -> bool:
        """Check the origin always: a token in a request is no excuse, as it is for Jupyter's own handlers."""
        return self.request.method == "OPTIONS"

    @property
    def token_authenticated(self) -> bool:
        """A request with a token is checked for forgery like any other."""
        return False

    async def actor(self) -> Actor:
        """Give who asks, with the role that holds on this server."""
        if self._actor is None:
            self._actor = await actor_of(self)
        return self._actor

    async def require(self, action: Action) -> Actor:
        """Give who asks.

        Raises
        ------
        ForbiddenError
            If the actor's role does not allow `action`, naming the one that does.
        """
        actor = await self.actor()
        if self.request.method not in SAFE and action != "read":
            self.refuse_flood(self.context.limits.writes, f"{actor.name} {self.client}")
        require_right(actor, action)
        return actor

    def refuse_flood(self, limit: Limit, client: str) -> None:
        """Refuse a request of one who has made too many."""
        wait = limit.wait(client, at=time.monotonic())
        if wait > 0:
            raise TooManyError(wait)

    async def run(self, call: Callable[Arguments, Made], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
        """Call away from the event loop what waits for the store or for files."""
        return await self.context.run(call, *args, **kwargs)

    def json_body(self, model: type[Body]) -> Body:
        """Read the body as JSON of that form.

        Raises
        ------
        InputError
            If it is none, naming each field that is wrong.
        """
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise web.HTTPError(415, "send the body as application/json")
        try:
            return model.model_validate_json(self.request.body or b"{}")
        except ValidationError as error:
            raise InputError(_explained(error)) from None

    def query(self, model: type[Body]) -> Body:
        """Read the query of the address; of a name given twice the last one counts. Raises as `json_body`."""
        given = {name: self.get_query_arguments(name)[-1] for name in self.request.query_arguments}
        try:
            return model.model_validate_strings(given)
        except ValidationError as error:
            raise InputError(_explained(error)) from None

    @property
    def request_key(self) -> str | None:
        """What makes a request repeated after a lost answer the same one; of the header `Idempotency-Key`.

        Raises
        ------
        InputError
            If it is not of 1 to 200 visible ASCII characters.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            raise InputError(f"Idempotency-Key: give 1 to {LONGEST_KEY} visible ASCII characters")
        return key

    def answer(self, result: Any, *, status: int = 200) -> None:
        """Answer with a result, or with plain values, as JSON; text that is JSON already goes out as it is."""
        made = result if isinstance(result, (bytes, str)) else json.dumps(plain(result), allow_nan=False)
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(made)

    @property
    def content_security_policy(self) -> str:
        """What the answer may load: nothing, unless a handler knows better."""
        return NOTHING

    def set_default_headers(self) -> None:
        """Say what browsers must not do with an answer."""
        super().set_default_headers()
        for name, value in HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")  # which versions run is nobody's business
        if self.request.protocol == "https":
            self.set_header("Strict-Transport-Security", "max-age=31536000")

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Give an error of ours the status that it means."""
        error = _error(kwargs)
        status = status_of(error) if isinstance(error, SlaoptError) else status_code
        super().send_error(status, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what went wrong, without anything of the inside."""
        error = _error(kwargs)
        if status_code == 429 and isinstance(error, TooManyError):
            self.set_header("Retry-After", str(error.seconds))
        told = explained(status_code, error)
        workspace = str(self.context.workspace or "")
        message = told["message"].replace(f"{workspace}/", "") if workspace else told["message"]
        self.show_error(status_code, told | {"message": message})

    def show_error(self, status_code: int, told: dict[str, str]) -> None:
        """Write the error: JSON, or where a page overrides it, HTML."""
        self.answer(told, status=status_code)

    def log_exception(self, *raised: Any) -> None:
        """Log why something was refused in a line; only what nobody meant is logged with its traceback."""
        error = raised[1]
        if isinstance(error, (SlaoptError, web.HTTPError)):
            self.log.info("%s %s: %s", self.request.method, self.request.path, error)
        else:
            super().log_exception(*raised)

    def _came_by_a_link(self) -> bool:
        """Whether a browser follows a link of another page, a report's say: then it sends no cookie that is strict."""
        asked = {name: self.request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Site", "Mode")}
        return self.request.method == "GET" and asked == {"Site": "cross-site", "Mode": "navigate"}

    def _knock_again(self) -> None:
        """Have the browser ask once more, now by itself."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish('<!DOCTYPE html><meta http-equiv="refresh" content="0"><title>slaopt</title>')

    def _is_open(self) -> bool:
        method = getattr(self, str(self.request.method).lower(), None)
        return bool(getattr(method, "__allow_unauthenticated", False))


class TooManyError(web.HTTPError):
    """More requests than a client may make."""

    def __init__(self, wait: float) -> None:
        self.seconds = int(wait) + 1
        super().__init__(429, f"too many requests; wait {self.seconds} s")


def _error(kwargs: dict[str, Any]) -> BaseException | None:
    raised = kwargs.get("exc_info")
    return raised[1] if raised else None


def _explained(error: ValidationError) -> str:
    told = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False)[:10]:
        where = ".".join(str(part) for part in detail["loc"])
        message = str(detail["msg"]).removeprefix("Value error, ")
        told.append(f"{where}: {message}" if where else message)
    return "; ".join(told)
