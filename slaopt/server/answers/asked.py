"""An analysis or recommendation as somebody asks for it: of which run, with what settings, and what holds of it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.errors import InputError
from slaopt.report.answered import ASKED, Kind, settings_text
from slaopt.report.portfolio import read_skipped
from slaopt.server.answers.overview import why_not_valid
from slaopt.server.answers.published import extended
from slaopt.server.faults import NotFoundError

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.server.answers.shelf import Shelf, Told
    from slaopt.server.answers.told import Advice
    from slaopt.store import RunRecord, ServiceRecord, Transaction
    from slaopt.store.records import State

__all__ = ["Asked", "Place", "Standing", "Wanted", "standing"]

Place = tuple[int, Kind, str]  # of an answer: run, kind and settings


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. `settings` are those that were named; all others are as the service's own."""

    kind: Kind
    service: str
    settings: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for, as the store has it: the run that it is of, the settings, and what holds of it now."""

    run: RunRecord
    place: Place
    settings: Mapping[str, Any]
    more: Mapping[str, Any]

    def sent(self, text: bytes) -> bytes:
        """Give an answer as it is sent."""
        return extended(text, dict(self.more))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How all services stand at one moment: newest runs, what is decided, and why some have no report."""

    ledger: Ledger
    at: datetime
    version: tuple[int, ...]  # of the store
    runs: Mapping[str, RunRecord]
    records: Mapping[str, ServiceRecord]
    advised: Mapping[str, Told[Advice]]
    filed: Mapping[int, tuple[int, State]]  # proposals by the run that they were made of
    skipped: Mapping[str, str]  # reasons

    def wanted(self, asked: Asked) -> Wanted:
        """Find the run of a service, and the settings that hold for what is asked.

        Raises
        ------
        NotFoundError
            If nothing is known of the service.
        InputError
            If there is no report of it, with the reason where one is known.
        """
        run = self.runs.get(asked.service)
        if run is None:
            raise self._without(asked.service)
        settings = self._settings(asked) | dict(asked.settings)
        more: dict[str, Any] = {"as_of": run.as_of.isoformat(), "report_path": run.report_path}
        if asked.kind == "recommendation":
            why_not = why_not_valid(
                run, self.records.get(asked.service), threshold=settings["threshold"],
                valid_days=self.ledger.params(asked.service).report_valid_days, at=self.at,
                filed=self.filed.get(run.id),
            )  # fmt: skip
            more |= {"valid": why_not is None, "why_not": why_not}
        return Wanted(run=run, place=(run.id, asked.kind, settings_text(settings)), settings=settings, more=more)

    def _settings(self, asked: Asked) -> dict[str, Any]:
        """What the store or else params decide now, and of strategy and priority what the report was told."""
        params, record = self.ledger.params(asked.service), self.records.get(asked.service)
        settings = {name: getattr(params, name) for name in ASKED[asked.kind]}
        if record is not None:
            settings |= {name: getattr(record, name) for name in DECIDED if name in settings}
            settings["objective"] = settings["objective"] if settings["objective"] is not None else params.objective
        if asked.kind == "recommendation" and asked.service in self.advised:
            told = self.advised[asked.service].shown
            settings |= {"strategy": told.strategy, "business_priority": told.business_priority}
        return settings

    def _without(self, service: str) -> InputError:
        if service in self.skipped:
            return InputError(f"{service}: {self.skipped[service]}")
        if service not in self.records:
            return NotFoundError(f"{service}: no such service, neither in the store nor in a report")
        return InputError(f"{service}: there is no report yet; `slaopt report {service}` makes one")


DECIDED = ("threshold", "objective", "min_threshold", "max_threshold")  # by the store


def standing(
    transaction: Transaction, shelf: Shelf, ledger: Ledger, *, at: datetime, before: Standing | None = None
) -> Standing:
    """Read how all services stand; of what has a version, nothing where that is the one of `before`."""
    version, records = transaction.version(), transaction.services()
    skipped = {one.service: one.reason for one in read_skipped(ledger.reports)} if ledger.reports else {}
    if before is not None and before.version == version:
        return replace(before, ledger=ledger, at=at, records=records, skipped=skipped)
    runs = transaction.latest_runs()
    return Standing(
        ledger=ledger,
        at=at,
        version=version,
        runs=runs,
        records=records,
        advised=shelf.recommendations(transaction, runs),
        filed=transaction.proposals.of_reports([run.id for run in runs.values()]),
        skipped=skipped,
    )
