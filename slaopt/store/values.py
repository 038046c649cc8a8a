"""What a row holds, read as what is meant, whichever type its column has."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from slaopt.errors import InputError

__all__ = ["decimal_of", "float_of", "moment_of", "truth_of"]

NO = {"", "0", "f", "false", "n", "no", "off"}


def decimal_of(name: str, value: Any) -> Decimal | None:
    """Read a threshold. Raises InputError where it is none."""
    if value is None:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise InputError(f"{name} {value!r} is no number") from None
    if not number.is_finite() or number <= 0:
        raise InputError(f"{name} {number} is no threshold: it must be more than 0")
    return number


def float_of(value: Any) -> float | None:
    """Read a number."""
    return None if value is None else float(value)


def truth_of(value: Any, default: bool) -> bool:
    """Read a claim; what is not there holds by default."""
    if value is None:
        return default
    return value.strip().lower() not in NO if isinstance(value, str) else bool(value)


def moment_of(value: Any) -> datetime | None:
    """Read a time; None where it is none. Without a zone it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None
