"""Short version of the proof on few executions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.statistical import new_level
from tests.statistical.low_traffic import BAR, CASES, FIGURES, SHORT, coverage
from tests.statistical.simulated import monte_carlo_error

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
ROWS = {cells[1]: cells[2:-1] for line in PAGE.splitlines() if len(cells := [c.strip() for c in line.split("|")]) > 2}
CASE = {case.name: case for case in CASES}


@pytest.mark.parametrize("name", SHORT)
def test_intervals_of_few_executions_hold_the_truth_and_none_is_of_no_width(name):
    assert coverage(CASE[name], runs=80, seed=20261203).misses() == []


def test_a_rate_without_violations_has_an_upper_end_that_is_sharp_as_well_as_honest():
    result = coverage(CASE["1 a day, 30 days, rho 0.6"], runs=80, seed=3)
    independent = 1 - 0.025 ** (1 / 30)  # Clopper-Pearson of 30 independent executions
    assert independent < result.width[0] < 2 * independent


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_page_has_every_service_above_its_bar(case):
    _, runs, _, *shares = ROWS[case.name]
    allowed = BAR - 2 * monte_carlo_error(BAR, int(runs))
    assert min(float(share) for share in shares[: len(FIGURES)]) >= allowed


@pytest.mark.parametrize("name", new_level.CASES)
def test_the_page_has_every_change_above_its_bar(name):
    _, _, _, *found = ROWS[name]
    assert min(map(float, found[:2])) >= new_level.BAR - 2 * monte_carlo_error(new_level.BAR, 500)
