"""Alerts replayed against an independent slow implementation, and laws that every replay must keep."""

import functools
import itertools
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slaopt.analysis import alerts
from slaopt.analysis.alerts import (
    BURN_RATE_WINDOWS,
    DEGRADATIONS,
    Degradations,
    _starts,
    factor,
    never_firing,
    replay,
    tightness,
)
from slaopt.buckets import counted_bounds, round_thresholds
from slaopt.profile import STEPS, Profile, SlotSums
from tests.statistical.watching import healthy_and_trickling

START = datetime(2026, 3, 2, tzinfo=UTC)
STEP = timedelta(minutes=5)
DAY = 288  # slots


def steps_of(counts, bounds, *, excluded=None, **settings):
    """A Profile of five-minute steps from counts (slots, buckets)."""
    counts = np.asarray(counts, dtype=float)
    slot, column = np.nonzero(counts)
    bounds = np.asarray(bounds, dtype=float)
    lower = np.concatenate([[0.0], bounds[:-1]])
    sums = SlotSums.empty(len(counts))
    if excluded is not None:
        sums = replace(sums, excluded=excluded)
    return Profile.from_buckets(
        service="s", start=START, step=STEP, slot=slot, low=lower[column], high=bounds[column],
        count=counts[slot, column], slot_sums=sums, **settings,
    )  # fmt: skip


def bursts(rng, *, days, per_step, threshold=1.0, mean=0.3):
    """Exponential durations whose mean is tripled in some random hours, counted at what replay needs."""
    bounds = counted_bounds(0.05, 40, thresholds=[threshold])
    level = np.full(days * DAY, mean)
    for start in rng.integers(0, days * DAY, 2 * days):
        level[start : start + rng.integers(3, 40)] *= 3
    cdf = 1 - np.exp(-np.append(bounds[:-1], np.inf) / level[:, None])
    traffic = per_step * (1 + 0.8 * np.sin(np.arange(days * DAY) * 2 * np.pi / DAY))
    return steps_of(rng.poisson(np.diff(cdf, axis=1, prepend=0) * traffic[:, None]), bounds)


# --- an independent implementation: one threshold, plain loops, windows summed anew at every step


def slow_firing(violations, executed, *, objective, severity, counting):
    firing = []
    for slot in range(len(violations)):
        fires = False
        for window in BURN_RATE_WINDOWS:
            if window.severity != severity:
                continue
            burns = []
            for span in (window.long, window.short):
                first = max(0, slot + 1 - int(span / STEP))
                bad, n = sum(violations[first : slot + 1]), sum(executed[first : slot + 1])
                burns.append((bad, n, bad / n / (1 - objective) if n else 0.0))
            least = slow_guard(round((1 - objective) * burns[0][1], 9))
            at = window.budget_share * timedelta(days=30) / window.long
            fires |= all(b[2] >= at * (1 - 1e-9) and b[1] for b in burns) and burns[0][0] >= least
        firing.append(fires and counting[slot])
    return firing


@functools.cache
def slow_guard(mean):
    """Least v of at least 3 with P(Poisson(mean) >= v) < 1e-4."""
    least, fewer = 0, 0.0
    while least < 3 or 1 - fewer >= 1e-4:
        fewer += math.exp(least * math.log(mean) - mean - math.lgamma(least + 1)) if mean else float(least == 0)
        least += 1
    return least


def slow_pages(firing):
    sent, last, begun = [], None, None
    for slot, fires in enumerate(firing):
        if not fires:
            continue
        if last is None or slot - last > 12:
            begun = slot
            sent.append(slot)
        last = slot
        # sent again at every fourth hour that the episode is still going on
        following = [s for s in range(begun, slot + 1) if (s - begun) % 48 == 0]
        sent = sorted(set(sent) | set(following))
    return sent


def slow_caught(steps, threshold, *, objective, k, share, hours, starts):
    plain = steps.violations(threshold).middle.tolist()
    worse = steps.violations(threshold / k).middle.tolist()
    executed, counting = steps.valid.tolist(), (steps.slot_sums.excluded < 1).tolist()
    quiet = slow_firing(plain, executed, objective=objective, severity="page", counting=counting)
    caught = silent = 0
    for start in starts:
        end = start + hours * 12
        if any(quiet[start:end]):
            continue
        silent += 1
        mixed = [
            (1 - share) * v + share * w if start <= slot < end else v
            for slot, (v, w) in enumerate(zip(plain, worse, strict=True))
        ]
        first = max(0, start - 72)  # six hours: no page window looks further back
        fires = slow_firing(mixed[first:end], executed[first:end], objective=objective, severity="page",
                            counting=counting[first:end])  # fmt: skip
        caught += any(fires[start - first :])
    return caught / silent if silent else 0.0


@pytest.mark.parametrize(("per_step", "objective", "threshold"), [(20, 0.99, 1.4), (4, 0.99, 1.25), (20, 0.97, 0.9)])
def test_pages_and_tickets_are_those_of_the_slow_implementation(per_step, objective, threshold, rng):
    steps = bursts(rng, days=4, per_step=per_step)
    [fast] = replay(steps, [threshold], objective=objective)
    violations, executed = steps.violations(threshold).middle.tolist(), steps.valid.tolist()
    counting = [True] * steps.slots
    paged = slow_firing(violations, executed, objective=objective, severity="page", counting=counting)
    sent = slow_pages(paged)
    assert list(fast.pages) == [START + slot * STEP for slot in sent]
    assert len(sent) > 1
    assert fast.share_firing == pytest.approx(np.mean(paged))
    ticketed = slow_firing(violations, executed, objective=objective, severity="ticket", counting=counting)
    assert fast.tickets_per_week == pytest.approx(len(slow_pages(ticketed)) * 7 / 4)


@pytest.mark.parametrize(("k", "hours", "share"), [(2.0, 1, 1.0), (1.5, 6, 0.5), (4.0, 6, 0.1), (2.0, 24, 0.1)])
def test_what_is_caught_is_what_the_slow_implementation_catches(k, hours, share, rng):
    few = Degradations(factors=(k,), hours=(hours,), shares=(share,), starts=12)
    steps = bursts(rng, days=3, per_step=20)
    [fast] = tightness(steps, [1.8], objective=0.99, degradations=few)
    starts = _starts(np.ones(steps.slots, dtype=bool), few, STEP).tolist()
    slow = slow_caught(steps, 1.8, objective=0.99, k=k, share=share, hours=hours, starts=starts)
    assert 0 < slow < 1
    quiet = 1 - replay(steps, [1.8], objective=0.99)[0].share_firing
    assert fast.caught(factor=k, hours=hours, share=share) == pytest.approx(slow * quiet)
    assert fast.value == pytest.approx(slow * quiet)


def test_nothing_is_caught_in_excluded_time():
    """Every other half an hour is excluded; what happened before it is still in the windows that end there."""
    few = Degradations(factors=(2.0,), hours=(1,), shares=(1.0,), starts=60)
    steps = bursts(np.random.default_rng(0), days=4, per_step=20)
    closed = np.arange(steps.slots) // 6 % 2 == 1
    kept = steps.where(~closed)
    steps = replace(kept, slot_sums=replace(kept.slot_sums, excluded=closed.astype(float)))
    starts = _starts(~closed, few, STEP).tolist()
    slow = slow_caught(steps, 1.8, objective=0.99, k=2.0, share=1.0, hours=1, starts=starts)
    [fast] = tightness(steps, [1.8], objective=0.99, degradations=few)
    quiet = 1 - replay(steps, [1.8], objective=0.99)[0].share_firing
    assert 0 < slow < 1
    assert fast.value == pytest.approx(slow * quiet)


def test_chunks_of_thresholds_change_nothing(rng):
    steps = bursts(rng, days=10, per_step=5)
    grid = round_thresholds(0.3, 6).tolist()
    assert replay(steps, grid, objective=0.99) == [replay(steps, [t], objective=0.99)[0] for t in grid]
    assert tightness(steps, grid, objective=0.99) == [tightness(steps, [t], objective=0.99)[0] for t in grid]


# --- laws


def test_factors_are_those_of_the_workbook_and_never_page_for_a_kept_budget():
    assert [factor(w) for w in BURN_RATE_WINDOWS] == pytest.approx([14.4, 6, 1])
    assert [factor(w, window_days=7) for w in BURN_RATE_WINDOWS] == pytest.approx([3.36, 1.5, 1])


def test_alerts_that_cannot_fire_are_named():
    assert never_firing(0.99) == ()
    assert never_firing(0.9) == BURN_RATE_WINDOWS[:1]
    everything_violates = steps_of(np.full((DAY, 1), 50), [2.0])
    [fired] = replay(everything_violates, [1.0], objective=0.8)  # 14.4 and 6 times 20 % are over 100 %
    assert fired.pages == ()
    assert len(never_firing(0.8)) == 2


def test_no_traffic_no_pages():
    silent = steps_of(np.zeros((7 * DAY, 1)), [1.0])
    [replayed] = replay(silent, [0.5], objective=0.99)
    assert (replayed.pages, replayed.tickets_per_week, replayed.share_firing) == ((), 0.0, 0.0)
    assert tightness(silent, [0.5], objective=0.99)[0].value == 0


def test_two_violations_wake_nobody_and_three_at_low_traffic_do():
    for violating, pages in ((2, 0), (3, 1)):
        counts = np.zeros((DAY, 2))
        counts[::12, 0] = 1  # one execution an hour
        counts[100, 1] = violating
        [replayed] = replay(steps_of(counts, [1.0, 4.0]), [1.0], objective=0.999)
        assert len(replayed.pages) == pages


def test_an_alert_that_keeps_firing_is_sent_again_every_four_hours():
    counts = np.tile([100.0, 0.0], (2 * DAY, 1))
    counts[144 : 144 + 120] = [0, 100]  # ten hours of nothing but violations
    [replayed] = replay(steps_of(counts, [1.0, 2.0]), [1.0], objective=0.95)
    gaps = np.diff(np.array(replayed.pages))
    assert len(replayed.pages) == 3
    assert (gaps == timedelta(hours=4)).all()
    assert replayed.pages_per_week == pytest.approx(3 * 7 / 2)


def test_what_fires_again_within_an_hour_is_the_same_alert():
    for pause, pages in ((2, 1), (30, 2)):
        counts = np.tile([100.0, 0.0], (DAY, 1))
        counts[100:112] = counts[112 + pause : 124 + pause] = [0, 100]
        [replayed] = replay(steps_of(counts, [1.0, 2.0]), [1.0], objective=0.95)
        assert len(replayed.pages) == pages


def test_excluded_time_is_no_healthy_traffic_and_pages_nobody():
    counts = np.tile([90.0, 10.0], (2 * DAY, 1))  # ten times a budget of 1 %
    excluded = np.zeros(2 * DAY)
    excluded[DAY:] = 1.0
    counts[DAY:] = 0
    [replayed] = replay(steps_of(counts, [1.0, 2.0], excluded=excluded), [1.0], objective=0.99)
    assert replayed.share_firing > 0.9  # of the time that counts
    assert max(replayed.pages) < START + timedelta(days=1)
    nights_away = np.arange(2 * DAY) % DAY >= 144
    counts = np.tile([95.0, 5.0], (2 * DAY, 1))
    counts[nights_away] = 0
    # five times the budget in six hours that are mostly excluded burns as fast as in six whole hours: under 6, no page
    assert replay(steps_of(counts, [1.0, 2.0], excluded=nights_away * 1.0), [1.0], objective=0.99)[0].pages == ()


def test_starts_lie_in_time_that_counts_at_every_hour_of_the_day():
    for days in (7, 15, 30, 32, 63, 120):
        starts = _starts(np.ones(days * DAY, dtype=bool), DEGRADATIONS, STEP)
        assert len(np.unique(starts)) == DEGRADATIONS.starts
        assert starts.max() <= (days - 1) * DAY
        quarters = np.bincount(starts % DAY * 4 // DAY, minlength=4)
        assert quarters.min() >= 4, days
    open_hours = np.arange(30 * DAY) % DAY < 120
    assert open_hours[_starts(open_hours, DEGRADATIONS, STEP)].all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), per_step=st.sampled_from([0.1, 2.0, 50.0]), objective=st.sampled_from([0.95, 0.99]))
def test_what_is_caught_never_rises_with_the_threshold_where_nothing_fires(seed, per_step, objective):
    rng = np.random.default_rng(seed)
    bounds = counted_bounds(0.05, 40)
    shares = np.diff(1 - np.exp(-np.append(bounds[:-1], np.inf) / 0.3), prepend=0)
    steps = steps_of(rng.poisson(per_step * shares, (7 * DAY, len(bounds))), bounds)
    grid = round_thresholds(1, 20).tolist()
    quiet = [t for t, r in zip(grid, replay(steps, grid, objective=objective), strict=True) if not r.pages]
    values = [one.value for one in tightness(steps, quiet, objective=objective)]
    assert all(after <= before + 1e-12 for before, after in itertools.pairwise(values))


def test_more_slowdown_is_caught_more_often(rng):
    [seen] = tightness(bursts(rng, days=7, per_step=20), [3.2], objective=0.95)
    cube = np.array([cell.caught for cell in seen.cells]).reshape(3, 3, 3)
    assert len(seen.cells) == 27
    assert (np.diff(cube, axis=0) >= 0).all()  # factor
    assert (np.diff(cube, axis=2) >= 0).all()  # share


def test_failures_that_violate_are_paged_for():
    counts = np.tile([100.0], (DAY, 1))
    steps = steps_of(counts, [0.5])
    failing = np.zeros(DAY)
    failing[100:130] = 100
    sums = replace(steps.slot_sums, failures=failing)
    for violate, pages in ((False, 0), (True, 1)):
        profile = Profile(
            service="s", start=START, step=STEP, bounds=steps.bounds, counts=steps.counts, slot_sums=sums,
            failures_are_violations=violate,
        )  # fmt: skip
        assert len(replay(profile, [1.0], objective=0.99)[0].pages) == pages


def test_a_threshold_that_was_not_counted_is_answered_from_the_middle_of_its_bucket(rng):
    times = np.datetime64(START.replace(tzinfo=None)) + np.arange(3 * 288) * np.timedelta64(5, "m")
    steps = Profile.from_durations(
        times,
        rng.exponential(0.4, len(times)),
        service="s",
        start=START,
        end=START + timedelta(days=3),
        resolution=STEPS,
    )
    low, middle, high = (replay(steps, [t], objective=0.9)[0].pages_per_week for t in (1.0, 1.05, 1.1))
    assert high <= middle <= low


def test_never_more_than_a_page_in_four_hours_and_one_for_each_rise(rng):
    steps = bursts(rng, days=7, per_step=10)
    [replayed] = replay(steps, [0.05], objective=0.99)  # everything violates
    assert replayed.pages_per_week <= 42
    assert tightness(steps, [0.05], objective=0.99)[0].value == pytest.approx(0, abs=0.01)


def test_the_starts_are_enough(rng):
    steps = bursts(rng, days=30, per_step=20)
    grid = [2.5, 3.2, 4.5]
    few = np.array([one.value for one in tightness(steps, grid, objective=0.95)])
    many = [one.value for one in tightness(steps, grid, objective=0.95, degradations=Degradations(starts=512))]
    assert np.abs(few - many).max() < 0.03  # three standard deviations of 0.01


def test_each_cell_says_how_far_the_starts_leave_it_open(rng):
    steps = bursts(rng, days=30, per_step=20)
    [few] = tightness(steps, [2.0], objective=0.95)
    [many] = tightness(steps, [2.0], objective=0.95, degradations=Degradations(starts=768))
    quiet = 1 - replay(steps, [2.0], objective=0.95)[0].share_firing
    for cell, better in zip(few.cells, many.cells, strict=True):
        assert 0.01 < cell.error < 0.08  # half of 48: 0.07
        assert cell.error == pytest.approx(better.error * 4, rel=0.5, abs=0.03)
        assert abs(cell.caught - better.caught) < 3 * cell.error
        assert cell.caught <= quiet
    assert 0.003 < few.error < 0.02
    assert many.error == pytest.approx(few.error / 4, rel=0.3)


def test_where_pages_never_stop_for_a_day_what_is_caught_within_hours_stands_for_it():
    counts = np.tile([100.0, 0.0], (30 * DAY, 1))
    counts[::60] = [0, 100]  # a page every five hours
    steps = steps_of(counts, [1.0, 1.5])
    [seen] = tightness(steps, [1.0], objective=0.95, degradations=Degradations(factors=(1.5,), shares=(1.0,)))
    within = {cell.hours: cell.caught for cell in seen.cells}
    assert within[24] == within[6] >= within[1]


# --- from a moment on


def test_alerts_count_from_a_moment_on_while_windows_look_back(rng):
    steps = bursts(rng, days=10, per_step=20)
    since = START + timedelta(days=6)
    [all_of_it], [late] = (replay(steps, [1.4], objective=0.99, since=at) for at in (None, since))
    assert late.pages[0] - since < timedelta(days=2)
    assert set(late.pages) - {late.pages[0]} <= set(all_of_it.pages)
    assert late.pages_per_week == pytest.approx(len(late.pages) * 7 / 4)
    assert replay(steps, [1.4], objective=0.99, since=START) == [all_of_it]
    assert replay(steps, [1.4], objective=0.99, since=START - timedelta(days=3)) == [all_of_it]


def test_what_burned_before_pages_at_the_moment_from_which_alerts_count():
    counts = np.tile([100.0, 0.0], (4 * DAY, 1))
    counts[2 * DAY - 12 : 2 * DAY + 1] = [0, 100]  # an hour before it, and five minutes after
    since = START + timedelta(days=2)
    steps = steps_of(counts, [1.0, 2.0])
    [late] = replay(steps, [1.0], objective=0.95, since=since)
    assert late.pages == (since,)
    assert late.share_firing == pytest.approx(1 / (2 * DAY))


def test_slowdowns_start_from_the_moment_on(rng):
    steps = bursts(rng, days=20, per_step=20)
    counts = steps.counts.toarray()
    counts[: 10 * DAY] = 0  # nothing would be caught in the first half
    empty = steps_of(counts, steps.bounds)
    since = START + timedelta(days=10)
    [late], [half] = (tightness(empty, [1.8], objective=0.99, since=at) for at in (since, None))
    assert late.value > 1.5 * half.value
    assert tightness(steps, [1.8], objective=0.99, since=START) == tightness(steps, [1.8], objective=0.99)


# --- low traffic


@pytest.mark.parametrize("per_day", [30, 300, 1e4])
def test_a_healthy_service_pages_nobody_and_a_trickle_of_failures_is_told_within_days(per_day):
    pages, told = healthy_and_trickling(per_day, runs=20, seed=1)
    assert pages.max() == 0
    assert told.mean() >= 0.95


def test_without_the_fewest_violations_a_quiet_service_would_page_for_nothing(monkeypatch):
    monkeypatch.setattr(alerts, "_guard", np.zeros_like)
    assert healthy_and_trickling(30, runs=20, seed=1)[0].mean() > 0.5


def test_the_fewest_violations_leave_a_quiet_service_its_alerts(monkeypatch):
    rng = np.random.default_rng(5)
    shares = np.diff(1 - np.exp(-np.append([0.25, 0.5, 1.0], np.inf) / 0.2), prepend=0)
    steps = steps_of(rng.poisson(30 / DAY * shares, (30 * DAY, 4)), [0.25, 0.5, 1.0, 2.0])
    [seen] = tightness(steps, [1.0], objective=0.99)
    assert seen.caught(factor=4.0, hours=24, share=1.0) > 0.85
    monkeypatch.setattr(alerts, "FEWEST_VIOLATIONS", 10)
    [silenced] = tightness(steps, [1.0], objective=0.99)
    assert silenced.value < 0.2 * seen.value
