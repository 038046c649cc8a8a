"""Changes on approval: the only code that changes a threshold."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slaopt.apply.actor import AUTO, SCHEDULER, WATCH, Actor, ForbiddenError, may, require_right
    from slaopt.apply.asking import Wish, request
    from slaopt.apply.automatic import adjust
    from slaopt.apply.cases import UnknownError
    from slaopt.apply.chain import AuditVerification, export, note_head, read_heads, verify_audit
    from slaopt.apply.codes import CodeError
    from slaopt.apply.deciding import approve, commit, schedule
    from slaopt.apply.ending import reject, withdraw
    from slaopt.apply.filing import propose
    from slaopt.apply.ledger import Ledger
    from slaopt.apply.lifecycle import OPEN, TRANSITIONS, TransitionError
    from slaopt.apply.preview import Preview
    from slaopt.apply.requests import Outcome
    from slaopt.apply.undoing import rollback

__all__ = [
    "AUTO",
    "OPEN",
    "SCHEDULER",
    "TRANSITIONS",
    "WATCH",
    "Actor",
    "AuditVerification",
    "CodeError",
    "ForbiddenError",
    "Ledger",
    "Outcome",
    "Preview",
    "TransitionError",
    "UnknownError",
    "Wish",
    "adjust",
    "approve",
    "commit",
    "export",
    "may",
    "note_head",
    "propose",
    "read_heads",
    "reject",
    "request",
    "require_right",
    "rollback",
    "schedule",
    "verify_audit",
    "withdraw",
]

_HOMES = {  # imported when first used: a command that only looks needs next to nothing of this
    "actor": ("AUTO", "SCHEDULER", "WATCH", "Actor", "ForbiddenError", "may", "require_right"),
    "asking": ("Wish", "request"),
    "automatic": ("adjust",),
    "cases": ("UnknownError",),
    "chain": ("AuditVerification", "export", "note_head", "read_heads", "verify_audit"),
    "codes": ("CodeError",),
    "deciding": ("approve", "commit", "schedule"),
    "ending": ("reject", "withdraw"),
    "filing": ("propose",),
    "ledger": ("Ledger",),
    "lifecycle": ("OPEN", "TRANSITIONS", "TransitionError"),
    "preview": ("Preview",),
    "requests": ("Outcome",),
    "undoing": ("rollback",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"slaopt.apply.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
