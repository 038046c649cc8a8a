"""Automatic adjustment: routine changes of low risk, of services that are marked for it, approved by slaopt itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from slaopt.apply.actor import AUTO
from slaopt.apply.cases import Case, read_case
from slaopt.apply.deciding import approve
from slaopt.errors import SlaoptError
from slaopt.result import Skipped

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.apply.requests import Outcome

__all__ = ["adjust", "adjusts_itself"]


def adjust(ledger: Ledger, *, at: datetime) -> list[Outcome | Skipped]:
    """Bring into force what needs nobody's approval but that of `auto`; the others wait for people, and are not named.

    What a rule forbids is a Skipped with the reason. The same rules hold as for people.
    """
    with ledger.store.reading() as transaction:
        waiting = [
            read_case(transaction, ledger, proposal.id)
            for proposal in transaction.proposals.list(states={"proposed"})
        ]  # fmt: skip
    done: list[Outcome | Skipped] = []
    for case in waiting:
        if not adjusts_itself(case):
            continue
        try:
            done.append(approve(ledger, case.proposal.id, actor=AUTO, at=at, comment="routine, and of low risk"))
        except SlaoptError as error:
            done.append(Skipped(service=case.proposal.service, reason=str(error)))
    return done


def adjusts_itself(case: Case) -> bool:
    """Tell whether a proposal is one that takes no person: what a person asked for always takes another."""
    return (
        case.record is not None
        and case.record.auto_adjust
        and case.proposal.origin == "report"
        and case.proposal.assessment.get("implementation_risk") == "low"
        and case.needs.significance == "routine"
        and not case.approvals
    )
