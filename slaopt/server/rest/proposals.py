"""Proposals: filed from reports, looked at, and decided on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from slaopt.apply.deciding import approve, commit, schedule
from slaopt.apply.ending import reject, withdraw
from slaopt.apply.filing import propose
from slaopt.apply.lifecycle import OPEN, named
from slaopt.apply.preview import Preview, preview
from slaopt.apply.requests import Outcome
from slaopt.errors import RefusedError
from slaopt.result import Skipped
from slaopt.server.base import SlaoptHandler
from slaopt.server.faults import NotFoundError
from slaopt.server.models import Approve, Commit, ProposalsQuery, Propose, Reject, Schedule, Withdraw
from slaopt.server.operations import operation
from slaopt.store.records import ApprovalRecord, Proposal, State
from slaopt.wording import seconds

__all__ = [
    "ApproveHandler",
    "CommitHandler",
    "PreviewHandler",
    "ProposalHandler",
    "ProposalsHandler",
    "RejectHandler",
    "ScheduleHandler",
    "WithdrawHandler",
]


class ProposalsHandler(SlaoptHandler):
    """All proposals."""

    @operation("Proposals", action="read", query=ProposalsQuery, answers={200: list[Proposal]})
    async def get(self) -> None:
        """Give proposals, the newest first: those that are open, unless another state is asked for."""
        query, store = self.query(ProposalsQuery), self.context.store
        states: Collection[State] | None = None
        if query.state != "any":
            states = OPEN if query.state == "open" else {query.state}

        def found() -> list[Proposal]:
            with store.reading() as transaction:
                return transaction.proposals.list(states=states, service=query.service_type, limit=query.limit)

        self.answer(await self.context.fresh.get(("proposals", query), found))

    @operation(
        "File what the newest report recommends",
        action="propose",
        body=Propose,
        answers={200: Outcome},
        refusals=(404, 409),
    )
    async def post(self) -> None:
        """File a proposal from the newest report of a service; one that is open already is given back."""
        body, actor = self.json_body(Propose), await self.actor()
        at = self.context.now()
        (filed,) = await self.context.wait_for(propose, self.context.ledger, [body.service_type], actor=actor, at=at)
        if isinstance(filed, Skipped):
            raise RefusedError(filed.reason)
        if filed.state not in OPEN:
            raise RefusedError(
                f"{filed.service}: proposal {filed.id}, made of this report, was {named(filed.state)}; "
                "a fresh report can be proposed again"
            )
        self.answer(Outcome(proposal=filed, repeated=filed.proposed_at < at, sentence=_filed(filed)))


class ProposalHandler(SlaoptHandler):
    """One proposal."""

    @operation("A proposal", action="read", answers={200: Proposal}, refusals=(404,))
    async def get(self, number: str) -> None:
        """Give a proposal with what was decided on it so far, under `decisions`."""
        proposal, decisions = await self.run(self._found, int(number))
        self.answer(proposal.to_dict() | {"decisions": [decision.to_dict() for decision in decisions]})

    def _found(self, number: int) -> tuple[Proposal, list[ApprovalRecord]]:
        with self.context.store.reading() as transaction:
            proposal = transaction.proposals.get(number)
            if proposal is None:
                raise NotFoundError(f"there is no proposal {number}")
            return proposal, transaction.proposals.approvals(number)


class PreviewHandler(SlaoptHandler):
    """What a proposal would do."""

    @operation("Preview a proposal", action="read", answers={200: Preview}, refusals=(404,))
    async def get(self, number: str) -> None:
        """Give what would change, with intervals, who must approve, and what stands against it now."""
        actor, at = await self.actor(), self.context.now()
        self.answer(await self.context.wait_for(preview, self.context.ledger, int(number), actor=actor, at=at))


class DecisionHandler(SlaoptHandler):
    """Base of what is done to one proposal."""

    async def decide(self, do: Callable[..., Outcome], number: str, *args: Any, **said: Any) -> None:
        """Call a function of the apply module as whoever asks, and answer with what became of it."""
        outcome = await self.context.wait_for(
            do, self.context.ledger, int(number), *args, actor=await self.actor(), at=self.context.now(),
            key=self.request_key, **said,
        )  # fmt: skip
        self.answer(outcome)


class ApproveHandler(DecisionHandler):
    """Approvals."""

    @operation(
        "Approve a proposal", action="approve", body=Approve, answers={200: Outcome}, refusals=(404, 409), keyed=True
    )
    async def post(self, number: str) -> None:
        """Approve; with the last approval that it takes, the change is in force, unless it is held or scheduled."""
        body = self.json_body(Approve)
        await self.decide(approve, number, comment=body.comment, code=body.code, hold=body.hold)


class ScheduleHandler(DecisionHandler):
    """Approvals that say when."""

    @operation(
        "Approve a proposal for later",
        action="approve",
        body=Schedule,
        answers={200: Outcome},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self, number: str) -> None:
        """Approve, and set when the change comes into force; the watch commits it then."""
        body = self.json_body(Schedule)
        await self.decide(schedule, number, body.scheduled_time, comment=body.comment, code=body.code)


class RejectHandler(DecisionHandler):
    """Rejections."""

    @operation(
        "Reject a proposal", action="approve", body=Reject, answers={200: Outcome}, refusals=(404, 409), keyed=True
    )
    async def post(self, number: str) -> None:
        """Reject, with the reason."""
        await self.decide(reject, number, reason=self.json_body(Reject).reason)


class WithdrawHandler(DecisionHandler):
    """Proposals that are taken back by the one who filed them."""

    @operation(
        "Withdraw a proposal", action="propose", body=Withdraw, answers={200: Outcome}, refusals=(404, 409), keyed=True
    )
    async def post(self, number: str) -> None:
        """Withdraw one's own proposal; an admin may withdraw any."""
        await self.decide(withdraw, number, reason=self.json_body(Withdraw).reason)


class CommitHandler(DecisionHandler):
    """Changes that were approved and held, or are due."""

    @operation(
        "Commit a proposal", action="approve", body=Commit, answers={200: Outcome}, refusals=(404, 409), keyed=True
    )
    async def post(self, number: str) -> None:
        """Bring a change into force that has all its approvals."""
        self.json_body(Commit)
        await self.decide(commit, number)


def _filed(proposal: Proposal) -> str:
    """Say what was proposed, and who has to approve it."""
    now = "" if proposal.current_threshold is None else f"from {seconds(proposal.current_threshold, 6)} "
    people = proposal.needs.approvals
    who = "Your own approval is enough."
    if people:
        many = "One person" if people == 1 else f"{people} people"
        verb = "has" if people == 1 else "have"
        who = f"{many} other than {proposal.proposed_by} {verb} to approve it."
    return f"Proposed: {proposal.service} {now}to {seconds(proposal.proposed_threshold, 6)}. {who}"
