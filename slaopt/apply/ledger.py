"""The ledger: the store with what stands around it, and the one way in which anything is written there on approval."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from slaopt.apply.actor import Actor, is_solo, require_present, told
from slaopt.errors import InputError, RefusedError
from slaopt.params import Params, ParamsBook, is_enabled
from slaopt.result import plain

if TYPE_CHECKING:
    from slaopt.report.verify import Verification
    from slaopt.store import Store, Transaction
    from slaopt.store.records import AuditEntry

__all__ = ["EVEN_WHEN_OFF", "Ledger", "append_head", "note"]

EVEN_WHEN_OFF: Final = frozenset({"log in", "log out", "refuse login", "lock"})  # so that one can still look
UNASKED: Final = EVEN_WHEN_OFF | {"solo"}  # whoever does that need not be a user yet
logger = logging.getLogger("slaopt.ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The store, the settings, and where reports and heads of the audit log are kept.

    `verify` computes a report again; a server gives one that does so in another process. None: here.
    """

    store: Store
    book: ParamsBook
    reports: Path | None = None
    heads: Path | None = None  # file to which the head of the audit log is appended; None: to none
    workspace: Path | None = None  # whose off switch is looked at again at each writing; None: the book's holds
    verify: Callable[[Path, Store], Verification] | None = None

    def params(self, service: str) -> Params:
        """Give the settings of a service."""
        return self.book.of(service)

    @property
    def is_on(self) -> bool:
        """Whether anything may be written: the setting `enabled`, as it is at this moment."""
        if self.workspace is None:
            return self.book.default.enabled
        return is_enabled(self.workspace)

    def require_on(self, action: str) -> None:
        """Refuse an action while slaopt is switched off.

        Raises
        ------
        RefusedError
            With the remedy.
        """
        if not self.is_on:
            raise RefusedError(f"cannot {action}: slaopt is switched off; set `enabled: true` in params/default.yaml")

    @contextmanager
    def writing(self, action: str, *, actor: Actor | None, at: datetime) -> Iterator[Transaction]:
        """Open a transaction that writes; once it is committed, the audit log's new head is appended to its file.

        Parameters
        ----------
        action
            As the audit log calls it.
        actor
            Must still be who they were; None where nobody is logged in yet.

        Raises
        ------
        RefusedError
            If slaopt is switched off, or the actor is not, or no longer, a user.
        InputError
            If the file for heads cannot be written; nothing has happened then.
        """
        if action not in EVEN_WHEN_OFF:
            self.require_on(action)
        with _opened(self.heads) as file:
            with self.store.begin() as transaction:
                if actor is not None and action not in UNASKED:
                    require_present(transaction, actor)
                before = transaction.audit.head()
                yield transaction
                head = transaction.audit.head()
            if file is not None and head is not None and head != before:
                _append(file, head, at)


def note(
    transaction: Transaction, action: str, *, actor: Actor, at: datetime, service: str | None = None, **details: Any
) -> AuditEntry:
    """Append an entry to the audit log that says, beside its details, who acted and whether they work alone."""
    known = {name: plain(value) for name, value in details.items() if value is not None}
    return transaction.audit.append(
        action, actor=actor.name, service=service, details=known | told(actor, solo=is_solo(transaction)), at=at
    )


def append_head(path: Path, head: AuditEntry, at: datetime) -> None:
    """Append a head of the audit log to its file.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with _opened(path) as file:
        if file is not None:
            _append(file, head, at)


@contextmanager
def _opened(path: Path | None) -> Iterator[int | None]:
    """Open the file for heads before anything happens, so that one that cannot be written is found in time."""
    if path is None:
        yield None
        return
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise InputError(
            f"{path}: the heads of the audit log cannot be appended ({error.strerror}); "
            "make it writable, or name another file as `audit_heads` in params"
        ) from error
    try:
        yield file
    finally:
        os.close(file)


def _append(file: int, head: AuditEntry, at: datetime) -> None:
    """Append in one write; a line that a killed process left unfinished stays a line of its own.

    The change is made by now, so a disk that is full is no reason to call it failed: the next head covers this one.
    """
    line = json.dumps({"number": head.number, "digest": head.digest, "at": at.isoformat()}) + "\n"
    try:
        size = os.fstat(file).st_size
        torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
        os.write(file, (("\n" if torn else "") + line).encode())
        os.fsync(file)
    except OSError as error:
        logger.warning("the head of the audit log was not appended to its file: %s", error.strerror)
