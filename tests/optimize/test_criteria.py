"""Rollback rules: made from history, written and read back, and fired on what they are for."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from slaopt.analysis.alerts import burn_rates
from slaopt.errors import InputError
from slaopt.optimize.criteria import RollbackRule, fires, parse_rule, rollback
from tests.statistical.watching import A_DAY, DAY, Watched, counted

GOOD = {"metric": "burn_rate", "operator": ">=", "value": 6.0, "window": "6h"}
SERVICE = Watched(20_000, 0.006)


@pytest.fixture(scope="module")
def history():
    return SERVICE.profile(np.random.default_rng(2), 32)


@pytest.fixture(scope="module")
def made(history):
    return rollback(history.between(history.start, history.start + 30 * DAY), 1.0, objective=0.99)


def test_two_rules_each_with_a_sentence(made):
    watched, burning = made.rules
    assert (watched.metric, watched.operator, watched.window) == ("watch_z", ">", "24h")
    assert watched.value == made.watch.bound
    assert burning == RollbackRule(metric="burn_rate", operator=">=", value=6.0, window="6h")
    assert burning.span == timedelta(hours=6)
    one, two = made.criteria
    assert one == f"The watch rises over {watched.value:.3g} ({watched}). {made.watch.sentence}"
    assert two == (
        "The error budget burns 6 times too fast for six hours (burn_rate >= 6 over 6h): 6 % of the executions "
        "violate. None of the last 30 days did so; false alarms: under 0.1 a quarter."
    )


def test_rules_are_read_back_from_json_and_from_their_line(made):
    for rule in made.rules:
        assert parse_rule(json.loads(json.dumps(rule.to_dict()))) == rule
        assert parse_rule(str(rule)) == rule
    assert made.to_dict()["rules"][1] == GOOD


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"metric": "errors"}, "metric 'errors' is unknown; use watch_z or burn_rate"),
        ({"operator": "<"}, "operator '<' is unknown; use > or >="),
        ({"value": "6"}, "value '6' is no positive number"),
        ({"value": True}, "value True is no positive number"),
        ({"value": float("nan")}, "value nan is no positive number"),
        ({"window": "6"}, "window '6' is no span of time; write 30min, 6h or 3d"),
        ({"window": 6}, "window 6 is no span of time"),
        ({"metric": "watch_z"}, "watch_z looks at its own windows, up to 24h; give that"),
        ({"metric": ["burn_rate"]}, "is unknown"),
        ({"more": 1}, "missing or unknown: more"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(change, told):
    with pytest.raises(InputError, match=r"rollback rule: ") as refused:
        parse_rule(GOOD | change)
    assert told in str(refused.value)


def test_a_rule_that_lacks_a_field_or_a_number_is_refused():
    with pytest.raises(InputError, match="missing or unknown: window"):
        parse_rule({key: value for key, value in GOOD.items() if key != "window"})
    for line in ("burn rate too high", "burn_rate >= 6", "burn_rate < 6 over 6h"):
        with pytest.raises(InputError, match="write one such as `burn_rate >= 6 over 6h`"):
            parse_rule(line)
    with pytest.raises(InputError, match="'six' is no number"):
        parse_rule("burn_rate >= six over 6h")


def test_rules_fire_on_what_they_are_for_and_not_before(history, made):
    kept, violated = history.valid - history.violations(1.0).middle, history.violations(1.0).middle
    calm = counted(kept, violated)
    begin = 31 * A_DAY
    violated = violated.copy()
    violated[begin:] *= 16
    worse = counted(kept, violated)
    for rule in made.rules:
        assert not fires(rule, calm, 1.0, objective=0.99, watch=made.watch).any()
        fired = fires(rule, worse, 1.0, objective=0.99, watch=made.watch)
        assert not fired[:begin].any()
        assert fired[begin:].any()


def test_burn_rates_are_those_of_a_slow_sum(history):
    violated, executed = history.violations(1.0).middle, history.valid
    burned = burn_rates(history, 1.0, objective=0.99, window=timedelta(hours=6))
    for slot in (71, 500, 9000):
        span = slice(slot - 71, slot + 1)
        slow = violated[span].sum() / executed[span].sum() / 0.01
        enough = violated[span].sum() >= 3 and slow > 1.5
        assert burned[slot] == pytest.approx(slow if enough or burned[slot] else 0.0)
    assert burn_rates(counted(np.ones(100), np.zeros(100)), 1.0, objective=0.99, window=timedelta(hours=1)).max() == 0


def test_a_service_that_burns_by_itself_gets_a_higher_bound():
    violent = Watched(20_000, 0.02, sd=0.2, rho=0.9)
    history = violent.profile(np.random.default_rng(1))
    made = rollback(history, 1.0, objective=0.99)
    assert made.rules[1].value > 6
    assert not fires(made.rules[1], history, 1.0, objective=0.99, watch=made.watch).any()
    executed = np.ones(30 * A_DAY)
    violated = np.where(np.arange(30 * A_DAY) // A_DAY == 17, 0.12, 0.0)  # one bad day among quiet ones
    made = rollback(counted(executed - violated, violated), 1.0, objective=0.99)
    assert made.rules[1].value == pytest.approx(12.7, abs=0.4)  # not 6: above the worst day


def test_what_burned_before_a_change_raises_no_bound():
    violations = np.where(np.arange(30 * A_DAY) < 15 * A_DAY, 0.2, 0.001)
    history = counted(1 - violations, violations)
    made = rollback(history, 1.0, objective=0.99, since=history.start + 15 * DAY)
    assert made.rules[-1].value == 6
    assert "None of the last 15 days did so" in made.criteria[-1]
    assert all(rule.value != 6 for rule in rollback(history, 1.0, objective=0.99).rules)


def test_a_burn_rate_that_cannot_be_reached_makes_no_rule(history):
    made = rollback(history, 1.0, objective=0.8)  # 6 × 20 % is more than all
    assert [rule.metric for rule in made.rules] == ["watch_z"]


def test_a_short_history_has_the_burn_rate_alone(history):
    made = rollback(history.between(history.start, history.start + 8 * DAY), 1.0, objective=0.99)
    assert [rule.metric for rule in made.rules] == ["burn_rate"]
    assert len(made.criteria) == 1
    assert "None of the last 8 days did so" in made.criteria[0]
    watched = RollbackRule(metric="watch_z", operator=">", value=4.0, window="24h")
    with pytest.raises(InputError, match="needs a watch: only 8 days with executions"):
        fires(watched, history, 1.0, objective=0.99, watch=made.watch)
