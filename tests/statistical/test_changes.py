"""Short versions of the proofs on trend, season, change points and load that `make evidence` makes at length."""

from __future__ import annotations

import pytest

from tests.statistical import changes


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
