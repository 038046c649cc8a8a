"""An identity provider as JupyterHub's single-user servers have one: it names the user that the hub vouches for."""

from __future__ import annotations

from jupyter_server.auth.identity import IdentityProvider, User
from tornado import web


class HubIdentityProvider(IdentityProvider):
    """Takes the name from a header, where JupyterHub's own asks the hub about a cookie."""

    def get_user(self, handler: web.RequestHandler) -> User | None:
        name = handler.request.headers.get("X-Hub-User")
        return User(username=name) if name else None
