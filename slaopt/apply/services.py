"""What people decide about services beside thresholds that change: a first one, and whether slaopt looks after them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

from slaopt.apply.actor import Actor, ForbiddenError, require_present
from slaopt.apply.ledger import note

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import ServiceRecord, Transaction
    from slaopt.store.store import Decided

__all__ = ["add_service", "configure", "switch"]


def add_service(
    ledger: Ledger, record: ServiceRecord, *, unit: str = "seconds", actor: Actor, at: datetime
) -> ServiceRecord:
    """Decide the first threshold and objective of a service.

    Raises
    ------
    RefusedError
        If the actor is no admin; as long as a store has no user, anyone is.
    InputError
        If the service is there, or the table cannot hold it.
    """
    with ledger.writing("add service", actor=None, at=at) as transaction:
        _require_admin(transaction, actor)
        added = transaction.add_service(record, unit=unit, by=actor.name, reason="added by hand", at=at)
        note(
            transaction, "add service", actor=actor, at=at, service=added.service,
            threshold=added.threshold, objective=added.objective, min_threshold=added.min_threshold,
            max_threshold=added.max_threshold,
        )  # fmt: skip
        return added


def switch(
    ledger: Ledger, services: Iterable[str], *, enabled: bool, actor: Actor, at: datetime
) -> list[ServiceRecord]:
    """Have slaopt look after services, or not: all of them or, where one is not there, none. Raises as `configure`."""
    with ledger.writing("configure", actor=None, at=at) as transaction:
        _require_admin(transaction, actor)
        return [_set(transaction, name, {"optimization_enabled": enabled}, actor, at) for name in services]


def configure(ledger: Ledger, service: str, *, actor: Actor, at: datetime, **decided: Unpack[Decided]) -> ServiceRecord:
    """Decide what slaopt may do with a service; what is not named stays as it is, None takes a bound (seconds) away.

    Raises
    ------
    RefusedError
        If the actor is no admin; as long as a store has no user, anyone is.
    InputError
        If the service is not there, or the bounds contradict each other.
    """
    with ledger.writing("configure", actor=None, at=at) as transaction:
        _require_admin(transaction, actor)
        return _set(transaction, service, decided, actor, at)


def _set(transaction: Transaction, service: str, decided: Decided, actor: Actor, at: datetime) -> ServiceRecord:
    before = transaction.service(service)
    after = transaction.configure(service, **decided)
    was = {name: getattr(before, name) for name, value in decided.items() if getattr(before, name) != value}
    if was:
        now = {name: getattr(after, name) for name in was}
        note(transaction, "configure", actor=actor, at=at, service=after.service, now=now, before=was)
    return after


def _require_admin(transaction: Transaction, actor: Actor) -> None:
    """Refuse all but admins; a store that has no user yet is still being set up, by whoever set it up."""
    if actor.role is None and not transaction.people.all():
        return
    if actor.role is None:
        raise ForbiddenError("the store has users: log in as an admin with slaopt login NAME")
    require_present(transaction, actor, "administer")
