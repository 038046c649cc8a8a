"""Dialogs about tests: the design that would be filed, and the end of a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slaopt.apply.experiments.ends import found
from slaopt.apply.experiments.forms import RISK
from slaopt.apply.lifecycle import OPEN
from slaopt.apply.needs import needs_of
from slaopt.charts.scales import threshold_name
from slaopt.errors import InputError, RefusedError
from slaopt.server.base import needs
from slaopt.server.experiment_models import DesignQuery
from slaopt.server.faults import NotFoundError
from slaopt.server.pages.base import FragmentHandler
from slaopt.server.pages.design import prospects
from slaopt.server.pages.links import about_proposal, about_service, experiment_page
from slaopt.server.planning import Planned, Wished

if TYPE_CHECKING:
    from slaopt.store import ExperimentRecord
    from slaopt.store.records import Needs, Proposal

__all__ = ["ExperimentDialogHandler", "ServiceTestDialogHandler", "TestDialogHandler"]


class DesignDialogHandler(FragmentHandler):
    """Shows the test of a threshold with what it can find, or why none can answer."""

    async def show_design(
        self, service: str, threshold: float, *, to: str, again: str, control: float | None, more: dict[str, Any]
    ) -> None:
        """Design it as the query says, and answer the form that files it; `more` goes along with what is filed."""
        actor, query = await self.actor(), self.query(DesignQuery)
        wished = Wished(
            service=service, threshold=threshold, days=query.days, traffic_split=query.split, unit=query.unit,
            units=query.units, force=True,
        )  # fmt: skip
        planned: Planned | None = None
        why_not = ""
        try:
            planned = await self.context.planning.design(wished)
        except (InputError, RefusedError) as error:
            why_not = str(error)
        rules = self.context.ledger.params(service)
        takes = needs_of(control, threshold, risk=RISK, rules=rules.approvals, solo=actor.solo)
        await self.show(
            "dialog_test.html", service=service, threshold=threshold_name(threshold),
            control="" if control is None else threshold_name(control), planned=planned, why_not=why_not,
            pairs=() if planned is None else prospects(planned), who=_who(takes), takes=takes, solo=actor.solo,
            asked=query, rules=rules.experiments, to=to, again=again, more=more, enabled=self.context.ledger.is_on,
        )  # fmt: skip


class TestDialogHandler(DesignDialogHandler):
    """A test in the place of an open proposal."""

    @needs("read")
    async def get(self, number: str) -> None:
        """Answer the dialog."""
        proposal = await self.run(self._proposal, int(number))
        await self.show_design(
            proposal.service, proposal.proposed_threshold, to=f"proposals/{number}/test",
            again=about_proposal(proposal.id, "test"), control=proposal.current_threshold, more={},
        )  # fmt: skip

    def _proposal(self, number: int) -> Proposal:
        with self.context.store.reading() as transaction:
            proposal = transaction.proposals.get(number)
        if proposal is None or proposal.state not in OPEN:
            raise NotFoundError("there is no such proposal, or it is not open any more")
        return proposal


class ServiceTestDialogHandler(DesignDialogHandler):
    """A test of what the newest report recommends for a service."""

    @needs("read")
    async def get(self) -> None:
        """Answer the dialog."""
        service = self.query(DesignQuery).service or ""
        seen = await self.run(self.context.answers.overview, at=self.context.now())
        line = next((line for line in seen.lines if line.service == service), None)
        threshold = line.advice.recommended_threshold if line is not None and line.advice is not None else None
        if line is None or threshold is None:
            raise NotFoundError(f"{service}: no such service in the store, or no other threshold is recommended")
        await self.show_design(
            service, threshold, to="experiments", again=about_service(service, "test"), control=line.threshold,
            more={"service_type": service, "proposed_threshold": threshold},
        )  # fmt: skip


class ExperimentDialogHandler(FragmentHandler):
    """The end of a test, or a later one, or what follows from it."""

    @needs("read")
    async def get(self, experiment_id: str, purpose: str) -> None:
        """Answer the dialog."""
        record = await self.run(self._found, experiment_id)
        await self.show(
            "dialog_experiment.html", purpose=purpose, record=record, page=experiment_page(record.experiment_id),
            to=f"experiments/{record.experiment_id}/{purpose}", control=threshold_name(record.control_threshold),
            test=threshold_name(record.test_threshold), found=(record.results or {}).get("sentence") or "",
            enabled=self.context.ledger.is_on,
        )  # fmt: skip

    def _found(self, experiment_id: str) -> ExperimentRecord:
        with self.context.store.reading() as transaction:
            return found(transaction, experiment_id)


def _who(takes: Needs) -> str:
    """Say who has to approve the start of a test."""
    if not takes.approvals:
        return "Your own approval is enough: it starts at once."
    many = "One person" if takes.approvals == 1 else f"{takes.approvals} people"
    second = ", each with a second factor" if takes.second_factor else ""
    verb = "has" if takes.approvals == 1 else "have"
    return " ".join((f"{many} other than you {verb} to approve it before it starts{second}.", *takes.why))
