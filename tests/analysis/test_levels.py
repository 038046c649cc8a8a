"""Levels of days and quantiles of groups of hours, against numpy on the durations themselves."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from slaopt.analysis.levels import daily_levels, log_quantiles
from slaopt.profile import Profile
from tests.statistical.simulated import START, Service


def of(hours, durations, *, days: int = 20, **settings) -> Profile:
    """A Profile of executions at hours after the start."""
    times = np.datetime64(START.replace(tzinfo=None), "us") + (np.asarray(hours) * 3.6e9).astype("timedelta64[us]")
    return Profile.from_durations(
        times, durations, service="made", start=START, end=START + timedelta(days=days), **settings
    )


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_quantiles_of_groups_are_those_of_their_durations(rng, q):
    hours = rng.uniform(0, 480, 5000)
    durations = rng.lognormal(0, 1, 5000)
    group = np.arange(480) % 7
    found = log_quantiles(of(hours, durations), group, 8, q)
    for number in range(7):
        own = durations[group[hours.astype(int)] == number]
        assert found[number] == pytest.approx(np.log(np.quantile(own, q, method="inverted_cdf")), abs=0.004)
    assert np.isnan(found[7])


def test_durations_of_zero_have_a_finite_level():
    levels = daily_levels(of(np.arange(0, 480, 8.0), np.zeros(60)))
    assert np.isfinite(levels.values).all()
    mixed = daily_levels(of(np.arange(0, 480, 4.0), np.tile([0.0, 1.0], 60)))
    assert np.isfinite(mixed.values).all()


def test_an_incident_of_some_hours_does_not_move_the_day(rng):
    hours = rng.uniform(0, 480, 20_000)
    durations = rng.lognormal(0, 0.5, 20_000)
    calm = daily_levels(of(hours, durations)).values
    slow = (hours >= 10 * 24 + 7) & (hours < 10 * 24 + 11)
    moved = daily_levels(of(hours, np.where(slow, 5 * durations, durations))).values
    assert np.abs(moved - calm).max() < 0.05


def test_a_day_without_executions_has_no_level_and_the_others_keep_theirs(rng):
    hours = rng.uniform(0, 480, 4000)
    durations = rng.lognormal(0, 0.5, 4000)
    missing = hours // 24 == 4
    levels = daily_levels(of(hours[~missing], durations[~missing]))
    assert np.flatnonzero(np.isnan(levels.values)).tolist() == [4]
    assert levels.executions[4] == 0
    assert levels.values[5:] == pytest.approx(daily_levels(of(hours, durations)).values[5:], abs=0.05)


def test_few_executions_make_one_block_of_a_day():
    """With one execution a day, each is its day's level, whatever the hour."""
    hours = np.arange(20) * 24 + np.arange(20) % 24
    durations = np.exp(np.linspace(0, 1, 20))
    levels = daily_levels(of(hours, durations))
    assert levels.values == pytest.approx(np.log(durations), abs=0.004)


def test_levels_scale_with_durations(rng):
    profile = Service().profile(rng, hours=6)
    moved = daily_levels(profile.scaled(3.0)).values - daily_levels(profile).values
    assert moved == pytest.approx(np.full(30, np.log(3.0)))


def test_days_and_weekends_are_those_of_the_zone():
    levels = daily_levels(of(np.arange(0, 480, 1.0), np.ones(480), timezone="Asia/Tokyo"))
    assert levels.dates[0] == date(2026, 8, 3)
    assert levels.weekend.tolist() == [day.weekday() >= 5 for day in levels.dates]
    assert levels.number.tolist() == list(range(len(levels.dates)))
