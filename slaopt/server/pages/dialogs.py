"""Dialogs: what a change would do, and the question whether it is meant. What is sent from them goes to REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from slaopt.apply.lifecycle import OPEN
from slaopt.apply.preview import Effect, Estimated, Preview, preview
from slaopt.charts.scales import threshold_name
from slaopt.optimize.sentences import base_for, frequency, pages
from slaopt.parts.answer import headline, sureness
from slaopt.server.base import needs
from slaopt.server.faults import NotFoundError
from slaopt.server.pages.base import FragmentHandler
from slaopt.server.pages.links import Purpose, experiment_page, report_page, service_api
from slaopt.server.pages.recommendations import LEVELS
from slaopt.store import service_name
from slaopt.wording import chance, count, moment, number

if TYPE_CHECKING:
    from slaopt.server.answers import Line
    from slaopt.store.records import ChangeRecord

__all__ = ["ChangeDialogHandler", "ProposalDialogHandler", "ServiceDialogHandler"]

NAMES = {
    "pages_per_week": "Pages a week, replayed", "violations": "Violations in 30 days", "pages": "Pages in 30 days",
    "cost": "Cost of 30 days",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure at both thresholds, written."""

    name: str
    now: str
    then: str


class ProposalDialogHandler(FragmentHandler):
    """What a proposal would do, and the form for what one wants to do about it."""

    @needs("read")
    async def get(self, proposal: str, purpose: str) -> None:
        """Answer the dialog."""
        actor, at = await self.actor(), self.context.now()
        shown = await self.context.wait_for(preview, self.context.ledger, int(proposal), actor=actor, at=at)
        await self.show(
            "dialog_proposal.html", purpose=cast("Purpose", purpose), preview=shown, open=shown.proposal.state in OPEN,
            threshold=threshold_name(shown.proposed_threshold), rows=compared(shown), report=_report(shown),
            sure=None if shown.confidence_score is None else sureness(shown.confidence_score),
            chance=None if shown.confidence_score is None else chance(shown.confidence_score),
            factors=_factors(shown),
            rest=headline(shown.sentence)[1],
            valid_until=moment(shown.valid_until) if shown.valid_until else "",
            earliest=f"{at:%Y-%m-%dT%H:%M}", enabled=self.context.ledger.is_on,
            to=f"proposals/{shown.proposal.id}/{'approve' if purpose == 'preview' else purpose}",
        )  # fmt: skip


class ChangeDialogHandler(FragmentHandler):
    """What taking a change back would restore, and the question why."""

    @needs("read")
    async def get(self, change_id: str) -> None:
        """Answer the dialog."""
        change = await self.run(self._found, change_id)
        await self.show(
            "dialog_rollback.html", change=change, now=threshold_name(change.threshold),
            back=None if change.previous is None else threshold_name(change.previous),
            when=moment(change.implemented_at), to="rollback-threshold",
        )  # fmt: skip

    def _found(self, change_id: str) -> ChangeRecord:
        with self.context.store.reading() as transaction:
            change = transaction.changes.get(change_id)
        if change is None:
            raise NotFoundError("there is no such change; the history lists all")
        return change


class ServiceDialogHandler(FragmentHandler):
    """What is proposed for a service, or decided about it."""

    @needs("read")
    async def get(self, purpose: str) -> None:
        """Answer the dialog."""
        line = await self.run(self._found, service_name(self.get_query_argument("service")))
        values: dict[str, Any] = {"line": line, "to": service_api(line.service)}
        if purpose == "propose":
            told = line.advice.sentence if line.advice is not None else ""
            claim, rest = headline(told)
            values |= {"claim": claim, "rest": rest, "to": "proposals"}
        await self.show(f"dialog_{purpose}.html", **values)

    def _found(self, service: str) -> Line:
        seen = self.context.answers.overview(at=self.context.now())
        line = next((line for line in seen.lines if line.service == service), None)
        if line is None:
            raise NotFoundError(f"{service}: no such service in the store")
        return line


def compared(shown: Preview) -> list[Compared]:
    """Write the figures of a preview, now and then, each with its interval."""
    rates = [side.value for row in shown.rows if row.name == "violation_rate" for side in (row.now, row.then) if side]
    base = base_for(*rates)
    now = "" if shown.current_threshold is None else threshold_name(shown.current_threshold)
    first = Compared(name="Threshold", now=now, then=threshold_name(shown.proposed_threshold))
    return [first, *(_compared(row, base, shown.currency) for row in shown.rows)]


def _compared(row: Effect, base: int, currency: str | None) -> Compared:
    name = f"Violations of {base:,}, coming 30 days" if row.name == "violation_rate" else NAMES[row.name]
    unit = f", {currency}" if row.name == "cost" and currency else ""
    return Compared(
        name=f"{name}{unit}",
        now="" if row.now is None else _written(row.now, row.name, base),
        then=_written(row.then, row.name, base),
    )


def _written(figure: Estimated, name: str, base: int) -> str:
    write = {
        "violation_rate": lambda value: frequency(value, base), "pages_per_week": pages, "violations": count,
        "pages": pages, "cost": number,
    }[name]  # fmt: skip
    if figure.low is None or figure.high is None:
        return write(figure.value)
    return f"{write(figure.value)} ({write(figure.low)}–{write(figure.high)})"


def _factors(shown: Preview) -> list[Mapping[str, Any]]:
    """Give the risk factors, the gravest first; those of a test are names alone."""
    told = [{"sentence": "", **factor} for factor in shown.risk_factors]
    return sorted(told, key=lambda factor: -LEVELS[factor["level"]])


def _report(shown: Preview) -> str:
    """Give where what the proposal rests on is told; of a test, its own page."""
    if shown.proposal.implementation_type == "ab_test":
        return experiment_page(shown.proposal.assessment["experiment"]["experiment_id"])
    return report_page(shown.report_path) if shown.report_path else ""
