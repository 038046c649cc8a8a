"""The pages: tabs, a report with its buttons, the settings in force, and what is stored about people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slaopt.apply.people import stored_about_people
from slaopt.report.folders import REPORT_NAME
from slaopt.server.base import needs
from slaopt.server.faults import NotFoundError
from slaopt.server.pages import configure, history, overview, recommendations, reports
from slaopt.server.pages.base import HtmlHandler, PageHandler

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor
    from slaopt.server.answers import Overview
    from slaopt.store import Store
    from slaopt.store.records import State

__all__ = [
    "ConfigureHandler",
    "HistoryHandler",
    "OverviewHandler",
    "PrivacyHandler",
    "RecommendationsHandler",
    "ReportFileHandler",
    "ReportHandler",
]

ENDED: frozenset[State] = frozenset({"rejected", "withdrawn", "expired", "superseded"})
CHANGES, PROPOSALS = 200, 50  # that the history shows
FRAMED = (  # the report's own policy lets through nothing but its own scripts; this one holds whatever the file says
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class OverviewHandler(PageHandler):
    """All services, and how they do together."""

    @needs("read")
    async def get(self) -> None:
        """Answer the page."""
        await self.show(
            "overview.html", tab="overview", title="Overview", make=lambda seen, _: {"told": overview.told(seen)}
        )


class RecommendationsHandler(PageHandler):
    """What waits for a decision, and what could be proposed."""

    @needs("read")
    async def get(self) -> None:
        """Answer the page."""
        store = self.context.store

        def make(seen: Overview, actor: Actor) -> dict[str, Any]:
            waiting, advised = recommendations.cards(seen, actor, _approved(store, seen))
            return {
                "sentence": recommendations.sentence(len(waiting), len(advised)),
                "waiting": waiting,
                "advised": advised,
                "others": len(seen.lines) - len(waiting) - len(advised),
            }

        await self.show("recommendations.html", tab="recommendations", title="Recommendations", make=make)


class HistoryHandler(PageHandler):
    """What was changed, by whom, why, and what came of it."""

    @needs("read")
    async def get(self) -> None:
        """Answer the page."""
        context = self.context

        def make(seen: Overview, actor: Actor) -> dict[str, Any]:
            entries = context.answers.history(limit=CHANGES)
            with context.store.reading() as transaction:
                ended = transaction.proposals.list(states=ENDED, limit=PROPOSALS)
            return {"entries": history.past(entries, actor), "ended": history.closed(ended), "most": CHANGES}

        await self.show("history.html", tab="history", title="History", make=make)


class ConfigureHandler(PageHandler):
    """The rules in force, and where each is set."""

    @needs("read")
    async def get(self) -> None:
        """Answer the page."""
        book = self.context.book
        await self.show(
            "configure.html", tab="configure", title="Settings in force",
            make=lambda seen, _: {"groups": configure.groups(book), "own": configure.own_settings(book)},
        )  # fmt: skip


class PrivacyHandler(PageHandler):
    """What the store holds about people."""

    @needs("read")
    async def get(self) -> None:
        """Answer the page."""
        store = self.context.store
        await self.show(
            "privacy.html", tab="privacy", title="What is stored about people",
            make=lambda seen, _: {"places": stored_about_people(store)},
        )  # fmt: skip


class ReportHandler(PageHandler):
    """A report, with what can be done about it above."""

    @needs("read")
    async def get(self, folder: str, name: str) -> None:
        """Answer the page."""
        await self.run(_report_file, self.context.reports, folder, name)
        store = self.context.store

        def make(seen: Overview, actor: Actor) -> dict[str, Any]:
            return {"report": reports.told(seen, folder, name, actor, _approved(store, seen))}

        await self.show("report.html", tab="report", title="Report", name=f"{folder}/{name}", make=make)


class ReportFileHandler(HtmlHandler):
    """The report itself, for the frame: it runs apart from the pages, and can ask this server for nothing."""

    @property
    def content_security_policy(self) -> str:
        """Nothing but what stands in the file, in a place of its own."""
        return FRAMED

    @needs("read")
    async def get(self, folder: str, name: str) -> None:
        """Answer the file."""
        file = await self.run(_report_file, self.context.reports, folder, name)
        self.set_header("X-Frame-Options", "SAMEORIGIN")
        self.send(await self.run(file.read_text, encoding="utf-8"))


def _approved(store: Store, seen: Overview) -> dict[int, list[str]]:
    """Give who has approved so far what takes more than one approval."""
    several = [line.proposal.id for line in seen.lines if line.proposal and line.proposal.needs.approvals > 1]
    with store.reading() as transaction:
        found = {number: transaction.proposals.approvals(number) for number in several}
    return {number: [one.approver for one in given if one.decision == "approved"] for number, given in found.items()}


def _report_file(reports: Path, folder: str, name: str) -> Path:
    """Give the page of a report that is there.

    Raises
    ------
    NotFoundError
        If it is not, or lies elsewhere.
    """
    file = reports / folder / name / "report.html"
    if not REPORT_NAME.fullmatch(name) or not file.is_file() or not file.resolve().is_relative_to(reports.resolve()):
        raise NotFoundError("there is no such report; the newest of each service is linked from the overview")
    return file
