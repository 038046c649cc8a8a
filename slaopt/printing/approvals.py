"""Lines about proposals: which there are, and what one who decides has to know of one."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from slaopt.printing.text import LONGEST_NAME, WIDEST, columns, skipped_line, visible
from slaopt.result import Skipped
from slaopt.wording import moment, number, percent, seconds, span

if TYPE_CHECKING:
    from slaopt.apply.preview import Effect, Estimated, Preview
    from slaopt.store.records import Proposal

__all__ = ["filed_lines", "preview_lines", "proposal_lines"]

EFFECTS = {
    "violation_rate": "violation rate",
    "pages_per_week": "pages a week",
    "violations": "violations in 30 days",
    "pages": "pages in 30 days",
    "cost": "cost in 30 days",
}
INDENT = 14


def filed_lines(results: Sequence[Proposal | Skipped]) -> Iterator[str]:
    """Say of each service what was filed, and how to go on, or why there is nothing to propose."""
    for result in results:
        if isinstance(result, Skipped):
            yield skipped_line(result)
        else:
            name = visible(result.service, LONGEST_NAME)
            yield f"{name}  {_change(result)} is {_state(result)}: {_next(result)}"
    if not results:
        yield "no report yet: slaopt report makes one of each service"


def proposal_lines(proposals: Sequence[Proposal], approvals: Mapping[int, int], *, all_of: bool) -> Iterator[str]:
    """List proposals in columns; `approvals` says how many people have approved each."""
    if not proposals:
        yield (
            "no proposal yet: slaopt propose files what reports recommend"
            if all_of
            else ("no open proposal: slaopt propose files what reports recommend, --all lists those of the past too")
        )
        return
    rows: list[tuple[str, ...]] = [("id", "service", "threshold", "state", "risk", "approved", "proposed by", "on")]
    rows += [
        (
            str(proposal.id),
            visible(proposal.service, LONGEST_NAME),
            _change(proposal),
            _state(proposal),
            str(proposal.assessment.get("implementation_risk") or "–"),
            f"{approvals.get(proposal.id, 0)} of {max(proposal.needs.approvals, 1)}",
            visible(proposal.proposed_by, LONGEST_NAME),
            moment(proposal.proposed_at),
        )
        for proposal in proposals
    ]
    yield from columns(rows)


def preview_lines(shown: Preview) -> Iterator[str]:
    """Say what one who decides has to know: the change, its effect, its risk, what watches it, who must approve."""
    from slaopt.wording import chance

    proposal = shown.proposal
    yield visible(shown.headline)
    yield from textwrap.wrap(visible(shown.sentence), WIDEST + INDENT, initial_indent="  ", subsequent_indent="  ")
    yield ""
    if shown.rows:
        yield from columns([("", "now", "then"), *(_effect(row, shown.currency) for row in shown.rows)], indent="  ")
        yield ""
    if shown.confidence_score is not None:
        yield from _told("confidence", f"{chance(shown.confidence_score)} that it is better than what is in force")
    factors = ", ".join(f"{factor['name']} ({factor['level']})" for factor in shown.risk_factors)
    yield from _told("risk", f"{shown.implementation_risk or 'not known'}{': ' if factors else ''}{factors}")
    yield from _list("rolled back if", shown.rollback_criteria)
    yield from _told("watch", shown.watch)
    yield from _told("proposed", f"by {proposal.proposed_by} on {moment(proposal.proposed_at)}{_reason(proposal)}")
    if shown.approved_by:
        yield from _told("approved", f"by {', '.join(shown.approved_by)}")
    yield from _told("state", _state(proposal))
    yield from _told("approval", " ".join((shown.who_must, *shown.needs.why)))
    if shown.why_not is not None:
        yield from _told("not you", shown.why_not)
    yield from _list("refused", [refusal for refusal in shown.refusals if refusal != shown.why_not])
    if shown.report_path is not None:
        until = "" if shown.valid_until is None else f", good until {moment(shown.valid_until)}"
        yield from _told("report", f"reports/{shown.report_path}{until}")
    for command in shown.commands:
        yield f"  → {visible(command)}"


def _next(proposal: Proposal) -> str:
    if proposal.state in ("rejected", "withdrawn", "expired", "superseded", "rolled_back"):
        return f"proposal {proposal.id} has ended, and a fresh report can propose again"
    return f"slaopt preview {proposal.id}"


def _reason(proposal: Proposal) -> str:
    return f": {proposal.reason}" if proposal.reason else ""


def _change(proposal: Proposal) -> str:
    thresholds = (proposal.current_threshold, proposal.proposed_threshold)
    return " → ".join("none" if threshold is None else seconds(threshold, 6) for threshold in thresholds)


def _state(proposal: Proposal) -> str:
    if proposal.state == "scheduled" and proposal.scheduled_at is not None:
        return f"scheduled for {moment(proposal.scheduled_at)}"
    return proposal.state.replace("_", " ")


def _effect(row: Effect, currency: str | None) -> tuple[str, ...]:
    name = EFFECTS[row.name] + (f", {currency}" if row.name == "cost" and currency else "")
    return (name, "–" if row.now is None else _figure(row.name, row.now), _figure(row.name, row.then))


def _figure(name: str, figure: Estimated) -> str:
    write = percent if name == "violation_rate" else _number
    if figure.low is None or figure.high is None:
        return write(figure.value)
    return f"{write(figure.value)} ({span(write(figure.low), write(figure.high))})"


def _number(value: float) -> str:
    return "0" if value < 0.05 else number(value, 2 if value < 10 else 3)


def _list(name: str, sentences: Iterable[str]) -> Iterator[str]:
    for i, sentence in enumerate(sentences):
        yield from _told("" if i else name, sentence)


def _told(name: str, text: str) -> Iterator[str]:
    head, indent = f"  {name:<{INDENT}}  ", " " * (INDENT + 4)
    yield from textwrap.wrap(visible(text), WIDEST + INDENT, initial_indent=head, subsequent_indent=indent)
