"""What people decide about services beside thresholds that change: a first one, and whether slaopt looks after them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.apply.actor import Actor, ForbiddenError, require_present
from slaopt.apply.ledger import note
from slaopt.errors import InputError

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import ServiceRecord, Transaction

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


def configure(
    ledger: Ledger, service: str, *, actor: Actor, at: datetime,
    optimization_enabled: bool | None = None, auto_adjust: bool | None = None,
    min_threshold: float | None = None, max_threshold: float | None = None,
) -> ServiceRecord:  # fmt: skip
    """Decide what slaopt may do with a service; None leaves a thing as it is. Bounds are seconds.

    Raises
    ------
    RefusedError
        If the actor is no admin; as long as a store has no user, anyone is.
    InputError
        If the service is not there, or the bounds contradict each other.
    """
    wanted = {
        "optimization_enabled": optimization_enabled,
        "auto_adjust": auto_adjust,
        "min_threshold": min_threshold,
        "max_threshold": max_threshold,
    }
    with ledger.writing("configure", actor=None, at=at) as transaction:
        _require_admin(transaction, actor)
        return _set(
            transaction, service, {name: value for name, value in wanted.items() if value is not None}, actor, at
        )


def _set(
    transaction: Transaction, service: str, wanted: dict[str, bool | float], actor: Actor, at: datetime
) -> ServiceRecord:
    before = transaction.service(service)
    changed = {name: value for name, value in wanted.items() if before is None or getattr(before, name) != value}
    if before is not None:
        if not changed:
            return before
        _require_bounds(replace(before, **changed))
    after = transaction.configure(service, **changed)
    was = {name: getattr(before, name) for name in changed}
    note(transaction, "configure", actor=actor, at=at, service=after.service, now=changed, before=was)
    return after


def _require_bounds(record: ServiceRecord) -> None:
    low, high = record.min_threshold, record.max_threshold
    if low is not None and high is not None and low > high:
        raise InputError(f"{record.service}: the least threshold, {low:.12g} s, exceeds the greatest, {high:.12g} s")


def _require_admin(transaction: Transaction, actor: Actor) -> None:
    """Refuse all but admins; a store that has no user yet is still being set up, by whoever set it up."""
    if actor.role is None and not transaction.people.all():
        return
    if actor.role is None:
        raise ForbiddenError("the store has users: log in as an admin with slaopt login NAME")
    require_present(transaction, actor, "administer")
