"""Thresholds that people ask for or take back, and the history of those in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slaopt.apply import experiments
from slaopt.apply.asking import Wish, request
from slaopt.apply.requests import Outcome
from slaopt.apply.undoing import rollback
from slaopt.server.answers import HistoryEntry
from slaopt.server.base import SlaoptHandler
from slaopt.server.models import HistoryQuery, RollbackThreshold, UpdateThreshold
from slaopt.server.operations import operation
from slaopt.server.planning import Wished
from slaopt.server.published import RollbackAnswer, UpdateAnswer

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor

__all__ = ["HistoryHandler", "RollbackHandler", "UpdateHandler"]

IN_FORCE, WAITING = 200, 202


class UpdateHandler(SlaoptHandler):
    """A threshold that somebody asks for."""

    @operation(
        "Ask for another threshold",
        action="propose",
        body=UpdateThreshold,
        answers={IN_FORCE: UpdateAnswer, WAITING: UpdateAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self) -> None:
        """Assess a threshold and propose it: 202 where it waits for an approval, 200 where it is in force.

        An approver's request that equals an open proposal of somebody else is the approval of that one. `ab_test`
        proposes a test of it, which runs once it is approved.
        """
        body, actor = self.json_body(UpdateThreshold), await self.actor()
        if body.implementation_type == "ab_test":
            await self._test(body, actor)
            return
        wish = Wish(
            service=body.service_type,
            threshold=body.new_threshold,
            implementation_type=body.implementation_type,
            rollback_rules=body.rules or None,
            scheduled_at=body.scheduled_time,
            reason=body.reason,
        )
        outcome = await self.context.wait_for(
            request, self.context.ledger, wish, actor=actor, at=self.context.now(), code=body.code, key=self.request_key
        )  # fmt: skip
        self.answer(_updated(outcome), status=IN_FORCE if outcome.change is not None else WAITING)

    async def _test(self, body: UpdateThreshold, actor: Actor) -> None:
        """Propose a test of it, designed as the settings of the service say."""
        planned = await self.context.planning.design(Wished(service=body.service_type, threshold=body.new_threshold))
        outcome = await self.context.wait_for(
            experiments.propose_experiment, self.context.ledger, body.service_type, planned.design, actor=actor,
            at=self.context.now(), hypothesis=body.reason, code=body.code, key=self.request_key,
        )  # fmt: skip
        record = outcome.experiment
        told = _updated(Outcome(proposal=outcome.proposal, repeated=outcome.repeated, sentence=outcome.sentence))
        more = {
            "experiment_id": record.experiment_id,
            "status": record.status,
            "power_analysis": planned.told["power_analysis"],
        }
        self.answer(told | more, status=IN_FORCE if record.status == "running" else WAITING)


class RollbackHandler(SlaoptHandler):
    """A change that is taken back."""

    @operation(
        "Take a change back",
        action="approve",
        body=RollbackThreshold,
        answers={200: RollbackAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self) -> None:
        """Restore the threshold before a change, unless a newer one is in force: that is shown, and stays."""
        body, actor = self.json_body(RollbackThreshold), await self.actor()
        outcome = await self.context.wait_for(
            rollback, self.context.ledger, body.change_id, reason=body.reason, actor=actor, at=self.context.now(),
            key=self.request_key,
        )  # fmt: skip
        self.answer(_rolled_back(outcome))


class HistoryHandler(SlaoptHandler):
    """Thresholds that came into force."""

    @operation("The history of thresholds", action="read", query=HistoryQuery, answers={200: list[HistoryEntry]})
    async def get(self) -> None:
        """Give who changed what and why, the newest first, with what was predicted and what was observed since."""
        query, context = self.query(HistoryQuery), self.context
        entries = await context.fresh.get(
            ("history", query), lambda: context.answers.history(service=query.service_type, limit=query.limit)
        )
        self.answer(entries)


def _updated(outcome: Outcome) -> dict[str, Any]:
    """Give what became of a threshold that was asked for, under the published names."""
    proposal = outcome.proposal
    assert proposal is not None  # whatever is asked for is one
    return {
        "success": True,
        "change_id": proposal.change_id,
        "implementation_type": proposal.implementation_type,
        "impact_assessment": proposal.assessment,
        "rollback_capability": _rollback_capability(proposal.assessment, proposal.current_threshold),
        "state": proposal.state,
        "proposal_id": proposal.id,
        "needs": proposal.needs,
        "scheduled_time": proposal.scheduled_at,
        "repeated": outcome.repeated,
        "sentence": outcome.sentence,
    }


def _rollback_capability(assessment: Mapping[str, Any], before: float | None) -> dict[str, Any]:
    """Say whether a change can be taken back, to what, and under which criteria it is by itself."""
    watch = assessment.get("watch") or {}
    return {
        "can_roll_back": before is not None,
        "previous_threshold": before,
        "rollback_criteria": assessment.get("rollback_criteria", []),
        "watch": watch.get("sentence"),
    }


def _rolled_back(outcome: Outcome) -> dict[str, Any]:
    """Give what became of a rollback, under the published names."""
    change = outcome.change
    assert change is not None  # a rollback is one
    return {
        "success": True,
        "rollback_id": change.change_id,
        "previous_threshold": change.threshold,
        "rollback_time": change.implemented_at,
        "service_type": change.service,
        "rolled_back_threshold": change.previous,
        "repeated": outcome.repeated,
        "sentence": outcome.sentence,
    }
