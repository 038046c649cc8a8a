"""`sla_users` and `sla_sessions`: who may do what, and who is logged in. Passwords and codes are judged elsewhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.store import tables
from slaopt.store.records import Role, UserRecord

__all__ = ["RESERVED", "People", "SessionKind"]

SessionKind = Literal["web", "terminal"]

RESERVED = frozenset({"scheduler", "auto", "watch", "params", "outside slaopt", "unknown"})  # actors that are nobody
LONGEST = 100  # characters of a name
UNSEEN = ("C", "Zl", "Zp")  # categories of characters that show nothing, so that two names could look the same
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0").union(  # and others that show nothing
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)  # Unicode's Default_Ignorable_Code_Point beside those categories, and the blank of Braille


class People:
    """The users of the store. Names that differ only in case, or in how an accent is written, are one."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def all(self) -> list[UserRecord]:
        """Give all users by name."""
        return sorted((_user(row) for row in self._rows()), key=lambda user: _folded(user.name))

    def find(self, name: str) -> UserRecord | None:
        """Give the user of that name."""
        row = self._row(name)
        return None if row is None else _user(row)

    def count_active_admins(self) -> int:
        """Tell how many could still give rights to others."""
        return sum(row["role"] == "admin" and bool(row["is_active"]) for row in self._rows())

    def add(self, name: str, *, role: Role, at: datetime) -> UserRecord:
        """Add a user, who has no password yet.

        Raises
        ------
        InputError
            If the name cannot be one, or is taken.
        """
        chosen = _checked(name)
        if (there := self._alike(chosen)) is not None:
            raise InputError(f"there is a user {there.name} already; give another name, or change that user's role")
        values = {"name": chosen, "role": role, "created_at": at}
        self._connection.execute(sa.insert(tables.users).values(values))
        return self._found(chosen)

    def set_role(self, name: str, role: Role) -> UserRecord:
        """Give a user another role. Raises InputError where there is no such user, as all that follow."""
        return self._set(name, role=role)

    def set_active(self, name: str, active: bool) -> UserRecord:
        """Let a user in, or not."""
        return self._set(name, is_active=active)

    def set_password(self, name: str, password_hash: str | None) -> UserRecord:
        """Keep the hash of a password; None: no login with one."""
        return self._set(name, password_hash=password_hash)

    def password_hash(self, name: str) -> str | None:
        """Give the hash of a user's password; None also where there is no such user."""
        row = self._row(name)
        return None if row is None else row["password_hash"]

    def set_second_factor(self, name: str, secret: str | None) -> UserRecord:
        """Keep the secret of a second factor, or none. Steps that were used stay used."""
        return self._set(name, totp_secret=secret)

    def second_factor(self, name: str) -> str | None:
        """Give the secret of a user's second factor; None also where there is no such user."""
        row = self._row(name)
        return None if row is None else row["totp_secret"]

    def use_step(self, name: str, step: int) -> bool:
        """Take a step of time for a second factor: true once for each, and only for later ones than any before."""
        table = tables.users
        unused = sa.or_(table.c.totp_step.is_(None), table.c.totp_step < step)
        used = sa.update(table).where(table.c.name == self._found(name).name, unused).values(totp_step=step)
        return self._connection.execute(used).rowcount == 1

    def note_failure(self, name: str, *, at: datetime, limit: int, lock: timedelta) -> UserRecord:
        """Count a failed attempt; the last one allowed locks the user for a while, after which counting starts anew.

        Attempts during the lock count for nothing: they cannot prolong it.
        """
        row, table = self._needed(name), tables.users
        if row["locked_until"] is not None and row["locked_until"] > at:
            return _user(row)
        failed = row["failed_attempts"] + 1
        locks = failed >= limit
        values = {"failed_attempts": 0 if locks else failed, "locked_until": at + lock if locks else None}
        self._connection.execute(sa.update(table).where(table.c.id == row["id"]).values(values))
        return self._found(name)

    def note_success(self, name: str) -> UserRecord:
        """Forget failed attempts."""
        return self._set(name, failed_attempts=0, locked_until=None)

    def begin_session(
        self, name: str, *, token_digest: str, kind: SessionKind, expires_at: datetime, at: datetime
    ) -> None:
        """Keep that somebody is logged in; of the token only its digest is known here."""
        values = {"token_digest": token_digest, "kind": kind, "expires_at": expires_at, "created_at": at}
        self._connection.execute(sa.insert(tables.sessions).values(values | {"user_id": self._needed(name)["id"]}))

    def session(self, token_digest: str, *, at: datetime) -> UserRecord | None:
        """Give the user whose session it is; None where it has expired or ended, or the user is let in no more."""
        users, sessions = tables.users, tables.sessions
        query = (
            sa.select(users)
            .join(sessions, sessions.c.user_id == users.c.id)
            .where(sessions.c.token_digest == token_digest, sessions.c.expires_at > at, users.c.is_active)
        )
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else _user(row)

    def end_session(self, token_digest: str) -> None:
        """End one session."""
        table = tables.sessions
        self._connection.execute(sa.delete(table).where(table.c.token_digest == token_digest))

    def end_sessions(self, name: str) -> None:
        """End all sessions of a user."""
        table = tables.sessions
        self._connection.execute(sa.delete(table).where(table.c.user_id == self._needed(name)["id"]))

    def end_expired(self, at: datetime) -> None:
        """Forget sessions that have expired."""
        self._connection.execute(sa.delete(tables.sessions).where(tables.sessions.c.expires_at <= at))

    def _set(self, name: str, **values: Any) -> UserRecord:
        table = tables.users
        self._connection.execute(sa.update(table).where(table.c.id == self._needed(name)["id"]).values(values))
        return self._found(name)

    def _found(self, name: str) -> UserRecord:
        return _user(self._needed(name))

    def _needed(self, name: str) -> Mapping[Any, Any]:
        row = self._row(name)
        if row is None:
            raise InputError(f"there is no user {name}; slaopt users list names them")
        return row

    def _alike(self, name: str) -> UserRecord | None:
        """Give the user whose name is this one, or looks the same, as in letters of full width."""
        wanted = _seen(name)
        return next((_user(row) for row in self._rows() if _seen(row["name"]) == wanted), None)

    def _row(self, name: str) -> Mapping[Any, Any] | None:
        wanted = _folded(name)
        return next((row for row in self._rows() if _folded(row["name"]) == wanted), None)

    def _rows(self) -> list[Mapping[Any, Any]]:
        rows = self._connection.execute(sa.select(tables.users).order_by(tables.users.c.id)).mappings()
        return [dict(row) for row in rows]


def _user(row: Mapping[Any, Any]) -> UserRecord:
    return UserRecord(
        name=row["name"],
        role=row["role"],
        is_active=bool(row["is_active"]),
        has_password=row["password_hash"] is not None,
        has_second_factor=row["totp_secret"] is not None,
        locked_until=row["locked_until"],
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _seen(name: str) -> str:
    """Give a name as it looks, whatever width, font or ligature it is written in."""
    return _folded(unicodedata.normalize("NFKC", name))


def _checked(name: str) -> str:
    chosen = unicodedata.normalize("NFC", name)
    unseen = any(unicodedata.category(sign).startswith(UNSEEN) or sign in BLANK for sign in chosen)
    if not chosen or len(chosen) > LONGEST or unseen or chosen != chosen.strip():
        raise InputError(
            f"{name[:LONGEST]!r} cannot be a user's name: give 1 to {LONGEST} characters, all of them to be seen, "
            "without blanks at either end"
        )
    if _seen(chosen) in RESERVED:
        raise InputError(f"{name} is no name for a user: slaopt itself acts under it; choose another")
    return chosen
