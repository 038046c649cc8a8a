"""Commands about the record of what was decided: read it, check it, and take away what is old beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from slaopt.cli.actors import acting, ledger_of
from slaopt.cli.answers import DIFFERENT, DONE, INTERRUPTED, print_json, print_lines
from slaopt.cli.asking import at_terminal, declined
from slaopt.cli.options import Moment, place_options, store_option, workspace_option, yes_option
from slaopt.errors import RefusedError

__all__ = ["audit", "purge"]


@click.group()
def audit() -> None:
    """Look at the audit log, which only grows: each entry holds the digest of the one before it.

    \b
    Example:  slaopt audit verify
    """


@audit.command()
@place_options
def verify(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Follow the chain of entries, and look for each head that was kept outside the database.

    \b
    Example:  slaopt audit verify
    """
    from slaopt.apply.chain import verify_audit
    from slaopt.printing import verification_lines

    verification = verify_audit(ledger_of(store, workspace))
    if as_json:
        print_json(verification.to_dict())
    else:
        print_lines(verification_lines(verification))
    return DONE if verification.status == "intact" else DIFFERENT


@audit.command()
@place_options
def head(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Print the last entry's number and digest, and append them to the file of heads; keep a copy where nobody writes.

    \b
    Example:  slaopt audit head
    """
    from slaopt.apply.chain import note_head

    last = note_head(ledger_of(store, workspace), at=datetime.now(UTC))
    if as_json:
        print_json(None if last is None else {"number": last.number, "digest": last.digest, "at": last.at.isoformat()})
    else:
        click.echo("the audit log is empty" if last is None else f"{last.number} {last.digest}")
    return DONE


@audit.command()
@store_option
@workspace_option
def export(store: str | None, workspace: Path | None) -> int:
    """Print all entries as JSON lines; the SHA-256 of `entry` is `digest`, so anybody can check the chain.

    \b
    Example:  slaopt audit export > audit.jsonl
    """
    from slaopt.apply.chain import export as exported

    print_lines(exported(ledger_of(store, workspace)))
    return DONE


@audit.command(name="list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, the last ones.")
@place_options
def list_entries(limit: int, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """List the last entries: who did what and when.

    \b
    Example:  slaopt audit list --limit 10
    """
    from slaopt.printing import audit_lines

    with ledger_of(store, workspace).store.reading() as transaction:
        last = transaction.audit.head()
        after = 0 if last is None else max(last.number - limit, 0)
        entries = list(transaction.audit.entries(after=after, limit=limit))
    if as_json:
        print_json([entry.to_dict() for entry in entries])
    else:
        print_lines(audit_lines(entries))
    return DONE


@click.command()
@click.option("--before", type=Moment(), required=True, help="Older than this day or time.")
@yes_option
@place_options
def purge(before: datetime, yes: bool, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Take away measurements, analyses and reports that are old; what was decided, and by whom, stays.

    A report on which a proposal rests stays too.

    \b
    Example:  slaopt purge --before 2026-01-01
    """
    from slaopt.apply.retention import old_things
    from slaopt.apply.retention import purge as take_away
    from slaopt.printing import purged_lines

    by = acting(store, workspace)
    old = old_things(by.ledger, before, at=by.at)
    if not old.is_empty and not yes and not at_terminal():
        raise RefusedError("what is purged is lost: look with a terminal, or give --yes")
    if not old.is_empty and declined("Take it away?", yes=yes, shown=purged_lines(old, done=False)):
        return INTERRUPTED
    purged = old if old.is_empty else take_away(by.ledger, before, actor=by.actor, at=by.at)
    if as_json:
        print_json(purged.to_dict())
    else:
        print_lines(purged_lines(purged, done=True))
    return DONE
