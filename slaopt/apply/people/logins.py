"""Logins: a name and a password for a session's token, of which the store keeps only the digest."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from slaopt.apply.actor import Actor
from slaopt.apply.ledger import note
from slaopt.apply.people.passwords import matches
from slaopt.apply.people.second_factor import ATTEMPTS, LOCK, CodeNeededError, check_code, note_refusal
from slaopt.errors import RefusedError
from slaopt.result import Result
from slaopt.store.records import UserRecord

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Store, Transaction
    from slaopt.store.people import SessionKind

__all__ = ["LASTS", "Session", "begin", "log_in", "log_out", "token_digest", "who"]

LASTS = timedelta(hours=12)
REFUSAL = (
    f"name, password or code is wrong; after {ATTEMPTS} failures in a row a name is locked for "
    f"{LOCK.seconds // 60} minutes"
)  # the same whatever is wrong, so that it gives no name away

UNKNOWN = "unknown"

Answer = Literal["right", "wrong", "no code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Result):
    """A user who is logged in. Who holds the token is the user, until it ends."""

    token: str = field(metadata={"published": None}, repr=False)
    user: UserRecord
    expires_at: datetime


def log_in(
    ledger: Ledger, name: str, password: str, *, kind: SessionKind, at: datetime,
    code: str | None = None, os_user: str | None = None,
) -> Session:  # fmt: skip
    """Begin a session; one who has a second factor gives a code of it too.

    Raises
    ------
    CodeNeededError
        If all is right but the code, which was not given.
    RefusedError
        If anything is wrong, or the name is locked: always the same text, after the same work.
    """
    with ledger.store.reading() as transaction:
        known = transaction.people.find(name)
        kept = None if known is None else transaction.people.password_hash(known.name)
    right = matches(kept, password)  # slow, and so outside the transaction that keeps others from writing
    name = UNKNOWN if known is None else known.name  # what is no user's may be a password, typed a line too early
    by = Actor(name, None if known is None else known.role, os_user=os_user)
    session: Session | None = None
    with ledger.writing("log in", actor=by, at=at) as transaction:
        before = transaction.people.find(name)
        answer = _judged(transaction, before, code, right, kept, at)
        if answer == "right":
            session = begin(transaction, transaction.people.note_success(name), kind=kind, actor=by, at=at)
        if answer == "wrong":
            note_refusal(transaction, "refuse login", before, actor=by, at=at, kind=kind)
    if answer == "no code":
        raise CodeNeededError(f"{name} has a second factor: give a code of it too")
    if session is None:
        raise RefusedError(REFUSAL)
    return session


def begin(
    transaction: Transaction, user: UserRecord, *, kind: SessionKind, actor: Actor, at: datetime, **details: Any
) -> Session:
    """Begin the session of a user who has shown who they are, and note it; those that have expired go."""
    token = secrets.token_urlsafe(32)
    transaction.people.end_expired(at)
    transaction.people.begin_session(
        user.name, token_digest=token_digest(token), kind=kind, expires_at=at + LASTS, at=at
    )
    note(transaction, "log in", actor=actor, at=at, kind=kind, **details)
    return Session(token=token, user=user, expires_at=at + LASTS)


def log_out(ledger: Ledger, token: str, *, at: datetime, os_user: str | None = None) -> None:
    """End a session; one that has ended already is no fault."""
    with ledger.store.reading() as transaction:
        user = transaction.people.session(token_digest(token), at=at)
    if user is None:
        return
    by = Actor(user.name, user.role, os_user=os_user)
    with ledger.writing("log out", actor=by, at=at) as transaction:
        transaction.people.end_session(token_digest(token))
        note(transaction, "log out", actor=by, at=at)


def who(store: Store, token: str, *, at: datetime) -> UserRecord | None:
    """Give the user whose session a token is; None where it has ended or the user was disabled."""
    with store.reading() as transaction:
        return transaction.people.session(token_digest(token), at=at)


def token_digest(token: str) -> str:
    """Give what the store keeps of a token: a token is random, so one round is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _judged(
    transaction: Transaction, user: UserRecord | None, code: str | None, right: bool, kept: str | None, at: datetime
) -> Answer:
    """Judge an attempt, and count it: all within the transaction, so that attempts at once are counted one by one."""
    if user is None or (user.locked_until is not None and user.locked_until > at):
        return "wrong"
    if not right or not user.is_active or transaction.people.password_hash(user.name) != kept:
        transaction.people.note_failure(user.name, at=at, limit=ATTEMPTS, lock=LOCK)
        return "wrong"
    if not user.has_second_factor:
        return "right"
    if code is None:
        return "no code"
    return "right" if check_code(transaction, user.name, code, at=at) else "wrong"
