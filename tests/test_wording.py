"""Numbers in words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.wording import count, moment, number, parse_seconds, percent, seconds, span


@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "0", "nan", "inf", "1e400", "3 parsecs", "1,5", "ms", "1 2 s", "0x10"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_seconds(text)


@given(st.floats(min_value=1e-5, max_value=1e7))
def test_a_duration_written_for_people_reads_back_within_its_digits(value):
    assert parse_seconds(seconds(value).replace(",", "")) == pytest.approx(value, rel=0.006)


@given(st.floats(min_value=1e-9, max_value=1e9))
def test_numbers_keep_three_digits_and_no_exponent(value):
    text = number(value)
    assert "e" not in text
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.0051)


def test_what_is_not_finite_is_a_dash():
    assert number(math.nan) == number(math.inf) == "–"


def test_rates_near_one_keep_their_distance_from_it():
    assert [percent(rate) for rate in (0.0, 0.5, 0.9, 0.95, 0.9999, 1.0)] == [
        "0 %",
        "50 %",
        "90 %",
        "95 %",
        "99.99 %",
        "100 %",
    ]


def test_small_words():
    from datetime import UTC, datetime

    assert count(1234567.4) == "1,234,567"
    assert span("2 min", "3 min") == "2–3 min"
    assert moment(datetime(2026, 11, 3, 13, 5, tzinfo=UTC), "Europe/Berlin") == "3 Nov 2026, 14:05 CET"
