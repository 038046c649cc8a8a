"""The lists of analyses and recommendations as other systems read them: the stored JSON, and what holds of it now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.server.answers.overview import open_proposals, why_not_valid
from slaopt.server.answers.shelf import written

if TYPE_CHECKING:
    from slaopt.params import ParamsBook
    from slaopt.server.answers.shelf import Shelf
    from slaopt.store import Transaction

__all__ = ["analyses", "recommendations"]


def analyses(transaction: Transaction, shelf: Shelf) -> bytes:
    """Give the newest analysis of each service that is not taken out of service."""
    records, runs = transaction.services(), transaction.latest_runs()
    told = shelf.analyses(transaction, runs)
    shown = [name for name in sorted(told) if name not in records or records[name].is_active]
    return _list([told[name].text for name in shown])


def recommendations(transaction: Transaction, shelf: Shelf, book: ParamsBook, *, at: datetime) -> bytes:
    """Give the newest recommendation of each service, with whether it still holds and the proposal that is open."""
    records, runs = transaction.services(), transaction.latest_runs()
    told = shelf.recommendations(transaction, runs)
    proposals = open_proposals(transaction)
    filed = transaction.proposals.of_reports([run.id for run in runs.values()])
    shown = []
    for name in sorted(told):
        run, advice = told[name].run, told[name].shown
        days = book.services.get(name, book.default).report_valid_days
        why_not = why_not_valid(
            run, records.get(name), threshold=advice.current_threshold, valid_days=days, at=at, filed=filed.get(run.id)
        )  # fmt: skip
        proposal = proposals.get(name)
        state = None if proposal is None else {"id": proposal.id, "state": proposal.state}
        more = {"as_of": run.as_of.isoformat(), "report_path": run.report_path}
        shown.append(
            extended(told[name].text, more | {"valid": why_not is None, "why_not": why_not, "proposal": state})
        )
    return _list(shown)


def extended(text: bytes, more: dict[str, Any]) -> bytes:
    """Add fields to a JSON object that is written already.

    >>> extended(b'{"a":1}', {"b": 2})
    b'{"a":1,"b":2}'
    """
    return text[:-1] + b"," + written(more)[1:]


def _list(items: list[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"
