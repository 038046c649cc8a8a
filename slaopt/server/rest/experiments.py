"""Threshold A/B tests: asked for, looked at, stopped, prolonged and adopted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slaopt.apply import experiments
from slaopt.apply.experiments.ends import found
from slaopt.server.base import SlaoptHandler
from slaopt.server.experiment_models import (
    AdoptExperiment,
    AmendExperiment,
    ExperimentsQuery,
    ProposeTest,
    StartExperiment,
    StopExperiment,
)
from slaopt.server.experiment_published import (
    AdoptAnswer,
    AmendAnswer,
    DetailedExperiment,
    StartAnswer,
    StopAnswer,
    WatchedExperiment,
)
from slaopt.server.faults import NotFoundError
from slaopt.server.operations import operation
from slaopt.server.planning import Planned, Wished

if TYPE_CHECKING:
    from slaopt.apply.experiments import ExperimentOutcome
    from slaopt.store import ExperimentRecord, ExperimentStatus, Transaction
    from slaopt.store.records import Proposal

__all__ = [
    "ActiveExperimentsHandler",
    "AdoptExperimentHandler",
    "AmendExperimentHandler",
    "ExperimentHandler",
    "ExperimentsHandler",
    "ProposalTestHandler",
    "StopExperimentHandler",
]

RUNS, WAITS = 200, 202
RUNNING: tuple[ExperimentStatus, ...] = ("running",)


class FilingHandler(SlaoptHandler):
    """Base of what files a test, and says whether it runs or waits."""

    async def file(self, wished: Wished, do: Callable[..., ExperimentOutcome], *what: Any, **said: Any) -> None:
        """Design a test and file it as whoever asks."""
        planned = await self.context.planning.design(wished)
        outcome = await self.context.wait_for(
            do, self.context.ledger, *what, planned.design, actor=await self.actor(), at=self.context.now(),
            key=self.request_key, **said,
        )  # fmt: skip
        self.answer(_filed(outcome, planned), status=RUNS if outcome.experiment.status == "running" else WAITS)


class ExperimentsHandler(FilingHandler):
    """Experiments."""

    @operation("Experiments", action="read", query=ExperimentsQuery, answers={200: list[WatchedExperiment]})
    async def get(self) -> None:
        """Give experiments with their progress, the newest first, those that ended too."""
        query = self.query(ExperimentsQuery)
        statuses = None if query.status == "any" else (query.status,)
        self.answer(await _listed(self, statuses, service=query.service_type, limit=query.limit))

    @operation(
        "Start an experiment",
        action="propose",
        body=StartExperiment,
        answers={RUNS: StartAnswer, WAITS: StartAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self) -> None:
        """Design a test of a threshold and propose it: 202 where it waits for an approval, 200 where it runs.

        A test that could not answer is refused with the reasons; `force` overrules what can be overruled.
        """
        body = self.json_body(StartExperiment)
        wished = Wished.of(body, service=body.service_type, threshold=body.proposed_threshold)
        await self.file(
            wished, experiments.propose_experiment, body.service_type, hypothesis=body.hypothesis, code=body.code
        )


class ProposalTestHandler(FilingHandler):
    """Tests in the place of a change that is proposed."""

    @operation(
        "Test first what a proposal proposes",
        action="propose",
        body=ProposeTest,
        answers={RUNS: StartAnswer, WAITS: StartAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self, number: str) -> None:
        """Propose a test of the proposed threshold; the proposal of a change for all gives way to it."""
        body = self.json_body(ProposeTest)
        proposal = await self.run(self._proposal, int(number))
        wished = Wished.of(body, service=proposal.service, threshold=proposal.proposed_threshold)
        await self.file(wished, experiments.test_first, proposal.id, code=body.code)

    def _proposal(self, number: int) -> Proposal:
        with self.context.store.reading() as transaction:
            proposal = transaction.proposals.get(number)
        if proposal is None:
            raise NotFoundError(f"there is no proposal {number}")
        return proposal


class ActiveExperimentsHandler(SlaoptHandler):
    """Experiments that run."""

    @operation("Running experiments", action="read", answers={200: list[WatchedExperiment]})
    async def get(self) -> None:
        """Give the experiments that run, with how far they are and what was found so far."""
        self.answer(await _listed(self, RUNNING))


class ExperimentHandler(SlaoptHandler):
    """One experiment."""

    @operation("An experiment", action="read", answers={200: DetailedExperiment}, refusals=(404,))
    async def get(self, number: str) -> None:
        """Give an experiment with its design, its looks and what came of it. Its salt is never given."""
        context, at = self.context, self.context.now()

        def detailed() -> dict[str, Any]:
            with context.store.reading() as transaction:
                record = found(transaction, number)
                told = experiments.details(transaction, record, at=at)
                return told | experiments.progress(transaction, record, at=at)

        self.answer(await context.fresh.get(("experiment", number), detailed))


class EndHandler(SlaoptHandler):
    """Base of what is done to one experiment."""

    async def do(self, call: Callable[..., ExperimentOutcome], number: str, **said: Any) -> ExperimentOutcome:
        """Call a function of the apply module as whoever asks."""
        return await self.context.wait_for(
            call, self.context.ledger, number, actor=await self.actor(), at=self.context.now(), key=self.request_key,
            **said,
        )  # fmt: skip


class StopExperimentHandler(EndHandler):
    """The end of an experiment before its time."""

    @operation(
        "Stop an experiment",
        action="approve",
        body=StopExperiment,
        answers={200: StopAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self, number: str) -> None:
        """Stop it, with the reason: from then on the control threshold holds for all again."""
        body = self.json_body(StopExperiment)
        outcome = await self.do(experiments.stop, number, reason=body.reason)
        record = outcome.experiment
        result = {
            "status": record.status, "stopped_by": record.stopped_by, "experiment_end": record.experiment_end,
            "early_stop_reason": record.early_stop_reason, "rollback_triggered": record.rollback_triggered,
            "threshold": record.control_threshold,
        }  # fmt: skip
        self.answer(_said(outcome) | {"stop_result": result})


class AmendExperimentHandler(EndHandler):
    """Changes of a design while it runs."""

    @operation(
        "Prolong an experiment",
        action="approve",
        body=AmendExperiment,
        answers={200: AmendAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self, number: str) -> None:
        """Let it run for more days; whatever else would spoil its answer is refused."""
        body = self.json_body(AmendExperiment)
        outcome = await self.do(experiments.amend, number, days=body.experiment_duration_days, reason=body.reason)
        record = outcome.experiment
        more = {
            "estimated_duration_days": record.duration_days, "planned_end": record.planned_end,
            "design_digest": record.design_digest, "amendments": record.amendments,
        }  # fmt: skip
        self.answer(_said(outcome) | more)


class AdoptExperimentHandler(EndHandler):
    """The usual way from a test's result to a change for all."""

    @operation(
        "Adopt what an experiment recommends",
        action="propose",
        body=AdoptExperiment,
        answers={200: AdoptAnswer},
        refusals=(404, 409),
        keyed=True,
    )
    async def post(self, number: str) -> None:
        """Propose the tested threshold for all, with the test's result; it takes the usual approvals."""
        self.json_body(AdoptExperiment)
        outcome = await self.do(experiments.adopt, number)
        self.answer(_said(outcome) | _waiting(outcome))


async def _listed(
    handler: SlaoptHandler,
    statuses: tuple[ExperimentStatus, ...] | None,
    *,
    service: str | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Give experiments with their progress."""
    context, at = handler.context, handler.context.now()

    def listed() -> list[dict[str, Any]]:
        with context.store.reading() as transaction:
            records = transaction.experiments.list(statuses=statuses, service=service, limit=limit)
            return [_watched(transaction, record, at) for record in records]

    return await context.fresh.get(("experiments", statuses, service, limit), listed)


def _watched(transaction: Transaction, record: ExperimentRecord, at: Any) -> dict[str, Any]:
    brief = {
        "service_type": record.service, "control_threshold": record.control_threshold,
        "test_threshold": record.test_threshold, "unit": record.unit, "traffic_split": record.traffic_split,
        "estimated_duration_days": record.duration_days, "experiment_start": record.experiment_start,
        "planned_end": record.planned_end, "experiment_end": record.experiment_end,
        "recommendation": record.recommendation, "proposal_id": record.proposal_id,
    }  # fmt: skip
    return brief | experiments.progress(transaction, record, at=at)


def _filed(outcome: ExperimentOutcome, planned: Planned) -> dict[str, Any]:
    """Give what became of a test that was asked for, under the published names."""
    record = outcome.experiment
    told = dict(planned.told) | {"experiment_id": record.experiment_id, "status": record.status}
    result = _waiting(outcome) | {
        "started": record.status == "running",
        "status": record.status,
        "experiment_start": record.experiment_start,
        "planned_end": record.planned_end,
    }
    return _said(outcome) | {"experiment": told, "start_result": result}


def _waiting(outcome: ExperimentOutcome) -> dict[str, Any]:
    """Give the proposal behind it, and whose approval it takes."""
    proposal = outcome.proposal
    return {
        "proposal_id": None if proposal is None else proposal.id,
        "change_id": None if proposal is None else proposal.change_id,
        "state": None if proposal is None else proposal.state,
        "needs": None if proposal is None else proposal.needs,
        "sentence": outcome.sentence,
    }


def _said(outcome: ExperimentOutcome) -> dict[str, Any]:
    return {
        "success": True, "experiment_id": outcome.experiment.experiment_id, "repeated": outcome.repeated,
        "sentence": outcome.sentence,
    }  # fmt: skip
