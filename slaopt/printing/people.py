"""Lines about people: who may do what, and how a second factor is set up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from slaopt.printing.text import LONGEST_NAME, columns, visible
from slaopt.wording import moment

if TYPE_CHECKING:
    from slaopt.store.records import UserRecord

__all__ = ["enrollment_lines", "user_lines"]


def user_lines(users: Sequence[UserRecord], *, at: datetime) -> Iterator[str]:
    """Say who may do what, and how each shows who they are, in columns."""
    if not users:
        yield "no user yet: slaopt users add NAME --role admin"
        return
    rows = [("user", "role", "state", "password", "second factor")]
    rows += [
        (
            visible(user.name, LONGEST_NAME),
            user.role,
            _state(user, at),
            "yes" if user.has_password else "no",
            "yes" if user.has_second_factor else "no",
        )
        for user in users
    ]
    yield from columns(rows)


def enrollment_lines(uri: str) -> Iterator[str]:
    """Say how an authenticator app learns a secret: typed, or as the address that some read."""
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    yield f"secret   {' '.join(secret[i : i + 4] for i in range(0, len(secret), 4))}"
    yield f"address  {uri}"
    yield "Enter the secret into an authenticator app (time based, six digits), then type the code that it shows."


def _state(user: UserRecord, at: datetime) -> str:
    if not user.is_active:
        return "disabled"
    if user.locked_until is None or user.locked_until <= at:
        return "active"
    return f"locked until {moment(user.locked_until)}"
