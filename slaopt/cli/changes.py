"""Commands about thresholds in force: what was changed, another one asked for, one taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from slaopt.cli.actors import acting, ledger_of
from slaopt.cli.answers import DONE, INTERRUPTED, print_json, print_lines
from slaopt.cli.approvals import tell
from slaopt.cli.asking import declined
from slaopt.cli.options import (
    Moment,
    Seconds,
    place_options,
    writing_options,
)

__all__ = ["history", "rollback", "update_threshold"]


@click.command()
@click.option("--service", help="Only of this service.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@place_options
def history(service: str | None, limit: int, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """List the thresholds that came into force, the newest first: who, why, and predicted against observed.

    \b
    Example:  slaopt history --service checkout
    """
    from slaopt.printing import history_lines
    from slaopt.server.answers.history import history as read_history

    ledger = ledger_of(store, workspace)
    with ledger.store.reading() as transaction:
        entries = read_history(transaction, ledger.book, service=service, limit=limit)
    if as_json:
        print_json([entry.to_dict() for entry in entries])
    else:
        print_lines(history_lines(entries))
    return DONE


@click.command()
@click.argument("change_id", metavar="CHANGE")
@click.option("--reason", required=True, help="Why; kept in the history and the audit log.")
@writing_options
def rollback(
    change_id: str, reason: str, key: str | None, yes: bool, store: str | None, workspace: Path | None, as_json: bool
) -> int:
    """Take a change back: the threshold before it is in force again. A rollback can be taken back too.

    Refused where a newer threshold is in force, whoever set it.

    \b
    Example:  slaopt rollback c0123456789 --reason "customers complain"
    """
    from slaopt.apply.undoing import rollback as roll_back

    by = acting(store, workspace)
    with by.ledger.store.reading() as transaction:
        change = transaction.changes.get(change_id)
    if change is not None and declined(_question(change.service, change.threshold, change.previous), yes=yes):
        return INTERRUPTED
    return tell(roll_back(by.ledger, change_id, reason=reason, actor=by.actor, at=datetime.now(UTC), key=key), as_json)


@click.command(name="update-threshold")
@click.argument("service")
@click.argument("threshold", type=Seconds())
@click.option("--reason", required=True, help="Why; kept with the proposal.")
@click.option("--at", "when", type=Moment(), help="When it is to come into force (default: once it is approved).")
@click.option("--rule", "rules", multiple=True, metavar="RULE",
              help="Roll back where `burn_rate >= 6 over 6h`; may be given again (default: slaopt's own).")  # fmt: skip
@click.option("--code", help="Code of your second factor, where it is an approval of a critical change.")
@writing_options
def update_threshold(
    service: str, threshold: float, reason: str, when: datetime | None, rules: tuple[str, ...], code: str | None,
    key: str | None, yes: bool, store: str | None, workspace: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Ask for a threshold that no report proposed: it is assessed from the newest report, and waits for approval.

    Where it equals an open proposal of somebody else, and you may approve, it is your approval. Who works alone has it
    in force at once.

    \b
    Example:  slaopt update-threshold checkout 2.5 --reason "agreed with the customer"
    """
    from slaopt.apply.asking import Wish, request
    from slaopt.wording import seconds

    by = acting(store, workspace)
    done = "in force at once" if by.actor.solo and when is None else "proposed"
    if declined(f"{service}: have {seconds(threshold, 6)} {done}?", yes=yes):
        return INTERRUPTED
    wish = Wish(
        service=service, threshold=threshold, implementation_type="immediate" if when is None else "scheduled",
        rollback_rules=rules or None, scheduled_at=when, reason=reason,
    )  # fmt: skip
    return tell(request(by.ledger, wish, actor=by.actor, at=datetime.now(UTC), code=code, key=key), as_json)


def _question(service: str, threshold: float, previous: float | None) -> str:
    from slaopt.wording import seconds

    before = "none" if previous is None else seconds(previous, 6)
    return f"{service}: restore {before} instead of {seconds(threshold, 6)}?"
