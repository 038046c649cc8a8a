"""A month before and after: figures follow the forecast, intervals hold what comes."""

import numpy as np
import pytest

from slaopt.optimize.impact import impact_of
from slaopt.optimize.scores import Prices, losses_of
from slaopt.params import Costs
from tests.optimize.test_scores import GRID, PAGES, RATES, ladder

COSTS = Costs(violation=0.5, page=40.0, currency="EUR")


@pytest.fixture(scope="module")
def told():
    measured = ladder()
    return impact_of(measured, losses_of(measured, Prices()), now=1, then=3, costs=COSTS)


def test_violations_are_those_forecast(told):
    row = told.row("violations")
    assert row.now.value == pytest.approx(RATES[1] * 10_000, rel=0.02)
    assert row.then.value == pytest.approx(RATES[3] * 10_000, rel=0.05)
    assert row.change.value == pytest.approx(row.then.value - row.now.value)
    assert row.then.interval.low < row.then.value < row.then.interval.high < row.now.interval.low
    assert row.change.interval.high < 0


def test_pages_are_those_of_the_rates_that_were_drawn(told):
    row = told.row("pages")
    assert row.now.value == pytest.approx(PAGES[1] * 30 / 7, rel=0.2)
    assert (row.then.interval.low, row.then.interval.high % 1) == (0, 0)  # whole pages, never below none
    assert row.now.interval.high > row.now.value


def test_cost_is_the_sum_of_both_at_their_prices(told):
    violations, pages, cost = (told.row(name) for name in ("violations", "pages", "cost"))
    for side in ("now", "then", "change"):
        expected = 0.5 * getattr(violations, side).value + 40 * getattr(pages, side).value
        assert getattr(cost, side).value == pytest.approx(expected)
    assert told.currency == "EUR"
    assert cost.then.interval.low >= 0 > cost.change.interval.low


def test_without_prices_there_is_no_cost_and_without_a_current_threshold_no_change():
    measured = ladder()
    told = impact_of(measured, losses_of(measured, Prices()), now=None, then=3, costs=None)
    assert [row.name for row in told.rows] == ["violations", "pages"]
    assert all(row.now is None and row.change is None for row in told.rows)
    assert (told.row("cost"), told.currency) == (None, None)


def test_what_never_paged_may_page_once():
    measured = ladder()
    row = impact_of(measured, losses_of(measured, Prices()), now=None, then=len(GRID) - 1, costs=None).row("pages")
    assert (row.then.interval.low, row.then.interval.high) == (0, 1)
    assert np.isclose(row.then.value, 0, atol=0.1)
