"""Column types that mean the same in SQLite and PostgreSQL: exact decimals, moments in UTC, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

__all__ = ["Exact", "Json", "Moment"]


class _Declared(UserDefinedType[Any]):
    """SQLite's NUMERIC, whose affinity turns a decimal's digits into a number where nothing is lost by it."""

    cache_ok = True

    def __init__(self, precision: int | None = None, scale: int | None = None) -> None:
        self.precision, self.scale = precision, scale

    def get_col_spec(self, **_: Any) -> str:
        """Give the type as SQLite is told it."""
        return f"NUMERIC({self.precision}, {self.scale})" if self.precision else "NUMERIC"


class Exact(TypeDecorator[Decimal]):
    """A Decimal; of a threshold in seconds, wide enough for a microsecond and for months alike."""

    impl = sa.Numeric
    cache_ok = True

    def __init__(self, precision: int | None = 18, scale: int | None = 6) -> None:
        super().__init__(precision, scale)
        self.precision, self.scale = precision, scale

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Give what the database itself knows."""
        if dialect.name == "sqlite":
            return _Declared(self.precision, self.scale)
        return sa.Numeric(self.precision, self.scale)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Write the digits as they are."""
        return f"{value:f}" if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read whatever the column holds: SQLite gives an int, a float, or a text."""
        return None if value is None else Decimal(str(value))


class Moment(TypeDecorator[datetime]):
    """An aware datetime; what comes without a zone is UTC."""

    impl = sa.DateTime
    cache_ok = True

    def __init__(self, *, timezone: bool = True) -> None:
        super().__init__(timezone=timezone)
        self.zoned = timezone

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write in UTC, without the zone where the column holds none."""
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment if self.zoned and dialect.name != "sqlite" else moment.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def Json() -> sa.JSON:  # a type like the others
    """JSON, binary in PostgreSQL; None is NULL."""
    return sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
