"""Users of a store: added, given a role, shut out and let in again, each with an audit entry."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.apply.actor import Actor, ForbiddenError, require_present
from slaopt.apply.ledger import note
from slaopt.apply.people.passwords import hashed
from slaopt.errors import InputError, RefusedError

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.records import Role, UserRecord

__all__ = ["add_user", "disable_user", "enable_user", "found_user", "is_own", "set_password", "set_role"]


def add_user(
    ledger: Ledger,
    name: str,
    *,
    role: Role,
    password: str | None,
    actor: Actor | None,
    at: datetime,
    os_user: str | None = None,
) -> UserRecord:
    """Add a user; the first one of a store needs nobody logged in, and is an admin.

    Parameters
    ----------
    ledger
        The store.
    name
        Not yet there, however it is written.
    role
        What the user may do.
    password
        None for one who comes with an identity of another system, such as JupyterHub's.
    actor
        An admin; None for the first user, who is then the actor.
    at
        The time.
    os_user
        The operating system's, where nobody is logged in.

    Raises
    ------
    RefusedError
        If the actor is no admin, or nobody is logged in and the store has users, or the first is to be no admin.
    InputError
        If the name is taken or not fit, or the password too short.
    """
    kept = None if password is None else hashed(password, name=name)
    with ledger.writing("add user", actor=actor, at=at) as transaction:
        if actor is not None:
            require_present(transaction, actor, "administer")
        elif transaction.people.all():
            raise ForbiddenError("the store has users: log in as an admin with slaopt login NAME, who can add more")
        elif role != "admin":
            raise RefusedError("the first user must be an admin: give --role admin")
        elif kept is None:
            raise InputError("the first user needs a password, to log in and add others")
        user = transaction.people.add(name, role=role, at=at)
        if kept is not None:
            transaction.people.set_password(user.name, kept)
        by = actor or Actor(user.name, "admin", os_user=os_user)
        note(transaction, "add user", actor=by, at=at, user=user.name, role=role)
        return found_user(transaction, user.name)


def set_role(ledger: Ledger, name: str, role: Role, *, actor: Actor, at: datetime) -> UserRecord:
    """Give a user another role, in force from the next thing they do.

    Raises
    ------
    RefusedError
        If the actor is no admin, or this would leave the store without one.
    InputError
        If there is no such user.
    """
    with ledger.writing("change role", actor=actor, at=at) as transaction:
        require_present(transaction, actor, "administer")
        user = found_user(transaction, name)
        if role == user.role:
            return user
        if role != "admin":
            _refuse_last_admin(transaction, user)
        transaction.people.set_role(user.name, role)
        note(transaction, "change role", actor=actor, at=at, user=user.name, role=role, before=user.role)
        return found_user(transaction, user.name)


def disable_user(ledger: Ledger, name: str, *, actor: Actor, at: datetime) -> UserRecord:
    """Shut a user out, at once: sessions end. The name stays taken, since entries of the audit log hold it.

    Raises
    ------
    RefusedError
        If the actor is no admin, or this would leave the store without one.
    InputError
        If there is no such user.
    """
    with ledger.writing("disable user", actor=actor, at=at) as transaction:
        require_present(transaction, actor, "administer")
        user = found_user(transaction, name)
        if not user.is_active:
            return user
        _refuse_last_admin(transaction, user)
        transaction.people.set_active(user.name, False)
        transaction.people.end_sessions(user.name)
        note(transaction, "disable user", actor=actor, at=at, user=user.name)
        return found_user(transaction, user.name)


def enable_user(ledger: Ledger, name: str, *, actor: Actor, at: datetime) -> UserRecord:
    """Let a user in again who was disabled, or locked after failed attempts. Raises as `disable_user`."""
    with ledger.writing("enable user", actor=actor, at=at) as transaction:
        require_present(transaction, actor, "administer")
        user = found_user(transaction, name)
        if user.is_active and user.locked_until is None:
            return user
        transaction.people.set_active(user.name, True)
        transaction.people.note_success(user.name)
        note(transaction, "enable user", actor=actor, at=at, user=user.name)
        return found_user(transaction, user.name)


def set_password(ledger: Ledger, name: str, password: str, *, actor: Actor, at: datetime) -> UserRecord:
    """Give a user another password; all sessions of the user end.

    Raises
    ------
    RefusedError
        If the actor is neither the user nor an admin.
    InputError
        If there is no such user, or the password is too short.
    """
    kept = hashed(password, name=name)
    with ledger.writing("set password", actor=actor, at=at) as transaction:
        user = found_user(transaction, name)
        if not is_own(user, actor):
            require_present(transaction, actor, "administer")
        transaction.people.set_password(user.name, kept)
        transaction.people.note_success(user.name)
        transaction.people.end_sessions(user.name)
        note(transaction, "set password", actor=actor, at=at, user=user.name)
        return found_user(transaction, user.name)


def found_user(transaction: Transaction, name: str) -> UserRecord:
    """Give a user that must be there.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    user = transaction.people.find(name)
    if user is None:
        raise InputError(f"there is no user {name}; slaopt users list shows all")
    return user


def is_own(user: UserRecord, actor: Actor) -> bool:
    """Tell whether an actor is that very user: whose name merely looks the same, or who works alone, is not."""
    return not actor.solo and actor.name == user.name


def _refuse_last_admin(transaction: Transaction, user: UserRecord) -> None:
    if user.role == "admin" and user.is_active and transaction.people.count_active_admins() == 1:
        raise RefusedError(
            f"{user.name} is the last active admin: make another one first (slaopt users role NAME admin)"
        )
