from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from slaopt.analysis import Quality, check_quality
from slaopt.analysis.gaps import find_gaps
from slaopt.analysis.quality import WEIGHTS
from slaopt.analysis.truncation import find_truncation
from slaopt.analysis.units import find_mixed_units, find_unit_jump
from slaopt.params import Params
from slaopt.profile import Profiles
from tests.statistical.durations import profiles_of, spread, stamps
from tests.statistical.simulated import START

N = 30_000


@pytest.fixture
def times(rng) -> np.ndarray:
    return spread(N, rng)


@pytest.fixture
def durations(rng) -> np.ndarray:
    return rng.lognormal(0, 0.5, N)


def only_check(quality: Quality) -> str:
    assert len(quality.checks) == 1, [check.sentence for check in quality.checks]
    return quality.checks[0].name


def test_clean_measurements_score_one(times, durations):
    quality = check_quality(profiles_of(times, durations), Params())
    assert (quality.score, quality.word, quality.checks) == (1.0, "good", ())
    assert quality.to_dict()["service_type"] == "simulated"


@pytest.mark.parametrize(
    ("counts", "name", "score"),
    [
        ({"rows": N + 300, "rejected": 300}, "rejected rows", 1 - 0.3 * (300 / (N + 300)) / 0.05),
        ({"rows": 2 * N, "rejected": N}, "rejected rows", 0.7),
        ({"doubles": 750}, "doubles", 1 - 0.2 * 0.5),
        ({"future": 30}, "future stamps", 1 - 0.3 * 0.1),
        ({"most_frequent": 20_000}, "one value", 0.5),
    ],
)
def test_each_kind_of_row_costs_its_weight(counts, name, score, times, durations):
    quality = check_quality(profiles_of(times, durations, **counts), Params())
    assert only_check(quality) == name
    assert quality.score == pytest.approx(score)
    assert quality.checks[0].remedy
    assert quality.sentence.endswith(quality.checks[0].sentence)


def test_several_faults_multiply_and_the_costliest_comes_first(times, durations):
    quality = check_quality(profiles_of(times, durations, most_frequent=N, doubles=N, future=N), Params())
    assert [check.name for check in quality.checks] == ["one value", "future stamps", "doubles"]
    assert quality.score == pytest.approx(0.5 * 0.7 * 0.8)
    assert quality.word == "poor"


def test_failures_of_the_period_cost_their_share_unless_they_count_as_violations(times, durations):
    """Those before the period are none of its own."""
    profiles = profiles_of(times, durations, failing=np.arange(N) % 100 == 0)
    quality = check_quality(profiles, Params())
    assert only_check(quality) == "failures left out"
    assert quality.score == pytest.approx(1 - 0.3 * 0.01 / 0.05)
    assert quality.checks[0].sentence == "300 failed or cancelled executions (1 %) are in no rate."
    assert check_quality(profiles, Params(failures="violations")).checks == ()
    week = check_quality(profiles, Params(days=7, objective=0.9))
    assert week.checks[0].sentence.startswith("69 failed or cancelled executions (1 %)")


def test_few_executions_are_judged_by_those_that_decide(rng):
    profiles = profiles_of(spread(900, rng), rng.lognormal(0, 0.5, 900))
    quality = check_quality(profiles, Params(objective=0.99))
    assert only_check(quality) == "too few"
    assert quality.score == pytest.approx(1 - 0.6 * 0.7)
    assert "Only 900 executions in 30 days: an objective of 99 % allows 9 violations" in quality.checks[0].sentence
    assert check_quality(profiles, Params(objective=0.8)).checks == ()


def without(times: np.ndarray, durations: np.ndarray, start: float, end: float) -> Profiles:
    kept = (times < stamps(np.array(start))) | (times >= stamps(np.array(end)))
    return profiles_of(times[kept], durations[kept])


def test_a_gap_costs_what_it_lost(times, durations):
    quality = check_quality(without(times, durations, 10.0, 11.5), Params())
    assert only_check(quality) == "gaps"
    assert quality.checks[0].severity == pytest.approx(0.05 / 0.2, rel=0.1)
    assert "Nothing was measured for 36 h from 13 Aug 2026, 00:00 UTC" in quality.checks[0].sentence


def test_a_stale_end_costs_what_is_missing(times, durations):
    quality = check_quality(without(times, durations, 28.5, 30.0), Params())
    assert only_check(quality) == "stale end"
    assert quality.checks[0].severity == pytest.approx(0.5)
    assert "since 31 Aug 2026, 12:00 UTC" in quality.checks[0].sentence


def test_what_lies_before_the_first_execution_is_no_gap(times, durations):
    assert check_quality(without(times, durations, 0.0, 15.0), Params()).checks == ()


def test_only_the_analysed_days_are_judged(times, durations):
    assert check_quality(without(times, durations, 5.0, 8.0), Params(days=14)).checks == ()


def test_excluded_time_is_no_gap(times, durations):
    profiles = without(times, durations, 10.0, 12.0)
    share = np.zeros(profiles.hours.slots)
    share[240:288] = 1
    hours = replace(profiles.hours, slot_sums=replace(profiles.hours.slot_sums, excluded=share))
    assert check_quality(replace(profiles, hours=hours), Params()).checks == ()


def test_hours_in_which_all_failed_are_no_gap(times, durations):
    profiles = without(times, durations, 10.0, 12.0)
    failures = np.zeros(profiles.hours.slots)
    failures[240:288] = 5
    hours = replace(profiles.hours, slot_sums=replace(profiles.hours.slot_sums, failures=failures))
    assert find_gaps(hours) == []


@pytest.mark.parametrize("weekdays", [[6], [0, 1, 2, 3, 4], [2, 5]])
def test_a_service_of_some_weekdays_has_no_gaps(weekdays, rng):
    times, durations = spread(N, rng), rng.lognormal(0, 0.5, N)
    runs = np.isin((times.astype("datetime64[D]").astype(int) + 3) % 7, weekdays)
    hours = profiles_of(times[runs], durations[runs]).hours
    assert [gap for gap in find_gaps(hours) if not gap.at_end] == []


def test_the_duration_that_most_executions_share_is_named(rng):
    durations = np.where(rng.random(N) < 0.6, 2.0, rng.lognormal(0, 0.5, N))
    quality = check_quality(profiles_of(spread(N, rng), durations, most_frequent=int((durations == 2).sum())), Params())
    assert only_check(quality) == "one value"
    constant = check_quality(profiles_of(spread(N, rng), np.ones(N), most_frequent=N), Params())
    assert constant.checks[0].sentence == "One duration, about 1 s, holds 100 % of all executions."
    assert quality.checks[0].sentence.startswith("One duration, about 2 s, holds 60 % of")


@pytest.mark.parametrize("factor", [1000, 1 / 1000, 60, 3600])
def test_a_unit_that_jumps_halfway_makes_the_data_poor(factor, times, durations):
    durations = np.where(times >= stamps(np.array(17.0)), durations * factor, durations)
    profiles = profiles_of(times, durations)
    jump = find_unit_jump(profiles.hours)
    assert jump is not None
    assert jump.date == (START + timedelta(days=17)).date()
    assert jump.factor == pytest.approx(factor, rel=0.05)
    quality = check_quality(profiles, Params())
    assert "unit jump" in [check.name for check in quality.checks]
    assert quality.word == "poor"
    assert "20 Aug 2026" in quality.checks[0].sentence


@pytest.mark.parametrize("factor", [1.0, 3.0, 20.0])
def test_a_level_that_shifts_is_no_unit_jump(factor, times, durations):
    durations = np.where(times >= stamps(np.array(17.0)), durations * factor, durations)
    assert find_unit_jump(profiles_of(times, durations).hours) is None


def test_an_incident_of_a_thousand_times_is_no_unit_jump(times, durations):
    slow = (times >= stamps(np.array(12.0))) & (times < stamps(np.array(13.5)))
    assert find_unit_jump(profiles_of(times, np.where(slow, durations * 1000, durations)).hours) is None


def test_mixed_units_are_only_asked_about(times, durations, rng):
    mixed = np.where(rng.random(N) < 0.1, durations * 1000, durations)
    profiles = profiles_of(times, mixed)
    found = find_mixed_units(profiles.hours)
    assert found is not None
    assert (found.share, found.factor) == pytest.approx((0.1, 1000), rel=0.1)
    quality = check_quality(profiles, Params())
    assert only_check(quality) == "mixed units"
    assert quality.score == 1
    assert quality.checks[0].sentence.endswith("?")


def test_a_second_mode_is_no_mixed_unit(times, durations, rng):
    assert find_mixed_units(profiles_of(times, np.where(rng.random(N) < 0.1, durations * 200, durations)).hours) is None


def finished_only(times: np.ndarray, durations: np.ndarray) -> Profiles:
    done = times + (durations * 1e6).astype("timedelta64[us]") <= stamps(np.array(30.0))
    return profiles_of(times[done], durations[done])


def test_an_export_of_finished_executions_is_seen(times, durations):
    quality = check_quality(finished_only(times, durations * 7200), Params())
    assert only_check(quality) == "unfinished executions"
    cut = find_truncation(finished_only(times, durations * 7200))
    lost = 7200 * np.exp(0.5 * 2.326)
    assert (START + timedelta(days=30) - cut.complete_until).total_seconds() == pytest.approx(lost, rel=0.1)
    assert f"{cut.complete_until:%Y-%m-%dT%H:00Z}" in quality.checks[0].remedy


def test_ending_the_period_where_the_remedy_says_cures_it(times, durations):
    profiles = finished_only(times, durations * 7200)
    until = find_truncation(profiles).complete_until.replace(minute=0, second=0, microsecond=0)
    kept = times < np.datetime64(until.replace(tzinfo=None))
    assert find_truncation(profiles_of(times[kept], (durations * 7200)[kept])) is None


@pytest.mark.parametrize("seconds", [1e12, 1e300])
def test_durations_of_centuries_are_looked_at_like_others(times, durations, seconds):
    assert find_truncation(profiles_of(times, durations * seconds)) is None  # nanoseconds in a column of seconds


def test_complete_and_quick_executions_are_not_cut(times, durations):
    assert find_truncation(profiles_of(times, durations * 7200)) is None
    assert find_truncation(finished_only(times, durations)) is None
    by_completion = replace(finished_only(times, durations * 7200).hours, timestamp_is="end")
    assert find_truncation(replace(finished_only(times, durations * 7200), hours=by_completion)) is None


def test_nothing_at_all_is_poor():
    quality = check_quality(profiles_of(np.empty(0, dtype="datetime64[us]"), np.empty(0)), Params())
    assert only_check(quality) == "no executions"
    assert quality.word == "poor"


def test_a_service_that_ended_long_ago_says_when(rng):
    old = profiles_of(spread(500, rng, days=40), np.ones(500), days=90, most_frequent=500)
    ended = replace(old.intake, last=START + timedelta(days=40))
    quality = check_quality(replace(old, intake=ended), Params())
    assert "no executions" in [check.name for check in quality.checks]
    assert quality.sentence.endswith("in the last 30 days. The latest is of 12 Sep 2026, 00:00 UTC.")


def test_the_documentation_lists_every_check_with_its_weight():
    page = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text(encoding="utf-8")
    told = {cells[1]: cells[2] for line in page.splitlines() if len(cells := [c.strip() for c in line.split("|")]) == 6}
    assert {name: float(told[name]) for name in WEIGHTS} == WEIGHTS
