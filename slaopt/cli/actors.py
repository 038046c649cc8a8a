"""Who acts on the command line, and in which store: the one who works alone, or whoever is logged in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.cli.stores import place_of

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor
    from slaopt.apply.ledger import Ledger

__all__ = ["Acting", "acting", "actor_of", "begun_ledger", "known_actor", "ledger_of", "setting_up"]


@dataclass(frozen=True)
class Acting:
    """Somebody with a ledger at hand, at one moment."""

    ledger: Ledger
    actor: Actor
    at: datetime


def acting(store: str | None, workspace: Path | None) -> Acting:
    """Open the store for a command that acts on it as somebody. Raises as `ledger_of` and `actor_of`."""
    ledger, at = ledger_of(store, workspace), datetime.now(UTC)
    return Acting(ledger, actor_of(ledger, at=at), at)


def setting_up(store: str | None, workspace: Path | None) -> Acting:
    """Open the store, made where it is not there yet; until it has users anyone may set it up."""
    ledger, at = begun_ledger(store, workspace), datetime.now(UTC)
    return Acting(ledger, known_actor(ledger, at=at) or _nobody(), at)


def ledger_of(store: str | None, workspace: Path | None) -> Ledger:
    """Open a store that is there, with what stands around it.

    Raises
    ------
    InputError
        If there is none, or its tables are of another version.
    """
    from slaopt.apply.opening import ledger_around
    from slaopt.store import open_store

    address, book, found = place_of(store, workspace)
    return ledger_around(open_store(address), book, found)


def begun_ledger(store: str | None, workspace: Path | None) -> Ledger:
    """Open a store with what stands around it, and make it first where it is a file that is not there."""
    from slaopt.apply.opening import ledger_around
    from slaopt.store import make_store

    address, book, found = place_of(store, workspace)
    return ledger_around(make_store(address), book, found)


def actor_of(ledger: Ledger, *, at: datetime) -> Actor:
    """Give who acts.

    Raises
    ------
    ForbiddenError
        If nobody is logged in; with what to do about it.
    """
    from slaopt.apply.actor import ForbiddenError

    actor = known_actor(ledger, at=at)
    if actor is not None:
        return actor
    with ledger.store.reading() as transaction:
        users = transaction.people.all()
    if users:
        raise ForbiddenError(f"nobody is logged in to {ledger.store.label}: slaopt login NAME")
    raise ForbiddenError(
        f"{ledger.store.label} has no user yet: add one with slaopt users add NAME --role admin and log in, or say "
        "that you work alone with slaopt init --solo"
    )


def known_actor(ledger: Ledger, *, at: datetime) -> Actor | None:
    """Give who acts; None where nobody is logged in."""
    from slaopt.apply.actor import Actor
    from slaopt.apply.people import is_solo, os_user, terminal_session, who

    with ledger.store.reading() as transaction:
        if is_solo(transaction):
            return Actor(os_user(), "admin", os_user=os_user(), solo=True)
    token = terminal_session(ledger.store.label)
    user = None if token is None else who(ledger.store, token, at=at)
    return None if user is None else Actor(user.name, user.role, os_user=os_user())


def _nobody() -> Actor:
    """The operating system's user, who has no role in the store."""
    from slaopt.apply.actor import Actor
    from slaopt.apply.people import os_user

    return Actor(os_user(), None, os_user=os_user())
