"""What has to be known of a table before its rows can be read: columns, units, statuses and spellings of services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.intake import Column, Note, Role
from slaopt.params import Params
from slaopt.sources.base import Options
from slaopt.sources.columns import find_columns, is_unit_column, name_unit, plain_name, rival_notes
from slaopt.sources.notes import shortened
from slaopt.sources.sql.database import Table
from slaopt.sources.sql.dialect import Dialect, integer
from slaopt.sources.sql.rows import LENGTHS, FailureRule, Layout, source_rows
from slaopt.sources.stamps import EARLIEST, ZonePiece, zone_pieces
from slaopt.sources.values import failed_statuses, name_problem, service_name
from slaopt.wording import unit_name

__all__ = ["MOST_SERVICES", "Survey", "by_settings", "survey"]

MOST_SERVICES = 100_000
MOST_TEXTS: Mapping[Role, int] = {"service": MOST_SERVICES, "status": 10_000, "unit": 1_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """How a table is read."""

    columns: Mapping[Role, Column]
    layout: Layout
    unit_from: str
    statuses: Mapping[str, int]  # text → rows, the most frequent first
    unusable: tuple[str, ...]  # names in the table that cannot be a service's
    notes: tuple[Note, ...]


def survey(connection: sa.Connection, dialect: Dialect, table: Table, options: Options) -> Survey:
    """Find out how to read a table.

    Raises
    ------
    InputError
        If columns are missing, ambiguous or contradict each other, or hold too many different texts.
    """
    names_there = [column.name for column in table.columns]
    found = find_columns(names_there, options.columns, where=f"table {table.label}", seeks=options.seeks)
    texts = _Texts(connection, dialect, table, found)
    units, notes = _unit_texts(texts, found, options)
    statuses = texts.counted("status")
    names = texts.counted("service") if "service" in found else {table.name: 0}
    by_name = {column.name: column for column in table.columns}
    unit, unit_from = _unit(options, found["duration"].name)
    if by_name[found["duration"].name].kind == "interval":
        unit, unit_from = "s", "column type"
    meant = {name: service_name(name) for name in names if name_problem(name) is None}
    return Survey(
        columns=found,
        layout=Layout(
            table=table,
            columns={role: by_name[column.name] for role, column in found.items()},
            service=table.name,
            renamed={name: service for name, service in meant.items() if name != service},
            unit=unit,
            units=units,
            timezone=options.timezone or "UTC",
            pieces=_pieces(options),
            rules=_failure_rules(options, found, statuses, set(meant.values())),
        ),
        unit_from="unit column" if "unit" in found else unit_from,
        statuses=statuses,
        unusable=tuple(name for name in names if name not in meant),
        notes=(*notes, *rival_notes(names_there, found)),
    )


def by_settings(
    options: Options, services: Collection[str], part: Callable[[Params], Any]
) -> list[tuple[Params, tuple[str, ...] | None]]:
    """Group services by a part of their settings; None stands for all whose part is the default one."""
    default = options.book.default
    special: dict[str, list[str]] = defaultdict(list)
    for service in sorted(options.book.services):
        if service in services and (own := part(options.book.of(service))) != part(default):
            special[repr(own)].append(service)
    return [(default, None), *((options.book.of(names[0]), tuple(names)) for names in special.values())]


class _Texts:
    """The different texts of a column."""

    def __init__(self, connection: sa.Connection, dialect: Dialect, table: Table, found: Mapping[Role, Column]) -> None:
        self._connection, self._dialect, self._table, self._found = connection, dialect, table, found

    def counted(self, role: Role) -> dict[str, int]:
        """Count the rows of each text, the most frequent first; NULL and bytes that are no text are left out."""
        if role not in self._found:
            return {}
        name, most = self._found[role].name, MOST_TEXTS[role]
        column = next(column for column in self._table.columns if column.name == name)
        text = self._dialect.text(column, LENGTHS[role]).label("text")
        each = sa.select(text).select_from(source_rows(self._table)).offset(sa.literal_column("0")).subquery("texts")
        rows = sa.func.count().label("rows")
        statement = sa.select(each.c.text, rows).where(each.c.text.is_not(None)).group_by(each.c.text)
        statement = statement.order_by(rows.desc(), each.c.text).limit(integer(most + 1))
        counts = {row.text: row.rows for row in self._connection.execute(statement) if _is_text(row.text)}
        if len(counts) > most:
            raise InputError(
                f"table {self._table.label}, column {name!r}: more than {most:,} different values; "
                f"name the column that holds the {role}: --column {role}=NAME"
            )
        return counts


def _is_text(text: str) -> bool:
    """Tell whether SQLite held text: bytes that are none arrive as surrogates, and nobody could ask for them."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _pieces(options: Options) -> tuple[ZonePiece, ...]:
    """Part local time up to now; the clocks of UTC never change, so that it has no history."""
    now = options.now.astimezone(UTC).replace(tzinfo=None)
    zone = options.timezone or "UTC"
    return tuple(zone_pieces(zone, now if zone == "UTC" else EARLIEST.replace(tzinfo=None), now))


def _unit_texts(texts: _Texts, found: dict[Role, Column], options: Options) -> tuple[dict[str, str], tuple[Note, ...]]:
    """Give what each text of the unit column means; a column that holds no units is dropped from `found`."""
    column = found.get("unit")
    if column is None:
        return {}, ()
    if options.unit is not None:
        del found["unit"]
        return {}, ()
    counts = texts.counted("unit")
    units = {text: unit for text in counts if (unit := unit_name(text)) is not None}
    if not (is_unit_column(counts) or column.found == "given" or plain_name(column.name) != "unit"):
        del found["unit"]
        strange = [text for text in counts if text and text not in units]
        return {}, tuple(_not_taken(column, text) for text in strange[:1])
    duration = found["duration"].name
    named = name_unit(duration)
    if named is not None and set(units.values()) - {named}:
        raise InputError(
            f"column {duration!r} says {named}, column {column.name!r} says {', '.join(sorted(set(units.values())))}; "
            "say which holds: --unit"
        )
    return units, ()


def _not_taken(column: Column, text: str) -> Note:
    return Note(
        kind="warning", count=0,
        reason=f"column {column.name!r} is not taken for a unit of time: it holds {shortened(text)!r}",
        remedy="name the unit with --unit, or the column with --column unit=NAME",
    )  # fmt: skip


def _unit(options: Options, duration: str) -> tuple[str, str]:
    if options.unit is not None:
        return options.unit, "given"
    unit = name_unit(duration)
    return (unit, "column name") if unit is not None else ("s", "default")


def _failure_rules(
    options: Options,
    found: Mapping[Role, Column],
    statuses: Collection[str],
    services: Collection[str],
) -> tuple[FailureRule, ...]:
    if not statuses:
        return ()
    return tuple(
        FailureRule(
            services=names,
            failing=tuple(sorted(failed_statuses(statuses, column=found["status"].name, words=params.failed_statuses))),
        )
        for params, names in by_settings(options, services, lambda params: params.failed_statuses)
    )
