"""Drift of level and shape: the index against its formula, scipy's t, and what is said where days are too few."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy import signal, stats

from slaopt.analysis.days import days_of
from slaopt.analysis.drift import drift, psi
from tests.analysis.test_levels import of
from tests.statistical.simulated import Service
from tests.statistical.watching import DAY

CALM = Service(sd=0.1, days=40)


@pytest.fixture(scope="module")
def split():
    profile = CALM.profile(np.random.default_rng(3), hours=1)
    end = profile.start + 30 * DAY
    return profile.between(profile.start, end), profile.between(end, profile.end)


def hourly_durations(profile):
    """Each execution of each day as a duration in the middle of its bucket: (days) arrays."""
    middles = np.sqrt(np.concatenate([profile.bounds[:1], profile.bounds[:-1]]) * profile.bounds)
    day = days_of(profile).slot_day
    counts = profile.counts.toarray().astype(int)
    return [np.repeat(middles, counts[day == one].sum(axis=0)) for one in range(day[-1] + 1)]


def test_the_index_is_its_formula(rng):
    one, two = rng.dirichlet(np.ones(10), 2)
    slow = sum((b - a) * np.log(b / a) for a, b in zip(one, two, strict=True))
    assert psi(one, two) == pytest.approx(slow)
    assert psi(one, one) == 0
    assert psi(np.stack([one, two]), np.stack([two, one])) == pytest.approx([slow, slow])


def test_level_and_index_are_those_of_a_few_lines_over_durations(split):
    reference, current = split
    before, after = hourly_durations(reference), hourly_durations(current)[:3]
    weekend = np.arange(30) % 7 >= 5
    levels = np.array([np.log(np.median(day)) for day in before])
    usual = np.array([levels[~weekend].mean(), levels[weekend].mean()])
    of_after = [(30 + i) % 7 >= 5 for i in range(3)]
    moved = np.mean([np.log(np.median(day)) - usual[int(w)] for day, w in zip(after, of_after, strict=True)])
    found = drift(reference, current.between(current.start, current.start + 3 * DAY))
    assert np.log(found.factor) == pytest.approx(moved, abs=0.004)  # buckets of half a percent

    residuals = levels - usual[weekend.astype(int)]
    r1 = residuals[1:] @ residuals[:-1] / (residuals @ residuals)
    r = np.clip(r1 + (1 + 4 * r1) / 30, 0, 0.9)
    error = np.sqrt(residuals @ residuals / 28) * np.sqrt((3 + 4 * r + 2 * r**2) / 9 + 1.3 * (1 + r) / (1 - r) / 30)
    half = stats.t.ppf(0.975, 28) * error
    assert np.log(found.interval.high / found.interval.low) == pytest.approx(2 * half, rel=0.05)

    kind = np.concatenate([day for day, w in zip(before, weekend, strict=True) if w == of_after[-1]])
    edges = np.quantile(kind, np.arange(1, 10) / 10)
    shares = [np.bincount(np.searchsorted(edges, one), minlength=10) / len(one) for one in (kind, after[-1])]
    assert found.psi == pytest.approx(float(psi(*shares)), abs=0.02)


def test_correlation_from_day_to_day_widens_the_interval(rng):
    """Days that pass on 0.7 of what they are, and as many in another order."""
    levels = signal.lfilter([1.0], [1.0, -0.7], 0.1 * rng.standard_normal(80))[-63:]
    hours = np.arange(0, 63 * 24, 0.5)
    widths = []
    for order in (np.arange(60), rng.permutation(60)):
        days = np.append(levels[order], levels[60:])
        profile = of(hours, np.exp(days[(hours // 24).astype(int)]), days=63)
        at = profile.start + 60 * DAY
        interval = drift(profile.between(profile.start, at), profile.between(at, profile.end)).interval
        widths.append(np.log(interval.high / interval.low))
    assert widths[0] > 1.3 * widths[1]


def test_a_slower_level_alarms_and_says_since_when(split):
    reference, current = split
    slower = current.between(current.start + 4 * DAY, current.end).scaled(1.3)
    calm = drift(reference, current)
    assert not calm.alarm
    assert calm.since is None
    assert calm.interval.covers(1.0)
    assert calm.sentence.startswith("No drift: the level of the last three days is ")
    assert calm.psi < calm.psi_bound
    found = drift(reference, slower)
    assert found.alarm
    assert found.factor == pytest.approx(1.3, rel=0.1)
    assert found.since == days_of(slower).dates[2]  # the first day with three to look at
    assert found.slowest_tenth > 0.15
    assert "drifted: their level is" in found.sentence


def test_an_alarm_began_with_the_first_day_of_its_run():
    profile = replace(CALM, jump=(33.0, 1.5)).profile(np.random.default_rng(3), hours=24)
    at = profile.start + 30 * DAY
    found = drift(profile.between(profile.start, at), profile.between(at, profile.end))
    assert found.alarm
    assert date(2026, 9, 5) <= found.since <= date(2026, 9, 7)  # the change is of the 5th


def test_too_few_days_are_said(split):
    reference, current = split
    short = drift(reference.between(reference.start, reference.start + 9 * DAY), current)
    assert (short.alarm, short.factor, short.psi, short.since) == (False, None, None, None)
    assert short.sentence == "Drift cannot be judged: only 9 days to compare with; 14 are needed."
    assert drift(reference, current.between(current.start, current.start + 2 * DAY)).why == (
        "only 2 days to compare; 3 are needed"
    )
    empty = current.between(current.start, current.start)
    assert drift(reference, empty).why == "only 0 days to compare; 3 are needed"


def test_a_service_of_working_days_has_one_kind_of_days(split):
    reference, current = split
    working = [profile.where(days_of(profile).weekday[days_of(profile).slot_day] < 5) for profile in split]
    found = drift(*working)
    assert found.days == 22
    assert not found.alarm
    assert drift(working[0], working[1].scaled(1.4)).alarm
    assert drift(reference, current).days == 30


def test_durations_of_nothing_stand_below_the_smallest_and_not_at_the_end_of_the_numbers():
    hours = np.arange(0, 33 * 24, 0.5)
    durations = np.where(hours // 24 % 5 == 0, 0.0, 1 + hours % 1)  # on each fifth day all took no time at all
    often = of(hours, durations, days=33)
    found = drift(often.between(often.start, often.start + 30 * DAY), often.between(often.start + 30 * DAY, often.end))
    assert 0.1 < found.factor < 10
    assert np.isfinite(found.interval.high)


def test_durations_that_never_differ_do_not_drift():
    profile = replace(CALM, sd=0.0, per_day=1e5).profile(np.random.default_rng(1), hours=24)
    one = profile.coarsen([profile.bounds[-1]])
    found = drift(one.between(one.start, one.start + 30 * DAY), one.between(one.start + 30 * DAY, one.end))
    assert (found.alarm, found.factor, found.psi) == (False, 1.0, pytest.approx(0, abs=1e-3))
