"""What is observed of a change: day by day it adds up to what one look at all of it gives."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from slaopt.analysis.alerts import replay
from slaopt.apply.observed import days_with, figures
from tests.statistical.watching import A_DAY, STEP, Watched, counted


@pytest.fixture(scope="module")
def whole():
    kept, violated, _ = Watched(2e4, 0.02).draw(np.random.default_rng(6), 12)
    violated[5 * A_DAY + 100 : 5 * A_DAY + 140] += 40  # pages
    return counted(kept, violated)


JUDGED = {"threshold": 1.0, "objective": 0.97}


def test_looks_day_by_day_add_up(whole):
    since = whole.start + A_DAY * STEP + timedelta(hours=7, minutes=32)
    days = {}
    for look in range(A_DAY, whole.slots + 1, 100):
        end = whole.start + look * STEP
        days = days_with(days, whole.between(end - timedelta(hours=49), end), since=since, **JUDGED)
    days = days_with(days, whole.between(whole.end - timedelta(hours=49), whole.end), since=since, **JUDGED)
    found = figures(days, threshold=1.0, since=since, until=whole.end)

    after = whole.between(since, whole.end)
    assert found["executions"] == after.valid.sum()
    assert found["violations"] == after.violations(1.0).middle.sum()
    assert found["violation_rate"] == pytest.approx(found["violations"] / found["executions"])
    (told,) = replay(whole, [1.0], objective=0.97, since=since)
    assert found["pages"] == len([page for page in told.pages if page >= since]) > 0
    assert found["interval"]["low"] < found["violation_rate"] < found["interval"]["high"]
    assert (found["since"], found["until"]) == (since.isoformat(), whole.end.isoformat())
    assert sum(day[0] for day in found["days"].values()) == found["executions"]


def test_a_week_makes_an_interval(whole):
    days = days_with({}, whole.between(whole.start, whole.start + timedelta(days=5)), since=whole.start, **JUDGED)
    assert figures(days, threshold=1.0, since=whole.start, until=whole.end)["interval"] is None


def test_what_comes_late_replaces_what_was_known_of_its_day(whole):
    known = {"2026-01-01": (7.0, 1.0, 0.0)}
    first = days_with(known, whole.where(np.arange(whole.slots) < 50), since=whole.start, **JUDGED)
    again = days_with(first, whole, since=whole.start, **JUDGED)
    assert again["2026-01-01"] == (7.0, 1.0, 0.0)
    assert sum(day[0] for day in again.values()) == whole.valid.sum() + 7


def test_nothing_after_the_change_is_nothing(whole):
    assert days_with({}, whole, since=whole.end + timedelta(hours=1), **JUDGED) == {}
    found = figures({}, threshold=1.0, since=whole.end, until=whole.end)
    assert (found["executions"], found["violation_rate"], found["interval"]) == (0, None, None)
