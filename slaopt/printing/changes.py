"""Lines about what was decided: changes with their outcome, the audit log, what is old."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slaopt.printing.text import LONGEST_NAME, WIDEST, visible
from slaopt.wording import count, moment, percent, seconds

if TYPE_CHECKING:
    from slaopt.apply.chain import AuditVerification
    from slaopt.apply.retention import Purged
    from slaopt.server.answers.history import HistoryEntry
    from slaopt.store.records import AuditEntry

__all__ = ["audit_lines", "history_lines", "purged_lines", "verification_lines"]

LONGEST_DETAILS = 300


def history_lines(entries: Sequence[HistoryEntry]) -> Iterator[str]:
    """Say of each threshold that came into force who brought it, why, and what came of it."""
    if not entries:
        yield "no threshold came into force yet"
    for entry in entries:
        before = "none" if entry.previous is None else seconds(entry.previous, 6)
        change = f"  change {entry.change_id}" if entry.change_id else ""
        yield (
            f"{moment(entry.implemented_at)}  {visible(entry.service, LONGEST_NAME)}  {before} → "
            f"{seconds(entry.threshold, 6)}  by {visible(entry.implemented_by, LONGEST_NAME)}{change}  {_fate(entry)}"
        )
        if entry.reason:
            yield from textwrap.wrap(visible(entry.reason), WIDEST, initial_indent="    ", subsequent_indent="    ")
        if outcome := _outcome(entry):
            yield f"    {outcome}"


def audit_lines(entries: Iterable[AuditEntry]) -> Iterator[str]:
    """Say who did what and when, an entry a line."""
    none = True
    for entry in entries:
        none = False
        about = f" {visible(entry.service, LONGEST_NAME)}" if entry.service else ""
        details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True)
        who = visible(entry.actor, LONGEST_NAME)
        said = f"{who}: {visible(entry.action)}{about}"
        yield f"{entry.number}  {moment(entry.at)}  {said}  {visible(details, LONGEST_DETAILS)}"
    if none:
        yield "the audit log is empty"


def verification_lines(verification: AuditVerification) -> Iterator[str]:
    """Say whether the audit log is as it was written, and where it is not."""
    heads = (
        "no head was kept outside, so a cut end would not show"
        if verification.heads is None
        else f"compared with {count(verification.heads)} heads that were kept outside"
    )
    yield f"{verification.status}: {count(verification.entries)} entries, {heads}"
    if verification.newer:
        entries = "1 entry" if verification.newer == 1 else f"{count(verification.newer)} entries"
        yield (
            f"after the last head that was kept: {entries}; slaopt"
            " keeps a head after each of its own, unless it is killed: look at them with slaopt audit list"
        )
    for fault in verification.faults:
        yield f"  {visible(fault)}"


def purged_lines(purged: Purged, *, done: bool) -> Iterator[str]:
    """Say what is older than a moment, and whether it is gone."""
    if purged.is_empty:
        yield f"nothing is older than {moment(purged.before)} that no proposal rests on"
        return
    yield f"older than {moment(purged.before)}, and {'gone' if done else 'to go'}:"
    for table, rows in purged.rows.items():
        if rows:
            yield f"  {count(rows)} of {table}"
    if purged.reports:
        yield f"  {count(len(purged.reports))} folders of reports"
        if done:
            yield "the index page still lists them, until slaopt report writes it again"


def _fate(entry: HistoryEntry) -> str:
    if entry.undone_by:
        return f"rolled back by {entry.undone_by}"
    if not entry.in_force:
        return "followed by another"
    if entry.watched_until is not None:
        return f"in force, watched until {moment(entry.watched_until)}"
    if entry.state == "kept":
        return "in force, kept"
    return "in force, not watched: there is nothing to go back to" if entry.is_first else "in force"


def _outcome(entry: HistoryEntry) -> str | None:
    """What was predicted and what was observed, where either is known."""
    predicted, observed = _rate((entry.predicted or {}).get("then")), _rate(entry.observed)
    if predicted is None:
        return None
    return f"violation rate: {predicted} predicted, {observed or 'nothing'} observed"


def _rate(outcome: Mapping[str, Any] | None) -> str | None:
    rate = (outcome or {}).get("violation_rate")
    return None if rate is None else percent(rate)
