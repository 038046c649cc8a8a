"""The audit log verified against itself and against the heads that were kept outside the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from slaopt.apply.ledger import append_head
from slaopt.errors import InputError
from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store.records import AuditEntry

__all__ = ["AuditVerification", "export", "note_head", "read_heads", "verify_audit"]

MOST_FAULTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditVerification(Result):
    """Whether the audit log is as it was written, and where it is not."""

    status: Literal["intact", "broken"]
    entries: int
    head: str | None  # digest of the last entry
    heads: int | None  # kept outside, and compared with; None: no file of heads was there
    newer: int  # entries after the last of these: each has one, but where a process died
    faults: tuple[str, ...]


def note_head(ledger: Ledger, *, at: datetime) -> AuditEntry | None:
    """Append the head of the audit log to its file, and give it; None where there is no entry yet.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with ledger.store.reading() as transaction:
        head = transaction.audit.head()
    if head is not None and ledger.heads is not None:
        append_head(ledger.heads, head, at)
    return head


def read_heads(path: Path) -> list[tuple[int, str]]:
    """Read the heads that were kept, number and digest; none where there is no file.

    A line that a process did not live to finish is no head.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"{path}: the heads of the audit log cannot be read ({error.strerror})") from error
    return [head for line in lines if (head := _head(line)) is not None]


def verify_audit(ledger: Ledger) -> AuditVerification:
    """Follow the chain from the first entry to the last, and look for each head that was kept.

    Heads are read first: whatever is in the file was committed before.
    """
    from slaopt.store.audit import chain_faults

    there = ledger.heads is not None and ledger.heads.exists()
    heads = read_heads(ledger.heads) if ledger.heads is not None else []
    last: list[AuditEntry] = []
    number = 0

    def counted(entries: Iterator[AuditEntry]) -> Iterator[AuditEntry]:
        nonlocal number
        for entry in entries:
            number += 1
            last[:] = [entry]
            yield entry

    with ledger.store.reading() as transaction:
        found = chain_faults(counted(transaction.audit.entries()), heads)
        faults = list(islice(found, MOST_FAULTS))
        more = sum(1 for _ in found)
        faults += [
            f"the database lacks its guard {name}: entries can be changed" for name in transaction.audit.guards_gone()
        ]
    if more:
        faults.append(f"and {more} more")
    return AuditVerification(
        status="broken" if faults else "intact",
        entries=number,
        head=last[0].digest if last else None,
        heads=len(heads) if there else None,
        newer=max(number - max((kept for kept, _ in heads), default=0), 0) if there else 0,
        faults=tuple(faults),
    )


def export(ledger: Ledger) -> Iterator[str]:
    """Give the audit log as JSON lines; the SHA-256 of `entry` is the entry's digest, so that anybody can check it."""
    with ledger.store.reading() as transaction:
        for entry in transaction.audit.entries():
            yield json.dumps(entry.to_dict() | {"entry": entry.entry}, ensure_ascii=False)


def _head(line: str) -> tuple[int, str] | None:
    try:
        told = json.loads(line)
        number, digest = told["number"], told["digest"]
    except (ValueError, TypeError, KeyError):
        return None
    return (number, digest) if isinstance(number, int) and isinstance(digest, str) else None
