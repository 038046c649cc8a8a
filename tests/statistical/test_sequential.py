"""Short versions of the proofs on tests that are looked at often, and what the page has of the long ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.evidence.sequential import PUBLISHED, bounds_of_looks, lines
from tests.statistical.sequential import ratio_flagged
from tests.statistical.verdicts import CASES, verdicts

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
ROWS = {cells[1]: cells[2:-1] for line in PAGE.splitlines() if len(cells := [c.strip() for c in line.split("|")]) > 2}
VERDICTS = PAGE.partition("<!-- verdicts -->")[2].partition("<!-- ")[0]  # other sections name some cases alike
CASE = {case.name: case for case in CASES}
SHORT = lines(2000, seed=1)


@pytest.mark.parametrize("name", PUBLISHED)
def test_five_looks_have_the_published_boundaries(name):
    assert bounds_of_looks()[name] == pytest.approx(PUBLISHED[name], abs=1e-3)


@pytest.mark.parametrize("line", SHORT, ids=lambda line: line.what)
def test_tests_that_are_looked_at_fifty_times_reach_their_bars(line):
    assert not line.missed, f"{line.measured}, bar {line.bar}"


def test_a_plain_test_that_is_looked_at_fifty_times_errs_in_a_third_of_the_cases():
    assert SHORT[0].measured.share > 0.25


@pytest.mark.parametrize(
    ("name", "runs"),
    [("planned, no effect", 8), ("open-ended, 5 → 4 %", 100), ("5 + 5 tenants, no effect", 8)],
)
def test_whole_experiments_never_contradict_themselves_and_ship_what_is_better(name, runs):
    found = verdicts(CASE[name], runs=runs, seed=4)
    assert found.misled == 0
    if CASE[name].effect < 0:
        assert found.shipped.share > 0.72 - 3 * found.shipped.error
        assert found.harm.share == 0


def test_the_sample_ratio_is_flagged_where_it_is_wrong_only():
    rng = np.random.default_rng(2)
    healthy = ratio_flagged(0.5, split=0.5, total=5_000, runs=400, rng=rng)
    assert healthy.share <= 0.012 + 2 * np.sqrt(0.012 / 400)
    assert ratio_flagged(0.48, split=0.5, total=20_000, runs=100, rng=rng).share >= 0.95


@pytest.mark.parametrize("line", SHORT, ids=lambda line: line.what)
def test_the_page_has_every_figure_within_its_bar(line):
    _, measured = ROWS[line.what]
    share, error = map(float, measured.split(" ± "))
    assert line.low - 2 * error <= share <= line.high + 2 * error


@pytest.mark.parametrize("name", CASE)
def test_the_page_has_every_experiment_without_contradictions(name):
    (line,) = [line for line in VERDICTS.splitlines() if line.startswith(f"| {name} |")]
    assert line.rstrip("| ").endswith("| 0")
