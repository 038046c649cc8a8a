"""Addresses of databases: which driver a URL means, what in it is secret, and how a driver's errors are told."""

from __future__ import annotations

import os
import re
from typing import Literal

import sqlalchemy as sa
from sqlalchemy import exc

from slaopt.errors import InputError, UnreachableError

__all__ = [
    "PATIENCE",
    "Dialect",
    "filled",
    "postgresql_engine",
    "postgresql_url",
    "shown",
    "translated",
    "without_secrets",
]

PATIENCE = 10  # seconds until a server has to answer, or a locked file to be free
DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}  # where the URL names none
KEPT_LOCKED = ("40001", "40P01", "55P03")  # PostgreSQL: changed at the same time, a deadlock, waited too long
LONGEST = 300  # characters of an error's text

Dialect = Literal["sqlite", "postgresql"]


def filled(url: str, *, whose: str) -> str:
    """Put environment variables in place of ${NAME}.

    Raises
    ------
    InputError
        If one is not set; `whose` says in the message whose URL asks for it.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            raise InputError(f"the {whose}'s URL asks for the environment variable {name}, which is not set; export it")
        return os.environ[name]

    return re.sub(r"\$\{(\w+)\}", value, url)


def postgresql_url(address: str, *, otherwise: str) -> sa.URL:
    """Read the URL of a PostgreSQL database.

    Raises
    ------
    InputError
        If it is none; `otherwise` says what to do with another database.
    """
    if address.partition("://")[2].count("@") > 1:
        raise InputError("database URL: a password that holds @ must write it as %40 (and / as %2F, : as %3A)")
    try:
        url = sa.make_url(address)
    except (exc.ArgumentError, ValueError):
        raise InputError("database URL cannot be read; write postgresql://USER:PASSWORD@HOST:PORT/NAME") from None
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    if url.get_backend_name() != "postgresql":
        raise InputError(f"{url.get_backend_name()} databases are not read; SQLite and PostgreSQL are. {otherwise}")
    return url


def postgresql_engine(url: sa.URL) -> sa.Engine:
    """Make the engine of a PostgreSQL database; nothing is connected yet.

    Raises
    ------
    InputError
        If the driver is not installed, or not known.
    """
    arguments = {}
    if url.get_driver_name() in ("psycopg", "psycopg2") and "connect_timeout" not in url.query:
        arguments["connect_timeout"] = PATIENCE
    try:
        return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)
    except ModuleNotFoundError as error:
        raise InputError(
            f"driver {error.name} is not installed: pip install slaopt[postgresql], and write postgresql://…"
        ) from None
    except exc.SQLAlchemyError:
        raise InputError(f"driver {url.drivername!r} is not known; write postgresql+psycopg://…") from None


def shown(url: sa.URL) -> str:
    """Write a URL without what is secret in it."""
    return url.set(query={}).render_as_string(hide_password=True)


def translated(error: exc.SQLAlchemyError, url: sa.URL, dialect: Dialect) -> InputError | UnreachableError:
    """Give the error of a driver as ours, without secrets: the driver's own text may hold the password."""
    if not isinstance(error, exc.DBAPIError):
        return InputError(f"{shown(url)}: {without_secrets(str(error), url)}")
    text = without_secrets(str(error.orig), url)
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None) or ""
    if dialect == "sqlite" and "readonly" in text:
        return InputError(f"{shown(url)} cannot be written: the file or its folder is read-only; make both writable")
    if dialect == "sqlite" and "locked" not in text and "busy" not in text:
        return InputError(f"{shown(url)}: SQLite says: {text}")
    if dialect == "sqlite":
        return UnreachableError(f"{shown(url)} is kept locked by another program ({text}); try again when that is done")
    if code in KEPT_LOCKED:
        return UnreachableError(f"{shown(url)} is kept locked by another program ({text}); try again when that is done")
    if isinstance(error, exc.OperationalError | exc.InterfaceError) and code[:2] not in ("22", "42"):
        return UnreachableError(f"{shown(url)} does not answer: {text}; check address, name and password")
    return InputError(f"{shown(url)}: the database says: {text}")


def without_secrets(text: str, url: sa.URL) -> str:
    """Cut an error's text to one line and blot out whatever the URL keeps secret."""
    secrets = [url.password, *(str(value) for name, value in url.query.items() if "pass" in name)]
    line = " ".join(text.split())
    for secret in sorted((str(secret) for secret in secrets if secret), key=len, reverse=True):
        line = line.replace(secret, "***")
    return line[:LONGEST]
