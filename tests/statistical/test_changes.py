"""Short versions of the proofs on trend, season, change points and load that `make evidence` makes at length."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.statistical import changes
from tests.statistical.simulated import monte_carlo_error


@pytest.mark.parametrize("name", [name for name, case in changes.TRENDS.items() if case.service.days == 30])
def test_trends(name):
    assert changes.trends(name, runs=30, seed=1).misses() == []


@pytest.mark.parametrize("name", [name for name, case in changes.CHANGES.items() if case.service.days <= 30])
def test_changes(name):
    assert changes.changes(name, runs=50, seed=2).misses() == []


@pytest.mark.parametrize("figure", [changes.nearby, changes.bumps, changes.lines])
def test_places_and_kinds_of_changes(figure):
    assert figure(runs=60, seed=3).misses() == []


@pytest.mark.parametrize("name", list(changes.HOURS))
def test_hours(name):
    assert changes.hours(name, runs=30, seed=4).misses() == []


@pytest.mark.parametrize("name", [name for name, case in changes.WEEKDAYS.items() if case.service.days <= 30])
def test_weekdays(name):
    assert changes.weekdays(name, runs=50, seed=5).misses() == []


@pytest.mark.parametrize("name", ["0.4 at 150 an hour", "none at 150 an hour"])
def test_loads(name):
    slope = changes.loads(name, runs=25, seed=6)
    assert slope.mean == pytest.approx(slope.truth, abs=0.03)
    assert slope.covered >= 0.8


def test_every_figure_on_the_page_reaches_its_bar():
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
    section = page[page.index("<!-- changes -->") : page.index("*`changes`: ")]
    row = re.compile(r"^\| (.+?) \| \d+ \| (\d+) \| ([\d.]+) ± [\d.]+ \| at (most|least) ([\d.]+) \|", re.MULTILINE)
    found = row.findall(section)
    cases = [*changes.TRENDS.values(), *changes.HOURS.values(), *changes.WEEKDAYS.values(), *changes.CHANGES.values()]
    assert len(found) == sum(case.at_most is not None or case.at_least is not None for case in cases) + 3
    for name, runs, share, side, bar in found:
        over = float(share) - float(bar) if side == "most" else float(bar) - float(share)
        assert over <= 2 * monte_carlo_error(float(bar), int(runs)) + 1e-9, name
