"""What the server answers from the store alone: pure of HTTP, and nothing is computed but sums.

One `Answers` serves a server for its life; it keeps the stored answers that it has read, which never change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.server.answers.asked import Asked, Place, Standing, Wanted, standing
from slaopt.server.answers.effectiveness import Effectiveness, effectiveness
from slaopt.server.answers.history import HistoryEntry, history
from slaopt.server.answers.overview import DayTotal, Line, Overview, lines, overview
from slaopt.server.answers.published import analyses, recommendations
from slaopt.server.answers.shelf import Shelf
from slaopt.server.answers.summary import Summary, summarised
from slaopt.server.answers.told import Advice, Performance, Week

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger

__all__ = [
    "Advice",
    "Answers",
    "Asked",
    "DayTotal",
    "Effectiveness",
    "HistoryEntry",
    "Line",
    "Overview",
    "Performance",
    "Summary",
    "Wanted",
    "Week",
    "summarised",
]


class Answers:
    """Answers about a store. Each method reads as of one moment and may be called in any thread.

    Parameters
    ----------
    ledger
        Gives the ledger of the moment: settings may change while a server runs.
    """

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._at_hand, self._shelf = ledger, Shelf()
        self._standing: Standing | None = None

    @property
    def _ledger(self) -> Ledger:
        return self._at_hand()

    def overview(self, *, at: datetime) -> Overview:
        """Give all services with what is decided, advised and waiting."""
        with self._ledger.store.reading() as transaction:
            return overview(transaction, self._shelf, self._ledger.book, at=at)

    def recommendations(self, *, at: datetime) -> tuple[Line, ...]:
        """Give the services of which a report recommends something, in the order of their names."""
        with self._ledger.store.reading() as transaction:
            found = lines(transaction, self._shelf, self._ledger.book, at=at)
        return tuple(line for line in found if line.advice is not None)

    def history(self, *, service: str | None = None, limit: int = 50) -> tuple[HistoryEntry, ...]:
        """Give the thresholds that came into force, the newest first, predicted against observed."""
        with self._ledger.store.reading() as transaction:
            return history(transaction, self._ledger.book, service=service, limit=limit)

    def effectiveness(self) -> Effectiveness:
        """Give how well past recommendations did."""
        with self._ledger.store.reading() as transaction:
            return effectiveness(transaction, self._ledger.book)

    def published_analyses(self) -> bytes:
        """Give the newest analysis of each monitored service, as the JSON list that is sent."""
        with self._ledger.store.reading() as transaction:
            return analyses(transaction, self._shelf)

    def published_recommendations(self, *, at: datetime) -> bytes:
        """Give the newest recommendation of each service, as the JSON list that is sent."""
        with self._ledger.store.reading() as transaction:
            return recommendations(transaction, self._shelf, self._ledger.book, at=at)

    def standing(self, *, at: datetime) -> Standing:
        """Give how all services stand, so that what is asked for is found without the store."""
        ledger = self._ledger
        with ledger.store.reading() as transaction:
            self._standing = standing(transaction, self._shelf, ledger, at=at, before=self._standing)
        return self._standing

    def remembered(self, place: Place) -> bytes | None:
        """Give the answer of a place that was read or computed before; the store is not asked."""
        return self._shelf.remembered(place)

    def kept(self, place: Place) -> bytes | None:
        """Give the answer that is kept at a place, None where there is none."""
        with self._ledger.store.reading() as transaction:
            return self._shelf.kept(transaction, place)

    def keep(self, place: Place, text: bytes) -> None:
        """Remember an answer that was computed."""
        self._shelf.keep(place, text)
