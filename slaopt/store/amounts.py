"""Thresholds as rows hold them: a Decimal in the row's unit, with the decimals of its column."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from slaopt.errors import InputError
from slaopt.wording import UNIT_SECONDS, seconds, unit_name

__all__ = ["Column", "amount_of", "known_unit", "same", "seconds_of"]

_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that holds thresholds: `precision` digits in all, `scale` of them decimals. None: any number."""

    name: str
    type: str  # as the database calls it, for messages
    precision: int | None = None
    scale: int | None = None


def known_unit(text: str) -> str:
    """Give the unit that a row's text means.

    >>> known_unit("seconds"), known_unit("MS")
    ('s', 'ms')

    Raises
    ------
    InputError
        If it means none.
    """
    unit = unit_name(text)
    if unit is None:
        raise InputError(f"{text!r} is no unit of time: write seconds, ms, us, ns, min, h or d")
    return unit


def seconds_of(amount: Decimal, unit: str) -> float:
    """Give a threshold of a row in seconds.

    >>> seconds_of(Decimal("300.00"), "ms")
    0.3
    """
    return float(amount * _in_seconds(unit))


def amount_of(threshold: float, unit: str, column: Column) -> Decimal:
    """Give a threshold of so many seconds as the column holds it.

    >>> amount_of(0.3, "ms", Column(name="threshold_value", type="NUMERIC(10, 2)", precision=10, scale=2))
    Decimal('300.00')

    Raises
    ------
    InputError
        If it cannot, and what to do about that.
    """
    exact = _amount(threshold, unit)
    held = _rounded(exact, column.scale)
    if held != exact or (column.precision is not None and held.adjusted() >= column.precision - (column.scale or 0)):
        raise InputError(
            f"{seconds(threshold, 12)} is {exact.normalize():f} {unit}, which column {column.name} ({column.type}) "
            "cannot hold; widen the column to NUMERIC(18, 6), or keep the row in another unit (threshold_unit)"
        )
    return held


def same(threshold: float, amount: Decimal, unit: str, scale: int | None) -> bool:
    """Tell whether so many seconds and a row's amount are one threshold, at the column's scale (None: floats).

    >>> same(1 / 3, Decimal("0.33"), "s", 2), same(0.003, Decimal("0.01"), "s", 2)
    (True, False)
    >>> same(30.0, Decimal("30.00"), "s", None)
    True
    """
    wanted = _amount(threshold, unit)
    if scale is None:
        return Decimal(f"{wanted:.12g}") == Decimal(f"{amount:.12g}")
    decimals = max(scale, -int(amount.as_tuple().exponent))  # SQLite keeps more than the column's type says
    return _rounded(wanted, decimals) == amount


def _amount(threshold: float, unit: str) -> Decimal:
    return _EXACT.divide(Decimal(f"{threshold:.12g}"), _in_seconds(unit))


def _rounded(amount: Decimal, scale: int | None) -> Decimal:
    return amount if scale is None else amount.quantize(Decimal(1).scaleb(-scale), context=_EXACT)


def _in_seconds(unit: str) -> Decimal:
    return Decimal(str(UNIT_SECONDS[unit]))
