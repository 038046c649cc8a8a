"""Rules against fresh counts: what is kept of a watch, which windows count, and what is said."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.analysis.usual import WINDOWS, Usual, evidence, statistic, usual
from slaopt.analysis.watch import watch
from slaopt.apply.judging import fired, usual_of
from slaopt.optimize.criteria import parse_rule
from tests.statistical.watching import A_DAY, STEP, Watched, counted

SERVICE = Watched(2e4, 0.02)
RULE = parse_rule("watch_z > 4 over 24h")


@pytest.fixture(scope="module")
def steps():
    kept, violated, _ = SERVICE.draw(np.random.default_rng(4), 33)
    return kept, violated


@pytest.fixture(scope="module")
def learned(steps):
    kept, violated = steps
    return watch(counted(kept[: 30 * A_DAY], violated[: 30 * A_DAY]), 1.0)


def days(steps, first, last, *, extra=None):
    """Counts of some days; `extra` maps a slot of them to violations that are added."""
    kept, violated = (one[first * A_DAY : last * A_DAY].copy() for one in steps)
    for slot, more in (extra or {}).items():
        violated[slot] += more
    return counted(kept, violated, first=first * A_DAY)


def judged(learned, fresh, since, *rules):
    return fired(rules or [RULE], fresh, threshold=1.0, objective=0.97, usual=learned.usual, since=since)


floats = st.floats(min_value=1e-300, max_value=1e300)


@given(rates=st.lists(floats, min_size=48, max_size=48), unrest=st.lists(floats, min_size=4, max_size=4), bound=floats)
def test_what_a_watch_learned_comes_back_to_the_last_digit(rates, unrest, bound):
    one = Usual(
        threshold=0.7, rates=np.reshape(rates, (2, 24)), unrest=np.array(unrest), bound=bound, passed=0.005, days=30
    )
    again = usual_of(json.loads(json.dumps({"usual": one.to_dict()})))
    assert (again.threshold, again.bound, again.passed, again.days) == (0.7, bound, 0.005, 30)
    assert np.array_equal(again.rates, one.rates)
    assert np.array_equal(again.unrest, one.unrest)


def test_trouble_before_the_change_fires_nothing_after_it(steps, learned):
    trouble = dict.fromkeys(range(A_DAY - 24, A_DAY), 60)  # two hours of it, up to the change
    fresh = days(steps, 30, 32, extra=trouble)
    assert (statistic(learned.usual, fresh)[A_DAY : A_DAY + 12] > 4).all()  # the windows would see it
    assert judged(learned, fresh, fresh.start + A_DAY * STEP) == []
    burning = parse_rule("burn_rate >= 3 over 6h")
    assert judged(learned, fresh, fresh.start + A_DAY * STEP, burning) == []


def test_trouble_after_the_change_fires_as_soon_as_it_can_be_told(steps, learned):
    since = days(steps, 30, 32).start + A_DAY * STEP + timedelta(minutes=2)  # in the middle of a step
    fresh = days(steps, 30, 32, extra=dict.fromkeys(range(A_DAY + 1, A_DAY + 13), 8))
    (found,) = judged(learned, fresh, since)
    assert timedelta(0) < found.at - since < timedelta(minutes=45)
    assert found.value > 4
    slot = int((found.at - fresh.start) / STEP) - 1
    shown = evidence(learned.usual, fresh, slot, since=since)
    assert shown.window == (slot - A_DAY) * STEP  # no longer than since the change
    violations = fresh.violations(1.0).middle[A_DAY + 1 : slot + 1].sum()
    assert shown.seen == violations
    assert found.sentence.startswith(f"In {shown.window.seconds // 60} minutes, {violations:.0f} of ")
    assert "executions took longer than 1 s, and" in found.sentence


def test_the_step_in_which_the_change_falls_is_before_it(steps, learned):
    start = days(steps, 30, 32).start
    fresh = days(steps, 30, 32, extra={A_DAY: 400})
    assert judged(learned, fresh, start + A_DAY * STEP + timedelta(seconds=1)) == []
    assert judged(learned, fresh, start + A_DAY * STEP)[0].at == start + (A_DAY + 1) * STEP


def test_a_burn_rate_waits_for_its_whole_window(steps, learned):
    rule = parse_rule("burn_rate >= 3 over 1h")
    fresh = days(steps, 30, 32, extra=dict.fromkeys(range(A_DAY, 2 * A_DAY), 60))
    (found,) = judged(learned, fresh, fresh.start + A_DAY * STEP, rule)
    assert found.at == fresh.start + (A_DAY + 12) * STEP
    assert found.sentence.startswith("In one hour, ")
    assert " %) took longer than 1 s: " in found.sentence


def test_without_a_watch_its_rule_says_nothing(steps):
    fresh = days(steps, 30, 32, extra=dict.fromkeys(range(A_DAY, 2 * A_DAY), 60))
    rules = [RULE, parse_rule("burn_rate >= 3 over 6h")]
    found = fired(rules, fresh, threshold=1.0, objective=0.97, usual=None, since=fresh.start)
    assert [one.rule for one in found] == rules[1:]


def test_where_nothing_was_executed_nothing_fires(steps, learned):
    fresh = counted(np.zeros(2 * A_DAY), np.zeros(2 * A_DAY), first=30 * A_DAY)
    rules = [RULE, parse_rule("burn_rate >= 1 over 1h")]
    assert judged(learned, fresh, fresh.start + A_DAY * STEP, *rules) == []


def test_an_empty_profile_fires_nothing(steps, learned):
    fresh = days(steps, 30, 31)
    empty = fresh.between(fresh.start, fresh.start)
    rules = [RULE, parse_rule("burn_rate >= 1 over 1h")]
    assert judged(learned, empty, fresh.start, *rules) == []


def test_between_counted_thresholds_the_next_tighter_one_is_watched():
    from tests.report.builders import measured

    steps = measured("login").steps
    one = usual(steps, 0.637)
    assert one.threshold == 0.63
    assert not steps.violations(0.637).exact
    again = usual(steps, 0.63)
    assert np.array_equal(one.rates, again.rates)
    assert usual(steps, 0.7).threshold == 0.7


def test_evidence_adds_up_where_the_whole_window_lies_after_the_change(steps, learned):
    fresh = days(steps, 30, 33)
    shown = evidence(learned.usual, fresh, fresh.slots - 1, since=fresh.start)
    length = round(shown.window / STEP)
    assert shown.window in WINDOWS
    assert shown.seen == fresh.violations(1.0).middle[-length:].sum()
    assert shown.executed == fresh.valid[-length:].sum()
