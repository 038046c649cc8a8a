"""What a table holds, found out before anything is counted: columns, units, services and statuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.intake import Column, Role
from slaopt.params import Params
from slaopt.sources.base import Options
from slaopt.sources.columns import find_columns, is_unit_column, name_unit, unit_name
from slaopt.sources.sql.database import Table
from slaopt.sources.sql.dialect import Dialect, integer
from slaopt.sources.sql.rows import LENGTHS, FailureRule, Layout, source_rows
from slaopt.sources.values import failed_statuses, name_problem, service_name

__all__ = ["Survey", "by_settings", "survey"]

MOST_UNITS = 100  # different texts of a unit column that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was found out about a table."""

    columns: Mapping[Role, Column]
    layout: Layout
    unit_from: str
    written: Mapping[str, tuple[str, ...]]  # service → its names as they stand in the table, trimmed
    unusable: tuple[str, ...]  # names in the table that cannot be a service's
    statuses: Mapping[str, int]  # text → rows

    @property
    def renamed(self) -> dict[str, str]:
        """Names as they stand in the table that are not what they mean."""
        return {name: service for service, names in self.written.items() for name in names if name != service}


def survey(connection: sa.Connection, dialect: Dialect, table: Table, options: Options) -> Survey:
    """Find out how to read a table.

    Raises
    ------
    InputError
        If columns are missing or ambiguous, or the unit or zone given is none.
    """
    where = f"table {table.label}"
    found = find_columns([column.name for column in table.columns], options.columns, where=where)
    texts = _Texts(connection, dialect, table, found)
    if "unit" in found and found["unit"].found == "alias":
        units = texts.counted("unit", most=MOST_UNITS)
        if not is_unit_column(units):
            del found["unit"]
    unit, unit_from = _unit(options, found["duration"].name)
    names = texts.counted("service") if "service" in found else {table.name: 1}
    statuses = texts.counted("status") if "status" in found else {}
    by_name = {column.name: column for column in table.columns}
    layout = Layout(
        table=table,
        columns={role: by_name[column.name] for role, column in found.items()},
        service=table.name,
        unit=unit,
        units=_units(texts.counted("unit", most=MOST_UNITS)) if "unit" in found else {},
        timezone=options.timezone or "UTC",
        until=options.now,
    )
    written = _written(names)
    if "status" in found:
        layout = layout.with_rules(_failure_rules(options, found["status"].name, statuses, written))
    if by_name[found["duration"].name].kind == "interval":
        unit_from = "column type"
    return Survey(
        columns=found,
        layout=layout,
        unit_from="unit column" if "unit" in found else unit_from,
        written=written,
        unusable=tuple(name for name in names if name_problem(name) is not None),
        statuses=statuses,
    )


def by_settings(
    options: Options, written: Mapping[str, tuple[str, ...]], key: Any
) -> list[tuple[Params, tuple[str, ...] | None]]:
    """Group services by a part of their settings; None stands for all whose part is the default one.

    Parameters
    ----------
    key
        Function that gives the part of a service's settings.
    """
    default = options.book.default
    special: dict[Any, list[str]] = defaultdict(list)
    settings: dict[Any, Params] = {}
    for service in options.book.services:
        params = options.book.of(service)
        if service in written and key(params) != key(default):
            special[repr(key(params))].extend(written[service])
            settings[repr(key(params))] = params
    return [(default, None), *((settings[part], tuple(names)) for part, names in special.items())]


class _Texts:
    """The different texts of a column."""

    def __init__(self, connection: sa.Connection, dialect: Dialect, table: Table, found: Mapping[Role, Column]) -> None:
        self._connection, self._dialect, self._table, self._found = connection, dialect, table, found

    def counted(self, role: Role, *, most: int | None = None) -> dict[str, int]:
        """Count the rows of each text, the most frequent first; NULL is left out."""
        column = next(column for column in self._table.columns if column.name == self._found[role].name)
        text = self._dialect.text(column, LENGTHS[role]).label("text")
        each = sa.select(text).select_from(source_rows(self._table)).offset(sa.literal_column("0")).subquery("texts")
        rows = sa.func.count().label("rows")
        statement = sa.select(each.c.text, rows).where(each.c.text.is_not(None)).group_by(each.c.text)
        statement = statement.order_by(rows.desc(), each.c.text)
        if most is not None:
            statement = statement.limit(integer(most))
        return {row.text: row.rows for row in self._connection.execute(statement)}


def _unit(options: Options, duration: str) -> tuple[str, str]:
    if options.unit is not None:
        unit = unit_name(options.unit)
        if unit is None:
            raise InputError(f"{options.unit!r} is no unit of time: give ns, us, ms, s, min, h or d")
        return unit, "given"
    if (unit := name_unit(duration)) is not None:
        return unit, "column name"
    return "s", "default"


def _units(texts: Collection[str]) -> dict[str, str]:
    return {text: unit for text in texts if (unit := unit_name(text)) is not None}


def _written(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    written: dict[str, list[str]] = defaultdict(list)
    for name in names:
        if name_problem(name) is None:
            written[service_name(name)].append(name)
    return {service: tuple(sorted(forms)) for service, forms in sorted(written.items())}


def _failure_rules(
    options: Options, column: str, statuses: Collection[str], written: Mapping[str, tuple[str, ...]]
) -> tuple[FailureRule, ...]:
    rules = []
    for params, services in by_settings(options, written, lambda params: params.failed_statuses):
        failing = failed_statuses(statuses, column=column, words=params.failed_statuses)
        passing = set(statuses) - failing
        few = failing if len(failing) <= len(passing) else passing  # the shorter list says the same
        rules.append(FailureRule(services=services, statuses=tuple(sorted(few)), failing=few is failing))
    return tuple(rules)
