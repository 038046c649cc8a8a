"""Solo mode: a lone user, whose own approval is enough. Every audit entry says so."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.apply.actor import SOLO, Actor, ForbiddenError, is_solo, require_present
from slaopt.apply.ledger import note
from slaopt.errors import RefusedError

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger

__all__ = ["set_solo"]


def set_solo(ledger: Ledger, on: bool, *, actor: Actor | None, os_user: str, at: datetime) -> bool:
    """Turn solo mode on or off; give whether that changed anything.

    Parameters
    ----------
    ledger
        The store.
    on
        Whether one's own approval is enough, without login.
    actor
        Who is logged in; needed where the store has users, since it takes four eyes from them.
    os_user
        The user of the operating system, who is the actor where nobody is logged in.
    at
        The time.

    Raises
    ------
    RefusedError
        If the store has users and the actor is no admin, or if it has users but none who could log in as admin.
    """
    by = actor or Actor(os_user, "admin", os_user=os_user, solo=True)
    with ledger.writing("solo", actor=actor, at=at) as transaction:
        if is_solo(transaction) == on:
            return False
        users = transaction.people.all()
        if on and users:
            if actor is None:
                raise ForbiddenError("the store has users: log in as an admin first (slaopt login NAME)")
            require_present(transaction, actor, "administer")
        if not on and users and not any(u.role == "admin" and u.is_active and u.has_password for u in users):
            raise RefusedError(
                "no admin could log in afterwards: add one first (slaopt users add NAME --role admin), or give an "
                "admin a password"
            )
        transaction.settings.set(SOLO, on, at)
        note(transaction, "solo", actor=by, at=at, on=on)
        return True
