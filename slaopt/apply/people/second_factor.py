"""The second factor: six digits that a phone shows and that change every half minute (TOTP, RFC 6238)."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import require_present
from slaopt.apply.ledger import note
from slaopt.apply.people.users import found_user, is_own
from slaopt.errors import InputError, RefusedError

if TYPE_CHECKING:
    from pyotp import TOTP

    from slaopt.apply.actor import Actor
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.records import UserRecord

__all__ = [
    "ATTEMPTS",
    "LOCK",
    "CodeNeededError",
    "check_code",
    "confirm_enrollment",
    "enroll",
    "note_refusal",
    "remove_second_factor",
    "use_code",
]

ATTEMPTS, LOCK = 5, timedelta(minutes=15)  # failures in a row, of passwords and codes together, and what follows
ISSUER = "slaopt"
STEPS = (0, -1, 1)  # the code of now, and for clocks that differ those beside it
DIGITS = 6


class CodeNeededError(RefusedError):
    """The user has a second factor, and no code was given."""


def enroll(name: str) -> str:
    """Give a new secret as the address that authenticator apps read (`otpauth://…`). Nothing is stored yet."""
    import pyotp

    return pyotp.TOTP(pyotp.random_base32()).provisioning_uri(name=name, issuer_name=ISSUER)


def confirm_enrollment(ledger: Ledger, name: str, uri: str, code: str, *, actor: Actor, at: datetime) -> UserRecord:
    """Keep the secret of `enroll` as a user's second factor, once a code shows that the user's app has it.

    Raises
    ------
    RefusedError
        If the actor is somebody else, the user has a second factor already, or the code is wrong.
    InputError
        If the address is none that `enroll` gave.
    """
    secret = _secret(uri)
    with ledger.writing("set second factor", actor=actor, at=at) as transaction:
        user = found_user(transaction, name)
        if not is_own(user, actor):
            raise RefusedError("a second factor is set by its user alone: log in as that user")
        if user.has_second_factor:
            raise RefusedError(f"{user.name} has a second factor already: take it away first")
        step = _matching_step(secret, code, at)
        if step is None:
            raise RefusedError("the code is not the one of now: check the clock of the phone, and try again")
        transaction.people.set_second_factor(user.name, secret)
        transaction.people.use_step(user.name, step)
        note(transaction, "set second factor", actor=actor, at=at, user=user.name, on=True)
        return found_user(transaction, user.name)


def remove_second_factor(
    ledger: Ledger, name: str, *, actor: Actor, at: datetime, code: str | None = None
) -> UserRecord:
    """Take a user's second factor away: the user's own with a code of it, or another's as an admin.

    Raises
    ------
    RefusedError
        If the actor may not, or the code is wrong.
    InputError
        If there is no such user.
    """
    with ledger.store.reading() as transaction:
        user = found_user(transaction, name)
    own = is_own(user, actor)
    if own and user.has_second_factor:
        _use_own_code(ledger, code, actor=actor, at=at)
    with ledger.writing("set second factor", actor=actor, at=at) as transaction:
        user = found_user(transaction, name)
        if not own:
            require_present(transaction, actor, "administer")
        if not user.has_second_factor:
            return user
        transaction.people.set_second_factor(user.name, None)
        note(transaction, "set second factor", actor=actor, at=at, user=user.name, on=False)
        return found_user(transaction, user.name)


def check_code(transaction: Transaction, name: str, code: str, *, at: datetime) -> bool:
    """Tell whether a code is one of now that was not used before, and use it.

    A wrong one counts as a failed attempt, in this transaction: refuse only after it is committed, or attempts are
    without limit. While the user is locked no code is right.
    """
    secret, user = transaction.people.second_factor(name), transaction.people.find(name)
    if secret is None or user is None or (user.locked_until is not None and user.locked_until > at):
        return False
    step = _matching_step(secret, code, at)
    if step is not None and transaction.people.use_step(name, step):
        return True
    transaction.people.note_failure(name, at=at, limit=ATTEMPTS, lock=LOCK)
    return False


def use_code(ledger: Ledger, code: str, *, action: str, actor: Actor, at: datetime) -> bool:
    """Tell whether a code of the actor's is right, and use it, in a transaction of its own.

    So a wrong one counts, and is in the audit log, though nothing else is recorded.
    """
    with ledger.writing(action, actor=actor, at=at) as transaction:
        before = transaction.people.find(actor.name)
        right = check_code(transaction, actor.name, code, at=at)
        if not right:
            note_refusal(transaction, "refuse code", before, actor=actor, at=at, to=action)
    return right


def note_refusal(
    transaction: Transaction, action: str, before: UserRecord | None, *, actor: Actor, at: datetime, **details: Any
) -> None:
    """Note a failed attempt of one who was as in `before`, and where it was the last one allowed, the lock."""
    note(transaction, action, actor=actor, at=at, **details)
    user = transaction.people.find(actor.name)
    if before is not None and user is not None and user.locked_until != before.locked_until:
        note(transaction, "lock", actor=actor, at=at, until=user.locked_until)


def _use_own_code(ledger: Ledger, code: str | None, *, actor: Actor, at: datetime) -> None:
    if code is None:
        raise CodeNeededError("taking away one's own second factor takes a code of it")
    if not use_code(ledger, code, action="set second factor", actor=actor, at=at):
        raise RefusedError("the code is wrong or was used before; wait for the next one")


def _secret(uri: str) -> str:
    import pyotp

    try:
        found = pyotp.parse_uri(uri)
    except ValueError:
        raise InputError("this is no address of a second factor: begin anew") from None
    if not isinstance(found, pyotp.TOTP) or len(found.secret) < 32 or found.digits != DIGITS:
        raise InputError("this is no address of a second factor of slaopt: begin anew")
    return found.secret


def _matching_step(secret: str, code: str, at: datetime) -> int | None:
    totp = _totp(secret)
    given = "".join(code.split())
    if len(given) != DIGITS or not given.isascii():
        return None
    step = int(at.timestamp()) // totp.interval
    right = [step + shift for shift in STEPS if hmac.compare_digest(totp.generate_otp(step + shift), given)]
    return right[0] if right else None


def _totp(secret: str) -> TOTP:
    import pyotp

    return pyotp.TOTP(secret, digits=DIGITS)
