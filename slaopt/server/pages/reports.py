"""A report's page told: which service it is of, whether it is the newest, and what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slaopt.apply.actor import Actor, may
from slaopt.parts.answer import headline
from slaopt.server.pages.links import report_file, report_page
from slaopt.server.pages.overview import standing
from slaopt.server.pages.recommendations import Button, buttons, needs_words
from slaopt.server.pages.rendering import sentence

if TYPE_CHECKING:
    from slaopt.server.answers import Line, Overview

__all__ = ["Report", "told"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What stands above a report."""

    service: str  # empty where the store does not know the report
    file: str
    claim: str
    state: str
    newest: str  # address of a newer report of the service
    buttons: tuple[Button, ...]


def told(seen: Overview, folder: str, name: str, actor: Actor, approved: Mapping[int, Sequence[str]]) -> Report:
    """Write what stands above the report at that place."""
    path = f"{folder}/{name}"
    line = next((line for line in seen.lines if line.advice and line.advice.report_path.startswith(f"{folder}/")), None)
    if line is None or line.advice is None:
        state = "The store does not know this report: nothing can be proposed from it."
        return Report(service="", file=report_file(path), claim="", state=state, newest="", buttons=())
    proposal = line.proposal
    rests = proposal is not None and proposal.assessment.get("report_path") == path
    newest = line.advice.report_path == path
    if not newest and not rests:
        return Report(
            service=line.service, file=report_file(path), claim="An older report", buttons=(),
            state="What is done is done from the newest one.", newest=report_page(line.advice.report_path),
        )  # fmt: skip
    told = line.advice.sentence if proposal is None else proposal.assessment["sentence"]
    return Report(
        service=line.service,
        file=report_file(path),
        claim=headline(told)[0],
        state=_state(line, actor, approved),
        newest="" if newest else report_page(line.advice.report_path),
        buttons=buttons(line, actor, enabled=seen.enabled),
    )


def _state(line: Line, actor: Actor, approved: Mapping[int, Sequence[str]]) -> str:
    """Say whose turn it is."""
    words, _ = standing(line)
    said = sentence(words) if words else ""
    if line.proposal is not None:
        needs = needs_words(line.proposal, approved.get(line.proposal.id, ()))
        return f"{said[:-1]}, proposed by {line.proposal.proposed_by}. {needs}"
    if line.opportunity:
        return "Not proposed yet." if may(actor, "propose") else "Not proposed yet; proposing takes an analyst."
    return said or "Nothing is to be changed."
