"""`sla_audit_log`: who did what and when, each entry holding the digest of the one before it.

The database refuses to change or remove entries. Whoever gets round that breaks the chain, and `chain_faults` tells
where; the end of the chain cannot be cut unseen where a head was kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.records import AuditEntry

__all__ = ["FIRST", "GUARDS", "Audit", "chain_faults", "entry_digest", "entry_text"]

FIRST = "0" * 64  # what the first entry holds as the digest of the one before it
AT_ONCE = 1_000  # entries held in memory
GUARDS = {
    "sqlite": ("sla_audit_log_no_update", "sla_audit_log_no_delete", "sla_audit_log_no_replace"),
    "postgresql": ("sla_audit_log_no_change", "sla_audit_log_no_truncate"),
}
_GUARDING = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'sla_audit_log'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'sla_audit_log'::regclass AND tgenabled <> 'D'",
}
UNREADABLE = datetime.min.replace(tzinfo=UTC)  # stands for what is no time, so that it differs from the entry


class Audit:
    """The audit log of the store."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def append(
        self, action: str, *, actor: str, service: str | None = None, details: Mapping[str, Any], at: datetime
    ) -> AuditEntry:
        """Add an entry to the end of the chain. Raises InputError where that end is none."""
        last = self.head()
        if last is not None and not isinstance(last.number, int):  # SQLite keeps any text in a column of numbers
            raise InputError("the audit log was tampered with, so nothing is added to it; see slaopt audit verify")
        number, previous = (1, FIRST) if last is None else (last.number + 1, last.digest)
        told = plain(details)
        text = entry_text(
            number=number, at=at, actor=actor, action=action, service=service, details=told, previous_digest=previous
        )
        entry = AuditEntry(
            number=number, at=at, actor=actor, action=action, service=service, details=told,
            previous_digest=previous, digest=entry_digest(text), entry=text,
        )  # fmt: skip
        values = {
            "number": number, "created_at": at, "actor": actor, "action": action, "service_type": service,
            "details": told, "previous_digest": previous, "digest": entry.digest, "entry": text,
        }  # fmt: skip
        self._connection.execute(sa.insert(tables.audit_log).values(values))
        return entry

    def head(self) -> AuditEntry | None:
        """Give the entry at the end of the chain."""
        query = self._query().order_by(tables.audit_log.c.number.desc()).limit(1)
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _entry(row)

    def entries(self, *, after: int = 0, limit: int | None = None) -> Iterator[AuditEntry]:
        """Give entries in the order of their numbers, those after a number (0: all that there are)."""
        query = self._query().order_by(tables.audit_log.c.number, tables.audit_log.c.id).limit(limit)
        if after:
            query = query.where(tables.audit_log.c.number > after)
        for row in self._connection.execute(query.execution_options(yield_per=AT_ONCE)).mappings():
            yield _entry(row)

    def guards_gone(self) -> list[str]:
        """Name the triggers that keep entries from being changed, and are not there or are turned off."""
        dialect = self._connection.dialect.name
        there = set(self._connection.scalars(sa.text(_GUARDING[dialect])))
        return [name for name in GUARDS[dialect] if name not in there]

    def _query(self) -> sa.Select[*tuple[Any, ...]]:
        """Times and details as text: somebody may have put in what a driver cannot read."""
        columns = tables.audit_log.c
        texts = (sa.cast(column, sa.Text).label(column.name) for column in (columns.created_at, columns.details))
        return sa.select(*(column for column in columns if column.name not in ("created_at", "details")), *texts)


def entry_text(
    *,
    number: int,
    at: datetime,
    actor: str,
    action: str,
    service: str | None,
    details: Mapping[str, Any],
    previous_digest: str,
) -> str:
    """Write an entry in the one form that its digest is of."""
    entry = {
        "number": number,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "service": service,
        "details": plain(details),
        "previous_digest": previous_digest,
    }
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def entry_digest(text: str) -> str:
    """Give the digest of an entry: SHA-256 of its text.

    >>> entry_digest("{}")[:8]
    '44136fa3'
    """
    return hashlib.sha256(text.encode()).hexdigest()


def chain_faults(rows: Iterable[AuditEntry], heads: Iterable[tuple[int, str]] = ()) -> Iterator[str]:
    """Tell in sentences where the chain of entries is broken; nothing where it is whole.

    Parameters
    ----------
    rows
        All entries, by number.
    heads
        Numbers and digests that were once at the end of the chain, as kept outside the database.
    """
    kept: dict[int, set[str]] = {}
    for number, digest in heads:
        kept.setdefault(number, set()).add(digest)
    expected, previous = 1, FIRST
    for row in rows:
        if row.number != expected:
            yield _gap(expected, row.number)
        elif row.previous_digest != previous:
            yield f"entry {row.number} does not follow the one before it: either was changed or put in"
        if entry_digest(row.entry) != row.digest:
            yield f"entry {row.number} was changed: its digest is that of another text"
        elif not _agrees(row):
            yield f"entry {row.number} was changed: its columns tell something else than the text that was signed"
        if kept.pop(row.number, {row.digest}) != {row.digest}:
            yield f"entry {row.number} is another one than the head that was kept of it"
        expected, previous = (row.number if isinstance(row.number, int) else expected) + 1, row.digest
    if missing := sorted(number for number in kept if number >= expected):  # gaps were told
        told = f"entry {missing[0]} is" if len(missing) == 1 else f"entries {missing[0]} to {missing[-1]} are"
        yield f"the end was cut off: {told} known from the heads that were kept, and gone"


def _gap(expected: int, found: object) -> str:
    if not isinstance(found, int) or found < expected:
        return f"entry {found} was put in: the numbers before it are taken"
    if found == expected + 1:
        return f"entry {expected} is missing"
    return f"entries {expected} to {found - 1} are missing"


def _agrees(row: AuditEntry) -> bool:
    """Whether the columns tell what the text tells. Numbers are compared as such: a database may write 1e23 in full."""
    text = entry_text(
        number=row.number, at=row.at, actor=row.actor, action=row.action, service=row.service,
        details=row.details, previous_digest=row.previous_digest,
    )  # fmt: skip
    return row.entry == text or _numbers(row.entry) == _numbers(text)


def _numbers(text: str) -> Any:
    try:
        return json.loads(text, parse_int=float)
    except ValueError:
        return None


def _entry(row: Mapping[Any, Any]) -> AuditEntry:
    return AuditEntry(
        number=row["number"],
        at=_moment(row["created_at"]),
        actor=row["actor"],
        action=row["action"],
        service=row["service_type"],
        details=_details(row["details"]),
        previous_digest=row["previous_digest"],
        digest=row["digest"],
        entry=str(row["entry"]),
    )


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return UNREADABLE
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _details(value: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(value)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}
