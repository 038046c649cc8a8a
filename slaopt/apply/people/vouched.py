"""Logins that another system vouches for: it says who somebody is, the store says what they may."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.apply.actor import Actor, ForbiddenError
from slaopt.apply.people.logins import Session, begin

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger

__all__ = ["log_in_vouched"]


def log_in_vouched(ledger: Ledger, name: str, *, voucher: str, at: datetime) -> Session:
    """Begin a web session of a user whose name another system has checked.

    Parameters
    ----------
    ledger
        The store.
    name
        As the other system writes it; the store's user of that name may be written in another case.
    voucher
        The other system; the audit log names it.
    at
        The time.

    Raises
    ------
    ForbiddenError
        If the store has no active user of that name.
    """
    with ledger.writing("log in", actor=None, at=at) as transaction:
        user = transaction.people.find(name)
        if user is None or not user.is_active or not _same_name(user.name, name):
            raise ForbiddenError(f"{name} is known to {voucher}, but is no active user here: an admin can change that")
        return begin(transaction, user, kind="web", actor=Actor(user.name, user.role), at=at, voucher=voucher)


def _same_name(one: str, other: str) -> bool:
    """Whether two names differ in capitals at most: strasse may be somebody else there than straße."""
    return unicodedata.normalize("NFC", one).lower() == unicodedata.normalize("NFC", other).lower()
