"""Commands about people: users of a store, and logging in at the terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from slaopt.cli.answers import DONE, print_json, print_lines
from slaopt.cli.options import place_options

if TYPE_CHECKING:
    from slaopt.store.records import Role, UserRecord

__all__ = ["login", "logout", "users"]

ROLES = ("viewer", "analyst", "approver", "admin")

code_option = click.option("--code", help="Code of the second factor; asked for at a terminal.")


@click.group()
def users() -> None:
    """Say who may do what in a store: viewers read, analysts propose, approvers approve, admins decide about the rest.

    \b
    Example:  slaopt users add ann --role analyst
    """


@users.command(name="list")
@place_options
def list_users(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """List the users, and with --json all that the store holds about people.

    \b
    Example:  slaopt users list
    """
    from slaopt.apply.people import stored_about_people
    from slaopt.cli.actors import ledger_of
    from slaopt.printing import user_lines

    opened = ledger_of(store, workspace).store
    with opened.reading() as transaction:
        found = transaction.people.all()
    if as_json:
        places = stored_about_people(opened)
        print_json({"users": [user.to_dict() for user in found], "stored": [place.to_dict() for place in places]})
    else:
        print_lines(user_lines(found, at=datetime.now(UTC)))
    return DONE


@users.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the user may do.")
@click.option("--no-password", is_flag=True, help="Of a user who logs in with JupyterHub only.")
@place_options
def add(name: str, role: str, no_password: bool, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Add a user. The first one is an admin, and needs nobody logged in.

    The password is typed at a terminal, or comes from SLAOPT_PASSWORD or a line of standard input.

    \b
    Example:  slaopt users add ann --role analyst
    """
    from slaopt.apply.people import add_user, os_user
    from slaopt.cli.actors import begun_ledger, known_actor
    from slaopt.cli.asking import read_new_password

    ledger, at = begun_ledger(store, workspace), datetime.now(UTC)
    actor = known_actor(ledger, at=at)
    password = None if no_password else read_new_password(name)
    user = add_user(
        ledger, name, role=cast("Role", role), password=password, actor=actor, at=at, os_user=os_user()
    )  # fmt: skip
    return _told(user, as_json, f"{user.name} is added as {role}")


@users.command()
@click.argument("name")
@click.argument("new", metavar="ROLE", type=click.Choice(ROLES))
@place_options
def role(name: str, new: str, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Give a user another role.

    \b
    Example:  slaopt users role ann approver
    """
    from slaopt.apply.people import set_role
    from slaopt.cli.actors import acting

    by = acting(store, workspace)
    user = set_role(by.ledger, name, cast("Role", new), actor=by.actor, at=by.at)
    return _told(user, as_json, f"{user.name} is {user.role} now")


@users.command()
@click.argument("name")
@place_options
def disable(name: str, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Shut a user out, at once. The name stays, since the audit log holds it.

    \b
    Example:  slaopt users disable ann
    """
    from slaopt.apply.people import disable_user
    from slaopt.cli.actors import acting

    by = acting(store, workspace)
    user = disable_user(by.ledger, name, actor=by.actor, at=by.at)
    return _told(user, as_json, f"{user.name} is disabled")


@users.command()
@click.argument("name")
@place_options
def enable(name: str, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Let a user in again who was disabled, or whom failed attempts have locked.

    \b
    Example:  slaopt users enable ann
    """
    from slaopt.apply.people import enable_user
    from slaopt.cli.actors import acting

    by = acting(store, workspace)
    user = enable_user(by.ledger, name, actor=by.actor, at=by.at)
    return _told(user, as_json, f"{user.name} is enabled")


@users.command()
@click.argument("name", required=False)
@place_options
def password(name: str | None, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Change your own password, or as an admin somebody else's. All sessions of the user end.

    \b
    Example:  slaopt users password
    """
    from slaopt.apply.people import set_password
    from slaopt.cli.actors import acting
    from slaopt.cli.asking import read_new_password

    by = acting(store, workspace)
    whose = name or by.actor.name
    user = set_password(by.ledger, whose, read_new_password(whose), actor=by.actor, at=by.at)
    return _told(user, as_json, f"{user.name} has another password, and logs in with it from now on")


@users.command(name="second-factor")
@click.argument("name", required=False)
@click.option("--remove", is_flag=True, help="Take it away: your own, or as an admin somebody else's.")
@code_option
@place_options
def second_factor(
    name: str | None, remove: bool, code: str | None, store: str | None, workspace: Path | None, as_json: bool
) -> int:
    """Set up a second factor: six digits that an authenticator app shows. Critical changes take it.

    \b
    Example:  slaopt users second-factor
    """
    from slaopt.apply.people import CodeNeededError, confirm_enrollment, enroll, remove_second_factor
    from slaopt.cli.actors import acting
    from slaopt.cli.asking import read_code
    from slaopt.printing import enrollment_lines

    by = acting(store, workspace)
    whose = name or by.actor.name
    if remove:
        try:
            user = remove_second_factor(by.ledger, whose, actor=by.actor, at=by.at, code=code)
        except CodeNeededError:
            user = remove_second_factor(by.ledger, whose, actor=by.actor, at=by.at, code=read_code(None))
        return _told(user, as_json, f"{user.name} has no second factor")
    uri = enroll(whose)
    for line in enrollment_lines(uri):
        click.echo(line, err=True)
    typed = read_code(code)
    user = confirm_enrollment(by.ledger, whose, uri, typed, actor=by.actor, at=datetime.now(UTC))
    return _told(user, as_json, f"{user.name} has a second factor, and logs in with it from now on")


@click.command()
@click.argument("name", required=False)
@code_option
@place_options
def login(name: str | None, code: str | None, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Log in at this terminal for twelve hours, under the name of the operating system's user or another.

    The password is typed, or comes from SLAOPT_PASSWORD or a line of standard input.

    \b
    Example:  slaopt login ann
    """
    from slaopt.apply.people import CodeNeededError, keep_terminal_session, log_in, log_out, os_user, terminal_session
    from slaopt.cli.actors import ledger_of
    from slaopt.cli.asking import read_code, read_password
    from slaopt.printing import visible
    from slaopt.wording import moment

    ledger, given = ledger_of(store, workspace), name or os_user()
    typed = read_password(f"Password of {given}")
    told: dict[str, Any] = {"kind": "terminal", "os_user": os_user()}
    try:
        session = log_in(ledger, given, typed, at=datetime.now(UTC), code=code, **told)
    except CodeNeededError:
        session = log_in(ledger, given, typed, at=datetime.now(UTC), code=read_code(None), **told)
    before = terminal_session(ledger.store.label)
    keep_terminal_session(ledger.store.label, session)
    if before is not None:
        log_out(ledger, before, at=datetime.now(UTC), os_user=os_user())
    if as_json:
        print_json(session.to_dict())
    else:
        user = session.user
        click.echo(f"{visible(user.name)} ({user.role}) is logged in until {moment(session.expires_at)}")
    return DONE


@click.command()
@place_options
def logout(store: str | None, workspace: Path | None, as_json: bool) -> int:
    """End this terminal's session.

    \b
    Example:  slaopt logout
    """
    from slaopt.apply.people import forget_terminal_session, log_out, os_user, terminal_session
    from slaopt.cli.actors import ledger_of

    ledger = ledger_of(store, workspace)
    token = terminal_session(ledger.store.label)
    if token is not None:
        log_out(ledger, token, at=datetime.now(UTC), os_user=os_user())
        forget_terminal_session(ledger.store.label)
    if as_json:
        print_json({"logged_out": token is not None})
    else:
        click.echo("logged out" if token is not None else "nobody was logged in")
    return DONE


def _told(user: UserRecord, as_json: bool, sentence: str) -> int:
    from slaopt.printing import visible

    if as_json:
        print_json(user.to_dict())
    else:
        click.echo(visible(sentence))
    return DONE
