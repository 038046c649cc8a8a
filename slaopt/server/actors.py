"""Who acts, and what they may do here: identities of Jupyter, sessions of the store, and the cap inside JupyterLab.

Whoever has a kernel or a terminal on a server runs as its user, and could write to the store past every rule. So roles
hold on the approval server alone. In JupyterLab one may view and propose; solo mode has no roles to hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider

from slaopt.apply.actor import Actor
from slaopt.apply.people import is_solo, os_user, terminal_session, who

if TYPE_CHECKING:
    from slaopt.server.base import SlaoptHandler
    from slaopt.server.context import Context
    from slaopt.store.records import Role, UserRecord

__all__ = ["actor_of"]

NAMELESS = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)  # one token for all: names are made up
IN_LAB: dict[Role, Role] = {"viewer": "viewer", "analyst": "analyst", "approver": "analyst", "admin": "analyst"}


async def actor_of(handler: SlaoptHandler) -> Actor:
    """Give the actor of a request that is authenticated."""
    context = handler.context
    solo = await context.fresh.get("solo", lambda: _solo(context))
    if context.mode == "approval server":
        record = await _user(context, str(handler.current_user.username))
        return _as_user(record, str(handler.current_user.username), solo=solo)
    if type(handler.identity_provider) not in NAMELESS:
        name = str(handler.current_user.username)
        record = await _user(context, name)
        known = _as_user(record, name, solo=solo)
        return known if solo else _capped(known)
    return await context.run(_of_terminal, context, solo)


def _of_terminal(context: Context, solo: bool) -> Actor:
    """The user of the operating system, who is known to the store by a login at the terminal."""
    mine = os_user()
    if solo:
        return Actor(name=mine, role="admin", os_user=mine, solo=True)
    token = terminal_session(context.store.label)
    user = None if token is None else who(context.store, token, at=context.now())
    if user is None:
        return Actor(name=mine, role="viewer", os_user=mine)
    return replace(_capped(Actor(name=user.name, role=user.role)), os_user=mine)


def _as_user(record: UserRecord | None, name: str, *, solo: bool) -> Actor:
    """A user of the store; one whom it does not know, or no longer, has no role."""
    if record is None or not record.is_active:
        return Actor(name=name, role=None)
    return Actor(name=record.name, role=record.role, solo=solo)


def _capped(actor: Actor) -> Actor:
    return actor if actor.role is None else replace(actor, role=IN_LAB[actor.role], capped=True)


async def _user(context: Context, name: str) -> UserRecord | None:
    def find() -> UserRecord | None:
        with context.store.reading() as transaction:
            return transaction.people.find(name)

    return await context.fresh.get(("user", name), find)


def _solo(context: Context) -> bool:
    with context.store.reading() as transaction:
        return is_solo(transaction)
