"""Stored answers that were read once. What is kept with a run never changes, so nothing of it is read again."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from slaopt.server.answers.told import Advice, Performance

if TYPE_CHECKING:
    from slaopt.report.answered import Kind
    from slaopt.server.answers.asked import Place
    from slaopt.store import RunRecord, Transaction

__all__ = ["Shelf", "Told", "written"]

T = TypeVar("T")

MOST = 2_000  # answers that are remembered, each some 10 kB


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """One stored answer: as it is sent, and what pages show of it."""

    run: RunRecord
    place: Place
    text: bytes  # JSON
    shown: T


class Shelf:
    """The answers of the newest runs, for as long as those are the newest. Its methods may be called in any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._analyses: dict[str, Told[Performance]] = {}
        self._recommendations: dict[str, Told[Advice]] = {}
        self._own: dict[Place, bytes] = {}  # of the newest reports themselves
        self._kept: OrderedDict[Place, bytes] = OrderedDict()

    def analyses(self, transaction: Transaction, runs: Mapping[str, RunRecord]) -> dict[str, Told[Performance]]:
        """Give the analysis of each of these runs, by service; runs without one are left out."""
        return self._of(transaction, runs, "analysis", self._analyses, lambda answer, _: Performance.of(answer))

    def recommendations(self, transaction: Transaction, runs: Mapping[str, RunRecord]) -> dict[str, Told[Advice]]:
        """Give the recommendation of each of these runs, by service; runs without one are left out."""
        return self._of(transaction, runs, "recommendation", self._recommendations, Advice.of)

    def remembered(self, place: Place) -> bytes | None:
        """Give the answer of a place that was read before."""
        with self._lock:
            return self._own.get(place) or self._kept.get(place)

    def kept(self, transaction: Transaction, place: Place) -> bytes | None:
        """Give the answer that is kept at a place, None where there is none."""
        answer = transaction.answers.get(*place)
        if answer is None:
            return None
        text = written(answer)
        self.keep(place, text)
        return text

    def keep(self, place: Place, text: bytes) -> None:
        """Remember an answer, and forget the one that was asked for longest ago where there are too many."""
        with self._lock:
            self._kept[place] = text
            self._kept.move_to_end(place)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def _of(
        self,
        transaction: Transaction,
        runs: Mapping[str, RunRecord],
        kind: Kind,
        kept: dict[str, Told[T]],
        read: Callable[[dict[str, Any], RunRecord], T],
    ) -> dict[str, Told[T]]:
        with self._lock:
            wanted = [name for name, run in runs.items() if name not in kept or kept[name].run.id != run.id]
            if wanted:
                found = transaction.answers.latest_texts(kind, services=wanted)
                for name, (run, settings, text) in found.items():
                    told = Told(run, (run.id, kind, settings), text.encode(), read(json.loads(text), run))
                    if name in kept:
                        self._own.pop(kept[name].place, None)
                    kept[name] = told
                    self._own[told.place] = told.text
            return {name: kept[name] for name in runs if name in kept and kept[name].run.id == runs[name].id}


def written(value: Any) -> bytes:
    """Write JSON as it is sent."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
