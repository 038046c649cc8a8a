"""From the text that names a source to the source: a name of params, a path, or a database URL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from slaopt.errors import InputError
from slaopt.intake import Role
from slaopt.params import ParamsBook
from slaopt.sources.base import Options, Source
from slaopt.sources.find import REMOTE, find_files, is_url
from slaopt.sources.stamps import known_zone
from slaopt.wording import unit_name

__all__ = ["connect"]

_ROLES: tuple[Role, ...] = ("timestamp", "service", "duration", "unit", "status", "arm", "assigned")


def connect(
    url: str,
    *,
    book: ParamsBook,
    now: datetime,
    table: str | None = None,
    columns: Mapping[str, str] | None = None,
    unit: str | None = None,
    timezone: str | None = None,
    decimal: Literal[".", ","] | None = None,
) -> Source:
    """Give the source that a text names; nothing is read yet.

    Parameters
    ----------
    url
        A name of `sources` in the params, a path, glob or folder, or a SQLAlchemy URL. `${NAME}` in a URL is read from
        the environment.
    book
        Settings of the services.
    now
        Stamps later than this are in the future.
    table, columns, unit, timezone, decimal
        What is said about the source; each wins over what the params say of a named one.

    Raises
    ------
    InputError
        If a setting names nothing that is known.
    """
    named = book.default.sources.get(url)
    if named is not None:
        url, table, unit = named.url, table or named.table, unit or named.unit
        timezone, decimal = timezone or named.timezone, decimal or named.decimal
        columns = {**named.columns, **(columns or {})}
    options = Options(
        book=book, now=now, table=table, columns=_roles(columns or {}), unit=_unit(unit), timezone=_zone(timezone),
        decimal=decimal,
    )  # fmt: skip
    if is_url(url) and url.partition("://")[0].lower() not in REMOTE:
        from slaopt.databases import filled
        from slaopt.sources.sql import SqlSource

        return SqlSource(filled(url, whose="source"), options)
    from slaopt.sources.files import FileSource

    if table is not None:
        raise InputError(f"{url}: --table is for databases; of files every row is read")
    find_files(url)  # a path that leads nowhere is said at once
    return FileSource(url, options)


def _roles(columns: Mapping[str, str]) -> dict[Role, str]:
    unknown = [role for role in columns if role not in _ROLES]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no role of a column: give one of {', '.join(_ROLES)}")
    return {role: columns[role] for role in _ROLES if role in columns}


def _unit(unit: str | None) -> str | None:
    if unit is None:
        return None
    if (name := unit_name(unit)) is None:
        raise InputError(f"{unit!r} is no unit of time: give ns, us, ms, s, min, h or d")
    return name


def _zone(timezone: str | None) -> str | None:
    return known_zone(timezone).key if timezone is not None else None
