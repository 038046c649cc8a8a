"""`sla_configurations`, as slaopt made it or as it was there before: with other types, other units, fewer columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.store.amounts import Column, amount_of, known_unit, same, seconds_of
from slaopt.store.records import ServiceRecord
from slaopt.store.types import Exact, Moment
from slaopt.store.values import decimal_of, float_of, moment_of, truth_of
from slaopt.wording import seconds

__all__ = ["Configurations", "first_record", "read_layout", "service_name"]

NAME = "sla_configurations"
THRESHOLDS = ("threshold_value", "min_threshold", "max_threshold")
KNOWN = {
    *THRESHOLDS, "service_type", "threshold_unit", "objective", "is_active", "optimization_enabled", "auto_adjust",
    "optimization_frequency", "last_optimization_at", "created_at", "updated_at",
}  # fmt: skip
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Configurations:
    """The table as it is in this database."""

    table: sa.TableClause
    columns: Mapping[str, Column]  # of those that hold thresholds

    def read(self, connection: sa.Connection, name: str | None = None) -> list[ServiceRecord]:
        """Give what stands under that name (None: all), by the services' names; blanks around it are no part.

        A service with more than one row cannot be used: which of them holds is not to be guessed.
        """
        query = sa.select(*self.table.c.values())
        if name is not None:
            spellings = {name, unicodedata.normalize("NFD", name)}
            query = query.where(sa.func.trim(self.table.c.service_type).in_(spellings))
        rows = connection.execute(query).mappings()
        found = sorted((self._record(dict(row)) for row in rows), key=lambda record: record.service)
        return [_only(list(same)) for _, same in groupby(found, key=lambda record: record.service)]

    def insert(self, connection: sa.Connection, record: ServiceRecord, *, unit: str, at: datetime) -> None:
        """Add a row for a service that has none.

        Raises
        ------
        InputError
            If a column cannot hold its value, or wants one that slaopt does not know of.
        """
        values = {name: value for name, value in self._values(record, unit, at).items() if name in self.table.c}
        if known_unit(unit) != "s" and "threshold_unit" not in self.table.c:
            raise InputError(f"table {NAME} has no column threshold_unit: its thresholds are seconds; leave --unit out")
        connection.execute(sa.insert(self.table).values(values))

    def update(self, connection: sa.Connection, record: ServiceRecord, **values: Any) -> None:
        """Change columns of a service's row."""
        told = {name: self._fitting(name, value) for name, value in values.items()}
        connection.execute(sa.update(self.table).where(self.table.c.service_type == record.key).values(told))

    def replace_threshold(
        self, connection: sa.Connection, record: ServiceRecord, threshold: float, *, at: datetime
    ) -> bool:
        """Set the threshold of a row that still holds what `record` tells, in one statement; tell whether it did.

        A database may be written by others at any moment: what they wrote since `record` was read stays.

        Raises
        ------
        InputError
            If the column cannot hold the threshold, or holds it already.
        """
        amount = amount_of(threshold, record.unit, self.columns["threshold_value"])
        if record.amount is not None and same(threshold, record.amount, record.unit, record.scale):
            raise InputError(f"{record.service}: {seconds(threshold, 6)} is in force already; nothing is to be changed")
        told = {"threshold_value": amount, "updated_at": at}
        values = {name: self._fitting(name, value) for name, value in told.items() if name in self.table.c}
        columns = [name for name in ("threshold_value", "threshold_unit") if name in self.table.c]
        unchanged = [_is(self.table.c[name], was) for name, was in zip(columns, record.stands, strict=False)]
        changed = sa.update(self.table).where(self.table.c.service_type == record.key, *unchanged).values(values)
        return connection.execute(changed).rowcount == 1

    def configure(self, connection: sa.Connection, record: ServiceRecord, **values: Any) -> None:
        """Change what is decided about a service besides its threshold; bounds come in seconds.

        Raises
        ------
        InputError
            If the bounds contradict each other, or a column cannot hold one.
        """
        bounds = {name: value for name, value in values.items() if name in self.columns}
        if bounds and record.problem is not None:
            raise InputError(f"{record.service}: {record.problem}")
        _refuse_bounds(
            record.service, bounds.get("min_threshold", record.min_threshold),
            bounds.get("max_threshold", record.max_threshold),
        )  # fmt: skip
        amounts = {
            name: None if value is None else amount_of(value, record.unit, self.columns[name])
            for name, value in bounds.items()
        }
        if values:
            touched = {"updated_at": sa.func.now()} if isinstance(self._kind("updated_at"), Moment) else {}
            self.update(connection, record, **values | amounts | touched)

    def _values(self, record: ServiceRecord, unit: str, at: datetime) -> dict[str, Any]:
        known = known_unit(unit)
        bounds = {
            "threshold_value": record.threshold,
            "min_threshold": record.min_threshold,
            "max_threshold": record.max_threshold,
        }
        amounts = {
            name: amount_of(value, known, self.columns[name])
            for name, value in bounds.items()
            if value is not None and name in self.columns
        }
        others = {
            "service_type": record.service,
            "threshold_unit": unit,
            "objective": None if record.objective is None else Decimal(f"{record.objective:.8g}"),
            "is_active": record.is_active,
            "optimization_enabled": record.optimization_enabled,
            "auto_adjust": record.auto_adjust,
            "created_at": at,
            "updated_at": at,
        }
        told = amounts | others
        return {name: self._fitting(name, value) for name, value in told.items() if value is not None}

    def _kind(self, name: str) -> Any:
        return self.table.c[name].type if name in self.table.c else None

    def _fitting(self, name: str, value: Any) -> Any:
        """A value as a column of another type than slaopt's own has it."""
        kind = self._kind(name)
        if isinstance(value, bool) and not isinstance(kind, sa.Boolean):
            return str(value).lower() if isinstance(kind, sa.String) else int(value)
        if isinstance(value, datetime) and isinstance(kind, sa.String):
            return value.isoformat()
        if isinstance(value, Decimal) and isinstance(kind, sa.String):
            return f"{value:f}"
        return value

    def _record(self, row: Mapping[str, Any]) -> ServiceRecord:
        unit, amounts, problem = "s", dict[str, Decimal | None](), None
        try:
            unit = known_unit(str(row.get("threshold_unit") or "seconds"))
            amounts = {name: decimal_of(name, row.get(name)) for name in THRESHOLDS}
            problem = _problem(amounts, float_of(row.get("objective")))
        except InputError as error:
            problem = str(error)
        thresholds = {name: None if value is None else seconds_of(value, unit) for name, value in amounts.items()}
        return ServiceRecord(
            service=_normal(str(row["service_type"])),
            key=row["service_type"],
            threshold=thresholds.get("threshold_value"),
            unit=unit,
            amount=amounts.get("threshold_value"),
            scale=self.columns["threshold_value"].scale,
            stands=(row.get("threshold_value"), row.get("threshold_unit")),
            objective=float_of(row.get("objective")),
            min_threshold=thresholds.get("min_threshold"),
            max_threshold=thresholds.get("max_threshold"),
            is_active=truth_of(row.get("is_active"), True),
            optimization_enabled=truth_of(row.get("optimization_enabled"), True),
            auto_adjust=truth_of(row.get("auto_adjust"), False),
            optimization_frequency=row.get("optimization_frequency"),
            last_optimization_at=moment_of(row.get("last_optimization_at")),
            problem=None if problem is None else f"its row in {NAME}: {problem}",
        )


def read_layout(connection: sa.Connection) -> Configurations:
    """Find out which columns the table has here, and of which types."""
    columns, thresholds = [], {}
    for found in sa.inspect(connection).get_columns(NAME):
        name, kind = found["name"], found["type"]
        if name in THRESHOLDS:
            thresholds[name] = Column(name=name, type=str(kind), precision=_digits(kind)[0], scale=_digits(kind)[1])
        if name in KNOWN:
            columns.append(sa.column(name, _type(name, kind)))
    return Configurations(table=sa.table(NAME, *columns), columns=thresholds)


def first_record(
    service: str, *, threshold: float, objective: float | None, least: float | None = None, most: float | None = None
) -> ServiceRecord:
    """Describe a row that is about to be made.

    Raises
    ------
    InputError
        If the bounds contradict each other.
    """
    _refuse_bounds(service, least, most)
    return ServiceRecord(
        service=service,
        key=service,
        threshold=threshold,
        unit="s",
        objective=objective,
        min_threshold=least,
        max_threshold=most,
        is_active=True,
        optimization_enabled=True,
        auto_adjust=False,
        optimization_frequency=None,
        last_optimization_at=None,
    )


def service_name(text: str) -> str:
    """Give a service's name in the form that measurements have it.

    Raises
    ------
    InputError
        If it is blank, too long or holds control characters.
    """
    name = _normal(text)
    if not name or len(name) > LONGEST_NAME or any(unicodedata.category(sign) == "Cc" for sign in name):
        raise InputError(
            f"{text[:LONGEST_NAME]!r} names no service: give 1 to {LONGEST_NAME} characters, none a control"
        )
    return name


def _refuse_bounds(service: str, least: float | None, most: float | None) -> None:
    if least is not None and most is not None and least > most:
        raise InputError(f"{service}: the least threshold, {seconds(least)}, exceeds the greatest, {seconds(most)}")


def _is(column: sa.ColumnClause[Any], value: Any) -> sa.ColumnElement[bool]:
    """Whether a column holds what was read from it; cast, since 0.1 of a REAL is not 0.1 of a DOUBLE."""
    if value is None:
        return column.is_(None)
    known = not isinstance(column.type, sa.types.NullType)
    return column == (sa.cast(value, column.type) if known else sa.literal(value))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _only(rows: Sequence[ServiceRecord]) -> ServiceRecord:
    if len(rows) == 1:
        return rows[0]
    return replace(rows[0], problem=f"{NAME} has {len(rows)} rows for it: keep one")


def _type(name: str, kind: Any) -> Any:
    if isinstance(kind, sa.DateTime):
        return Moment(timezone=bool(kind.timezone))
    if name in THRESHOLDS and isinstance(kind, sa.Integer):
        return Exact(None, None)
    if name in THRESHOLDS and isinstance(kind, sa.types.NullType):  # SQLite keeps a text there as a text
        return sa.Double()
    if name in (*THRESHOLDS, "objective") and isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return Exact(kind.precision, kind.scale)
    return kind


def _digits(kind: Any) -> tuple[int | None, int | None]:
    """Precision and scale of a column's type; None where it keeps any number."""
    if isinstance(kind, sa.Integer):
        return None, 0
    if isinstance(kind, sa.Numeric) and not isinstance(kind, sa.Float):
        return kind.precision, kind.scale if kind.scale is not None or kind.precision is None else 0
    return None, None


def _problem(amounts: Mapping[str, Decimal | None], objective: float | None) -> str | None:
    low, high = amounts["min_threshold"], amounts["max_threshold"]
    if low is not None and high is not None and low > high:
        return f"min_threshold {low} is greater than max_threshold {high}"
    if objective is not None and not 0 < objective < 1:
        return f"objective {objective:g} is no share between 0 and 1"
    return None
