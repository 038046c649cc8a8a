"""Change points: the likelihoods against statsmodels, the places against ruptures, and what may not change them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from slaopt.analysis.changepoints import change_points, last_abrupt
from slaopt.analysis.levels import daily_levels
from slaopt.analysis.steps import RHOS, _scan, find_shifts
from slaopt.analysis.whitening import log_determinant, whitened
from tests.analysis.test_levels import of
from tests.statistical.changes import pelt_changes
from tests.statistical.simulated import Service


def noise(rng, days: int, rho: float = 0.5, sd: float = 0.05) -> np.ndarray:
    values = np.empty(days)
    values[0] = rng.normal()
    for day in range(1, days):
        values[day] = rho * values[day - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return sd * values


def likelihood(values, days, columns, rho) -> float:
    """Log likelihood of AR(1) errors by statsmodels, but for constants."""
    import statsmodels.api as sm

    sigma = rho ** np.abs(days[:, None] - days[None, :])
    fit = sm.GLS(values, columns, sigma=sigma).fit()
    n = len(values)
    return float(-n / 2 * np.log(fit.wresid @ fit.wresid) - np.linalg.slogdet(sigma)[1] / 2)


def test_likelihoods_are_those_of_statsmodels(rng):
    """Days without a value included, for a step, a bump, the null and a straight line."""
    days = np.delete(np.arange(26), [4, 11, 12, 20])
    values = noise(rng, 26)[days]
    scan = _scan(values, days, 3)
    weekend = (days + 3) % 7 >= 5
    base = np.column_stack([np.ones(len(days)), weekend])
    after = np.arange(len(days))

    def best(*more) -> float:
        return max(likelihood(values, days, np.column_stack([base, *more]), rho) for rho in RHOS)

    assert scan.null == pytest.approx(best())
    assert scan.line == pytest.approx(best(days))
    assert scan.pairs[8, -1] == pytest.approx(best(after >= 9))
    assert scan.pairs[4, 12] == pytest.approx(best((after >= 5) & (after < 13)))
    assert scan.pairs[1, -1] == -np.inf


def test_whitening_is_that_of_the_covariance(rng):
    days = np.array([0, 1, 4, 5, 9])
    values = rng.normal(size=5)
    sigma = 0.7 ** np.abs(days[:, None] - days[None, :])
    white = whitened(values, days, 0.7)
    assert white @ white == pytest.approx(values @ np.linalg.solve(sigma, values))
    assert log_determinant(days, 0.7) == pytest.approx(np.linalg.slogdet(sigma)[1])


def test_a_step_is_found_where_pelt_finds_it(rng):
    for _ in range(10):
        profile = Service(sd=0.05, jump=(17, 1.4)).profile(rng, hours=6)
        levels = daily_levels(profile)
        change = max(change_points(profile), key=lambda found: found.factor)  # one in a hundred has another beside it
        assert change.start in [levels.dates[day] for day in pelt_changes(levels)]
        assert change.start == date(2026, 8, 20)
        assert change.factor == pytest.approx(1.4, abs=0.08)
        assert change.abrupt


def test_a_bump_is_two_changes_whose_factors_undo_each_other(rng):
    profile = Service(sd=0.05, jump=(10, 1.5), until=19).profile(rng, hours=6)
    up, down = change_points(profile)
    assert (up.start, down.start) == (date(2026, 8, 13), date(2026, 8, 22))
    assert up.factor * down.factor == pytest.approx(1, abs=0.05)
    assert last_abrupt((up, down)) == down


def test_steps_of_different_size_keep_their_own(rng):
    values = noise(rng, 60, sd=0.02) + 0.3 * (np.arange(60) >= 20) + 0.5 * (np.arange(60) >= 45)
    first, second = find_shifts(values, np.arange(60), 0)
    assert (first.first, second.first) == (20, 45)
    assert (first.size, second.size) == (pytest.approx(0.3, abs=0.05), pytest.approx(0.5, abs=0.05))


def test_days_without_executions_do_not_hinder(rng):
    values = noise(rng, 40, sd=0.03) + 0.3 * (np.arange(40) >= 22)
    kept = np.delete(np.arange(40), [5, 6, 21, 30])
    (shift,) = find_shifts(values[kept], kept, 0)
    assert kept[shift.first] == 22
    assert kept[shift.earliest] <= 22 <= kept[shift.latest]


def test_only_weekdays_or_only_weekends_are_searched_too(rng):
    days = np.arange(60)
    values = noise(rng, 60, sd=0.03) + 0.4 * (days >= 31)
    for kept in (days[days % 7 < 5], days[days % 7 >= 5]):
        assert [kept[shift.first] >= 31 for shift in find_shifts(values[kept], kept, 0)] == [True]


def test_a_straight_line_is_no_abrupt_change_and_its_parts_are_no_changes(rng):
    values = noise(rng, 120, sd=0.03) + 0.01 * np.arange(120)
    assert not any(shift.abrupt for shift in find_shifts(values, np.arange(120), 0))
    assert len(find_shifts(values, np.arange(120), 0)) <= 1


def test_small_changes_are_not_told(rng):
    profile = Service(sd=0.01, per_day=100_000, jump=(15, 1.03)).profile(rng, hours=6)
    assert change_points(profile) == ()


def test_few_days_and_equal_durations_hold_no_change(rng):
    assert change_points(Service(days=9, jump=(5, 2.0)).profile(rng, hours=6)) == ()
    assert change_points(of(np.arange(0, 480, 1.0), np.ones(480))) == ()
    assert change_points(of([], [])) == ()
    assert last_abrupt(()) is None


def test_the_moment_is_that_at_which_the_day_begins_in_the_zone(rng):
    hours = np.sort(rng.uniform(0, 480, 10_000))
    step = (11 * 24 + 15) * 1.0  # midnight in Tokyo, 15:00 UTC
    durations = rng.lognormal(0, 0.2, 10_000) * np.where(hours >= step, 2.0, 1.0)
    (change,) = change_points(of(hours, durations, timezone="Asia/Tokyo"))
    assert change.start == date(2026, 8, 15)
    assert change.at == datetime(2026, 8, 14, 15, tzinfo=UTC)
    assert change.sentence == f"Durations rose to {change.factor:.1f} times what they were on 15 Aug 2026.".replace(
        ".0 times", " times"
    )


def test_scaled_durations_have_the_same_changes(rng):
    profile = Service(jump=(20, 1.4)).profile(rng, hours=6)
    (one,), (other,) = change_points(profile), change_points(profile.scaled(1000.0))
    assert (one.start, one.factor) == (other.start, pytest.approx(other.factor))


def test_a_year_is_searched_quickly(rng):
    profile = Service(days=365, jump=(300, 1.4)).profile(rng, hours=6)
    change_points(profile)
    begun = time.process_time()
    (change,) = change_points(profile)
    assert time.process_time() - begun < 1
    assert abs(change.start - date(2026, 8, 3) - timedelta(days=300)) <= timedelta(days=1)
