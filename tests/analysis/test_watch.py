"""The watch against a slow one, statsmodels and scipy, and where there is next to nothing to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from slaopt.analysis.extremes import Gumbel, fit_gumbel, greatest_of_days
from slaopt.analysis.usual import LEAST_BOUND, statistic, usual
from slaopt.analysis.watch import FACTORS, watch
from tests.statistical.simulated import START
from tests.statistical.watching import A_DAY, AN_HOUR, DAY, STEP, Watched, counted

BUSY = Watched(1e6, 0.01)


@pytest.fixture(scope="module")
def busy():
    return BUSY.profile(np.random.default_rng(4))


def slow_statistic(violations, executed, rates, unrest, slot):
    """One slot, one sum at a time."""
    greatest = -np.inf
    for hours, spread in zip((1, 3, 6, 24), unrest, strict=True):
        if slot + 1 < hours * AN_HOUR:
            continue
        seen = expected = 0.0
        for at in range(slot + 1 - hours * AN_HOUR, slot + 1):
            moment = START + at * STEP
            seen += violations[at]
            expected += executed[at] * rates[int(moment.weekday() >= 5)][moment.hour]
        z = 2 * (np.sqrt(seen + 3 / 8) - np.sqrt(expected + 3 / 8)) / np.sqrt(1 + spread**2 * expected)
        greatest = max(greatest, z)
    return greatest


def test_the_statistic_is_that_of_the_slow_one(busy):
    learned, violations, executed = usual(busy, 1.0), busy.violations(1.0).middle, busy.valid
    looks = statistic(learned, busy)
    for slot in (0, 11, 12, 40, 300, 2000, 8639):
        slow = slow_statistic(violations, executed, learned.rates, learned.unrest, slot)
        assert looks[slot] == pytest.approx(slow, abs=1e-6), slot


def test_rates_by_hour_are_those_of_statsmodels(busy):
    weekend = np.arange(busy.slots) // A_DAY % 7 >= 5
    angle = 2 * np.pi * (np.arange(busy.slots) // AN_HOUR % 24) / 24
    effects = [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle), weekend]
    model = sm.GLM(
        busy.violations(1.0).middle,
        sm.add_constant(np.stack(effects, axis=1).astype(float)),
        family=sm.families.Poisson(),
        exposure=busy.valid,
    )
    fitted = model.fit().fittedvalues / busy.valid
    hour = np.arange(busy.slots) // AN_HOUR % 24
    assert usual(busy, 1.0).rates[weekend.astype(int), hour] == pytest.approx(fitted, rel=2e-3)


def test_unrest_is_that_of_the_level():
    calm, restless = (usual(Watched(1e6, 0.05, sd).profile(np.random.default_rng(1)), 1.0) for sd in (0.0, 0.1))
    assert calm.unrest == pytest.approx(0, abs=0.03)
    assert restless.unrest[0] == pytest.approx(0.4, abs=0.12)  # 0.1 of the level is 0.4 of a rate of 5 %
    assert (np.diff(restless.unrest) < 0).all()  # an hour's level wanders more than a day's


def test_a_rate_as_usual_has_a_statistic_of_unit_scale(busy):
    looks = statistic(usual(busy, 1.0), busy)[A_DAY:]
    assert -0.2 < np.median(looks) < 1.2  # the greatest of four
    assert (looks < 6).all()


def test_gumbel_is_that_of_scipy(rng):
    drawn = rng.gumbel(2.0, 0.7, 4_000)
    ours, (location, scale) = fit_gumbel(drawn), stats.gumbel_r.fit(drawn)
    assert (ours.location, ours.scale) == pytest.approx((location, scale), rel=0.03)
    mean, second = stats.lmoment(drawn, order=[1, 2])  # scipy's own L-moments
    assert ours.scale == pytest.approx(second / np.log(2))
    assert ours.location == pytest.approx(mean - np.euler_gamma * second / np.log(2))
    assert ours.once_in(180) == pytest.approx(stats.gumbel_r.isf(1 / 180, ours.location, ours.scale))
    assert ours.exceeded(4.0) == pytest.approx(stats.gumbel_r.sf(4.0, ours.location, ours.scale))


def test_days_that_are_all_alike_are_passed_by_anything_more():
    fitted = fit_gumbel(np.full(30, 2.0))
    assert fitted == Gumbel(location=2.0, scale=0.0)
    assert (fitted.once_in(180), fitted.exceeded(2.0), fitted.exceeded(1.9)) == (2.0, 0.0, 1.0)


def test_the_greatest_of_days_counts_from_the_end():
    values = np.arange(720.0)  # two days and a half
    ran = np.ones_like(values)
    assert greatest_of_days(values, ran, STEP).tolist() == [1.5 * A_DAY - 1, 2.5 * A_DAY - 1]
    ran[:400] = 0
    assert greatest_of_days(values, ran, STEP).tolist() == [1.5 * A_DAY - 1, 2.5 * A_DAY - 1]
    ran[:432] = 0
    assert greatest_of_days(values, ran, STEP).tolist() == [2.5 * A_DAY - 1]


def test_what_is_learned_says_what_it_sees(busy):
    one = watch(busy, 1.0)
    assert (one.statistic, one.why, one.days) == ("watch_z", None, 30)
    assert one.false_alarms_per_quarter <= 0.5 + 1e-9
    assert one.alarms == 0
    six, day = one.detectable
    assert (six.hours, day.hours) == (6, 24)
    assert 2 <= day.factor <= six.factor <= 4
    assert 0.8 < six.x3_seen <= day.x3_seen <= 1
    assert one.sentence == (
        "A tripled violation rate would be seen within 6 hours and a violation rate 2.5 times as high would be seen "
        "within 24 hours, in at least 95 of 100 cases; false alarms: about 0.5 a quarter."
    )
    assert watch(busy, 1.0) == one  # drawn from a seed of its own
    assert one.usual is not None
    assert one.to_dict()["usual"] == one.usual.to_dict()


def test_a_longer_history_teaches_its_last_30_days(busy):
    long = Watched(1e6, 0.2).profile(np.random.default_rng(1), days=40)
    assert watch(long, 1.0).to_dict() == watch(long.between(long.end - 30 * DAY, long.end), 1.0).to_dict()


def test_a_short_history_has_no_watch(busy):
    one = watch(busy.between(busy.start, busy.start + 13 * DAY), 1.0)
    assert (one.bound, one.usual, one.detectable) == (None, None, ())
    assert one.why == "only 13 days with executions; a watch needs 14 to learn what is usual"
    assert one.sentence == f"No watch: {one.why}."
    assert watch(busy.between(busy.start, busy.start + 14 * DAY), 1.0).bound > LEAST_BOUND
    empty = watch(busy.between(busy.start, busy.start), 1.0)
    assert (empty.bound, empty.days) == (None, 0)


def test_a_history_without_a_violation_stays_calm_until_there_are_several():
    kept = np.random.default_rng(1).poisson(10, 31 * A_DAY)
    none = np.zeros_like(kept)
    one = watch(counted(kept[: 30 * A_DAY], none[: 30 * A_DAY]), 1.0)
    assert one.bound == LEAST_BOUND
    assert one.false_alarms_per_quarter < 0.01
    for violations, alarms in ((1, False), (2, False), (4, False), (5, True)):
        bad = none[-2 * A_DAY :].copy()
        bad[-20 : -20 + violations] = 1
        looks = statistic(one.usual, counted(kept[-2 * A_DAY :], bad, first=29 * A_DAY))
        assert (looks > one.bound).any() == alarms


def test_a_sparse_service_is_watched_and_told_what_cannot_be_seen():
    one = watch(Watched(30, 0.01).profile(np.random.default_rng(2)), 1.0)
    assert one.bound == LEAST_BOUND
    assert [each.factor for each in one.detectable] == [None, None]
    assert f"Even a violation rate {FACTORS[-1]:g} times as high might go unseen for a day" in one.sentence


def test_gaps_are_no_evidence_and_excluded_time_never_alarms(busy):
    executed, violated = (busy.valid - busy.violations(1.0).middle).copy(), busy.violations(1.0).middle.copy()
    executed[5 * A_DAY : 8 * A_DAY] = violated[5 * A_DAY : 8 * A_DAY] = 0
    gappy = watch(counted(executed, violated), 1.0)
    assert gappy.days == 27
    assert gappy.bound == pytest.approx(watch(busy, 1.0).bound, rel=0.25)
    excluded = np.zeros(busy.slots)
    excluded[-A_DAY:] = 1.0
    violated[-A_DAY - AN_HOUR :] *= 10  # begins an hour before excluded time
    executed[-A_DAY:] = violated[-A_DAY:] = 0
    profile = counted(executed, violated)
    profile = replace(profile, slot_sums=replace(profile.slot_sums, excluded=excluded))
    looks = statistic(gappy.usual, profile)
    assert (looks[-A_DAY - AN_HOUR : -A_DAY] > gappy.bound).any()
    assert np.isneginf(looks[-A_DAY:]).all()
    assert watch(profile, 1.0).days == 26


def test_hours_outside_business_are_not_learned():
    kept, violated, _ = BUSY.draw(np.random.default_rng(1), 30)
    closed = np.arange(30 * A_DAY) % A_DAY >= A_DAY // 2
    kept[closed] = violated[closed] = 0
    profile = counted(kept, violated)
    profile = replace(profile, slot_sums=replace(profile.slot_sums, excluded=closed.astype(float)))
    one = watch(profile, 1.0)
    assert one.detectable[1].factor <= 4
    assert np.isneginf(statistic(one.usual, profile)[closed]).all()


def test_windows_outside_a_fresh_profile_are_not_looked_at(busy):
    learned = usual(busy, 1.0)
    looks = statistic(learned, busy.between(busy.start, busy.start + 2 * DAY))
    assert np.isneginf(looks[: AN_HOUR - 1]).all()
    assert np.isfinite(looks[AN_HOUR - 1 :]).all()


def test_a_threshold_that_everything_violates_can_be_watched():
    kept, violated, _ = BUSY.draw(np.random.default_rng(1), 30)
    one = watch(counted(np.zeros_like(kept), kept + violated), 1.0)
    assert one.alarms == 0
    assert [each.factor for each in one.detectable] == [None, None]


def after_a_change(seed: int):
    """Twenty days at 0.5 % and ten at 5 %; the quarter after them; when the change was."""
    rng = np.random.default_rng([31, seed])
    before, after = Watched(2e4, 0.005), Watched(2e4, 0.05)
    earlier, later = before.draw(rng, 20)[:2], after.draw(rng, 10 + 90)[:2]
    kept, violated = (np.concatenate(sides) for sides in zip(earlier, later, strict=True))
    learned = 30 * A_DAY
    fresh = counted(kept[learned:], violated[learned:])
    return counted(kept[:learned], violated[:learned]), fresh, START + 20 * DAY


def test_a_day_about_a_change_teaches_nothing():
    """A change is known to the day: what is learned is the same when it came up to a day earlier or later."""
    history, _, since = after_a_change(3)
    exact, *others = (usual(history, 1.0, since=since + hours * AN_HOUR * STEP) for hours in (0, 12, 24, -12))
    for learned in others:
        assert learned.unrest == pytest.approx(exact.unrest, rel=0.15)
        assert learned.bound == pytest.approx(exact.bound, abs=0.5)
        assert learned.rates.mean() == pytest.approx(exact.rates.mean(), rel=0.1)


def test_a_level_known_from_few_days_is_trusted_less(busy):
    plain = usual(busy, 1.0)
    assert plain is not None
    trusted = [usual(busy, 1.0, since=START + day * DAY) for day in (10, 22)]
    day_long = [learned.unrest[-1] / plain.unrest[-1] for learned in trusted if learned]
    assert 1.05 < day_long[0] < day_long[1] - 0.05
    assert day_long[1] == pytest.approx(np.sqrt(1 + 4 / 7), rel=0.15)  # seven days of it are settled


def test_a_change_of_level_in_its_history_does_not_dull_the_watch():
    alarms = []
    for seed in range(30):
        history, fresh, since = after_a_change(seed)
        learned = usual(history, 1.0, since=since)
        highest = greatest_of_days(statistic(learned, fresh)[A_DAY:], fresh.valid[A_DAY:], STEP)
        alarms.append(np.count_nonzero(highest > learned.bound))
    aware, unaware = watch(history, 1.0, since=since), watch(history, 1.0)
    assert aware.detectable[1].x3_seen >= 0.95 > unaware.detectable[1].x3_seen
    assert np.mean(alarms) <= 1 + 2 * np.sqrt(1 / len(alarms))  # a quarter, with two Monte-Carlo errors
