"""What a method of a REST handler does, said once: whose right it takes, what it is sent and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from jupyter_server.auth.decorator import allow_unauthenticated

from slaopt.server.base import SlaoptHandler, needs
from slaopt.server.models import Body, Query
from slaopt.store.records import Action

__all__ = ["METHODS", "Operation", "operation", "operations_of"]

Method = TypeVar("Method", bound=Callable[..., Any])
METHODS = ("get", "post", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one address."""

    summary: str
    description: str
    action: Action | None  # None: open to all, logged in or not
    body: type[Body] | None = None
    query: type[Query] | None = None
    answers: Mapping[int, Any] = field(default_factory=dict)  # by status: a type that says what the answer looks like
    refusals: tuple[int, ...] = ()  # statuses of errors beside those that any operation has
    keyed: bool = False  # whether Idempotency-Key makes a repeated request the same one


def operation(
    summary: str, *, action: Action | None, answers: Mapping[int, Any], body: type[Body] | None = None,
    query: type[Query] | None = None, refusals: tuple[int, ...] = (), keyed: bool = False,
) -> Callable[[Method], Method]:  # fmt: skip
    """Say what a method does; it runs for those alone whose role allows `action`."""

    def decorate(method: Method) -> Method:
        held: Any = needs(action)(method) if action is not None else allow_unauthenticated(method)
        held.operation = Operation(
            summary=summary, description=" ".join((method.__doc__ or "").split()), action=action, body=body,
            query=query, answers=answers, refusals=refusals, keyed=keyed,
        )  # fmt: skip
        return cast("Method", held)

    return decorate


def operations_of(handler: type[SlaoptHandler]) -> dict[str, Operation]:
    """Give what a handler does, by method."""
    found = {name: getattr(getattr(handler, name), "operation", None) for name in METHODS}
    return {name: operation for name, operation in found.items() if operation is not None}
