"""The pages of tests: the tab with all, and one of each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.experiments import progress
from slaopt.apply.experiments.ends import found
from slaopt.server.base import needs
from slaopt.server.pages.base import PageHandler
from slaopt.server.pages.design import settings
from slaopt.server.pages.experiments import Watched, card, sentence
from slaopt.server.pages.looks import guarded, looks_chart, looks_rows

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor
    from slaopt.server.answers import Overview
    from slaopt.store import ExperimentRecord, ExperimentStatus, Transaction

__all__ = ["ExperimentHandler", "ExperimentsHandler"]

OPEN: tuple[ExperimentStatus, ...] = ("planning", "running")
ENDED: tuple[ExperimentStatus, ...] = ("completed", "stopped")
SHOWN = 50  # that have ended


class ExperimentsHandler(PageHandler):
    """A/B tests of thresholds: those that run, that wait, and what came of the others."""

    @needs("read")
    async def get(self) -> None:
        """Answer the page."""
        store, at = self.context.store, self.context.now()

        def make(seen: Overview, actor: Actor) -> dict[str, Any]:
            with store.reading() as transaction:
                open_ = transaction.experiments.list(statuses=OPEN)
                ended = transaction.experiments.list(statuses=ENDED, limit=SHOWN)
                watched = [watched_of(transaction, record, at) for record in (*open_, *ended)]
            cards = [card(one, actor, enabled=seen.enabled) for one in watched]
            running, waiting = ([one for one in cards if one.status == status] for status in ("running", "planning"))
            return {
                "sentence": sentence(len(running), len(waiting)), "running": running, "waiting": waiting,
                "ended": [one for one in cards if one.status in ENDED], "most": SHOWN,
            }  # fmt: skip

        await self.show("experiments.html", tab="experiments", title="A/B tests", make=make)


class ExperimentHandler(PageHandler):
    """One test: its verdict, its looks, what is guarded, and its design."""

    @needs("read")
    async def get(self, experiment_id: str) -> None:
        """Answer the page."""
        store, at = self.context.store, self.context.now()
        await self.run(_require, store, experiment_id)

        def make(seen: Overview, actor: Actor) -> dict[str, Any]:
            with store.reading() as transaction:
                record = found(transaction, experiment_id)
                watched = watched_of(transaction, record, at)
            return {
                "one": card(watched, actor, enabled=seen.enabled),
                "chart": looks_chart(record, watched.looks),
                "looks": looks_rows(record, watched.looks),
                "guarded": guarded(watched.looks),
                "settings": settings(record),
                "record": record,
                "forced": record.design.get("forced") or (),
            }

        await self.show("experiment.html", tab="experiments", title="A/B test", name=experiment_id, make=make)


def watched_of(transaction: Transaction, record: ExperimentRecord, at: datetime) -> Watched:
    """Read all that is told of an experiment."""
    proposal = None if record.proposal_id is None else transaction.proposals.get(record.proposal_id)
    approvals: Sequence[Any] = transaction.proposals.approvals(proposal.id) if proposal is not None else ()
    return Watched(
        record=record,
        progress=progress(transaction, record, at=at),
        looks=transaction.experiments.looks(record),
        proposal=proposal,
        approved=[one.approver for one in approvals if one.decision == "approved"],
    )


def _require(store: Any, experiment_id: str) -> None:
    with store.reading() as transaction:
        found(transaction, experiment_id)
