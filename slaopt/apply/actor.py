"""Who acts, and what one in each role may do."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slaopt.errors import RefusedError

if TYPE_CHECKING:
    from slaopt.store import Transaction
    from slaopt.store.records import Action, Role

__all__ = [
    "AUTO",
    "RIGHTS",
    "SCHEDULER",
    "SOLO",
    "WATCH",
    "Actor",
    "ForbiddenError",
    "is_solo",
    "may",
    "require_present",
    "require_right",
    "same_person",
    "told",
]

SOLO: Final = "solo"  # name of the store's setting: one works alone here, and four eyes are off

RIGHTS: Mapping[Role, frozenset[Action]] = {
    "viewer": frozenset({"read"}),
    "analyst": frozenset({"read", "propose"}),
    "approver": frozenset({"read", "propose", "approve"}),
    "admin": frozenset({"read", "propose", "approve", "administer"}),
}


class ForbiddenError(RefusedError):
    """Whoever asks may not do that, whatever it is about."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever acts: a user of the store, the one who works alone, or slaopt itself."""

    name: str
    role: Role | None
    os_user: str | None = None  # of the operating system, where that is known
    solo: bool = False
    machine: bool = False
    capped: bool = False  # inside Jupyter, where roles cannot hold: nobody is more than an analyst


SCHEDULER = Actor("scheduler", "analyst", machine=True)  # files what reports recommend
AUTO = Actor("auto", "approver", machine=True)  # approves for services that adjust by themselves
WATCH = Actor("watch", "approver", machine=True)  # commits what is due, rolls back, lets expire


def may(actor: Actor, action: Action) -> bool:
    """Tell whether the actor's role allows an action.

    >>> may(SCHEDULER, "propose"), may(SCHEDULER, "approve")
    (True, False)
    """
    return actor.role is not None and action in RIGHTS[actor.role]


def require_right(actor: Actor, action: Action) -> None:
    """Refuse an actor whose role does not allow an action.

    Raises
    ------
    ForbiddenError
        Naming the role that is needed.
    """
    if may(actor, action):
        return
    if actor.capped and action in ("approve", "administer"):
        raise ForbiddenError(
            f"inside Jupyter one views and proposes only: to {action}, {actor.name} uses the approval server "
            "(slaopt serve)"
        )
    needed = next(role for role, actions in RIGHTS.items() if action in actions)
    article = "an" if needed[0] in "aeiou" else "a"
    has = "has no role" if actor.role is None else f"is {'an' if actor.role[0] in 'aeiou' else 'a'} {actor.role}"
    raise ForbiddenError(f"{actor.name} {has}: to {action} takes {article} {needed}; an admin can give that role")


def require_present(transaction: Transaction, actor: Actor, action: Action | None = None) -> None:
    """Refuse an actor who is not, or no longer, what they were when they logged in.

    A session and a page may be older than what an admin decided since, so this is asked within the transaction.

    Raises
    ------
    ForbiddenError
        If the user is gone or disabled, if their role does not allow the action, or if solo mode is off again.
    """
    if action is not None:
        require_right(actor, action)
    if actor.machine:
        return
    if actor.solo:
        if not is_solo(transaction):
            raise ForbiddenError("this store is not in solo mode: log in with slaopt login")
        return
    user = transaction.people.find(actor.name)
    if user is None or not user.is_active:
        raise ForbiddenError(f"{actor.name} is no active user of this store: log in with slaopt login")
    if action is not None:
        require_right(Actor(user.name, user.role), action)


def is_solo(transaction: Transaction) -> bool:
    """Tell whether one works alone with this store, so that the same person proposes and approves."""
    return transaction.settings.get(SOLO) is True


def same_person(one: str, other: str) -> bool:
    r"""Tell whether two names mean one person: case and the form of accents make no other.

    >>> same_person("Zoë", "ZOE\u0308"), same_person("ann", "anna")
    (True, False)
    """
    return _folded(one) == _folded(other)


def told(actor: Actor, *, solo: bool) -> dict[str, Any]:
    """Give what every audit entry says of an actor beside the name."""
    known = {"os_user": actor.os_user} if actor.os_user is not None else {}
    return known | ({"solo": True} if solo else {})


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
