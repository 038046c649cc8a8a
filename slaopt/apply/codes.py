"""The second factor of one who decides: a code is asked for where a change is critical, and used up."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.apply.actor import Actor, ForbiddenError

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction
    from slaopt.store.records import Needs

__all__ = ["CodeError", "has_factor", "second_factor"]


class CodeError(ForbiddenError):
    """A second factor is needed, or the code of one is wrong."""


def second_factor(ledger: Ledger, needs: Needs, actor: Actor, code: str | None, *, solo: bool, at: datetime) -> bool:
    """Have a code used up where one is needed, and tell whether one was.

    That takes a transaction of its own: wrong codes count even though nothing else is recorded.

    Raises
    ------
    CodeError
        If the actor has no second factor, or the code is missing, wrong, or was used before.
    """
    if not needs.second_factor or actor.machine:
        return False
    from slaopt.apply.people import use_code

    with ledger.store.reading() as transaction:
        if not has_factor(transaction, actor, solo=solo):
            return False
    if code is None:
        raise CodeError(f"this change is critical: give a code of your second factor ({' '.join(needs.why)})")
    if not use_code(ledger, code, action="approve", actor=actor, at=at):
        raise CodeError("the code is wrong or was used before; wait for the next one")
    return True


def has_factor(transaction: Transaction, actor: Actor, *, solo: bool) -> bool:
    """Tell whether the actor has a second factor; one who works alone need not.

    Raises
    ------
    CodeError
        If the actor has none, and needs one.
    """
    if actor.machine:
        return False
    user = transaction.people.find(actor.name)
    if user is not None and user.has_second_factor:
        return True
    if solo:
        return False
    raise CodeError(
        f"this change is critical and takes a second factor, which {actor.name} has not: "
        "slaopt users second-factor sets one up"
    )
