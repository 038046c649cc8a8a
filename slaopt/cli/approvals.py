"""Commands about proposals: file them, look at them, decide on them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slaopt.cli.actors import Acting, acting, ledger_of
from slaopt.cli.answers import DONE, INTERRUPTED, SKIPPED, print_json, print_lines
from slaopt.cli.asking import at_terminal, declined, read_code
from slaopt.cli.options import Moment, key_option, options, place_options, yes_option

if TYPE_CHECKING:
    from slaopt.apply.experiments import ExperimentOutcome
    from slaopt.apply.preview import Preview
    from slaopt.apply.requests import Outcome

__all__ = ["approve", "commit", "preview", "proposals", "propose", "reject", "tell", "withdraw"]

proposal_argument = click.argument("number", metavar="ID", type=click.IntRange(1))
deciding_options = options(key_option, yes_option, place_options)


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--scheduled", is_flag=True, help="File it as the scheduler, who needs no login: for cron.")
@place_options
def propose(
    services: tuple[str, ...], scheduled: bool, store: str | None, workspace: Path | None, as_json: bool
) -> int:
    """File what the newest reports recommend as proposals, of all services or of those that are named.

    \b
    Example:  slaopt propose checkout
    """
    from slaopt.apply.actor import SCHEDULER
    from slaopt.apply.filing import propose as file_proposals
    from slaopt.printing import filed_lines
    from slaopt.result import Skipped

    by = Acting(ledger_of(store, workspace), SCHEDULER, datetime.now(UTC)) if scheduled else acting(store, workspace)
    results = file_proposals(by.ledger, services or None, actor=by.actor, at=by.at)
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        print_lines(filed_lines(results))
    missed = services and any(isinstance(result, Skipped) for result in results)
    return SKIPPED if missed else DONE  # nobody asked for a proposal of each service there is


@click.command()
@click.option("--all", "all_of", is_flag=True, help="Those of the past too.")
@click.option("--service", help="Only those of this service.")
@place_options
def proposals(all_of: bool, service: str | None, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """List the proposals that are open, the newest first.

    \b
    Example:  slaopt proposals --service checkout
    """
    from slaopt.apply.lifecycle import OPEN
    from slaopt.printing import proposal_lines

    with ledger_of(store, workspace).store.reading() as transaction:
        found = transaction.proposals.list(states=None if all_of else OPEN, service=service)
        approvals = {
            proposal.id: sum(said.decision == "approved" for said in transaction.proposals.approvals(proposal.id))
            for proposal in found
        }
    if as_json:
        print_json([proposal.to_dict() for proposal in found])
    else:
        print_lines(proposal_lines(found, approvals, all_of=all_of))
    return DONE


@click.command()
@proposal_argument
@place_options
def preview(number: int, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Show a proposal to one who decides: its effect, risk and rollback criteria, and who must approve it.

    \b
    Example:  slaopt preview 3
    """
    from slaopt.printing import preview_lines

    shown = _preview(acting(store, workspace), number)
    if as_json:
        print_json(shown.to_dict())
    else:
        print_lines(preview_lines(shown))
    return DONE


@click.command()
@proposal_argument
@click.option("--at", "when", type=Moment(), help="Bring it into force at this time; slaopt watch does (default: now).")
@click.option("--hold", is_flag=True, help="Approve only: slaopt commit brings it into force.")
@click.option("--comment", help="Kept with the approval.")
@click.option("--code", help="Code of your second factor, for a critical change; asked for at a terminal.")
@deciding_options
def approve(
    number: int, when: datetime | None, hold: bool, comment: str | None, code: str | None, key: str | None,
    yes: bool, store: str | None, workspace: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Approve a proposal. Once everybody needed has, the threshold is in force.

    \b
    Example:  slaopt approve 3 --comment "as discussed"
    """
    from slaopt.apply.deciding import approve as approve_proposal
    from slaopt.apply.deciding import schedule

    if hold and when is not None:
        raise click.UsageError("--hold and --at exclude each other")
    by = acting(store, workspace)
    shown = _preview(by, number) if at_terminal() else None
    if shown is not None and shown.you_can and declined("Approve it?", yes=yes, shown=_lines(shown)):
        return INTERRUPTED
    if shown is not None and shown.you_can and shown.needs.second_factor and not by.actor.solo:
        code = read_code(code)
    at = datetime.now(UTC)
    if when is not None:
        told = schedule(by.ledger, number, when, actor=by.actor, at=at, comment=comment, code=code, key=key)
    else:
        told = approve_proposal(
            by.ledger, number, actor=by.actor, at=at, comment=comment, code=code, hold=hold, key=key
        )  # fmt: skip
    return tell(told, as_json)


@click.command()
@proposal_argument
@click.option("--reason", required=True, help="Why; kept in the audit log.")
@deciding_options
def reject(
    number: int, reason: str, key: str | None, yes: bool, store: str | None, workspace: Path | None, as_json: bool
) -> int:
    """Reject a proposal, as one who may approve.

    \b
    Example:  slaopt reject 3 --reason "the campaign ends on Friday"
    """
    from slaopt.apply.ending import reject as reject_proposal

    def decide(by: Acting) -> Outcome:
        return reject_proposal(by.ledger, number, actor=by.actor, at=by.at, reason=reason, key=key)

    return _decide(number, "Reject it?", decide, yes, store, workspace, as_json)


@click.command()
@proposal_argument
@click.option("--reason", help="Why; kept in the audit log.")
@deciding_options
def withdraw(
    number: int, reason: str | None, key: str | None, yes: bool, store: str | None, workspace: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Withdraw a proposal of your own, or as an admin anybody's.

    \b
    Example:  slaopt withdraw 3
    """
    from slaopt.apply.ending import withdraw as withdraw_proposal

    def decide(by: Acting) -> Outcome:
        return withdraw_proposal(by.ledger, number, actor=by.actor, at=by.at, reason=reason, key=key)

    return _decide(number, "Withdraw it?", decide, yes, store, workspace, as_json)


@click.command()
@proposal_argument
@deciding_options
def commit(number: int, key: str | None, yes: bool, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Bring a proposal into force that has all approvals and was held, or is scheduled and due.

    \b
    Example:  slaopt commit 3
    """
    from slaopt.apply.deciding import commit as commit_proposal

    def decide(by: Acting) -> Outcome:
        return commit_proposal(by.ledger, number, actor=by.actor, at=by.at, key=key)

    return _decide(number, "Bring it into force?", decide, yes, store, workspace, as_json)


def tell(outcome: Outcome | ExperimentOutcome, as_json: bool) -> int:
    """Print what became of a call."""
    from slaopt.printing import visible

    if as_json:
        print_json(outcome.to_dict())
    else:
        click.echo(visible(outcome.sentence))
    return DONE


def _decide(
    number: int, question: str, decide: Callable[[Acting], Outcome], yes: bool, store: str | None,
    workspace: Path | None, as_json: bool,
) -> int:  # fmt: skip
    by = acting(store, workspace)
    if at_terminal() and not yes and declined(question, yes=yes, shown=_lines(_preview(by, number))):
        return INTERRUPTED
    return tell(decide(by), as_json)


def _preview(by: Acting, number: int) -> Preview:
    from slaopt.apply.preview import preview as preview_proposal

    return preview_proposal(by.ledger, number, actor=by.actor, at=by.at)


def _lines(shown: Preview) -> list[str]:
    from slaopt.printing import preview_lines

    return list(preview_lines(shown))
