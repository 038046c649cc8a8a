"""A ledger from what a workspace says: where its reports lie, and to which file heads of the audit log go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.apply.ledger import Ledger

if TYPE_CHECKING:
    from slaopt.params import ParamsBook
    from slaopt.store import Store

__all__ = ["HEADS", "ledger_around"]

HEADS = "audit-heads.jsonl"  # in the workspace, where params name no other file


def ledger_around(store: Store, book: ParamsBook, workspace: Path | None) -> Ledger:
    """Put a store and what stands around it together; without a workspace there are no reports, and no file for heads.

    Relative paths of the params are relative to the workspace.
    """
    named = book.default.audit_heads
    if workspace is None:
        return Ledger(store=store, book=book, heads=None if named is None else Path(named))
    return Ledger(
        store=store,
        book=book,
        reports=workspace / "reports",
        heads=workspace / (named or HEADS),
        workspace=workspace,
    )
