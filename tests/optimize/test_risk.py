"""Risk factors: their bounds, how they join, and what is said about each."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from slaopt.analysis import Quality
from slaopt.analysis.changepoints import ChangePoint
from slaopt.forecast import Forecast
from slaopt.optimize.outcome import outcome_at
from slaopt.optimize.risk import BOUNDS, RiskFactor, mitigations, overall, risk_factors
from slaopt.result import Interval
from tests.optimize.test_decide import decided

END = datetime(2026, 11, 3, tzinfo=UTC)
GOOD = Quality(service="s", score=1.0, word="good", checks=(), sentence="")
SURE = Forecast(
    threshold=2.0, horizon=30.0, violation_rate=0.005,
    interval_80=Interval(low=0.004, high=0.006, level=0.8, kind="prediction"),
    interval_95=Interval(low=0.003, high=0.007, level=0.95, kind="prediction"),
    confidence="high", reason=None, executions=10_000.0, hit_probability=0.4, learned_days=30,
)  # fmt: skip


def judged(start, *, forecast=SURE, quality=GOOD, changes=(), watch=None):
    decision = decided(start)
    now = None if decision.current is None else outcome_at(decision.ladder, decision.current)
    then = outcome_at(decision.ladder, decision.recommended)
    factors = risk_factors(
        decision, now, then, forecast=forecast, quality=quality, changes=changes, watch=watch, end=END
    )
    return {factor.name: factor for factor in factors}


def changed(days):
    at = END - timedelta(days=days)
    return ChangePoint(
        start=date(2026, 10, 1), at=at, earliest=at.date(), latest=at.date(), factor=1.3, abrupt=True,
        likelihood_ratio=20.0, sentence="",
    )  # fmt: skip


def test_each_factor_carries_its_figure_and_says_it():
    found = judged(1.0)
    assert found["missing the objective"].figure < 0.2
    assert found["an unsure gain"].sentence == "The chance that the change gains anything is over 99 %."
    assert found["the size of the change"].sentence == "The threshold would be 100 % looser."
    assert found["the size of the change"].level == "high"
    assert found["slowdowns no longer seen"].level == "low"  # 2.0 sees more than 1.0, which always pages
    assert "a recent change of level" not in found
    assert "a watch that sees little" not in found


def test_what_is_seen_no_more_is_a_factor_of_a_looser_threshold():
    found = judged(1.25)
    assert found["slowdowns no longer seen"].figure == pytest.approx(1 - 0.4 / 0.5)
    assert found["slowdowns no longer seen"].level == "medium"


@pytest.mark.parametrize(("days", "level"), [(3, "high"), (7, "high"), (10, "medium"), (14, "medium"), (20, "low")])
def test_the_nearer_a_change_of_level_the_greater_the_risk(days, level):
    assert judged(1.0, changes=(changed(25), changed(days)))["a recent change of level"].level == level


@pytest.mark.parametrize(("score", "level"), [(1.0, "low"), (0.85, "medium"), (0.6, "high")])
def test_the_poorer_the_measurements_the_greater_the_risk(score, level):
    assert judged(1.0, quality=replace(GOOD, score=score))["poor measurements"].level == level


def test_a_first_threshold_changes_no_size():
    found = judged(None)
    assert "the size of the change" not in found
    assert "slowdowns no longer seen" not in found


def factor(level, name="one bad day"):
    return RiskFactor(name=name, level=level, figure=0.3, sentence="")


@pytest.mark.parametrize(
    ("levels", "risk"),
    [
        ((), "low"),
        (("low", "medium"), "low"),
        (("medium", "medium"), "medium"),
        (("high",), "medium"),
        (("high", "medium", "medium"), "medium"),
        (("high", "high"), "high"),
    ],
)
def test_factors_join_by_their_points(levels, risk):
    assert overall([factor(level) for level in levels]) == risk


def test_what_can_be_done_is_said_for_every_factor_that_is_no_low_risk():
    factors = [factor("medium", BOUNDS[0].name), factor("low", BOUNDS[1].name), factor("high", BOUNDS[2].name)]
    assert mitigations(factors) == (BOUNDS[2].remedy, BOUNDS[0].remedy)
    assert len({bounds.remedy for bounds in BOUNDS}) == len(BOUNDS)
