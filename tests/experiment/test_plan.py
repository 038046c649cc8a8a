"""Designs: what they hold, what they say, and what they refuse in words."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from slaopt import charts
from slaopt.errors import InputError, RefusedError
from slaopt.experiment import ArmUnits, Design, Guardrail, PlannedDesign, design_for
from slaopt.experiment.counting import count_units
from slaopt.experiment.past import ASSUMED_ICC, UnitsBefore, joined, past_of, units_before
from slaopt.params import ExperimentRules, Params
from slaopt.profile import Profiles
from tests.forecast.builders import lognormal, profile_of
from tests.report.builders import measured

RULES = ExperimentRules()


@cache
def service() -> Profiles:
    """Four weeks of 2,000 executions a day, 8 % of them above 2 s."""
    hours = profile_of(lognormal(np.random.default_rng(3), days=28, per_day=2000))
    return replace(measured("login"), service="s", hours=hours, params=Params(threshold=2.0))


def designed(**given: object) -> PlannedDesign:
    return design_for(service(), RULES, **({"test_threshold": 2.4, "replications": 200} | given))  # type: ignore[arg-type]


def test_a_design_holds_what_was_asked_for_and_what_is_to_be_expected():
    design = designed(days=14, traffic_split=0.4, guardrails={"p95": 0.1}).design
    assert (design.control_threshold, design.test_threshold, design.common_threshold) == (2.0, 2.4, 2.0)
    assert design.control_rate == pytest.approx(0.083, rel=0.05)  # P(lognormal(sigma 0.5) > 2)
    assert design.executions == pytest.approx(28_000, rel=0.02)
    assert design.units == design.executions
    assert design.guardrails == (Guardrail(metric="p95", margin=0.1),)
    variance = design.control_rate * (1 - design.control_rate) * (1 / 0.4 + 1 / 0.6) / design.executions
    assert design.information == pytest.approx(1 / variance)
    assert design.rope == pytest.approx(0.1 * design.control_rate)
    assert design.prior_size == pytest.approx(20 / (design.prior_rate or 0))
    assert Design.from_dict(json.loads(json.dumps(design.to_dict()))) == design


def test_the_same_design_has_the_same_digest_and_another_day_another():
    assert designed().design.digest == designed().design.digest != designed(days=15).design.digest


def test_the_power_analysis_tells_chances_with_their_errors():
    power = designed().power
    assert power.better is not None
    assert power.same is not None
    assert power.power == power.better.found.value > 0.99
    assert power.same.significant.value == pytest.approx(0.05, abs=4 * power.same.significant.error)
    assert power.same.harmed.value < 5 * RULES.harm_level
    assert power.expected_days["worse"] < power.expected_days["better"] < power.expected_days["same"] <= 14
    assert designed(replications=0).power.better is None


def test_what_an_interface_shows_is_plain_and_says_everything():
    told = designed().to_dict()
    json.dumps(told, allow_nan=False)
    assert {"estimated_duration_days", "required_sample_size", "power_analysis", "experiment_config"} <= set(told)
    assert told["power_analysis"]["false_stop"]["error"] > 0
    assert any("Where nothing changes" in sentence for sentence in told["sentences"])
    assert "stopped for harm" in designed()._repr_html_()


def test_the_figures_say_what_is_found():
    planned = designed(smallest_effect=0.1, force=True)
    effect, days = charts.power_by_effect(planned), charts.power_by_days(planned)
    assert "80 % of such tests find a fall" in effect.title
    assert days.title.startswith("In 14 days a fall of the violation rate by 10 % is found in")
    assert len(days.table.rows) == 7
    for figure in (effect, days):
        json.dumps(figure.to_dict(), allow_nan=False)


def test_margins_are_those_of_the_rules_and_the_design_says_which_could_be_shown():
    planned = designed(days=7)
    told = {one.metric: one for one in planned.power.guardrails}
    assert {one.margin for one in planned.design.guardrails} == {RULES.guardrail_margin}
    assert set(told) == {"other_rate", "mean", "p95", "p99"}
    assert told["mean"].chance > 0.99
    wider = told["other_rate"].shown_margin
    assert told["other_rate"].chance < 0.5
    assert wider is not None
    assert f"{100 * wider:.0f} % could be shown" in " ".join(planned.sentences)
    taken = designed(days=7, guardrails={"other_rate": wider}).power.guardrails[0]
    assert taken.chance >= 0.8


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"days": 5}, "less than a weekly cycle"),
        ({"smallest_effect": 0.02}, "executions are needed, 28"),
        ({"unit": "tenant", "units": 30}, "assign something finer than tenant"),
        ({"unit": "tenant", "units": 12, "icc": 0.0}, "chance leaves fewer than 5 to an arm in 39 % of tests"),
    ],
)
def test_what_cannot_answer_is_refused_in_words_unless_forced(given, words):
    with pytest.raises(RefusedError, match=words):
        designed(**given)
    forced = designed(**given, force=True)
    assert any(words in reason for reason in forced.design.forced)
    assert any(sentence.startswith("Overruled") for sentence in forced.sentences)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"unit": "tenant", "units": 8}, "at least 10 are needed"),
        ({"unit": "tenant", "units": 20, "traffic_split": 0.2}, "at least 25 are needed"),
        ({"control_threshold": 500.0}, "no execution was above"),
        ({"control_threshold": 1e-6}, "every execution was above"),
    ],
)
def test_what_nothing_can_decide_stays_refused(given, words):
    with pytest.raises(RefusedError, match=words):
        designed(**given, force=True)


def test_a_service_of_which_too_little_is_known_is_refused():
    few = replace(service(), hours=profile_of([[1.0]]))
    with pytest.raises(RefusedError, match="no test can be planned on so little"):
        design_for(few, RULES, test_threshold=2.4, force=True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"test_threshold": 2.0}, "both arms would have 2 s"),
        ({"test_threshold": -1.0}, "test threshold: -1.0 is no duration"),
        ({"days": 90}, "days: 90 is not within 3 to 60"),
        ({"looks": 20}, "20 do not fit into 14 days"),
        ({"traffic_split": 0.95}, "traffic_split"),
        ({"mode": "often"}, "'often' is none of planned"),
        ({"unit": "tenant"}, "count them in the measurements"),
        ({"icc": 1.5}, "no correlation within units"),
        ({"guardrails": {"p42": 0.1}}, "'p42' is none of"),
        ({"guardrails": {"p95": 0.0}}, "margin 0.0"),
    ],
)
def test_arguments_out_of_bounds_are_named(given, words):
    with pytest.raises(InputError, match=words):
        designed(**given)


def test_a_service_without_a_threshold_needs_the_controls():
    with pytest.raises(InputError, match="has no threshold"):
        design_for(replace(service(), params=None), RULES, test_threshold=2.4)


def test_a_rope_is_never_wider_than_what_is_worth_finding():
    design = designed(control_threshold=5.5, force=True).design  # 0.03 %
    assert design.rope == pytest.approx(design.smallest_effect * design.control_rate)
    assert design.rope < 0.001


def test_the_days_of_the_past_are_counted_back_from_its_end():
    hours = profile_of([[0.5] * 4, [1.5] * 2 + [3.0], [6.0]])
    past = past_of(hours, [1.0, 2.0, 5.0])
    assert past.n.tolist() == [4, 3, 1]
    assert past.above.tolist() == [[0, 0, 0], [3, 1, 0], [1, 1, 1]]
    assert past.rates.tolist() == [0.5, 0.25, 0.125]


def test_failures_that_count_as_violations_are_above_every_duration():
    hours = profile_of([[0.5] * 4])
    failing = replace(
        hours, failures_are_violations=True, slot_sums=replace(hours.slot_sums, failures=np.eye(1, hours.slots, 3)[0])
    )
    past = past_of(failing, [1.0, 5.0])
    assert past.n.tolist() == [5]
    assert past.above.tolist() == [[1, 1]]


@pytest.mark.parametrize("icc", [0.0, 0.05, 0.3])
def test_the_correlation_within_units_is_estimated_from_their_counts(icc):
    rng = np.random.default_rng(8)
    n = rng.integers(20, 200, 600)
    shares = rng.beta(0.1 * (1 / icc - 1), 0.9 * (1 / icc - 1), 600) if icc else np.full(600, 0.1)
    assert units_before(_counted(n, rng.binomial(n, shares))).icc == pytest.approx(icc, abs=0.03)


def test_alikeness_that_counts_cannot_show_is_assumed():
    assert units_before(_counted(np.ones(5, dtype=int), np.zeros(5, dtype=int))).icc == ASSUMED_ICC


def test_groups_of_units_differ_as_much_as_the_units_let_them():
    rng = np.random.default_rng(2)
    units = UnitsBefore(n=rng.exponential(100, 900), violations=np.full(900, 4.0), icc=0.04, counted=True)
    groups = joined(units, 50)
    assert (len(groups.n), groups.n.sum(), groups.violations.sum()) == (50, pytest.approx(units.n.sum()), 3600)
    assert groups.variation < 0.1
    ends = groups.icc * (groups.n**2).sum() / groups.n.sum() ** 2, 0.04 * (units.n**2).sum() / units.n.sum() ** 2
    assert ends[0] == pytest.approx(ends[1])


def test_units_that_were_counted_bring_their_sizes_and_their_alikeness():
    rng = np.random.default_rng(9)
    n = rng.integers(100, 3000, 80)
    counted = _counted(n, rng.binomial(n, rng.beta(0.08 * 99, 0.92 * 99, 80)))
    planned = designed(unit="tenant", unit_counts=counted, smallest_effect=0.4)
    assert planned.design.units == 80
    assert planned.design.icc == pytest.approx(0.01, abs=0.005)
    assert "assumed" not in " ".join(planned.sentences)
    assert planned.power.closed_form == pytest.approx(planned.power.power, abs=0.08)


def _counted(n: np.ndarray, violations: np.ndarray) -> ArmUnits:
    """Units with so many executions of 1 s, of which so many took 3 s."""
    unit = np.repeat(np.arange(len(n)), n)
    slow = np.arange(n.sum()) - np.repeat(n.cumsum() - n, n) < np.repeat(violations, n)
    names = np.array([f"{number:06d}" for number in range(len(n))])
    return count_units(
        np.where(slow, 3.0, 1.0), names[unit], None, common_threshold=2.0, other_threshold=2.4, quantiles=False
    )
