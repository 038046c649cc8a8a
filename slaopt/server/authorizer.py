"""What is allowed at the approval server: slaopt's own resource, by role, and nothing of Jupyter's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from jupyter_server.auth.authorizer import Authorizer

from slaopt.apply.actor import RIGHTS, require_right
from slaopt.server.base import RESOURCE, SlaoptHandler

if TYPE_CHECKING:
    from jupyter_server.auth.identity import User
    from jupyter_server.base.handlers import JupyterHandler

    from slaopt.store.records import Action

__all__ = ["SlaoptAuthorizer"]

ACTIONS = frozenset[str]().union(*RIGHTS.values())


class SlaoptAuthorizer(Authorizer):
    """Roles of the store for what slaopt serves; everything else is denied to everyone."""

    async def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        """Tell whether the user may do that.

        Raises
        ------
        ForbiddenError
            If slaopt serves it, and the user's role is too low: naming the one that is needed.
        """
        if resource != RESOURCE or action not in ACTIONS or not isinstance(handler, SlaoptHandler):
            return False
        require_right(await handler.actor(), cast("Action", action))
        return True
