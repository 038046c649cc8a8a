"""A proposal's life: which state may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from slaopt.errors import RefusedError

if TYPE_CHECKING:
    from slaopt.store.records import State

__all__ = ["OPEN", "TRANSITIONS", "TransitionError", "moved", "named"]

TRANSITIONS: Final[Mapping[State, frozenset[State]]] = {
    "draft": frozenset({"proposed", "withdrawn"}),
    "proposed": frozenset(
        {"approved", "scheduled", "committed", "rejected", "withdrawn", "expired", "superseded"}
    ),
    "approved": frozenset({"scheduled", "committed", "rejected", "withdrawn", "expired", "superseded"}),
    "scheduled": frozenset({"committed", "rejected", "withdrawn", "expired", "superseded"}),
    "committed": frozenset({"kept", "rolled_back"}),
    "kept": frozenset({"rolled_back"}),
    "rolled_back": frozenset({"committed"}),  # where its rollback was rolled back
    "rejected": frozenset(),
    "withdrawn": frozenset(),
    "expired": frozenset(),
    "superseded": frozenset(),
}  # fmt: skip

OPEN: Final[frozenset[State]] = frozenset({"draft", "proposed", "approved", "scheduled"})


class TransitionError(RefusedError):
    """A state that cannot follow the one that a proposal has."""


def moved(state: State, to: State) -> State:
    """Give the state that follows.

    >>> moved("proposed", "committed")
    'committed'

    Raises
    ------
    TransitionError
        If it cannot follow; naming both, and what can.
    """
    if to in TRANSITIONS[state]:
        return to
    possible = sorted(map(named, TRANSITIONS[state]))
    after = f"it can be {', '.join(possible[:-1])} or {possible[-1]}" if len(possible) > 1 else (
        f"it can only be {possible[0]}" if possible else "nothing follows that"
    )  # fmt: skip
    raise TransitionError(f"a proposal that is {named(state)} cannot be {named(to)}: {after}")


def named(state: State) -> str:
    """Write a state in words."""
    return state.replace("_", " ")
