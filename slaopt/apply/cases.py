"""A proposal with all that decides over it, as it stands at one moment."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from slaopt.apply.actor import AUTO, RIGHTS, is_solo, same_person
from slaopt.apply.lifecycle import OPEN
from slaopt.apply.needs import needs_of, strictest
from slaopt.errors import InputError
from slaopt.params import Params

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import RunRecord, ServiceRecord, Transaction
    from slaopt.store.experiment_records import ExperimentRecord
    from slaopt.store.records import ApprovalRecord, Needs, Proposal

__all__ = ["Case", "UnknownError", "read_case"]


class UnknownError(InputError):
    """A proposal or change that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A proposal, and what its approval hangs on."""

    proposal: Proposal
    run: RunRecord | None  # the report behind it; None: it is gone from the store
    record: ServiceRecord | None  # what is decided about the service now; None: it has no threshold yet
    experiments: Sequence[str]  # that run on the service
    approvals: Sequence[ApprovalRecord]
    entitled: Set[str]  # names of those who may approve now; empty where nobody has decided yet
    params: Params
    solo: bool
    test: ExperimentRecord | None = None  # the experiment that its approval starts

    @property
    def needs(self) -> Needs:
        """Whose approval it takes: what was so when it was filed and what is so now, whichever is stricter."""
        proposal = self.proposal
        now = needs_of(
            proposal.current_threshold,
            proposal.proposed_threshold,
            risk=proposal.assessment.get("implementation_risk"),
            rules=self.params.approvals,
            solo=self.solo,
        )
        return now if self.solo else strictest(proposal.needs, now)

    @property
    def approved_by(self) -> tuple[str, ...]:
        """Who has approved, the earliest first; in solo mode the one who proposed may be among them."""
        return tuple(
            approval.approver
            for approval in self.approvals
            if approval.decision == "approved" and self._counts(approval)
        )

    @property
    def missing(self) -> int:
        """How many more have to approve; in solo mode one's own approval is still given."""
        return max(max(self.needs.approvals, 1) - len(self.approved_by), 0)

    @property
    def valid_until(self) -> datetime | None:
        """When the report behind it, or the design of a test, will be too old."""
        if self.proposal.implementation_type == "ab_test":
            designed = datetime.fromisoformat(self.proposal.assessment["as_of"])
            return designed + timedelta(days=self.params.report_valid_days)
        return None if self.run is None else self.run.as_of + timedelta(days=self.params.report_valid_days)

    def _counts(self, approval: ApprovalRecord) -> bool:
        """Whether it is somebody else's and, until the change is made, one that could be given now as it was."""
        if self.solo:
            return True
        if same_person(approval.approver, self.proposal.proposed_by):
            return False
        if self.proposal.state not in OPEN:
            return True
        return approval.approver in self.entitled and (approval.second_factor or not self.needs.second_factor)


def read_case(transaction: Transaction, ledger: Ledger, proposal_id: int) -> Case:
    """Read a proposal with what its approval hangs on.

    Raises
    ------
    UnknownError
        If there is none of that number.
    """
    proposal = transaction.proposals.get(proposal_id)
    if proposal is None:
        raise UnknownError(f"there is no proposal {proposal_id}; slaopt proposals --all lists them")
    approvals = transaction.proposals.approvals(proposal.id)
    return Case(
        proposal=proposal,
        run=None if proposal.run_id is None else transaction.run_by_id(proposal.run_id),
        record=transaction.service(proposal.service),
        experiments=transaction.running_experiments(proposal.service),
        approvals=approvals,
        entitled=_entitled(transaction) if approvals else frozenset(),
        params=ledger.params(proposal.service),
        solo=is_solo(transaction),
        test=transaction.experiments.of_proposal(proposal.id) if proposal.implementation_type == "ab_test" else None,
    )


def _entitled(transaction: Transaction) -> frozenset[str]:
    """Names of all who may approve now: slaopt itself, and users who are let in and have the right."""
    users = (user.name for user in transaction.people.all() if user.is_active and "approve" in RIGHTS[user.role])
    return frozenset({AUTO.name, *users})
