"""Thresholds in rows: exact in every unit, held or refused, equal or not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.errors import InputError
from slaopt.store.amounts import Column, amount_of, known_unit, same, seconds_of

WIDE = Column(name="threshold_value", type="NUMERIC(18, 6)", precision=18, scale=6)
NARROW = Column(name="threshold_value", type="NUMERIC(10, 2)", precision=10, scale=2)
FLOAT = Column(name="threshold_value", type="DOUBLE")


@given(st.decimals("0.001", 10**6, places=3), st.sampled_from(["us", "ms", "s"]))
def test_what_a_row_holds_comes_back(seconds: Decimal, unit: str) -> None:
    for column in (WIDE, FLOAT):
        amount = amount_of(float(seconds), unit, column)
        assert seconds_of(amount, unit) == float(seconds)
        assert same(float(seconds), amount, unit, column.scale)


@given(st.integers(1, 10**5), st.sampled_from(["min", "h", "d"]))
def test_whole_minutes_hours_and_days_are_exact(number: int, unit: str) -> None:
    seconds = seconds_of(Decimal(number), unit)
    assert amount_of(seconds, unit, NARROW) == number


@pytest.mark.parametrize(
    ("seconds", "unit", "column"),
    [
        (0.003, "s", NARROW),  # rounded to nothing
        (1.0, "h", NARROW),  # without an end
        (10.0**8, "s", NARROW),  # a digit too many
        (100_000.0, "ms", NARROW),
        (1e-7, "s", WIDE),
        (2.5, "s", Column(name="threshold_value", type="INTEGER", scale=0)),
    ],
)
def test_what_a_column_cannot_hold_is_refused(seconds: float, unit: str, column: Column) -> None:
    with pytest.raises(InputError, match=r"which column threshold_value \(.*\) cannot hold; widen the column"):
        amount_of(seconds, unit, column)


def test_the_greatest_that_a_column_holds_is_held() -> None:
    assert amount_of(99_999_999.99, "s", NARROW) == Decimal("99999999.99")


@pytest.mark.parametrize(
    ("seconds", "amount", "unit", "scale", "expected"),
    [
        (2.0, "2.00", "s", 2, True),
        (2.004, "2.00", "s", 2, True),
        (2.006, "2.00", "s", 2, False),
        (0.003, "0.003", "s", 2, True),  # SQLite keeps more decimals than the type says
        (0.004, "0.003", "s", 2, False),
        (0.1 + 0.2, "0.3", "s", None, True),
        (0.3, "300", "ms", 0, True),
    ],
)
def test_equality_is_that_of_the_column(
    seconds: float, amount: str, unit: str, scale: int | None, expected: bool
) -> None:
    assert same(seconds, Decimal(amount), unit, scale) is expected


def test_an_unknown_unit_is_named() -> None:
    with pytest.raises(InputError, match="'fortnights' is no unit of time: write seconds"):
        known_unit("fortnights")
