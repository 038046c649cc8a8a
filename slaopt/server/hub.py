"""Login at JupyterHub, of which the approval server is a service: OAuth 2 with the hub's own addresses and secret.

The hub gives all of it to its services in the environment (JupyterHub's documentation, *Services*).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from slaopt.apply.people.vouched import log_in_vouched
from slaopt.errors import InputError, UnreachableError
from slaopt.server.base import SlaoptHandler
from slaopt.server.identity import SlaoptIdentityProvider, safe_next
from slaopt.server.pages.base import PageHandler

__all__ = ["CALLBACK", "Hub", "HubCallbackHandler", "HubLoginHandler"]

CALLBACK = "oauth_callback"  # below the base URL; the hub knows its services by it
STATE = "slaopt-hub-state"
PATIENCE = 20.0  # seconds for the hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A JupyterHub, as one of its services knows it."""

    api: str
    secret: str = field(repr=False)
    client_id: str
    authorize: str  # where browsers are sent
    callback: str
    scopes: frozenset[str]  # the user needs one of them to use the service
    ip: str
    port: int
    base_url: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Hub:
        """Read what the hub has put into the environment.

        Raises
        ------
        InputError
            If something is missing: then no hub has started this process.
        """
        needed = ("API_URL", "API_TOKEN", "SERVICE_NAME", "SERVICE_PREFIX", "SERVICE_URL", "BASE_URL")
        missing = [name for name in needed if not environment.get(f"JUPYTERHUB_{name}")]
        if missing:
            raise InputError(
                f"--jupyterhub: JUPYTERHUB_{missing[0]} is not set; let JupyterHub start slaopt serve, as a service"
            )
        said = {name: environment[f"JUPYTERHUB_{name}"] for name in needed}
        address = urlsplit(said["SERVICE_URL"])
        base_url = f"/{said['SERVICE_PREFIX'].strip('/')}/"
        host = environment.get("JUPYTERHUB_HOST", "")
        return cls(
            api=said["API_URL"].rstrip("/"),
            secret=said["API_TOKEN"],
            client_id=environment.get("JUPYTERHUB_CLIENT_ID") or f"service-{said['SERVICE_NAME']}",
            authorize=f"{host}{said['BASE_URL'].rstrip('/')}/hub/api/oauth2/authorize",
            callback=environment.get("JUPYTERHUB_OAUTH_CALLBACK_URL") or f"{base_url}{CALLBACK}",
            scopes=frozenset(json.loads(environment.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES") or "[]")),
            ip=address.hostname or "127.0.0.1",
            port=address.port or 80,
            base_url=base_url,
        )

    async def name_of(self, code: str) -> str:
        """Give the name of the user to whom the hub gave that code.

        Raises
        ------
        HTTPError
            If the code is none of the hub's, or the user may not use this service.
        UnreachableError
            If the hub does not answer.
        """
        form = {
            "client_id": self.client_id, "client_secret": self.secret, "grant_type": "authorization_code",
            "code": code, "redirect_uri": self.callback,
        }  # fmt: skip
        given = await self._ask("/oauth2/token", method="POST", body=urlencode(form))
        user = await self._ask("/user", headers={"Authorization": f"token {given.get('access_token')}"})
        if self.scopes and not self.scopes & set(user.get("scopes", ())):
            raise web.HTTPError(403, "JupyterHub does not let this user use slaopt: give access:services")
        return str(user["name"])

    async def _ask(self, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = await AsyncHTTPClient().fetch(f"{self.api}{path}", request_timeout=PATIENCE, **request)
        except HTTPClientError as error:
            if error.code >= 500:
                raise UnreachableError(f"JupyterHub: {error}") from error
            raise web.HTTPError(403, "JupyterHub does not confirm this login; begin it anew") from error
        except OSError as error:
            raise UnreachableError(f"JupyterHub: {error}") from error
        return cast("dict[str, Any]", json.loads(answer.body))


class HubLoginHandler(SlaoptHandler):
    """Sends one to the hub to log in."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Go there, with a state that only this browser and this server know."""
        hub, wanted = _hub(self), safe_next(self.base_url, self.get_argument("next", ""))
        if self.current_user is not None:
            self.redirect(wanted)
            return
        state = secrets.token_urlsafe(24)
        secure = cast("SlaoptIdentityProvider", self.identity_provider).is_secure(self)
        self.set_secure_cookie(  # lax: the way back begins at the hub, which may be another site
            STATE, json.dumps([state, wanted]), expires_days=None, httponly=True, samesite="Lax", path=self.base_url,
            secure=secure,
        )  # fmt: skip
        asked = {
            "client_id": hub.client_id, "redirect_uri": hub.callback, "response_type": "code", "state": state,
        }  # fmt: skip
        self.redirect(f"{hub.authorize}?{urlencode(asked)}")


class HubCallbackHandler(PageHandler):
    """Where the hub sends one back to."""

    @allow_unauthenticated
    async def get(self) -> None:
        """Begin a session for the user whom the hub names."""
        kept = self.get_secure_cookie(STATE, max_age_days=1 / 96)
        self.clear_cookie(STATE, path=self.base_url)
        state, wanted = json.loads(kept) if kept else ("", "")
        if not state or not secrets.compare_digest(state.encode(), self.get_query_argument("state", "").encode()):
            raise web.HTTPError(403, "this login was not begun here, or took too long; begin it anew")
        name = await _hub(self).name_of(self.get_query_argument("code", ""))
        now = self.context.now()
        session = await self.context.wait_for(log_in_vouched, self.context.ledger, name, voucher="JupyterHub", at=now)
        provider = cast("SlaoptIdentityProvider", self.identity_provider)
        await provider.end(self)
        provider.begin(self, session)
        self.redirect(safe_next(self.base_url, wanted))


def _hub(handler: SlaoptHandler) -> Hub:
    return cast("Hub", handler.settings["slaopt_hub"])
