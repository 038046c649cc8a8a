"""What a pass of the watch did or found, service by service; one that cannot be handled stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from slaopt.errors import SlaoptError, UnreachableError
from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.store.records import ChangeRecord
    from slaopt.store.records import State as ProposalState

__all__ = ["Pass", "State", "Watched", "watched_until"]

State = Literal[
    "quiet", "blind", "unwatched", "overtaken", "rolled back", "kept", "committed", "expired", "refused",
    "waiting", "looked", "stopped", "completed", "adopted",  # of experiments
]  # fmt: skip
LOUD: Final[dict[State, int]] = {
    "rolled back": logging.WARNING, "refused": logging.WARNING,
    "committed": logging.INFO, "kept": logging.INFO, "expired": logging.INFO,
    "stopped": logging.WARNING, "completed": logging.INFO, "adopted": logging.INFO,
}  # fmt: skip
logger = logging.getLogger("slaopt.watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(Result):
    """What became of one proposal or change in a pass.

    Blind: nothing was seen, which says nothing in its favour. Unwatched: it is a first threshold, so nothing could be
    taken back, and what is seen of it is noted only.
    """

    service: str = field(metadata={"published": "service_type"})
    state: State
    sentence: str
    at: datetime
    proposal_id: int | None = None
    change_id: str | None = None
    fired: tuple[dict[str, Any], ...] = ()  # rules, with the moment and the value at which they do
    observed: dict[str, Any] | None = None  # since the change: executions, violations, violation_rate, interval, pages


def watched_until(change: ChangeRecord, state: ProposalState | None, *, days: int) -> datetime | None:
    """Give until when a change may be taken back by itself; None where it may not.

    It may not once its watch is over or another threshold is in force, and never where there was no threshold before.
    A change that was taken back and brought back is watched from then on.

    Parameters
    ----------
    state
        Of the proposal behind it.
    """
    if state != "committed" or not change.in_force or change.previous is None:
        return None
    return change.implemented_at + timedelta(days=days)


@dataclass(slots=True)
class Pass:
    """What a pass did so far, and the bugs it met: they are raised once every service had its turn."""

    at: datetime
    results: list[Watched] = field(default_factory=list)
    bugs: list[Exception] = field(default_factory=list)

    def do(self, act: Callable[[], Watched | None], otherwise: Callable[[str], Watched]) -> None:
        """Handle one service; what is refused is a result.

        Raises
        ------
        UnreachableError
            If the store is away: nothing more can be done then.
        """
        try:
            found = act()
        except UnreachableError:
            raise
        except SlaoptError as error:
            found = otherwise(str(error))
        except Exception as bug:
            self.bugs.append(bug)
            return
        if found is not None:
            self.add(found)

    def add(self, found: Watched) -> None:
        """Take a result, and tell the log."""
        self.results.append(found)
        logger.log(LOUD.get(found.state, logging.DEBUG), "%s: %s: %s", found.service, found.state, found.sentence)

    def done(self) -> list[Watched]:
        """Give the results; a bug stays loud."""
        if self.bugs:
            raise self.bugs[0]
        return self.results
