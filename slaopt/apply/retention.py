"""What is old, taken away on demand: measurements, analyses and reports; never what was decided, nor who did.

A report on which a proposal rests stays, in the store and on disk, however old it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.apply.actor import require_present
from slaopt.apply.ledger import note
from slaopt.errors import InputError
from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor
    from slaopt.apply.ledger import Ledger
    from slaopt.store import Transaction

__all__ = ["Purged", "old_things", "purge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged(Result):
    """What is older than a moment and can go: rows of each table, and folders of reports."""

    before: datetime
    rows: Mapping[str, int]
    reports: tuple[str, ...]  # their folders, relative to the folder of reports

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that old."""
        return not self.reports and not any(self.rows.values())


class _UndoneError(Exception):
    """Ends a transaction whose work is not to stay."""


def old_things(ledger: Ledger, before: datetime, *, at: datetime) -> Purged:
    """Tell what `purge` would take away, and take nothing."""
    _refuse_future(before, at)
    found: list[Purged] = []
    try:
        with ledger.store.begin() as transaction:
            found.append(_purged(transaction, ledger.reports, before))
            raise _UndoneError
    except _UndoneError:
        return found[0]


def purge(ledger: Ledger, before: datetime, *, actor: Actor, at: datetime) -> Purged:
    """Take away what is older than a moment, and note in the audit log how much that was.

    Raises
    ------
    RefusedError
        If the actor is no admin.
    InputError
        If the moment lies ahead, or a folder cannot be removed.
    """
    _refuse_future(before, at)
    with ledger.writing("purge", actor=actor, at=at) as transaction:
        require_present(transaction, actor, "administer")
        purged = _purged(transaction, ledger.reports, before)
        note(
            transaction, "purge", actor=actor, at=at,
            before=before.isoformat(), rows=dict(purged.rows), reports=len(purged.reports),
        )  # fmt: skip
    if ledger.reports is not None:
        _remove(ledger.reports, purged.reports)
    return purged


def _purged(transaction: Transaction, reports: Path | None, before: datetime) -> Purged:
    rows = transaction.purge(before)
    old = () if reports is None else tuple(_old_reports(transaction, reports, before))
    return Purged(before=before, rows=rows, reports=old)


def _old_reports(transaction: Transaction, reports: Path, before: datetime) -> list[str]:
    """Folders of reports that end before a moment and that no run of the store refers to any more."""
    from slaopt.report.folders import REPORT_NAME

    old = []
    for folder in sorted(reports.glob("[!.]*/*")):
        if not REPORT_NAME.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        ended = datetime.strptime(folder.name[:16], "%Y-%m-%dT%H%MZ").replace(tzinfo=UTC)
        place = f"{folder.parent.name}/{folder.name}"
        if ended < before and not transaction.runs_of_report("", identity="", report_path=place):
            old.append(place)
    return old


def _remove(reports: Path, places: tuple[str, ...]) -> None:
    from slaopt.report.folders import locked

    with locked(reports):
        for place in places:
            try:
                shutil.rmtree(reports / place)
            except FileNotFoundError:
                continue  # somebody else has removed it
            except OSError as error:
                raise InputError(
                    f"{reports / place}: cannot be removed ({error.strerror}); remove it by hand"
                ) from error


def _refuse_future(before: datetime, at: datetime) -> None:
    if before > at:
        raise InputError(f"{before.isoformat()} lies ahead: all there is would go; give a day that has been")
