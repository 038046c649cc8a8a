"""The grid of candidates, the front and the choice."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.optimize.candidates import grid_of
from slaopt.optimize.choose import choose
from slaopt.optimize.pareto import non_dominated
from slaopt.params import Params
from tests.optimize.simulation import service_of


@pytest.fixture(scope="module")
def hours():
    """Median near 0.3 s, none longer than some seconds."""
    return service_of(median=0.3, sigma=0.5).profiles(np.random.default_rng(1), days=(0, 14)).hours


def test_candidates_are_round_numbers_within_the_allowed_change_and_the_current_one(hours):
    grid = grid_of(hours, Params(threshold=0.93))
    inside = (0.5, 0.56, 0.63, 0.7, 0.8, 0.9, 0.93, 1.0, 1.1, 1.25)
    assert grid.candidates == inside
    assert (grid.tight_bound, grid.loose_bound) == ("max_change", "max_change")
    assert [grid.thresholds[i] for i in grid.index] == list(inside)


def test_replay_looks_beyond_the_candidates_from_the_median_to_the_longest_duration(hours):
    grid = grid_of(hours, Params(threshold=1.0))
    longest = float(np.nanmax(hours.slot_sums.maxima))
    assert grid.thresholds[0] == pytest.approx(0.32)  # the first round number above the median
    assert grid.thresholds[-1] >= longest
    assert hours.violations(grid.thresholds[-1]).upper.sum() == 0


def test_without_a_current_threshold_the_data_alone_give_the_range(hours):
    grid = grid_of(hours, Params())
    assert grid.candidates == grid.thresholds
    assert grid.loose_bound == "measured"


def test_limits_forbid_candidates_but_not_the_current_threshold(hours):
    grid = grid_of(hours, Params(threshold=1.0, min_threshold=0.75, max_threshold=0.95))
    assert grid.candidates == (0.8, 0.9, 1.0)
    assert (grid.tight_bound, grid.loose_bound) == ("min_threshold", "max_threshold")


@pytest.mark.parametrize(
    ("settings", "candidates"),
    [
        ({"min_threshold": 2.05, "max_threshold": 2.1}, (2.05, 2.1)),  # no round number between
        ({"threshold": 1.0, "min_threshold": 2.05}, (1.0, 2.05)),  # a limit out of reach wins over the allowed change
        ({"threshold": 5.0, "max_threshold": 1.0}, (1.0, 5.0)),
        ({"threshold": 1.0, "max_change": 0.001}, (1.0,)),
    ],
)
def test_narrow_bounds_leave_their_ends(hours, settings, candidates):
    assert grid_of(hours, Params(**settings)).candidates == candidates


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=25))
def test_the_front_is_what_a_plain_search_finds(rows):
    def beaten(row):
        return any(all(a <= b for a, b in zip(other, row, strict=True)) and other != row for other in rows)

    assert non_dominated(np.array(rows, dtype=float)).tolist() == [not beaten(row) for row in rows]


GRID = np.array([1.0, 1.25, 1.6, 2.0, 2.5])
LIKELY = np.array([0.3, 0.82, 0.88, 0.93, 0.99])


@pytest.mark.parametrize(
    ("losses", "chosen"),
    [
        ([0, 5, 4, 3, 0], 2.0),  # the loosest has the least loss, but 0.9 needs no more than 2.0
        ([0, 2, 4, 6, 8], 1.25),  # the tightest has the least loss, but keeps the objective in 0.3 only
        ([9, 4, 3, 4, 9], 1.6),
    ],
)
def test_least_loss_from_the_tightest_that_is_likely_to_the_tightest_that_is_enough(losses, chosen):
    choice = choose(GRID, np.array(losses, dtype=float), LIKELY, current=None)
    assert (GRID[choice.index], choice.reached) == (chosen, True)


def test_without_a_likely_candidate_the_loosest_is_taken():
    choice = choose(GRID, np.arange(5.0), np.full(5, 0.7), current=1.25)
    assert (choice.index, choice.reached) == (4, False)


def test_without_one_that_is_enough_the_range_reaches_to_the_loosest():
    choice = choose(GRID, np.array([9.0, 8, 7, 6, 5]), np.array([0.1, 0.2, 0.81, 0.85, 0.89]), current=None)
    assert GRID[choice.index] == 2.5


@pytest.mark.parametrize(("current", "chosen"), [(2.2, 2.0), (1.3, 1.25), (None, 1.25)])
def test_of_equal_losses_the_smaller_change_wins_else_the_tighter(current, chosen):
    assert GRID[choose(GRID, np.ones(5), LIKELY, current=current).index] == chosen
