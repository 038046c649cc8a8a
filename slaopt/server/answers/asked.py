"""One analysis or recommendation as somebody asks for it: of which run, with what settings, and whether it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.errors import InputError
from slaopt.report.answered import ASKED, Kind, settings_text
from slaopt.report.portfolio import read_skipped
from slaopt.server.answers.overview import why_not_valid
from slaopt.server.answers.published import extended
from slaopt.server.faults import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from slaopt.apply.ledger import Ledger
    from slaopt.params import Params
    from slaopt.server.answers.shelf import Shelf
    from slaopt.store import RunRecord, ServiceRecord, Transaction

__all__ = ["Asked", "Place", "Wanted", "wanted"]

Place = tuple[int, Kind, str]  # of an answer: run, kind and settings


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. `settings` are those that were named; all others are as the service's own."""

    kind: Kind
    service: str
    settings: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for, found in the store: the run that it is of, and the answer where it is kept."""

    run: RunRecord
    kind: Kind
    settings: Mapping[str, Any]
    text: bytes | None
    more: Mapping[str, Any]  # what holds of it now

    @property
    def place(self) -> Place:
        """Where the answer is kept."""
        return self.run.id, self.kind, settings_text(self.settings)

    def sent(self, text: bytes) -> bytes:
        """Give an answer with what holds of it now."""
        return extended(text, dict(self.more))


def wanted(transaction: Transaction, shelf: Shelf, ledger: Ledger, asked: Asked, *, at: datetime) -> Wanted:
    """Find the newest run of a service and its answer for what is asked and decided now.

    Raises
    ------
    NotFoundError
        If nothing is known of the service.
    InputError
        If there is no report of it, with the reason where one is known.
    """
    run = transaction.latest_runs([asked.service]).get(asked.service)
    record = transaction.service(asked.service)
    if run is None:
        raise _without(asked.service, record, ledger.reports)
    params = ledger.params(asked.service)
    settings = _as_now(asked, record, params) | _as_then(transaction, shelf, asked.kind, run) | dict(asked.settings)
    text = shelf.kept(transaction, (run.id, asked.kind, settings_text(settings)))
    why_not = why_not_valid(
        run, record, threshold=settings["threshold"], valid_days=params.report_valid_days, at=at
    )  # fmt: skip
    more: dict[str, Any] = {"as_of": run.as_of.isoformat(), "report_path": run.report_path}
    if asked.kind == "recommendation":
        more |= {"valid": why_not is None, "why_not": why_not}
    return Wanted(run=run, kind=asked.kind, settings=settings, text=text, more=more)


def _as_now(asked: Asked, record: ServiceRecord | None, params: Params) -> dict[str, Any]:
    """What is decided about the service, by the store or else by params; and what params say of the rest."""
    settings = {name: getattr(params, name) for name in ASKED[asked.kind]}
    if record is None:
        return settings
    owned = {
        "threshold": record.threshold,
        "objective": record.objective if record.objective is not None else params.objective,
        "min_threshold": record.min_threshold,
        "max_threshold": record.max_threshold,
    }
    return settings | {name: value for name, value in owned.items() if name in settings}


def _as_then(transaction: Transaction, shelf: Shelf, kind: Kind, run: RunRecord) -> dict[str, Any]:
    """What the run was told of the things that may be asked for, so that asking for nothing finds its own answer."""
    if kind == "analysis":
        return {}
    told = shelf.recommendations(transaction, {run.service: run}).get(run.service)
    return {} if told is None else {
        "strategy": told.shown.strategy, "business_priority": told.shown.business_priority,
    }  # fmt: skip


def _without(service: str, record: ServiceRecord | None, reports: Path | None) -> InputError:
    skipped = {one.service: one.reason for one in read_skipped(reports)} if reports is not None else {}
    if service in skipped:
        return InputError(f"{service}: {skipped[service]}")
    if record is None:
        return NotFoundError(f"{service}: no such service, neither in the store nor in a report")
    return InputError(f"{service}: there is no report yet; `slaopt report {service}` makes one")
