"""What came late, what is missing, and when an arm has dried up, on days whose numbers are written out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from slaopt.experiment import Observed
from slaopt.experiment.observed import no_units
from slaopt.experiment.timeliness import timeliness

FIRST = date(2026, 11, 2)  # a Monday
START = datetime(2026, 11, 2, tzinfo=UTC)


def days_of(control: Sequence[float], test: Sequence[float]) -> dict[date, tuple[float, float]]:
    both = zip(control, test, strict=True)
    return {FIRST + timedelta(days=nth): (one, other) for nth, (one, other) in enumerate(both) if one or other}


def observed(control: Sequence[float], test: Sequence[float], *, each_row: bool = True) -> Observed:
    arm = no_units(each_row=each_row)
    return Observed(common_threshold=2.0, other_threshold=2.6, control=arm, test=arm, by_day=days_of(control, test))


def said(found: Observed, days: float, **given: object) -> dict[str, float]:
    end = START + timedelta(days=days)
    remarks = timeliness(found, start=START, end=end, **given)  # type: ignore[arg-type]
    return {remark.kind: remark.count for remark in remarks}


def test_of_a_healthy_test_nothing_is_said() -> None:
    assert said(observed([90] * 5, [100] * 5), 5) == {}
    assert said(observed([90] * 5, [100] * 5), 5, previous=days_of([90] * 3, [100] * 3)) == {}


def test_a_whole_day_without_rows_is_missing() -> None:
    found = observed([90, 0, 80, 0, 70], [90, 0, 80, 0, 70])
    assert said(found, 5) == {"missing_days": 2}
    assert said(found, 5, idle={FIRST + timedelta(days=1)}) == {"missing_days": 1}
    assert said(observed([90, 0], [90, 0]), 1.5) == {}  # the second day is not over
    late = timeliness(observed([0, 5], [0, 5]), start=START + timedelta(hours=20), end=START + timedelta(days=2))
    assert late == []  # nor did the first begin with the test


@pytest.mark.parametrize("arm", [0, 1])
def test_an_arm_that_stops_on_the_last_whole_day_has_dried_up(arm: int) -> None:
    healthy, stopped = [90, 90, 90, 90], [90, 90, 90, 0]
    both = (stopped, healthy) if arm == 0 else (healthy, stopped)
    end = START + timedelta(days=4)
    (remark,) = timeliness(observed(*both), start=START, end=end)
    assert remark.kind == "dried_up" and remark.decisive and remark.count == 1
    assert ("control", "test")[arm] in remark.sentence and "5 Nov" in remark.sentence


def test_an_arm_that_goes_on_today_has_not_dried_up() -> None:
    assert said(observed([90, 90, 90, 90], [90, 90, 0, 4]), 3.2) == {}


def test_a_small_arm_may_be_silent_by_chance() -> None:
    assert said(observed([900, 900, 100], [90, 90, 0]), 3) == {}  # 10 should have come
    assert said(observed([900, 900, 300], [90, 90, 0]), 3) == {"dried_up": 1}


def test_units_may_rest_over_a_weekend() -> None:
    weekend = observed([90] * 7, [90] * 5 + [0, 0], each_row=False)
    assert said(weekend, 7) == {}
    assert said(observed([90] * 8, [90] * 5 + [0, 0, 0], each_row=False), 8) == {"dried_up": 3}


def test_an_arm_that_never_was_there_has_not_dried_up() -> None:
    assert said(observed([90] * 3, [0] * 3), 3) == {}


def test_late_rows_are_those_of_days_before_the_last_look() -> None:
    before = days_of([90, 80, 40], [90, 85, 45])  # the third day was not over
    assert said(observed([92, 80, 95], [90, 86, 90]), 3, previous=before) == {"late": 3}


def test_rows_that_are_gone_are_said() -> None:
    (remark,) = timeliness(
        observed([90, 80, 90], [90, 80, 90]), start=START, end=START + timedelta(days=3),
        previous=days_of([90, 90, 90], [90, 90, 90]),
    )  # fmt: skip
    assert remark.count == 20 and "are gone" in remark.sentence


def test_measurements_of_both_arms_that_end_early_are_waited_for() -> None:
    assert said(observed([90, 90, 90], [90, 90, 90]), 5) == {"missing_days": 2, "silent": 2}
    assert said(observed([4, 4, 4], [4, 4, 4]), 4) == {"missing_days": 1}  # 8 should have come: it may be chance
    assert said(observed([90] * 5, [90] * 5, each_row=False), 7) == {"missing_days": 2}  # a weekend
    assert said(observed([90] * 5, [90] * 5), 7, idle={date(2026, 11, 7), date(2026, 11, 8)}) == {}
