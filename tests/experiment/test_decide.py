"""The decision of a look: each verdict, and that interval, p-value and verdict never speak against each other."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slaopt.experiment import Guardrail, Remark, sample_ratio
from slaopt.experiment.boundaries import boundaries, crossing_probabilities
from slaopt.experiment.decide import RECOMMENDED
from tests.experiment.looks import DESIGN, SIZE, compared, log_effect, look, open_ended, rate_effect, run

OPEN = open_ended()
FLAGGED = sample_ratio(10_400, 9_600, traffic_split=0.5)


def last(test: float, *guardrails, control: float = 0.05, design=DESIGN, **belief):
    return look(compared(rate_effect(control, test, SIZE), *guardrails, **belief), SIZE, number=5, design=design)


def test_fewer_violations_with_guardrails_inside_their_margins_ship():
    found = last(0.04)
    assert (found.decision.verdict, found.decision.recommendation) == ("ship", "adopt")
    assert found.is_significant
    assert found.interval.high < 0
    assert found.p_value < 0.05
    assert "Above 2.5 s were 4 % in test and 5 % in control" in found.decision.sentence
    assert "Adopting costs less than 0.001 violations per 1,000 executions" in found.decision.sentence


def test_a_clear_benefit_ships_before_the_horizon_and_a_doubtful_one_does_not():
    assert look(compared(rate_effect(0.05, 0.02, SIZE / 2)), SIZE / 2, number=2).decision.verdict == "ship"
    early = look(compared(rate_effect(0.05, 0.041, SIZE / 2)), SIZE / 2, number=2)
    assert early.z < -1.96  # a plain test would have ended it
    assert (early.decision.verdict, early.decision.recommendation) == ("continue", None)
    assert not early.is_significant


@pytest.mark.parametrize("design", [DESIGN, OPEN], ids=["planned", "open_ended"])
def test_an_expected_loss_above_what_is_tolerated_does_not_ship(design):
    found = last(0.03, design=design, loss=0.001)
    assert found.is_significant
    assert found.decision.verdict == "inconclusive"
    assert "it is not safe to adopt it" in found.decision.sentence


def test_a_guardrail_whose_bound_is_outside_its_margin_holds_shipping_back():
    wide = log_effect("p95", 0.0, 0.06)  # bound e^0.12 - 1 > 0.1
    early = look(compared(rate_effect(0.05, 0.02, SIZE / 2), wide), SIZE / 2, number=3)
    assert early.is_significant
    assert early.decision.verdict == "continue"
    assert "the bound of the 95th percentile is not inside its margin" in early.decision.sentence
    end = last(0.02, wide)
    assert (end.decision.verdict, end.decision.recommendation) == ("inconclusive", "extend")
    need = (end.guardrails[1].boundary, end.decision.units_needed)
    assert need[1] == pytest.approx(2 * SIZE * ((end.boundary * 0.06 / np.log(1.1)) ** 2 - 1), abs=1)


def test_a_guardrail_that_was_not_measured_is_not_inside():
    design = replace(DESIGN, guardrails=(Guardrail(metric="p99", margin=0.1),))
    assert last(0.02, log_effect("p95", 0, 0.001), design=design).decision.verdict == "inconclusive"


def test_more_violations_stop_early_for_harm():
    found = look(compared(rate_effect(0.05, 0.07, SIZE / 5)), SIZE / 5, number=1)
    assert (found.decision.verdict, found.decision.recommendation) == ("stop_harm", "reject")
    assert found.guardrails[0].metric == "rate"
    assert found.guardrails[0].harmed
    assert "7 % against 5 %" in found.decision.sentence


def test_a_guardrail_in_harm_stops_although_violations_are_fewer():
    found = look(compared(rate_effect(0.05, 0.02, SIZE / 2), log_effect("p95", 0.2, 0.05)), SIZE / 2, number=2)
    assert found.decision.verdict == "stop_harm"
    assert [g.harmed for g in found.guardrails] == [False, True]
    assert "the 95th percentile (2.44 s against 2 s) passed the harm boundary" in found.decision.sentence


def test_guardrails_stop_for_harm_where_violations_are_still_too_few():
    found = look(compared(rate_effect(0.005, 0.005, 1000), log_effect("p95", 0.2, 0.02)), 1000, number=1)
    assert found.boundary is None
    assert found.decision.verdict == "stop_harm"


def test_significantly_more_violations_are_harm_even_below_the_harm_boundary():
    error = rate_effect(0.05, 0.05, SIZE).standard_error
    end = run([0.05] * 49 + [0.05 + 2.25 * error], design=replace(DESIGN, looks=50), equivalent=0.99)[-1]
    assert end.boundary < end.z < end.guardrails[0].boundary
    assert end.is_significant
    assert end.decision.verdict == "stop_harm"


def test_arms_as_good_as_equal_are_equivalent_at_the_horizon_only():
    assert last(0.0499, equivalent=0.96, loss=0.01).decision.verdict == "equivalent"
    assert (
        look(compared(rate_effect(0.05, 0.0499, SIZE), equivalent=0.96), SIZE, number=4).decision.verdict == "continue"
    )
    assert last(0.0499, log_effect("p95", 0, 0.1), equivalent=0.96).decision.verdict == "inconclusive"


def test_a_small_expected_loss_ships_at_the_horizon():
    assert last(0.046, loss=0.0001).decision.verdict == "ship_low_risk"
    assert last(0.046, loss=0.0001).decision.recommendation == "adopt"


def test_an_undecided_test_says_how_many_more_it_takes():
    found = last(0.048, loss=0.01)
    assert (found.decision.verdict, found.decision.recommendation) == ("inconclusive", "extend")
    quantiles = stats.norm.isf(0.025) + stats.norm.ppf(0.8)
    needed = 2 * SIZE * (quantiles / 0.01) ** 2 / found.information
    short = last(0.0505, loss=0.01, design=replace(DESIGN, smallest_effect=0.1))
    assert found.decision.units_needed is None  # it could have found the smallest effect: more would change little
    assert needed < 2 * SIZE
    assert short.decision.units_needed == pytest.approx(
        2 * SIZE * ((quantiles / 0.005) ** 2 / short.information - 1), abs=1
    )


def test_arms_of_other_sizes_than_planned_end_all_conclusions_for_good():
    flagged = look(replace(compared(rate_effect(0.05, 0.02, SIZE)), sample_ratio=FLAGGED), SIZE, number=1)
    assert (flagged.decision.verdict, flagged.decision.recommendation) == ("invalid", None)
    assert (flagged.interval, flagged.p_value, flagged.is_significant) == (None, None, False)
    later = look(compared(rate_effect(0.05, 0.02, SIZE)), SIZE, earlier=(flagged,), number=2)
    assert later.decision == flagged.decision


def test_decisive_remarks_end_all_conclusions_and_others_none():
    comparison = compared(rate_effect(0.05, 0.02, SIZE))
    plain = Remark(kind="late", sentence="Two executions came late.", count=2)
    assert look(comparison, SIZE, number=5, remarks=[plain]).decision.verdict == "ship"
    decisive = Remark(kind="one_arm", sentence="The test arm has no executions.", decisive=True)
    found = look(comparison, SIZE, number=5, remarks=[plain, decisive])
    assert (found.decision.verdict, found.decision.sentence) == ("invalid", "The test arm has no executions.")


@pytest.mark.parametrize(("units", "at_last"), [(4, "invalid"), (5, "ship")])
def test_fewer_than_five_units_decide_nothing(units, at_last):
    design = replace(DESIGN, unit="tenant")
    comparison = compared(rate_effect(0.05, 0.02, SIZE, degrees=2 * units - 2))
    early = look(compared(rate_effect(0.05, 0.12, SIZE, degrees=6)), SIZE, number=1, design=design, units=4)
    assert (early.decision.verdict, early.guardrails) == ("continue", ())
    assert look(comparison, SIZE, number=5, design=design, units=units).decision.verdict == at_last


def test_an_effect_without_an_interval_is_told_with_its_reason():
    blank = replace(rate_effect(0.05, 0.05, SIZE), interval=None, why="All executions of an arm violate.")
    early = look(compared(blank), SIZE, number=1)
    assert (early.decision.verdict, early.decision.sentence) == ("continue", "All executions of an arm violate.")
    assert look(compared(blank), SIZE, number=5).decision.verdict == "invalid"


@pytest.mark.parametrize("design", [DESIGN, OPEN], ids=["planned", "open_ended"])
def test_fewer_than_twenty_violations_are_not_looked_at(design):
    found = look(compared(rate_effect(0.0, 0.019, 1000)), 1000, number=1, design=design)
    assert (found.boundary, found.p_value, found.guardrails[0].boundary) == (None, None, None)
    assert "19 executions above the common threshold are fewer than 20" in found.decision.sentence
    assert look(compared(rate_effect(0.0, 0.02, 1000)), 1000, number=1, design=design).boundary is not None


def test_open_ended_tests_of_units_wait_for_ten_of_each():
    design = open_ended(unit="tenant")
    comparison = compared(rate_effect(0.05, 0.01, SIZE, degrees=16), log_effect("p95", 0.5, 0.01))
    assert look(comparison, SIZE, number=1, design=design, units=9).decision.verdict == "continue"
    assert look(comparison, SIZE, number=1, design=design, units=10).decision.verdict == "stop_harm"


def test_the_error_is_spent_by_the_information_that_was_found():
    looks = run([0.05, 0.049, 0.048, 0.047, 0.046])
    fractions = [look.fraction for look in looks]
    information = [look.information for look in looks]
    assert fractions == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    due = {"level": 0.05, "information": information}
    assert [look.boundary for look in looks] == pytest.approx(
        boundaries(fractions, spending="obrien_fleming", sides=2, **due)
    )
    assert [look.guardrails[0].boundary for look in looks] == pytest.approx(
        boundaries(fractions, spending="pocock", sides=1, **due)
    )


def test_less_traffic_than_planned_spends_less_until_the_horizon():
    slow = run([0.05] * 5, design=replace(DESIGN, information=2 * DESIGN.information))
    assert [look.fraction for look in slow] == pytest.approx([0.1, 0.2, 0.3, 0.4, 1.0], abs=0.01)
    assert slow[-1].boundary < 2.0


def test_an_error_that_is_far_too_small_at_first_does_not_spend_what_is_planned_for_later():
    first = look(compared(rate_effect(0.05, 0.05, 50 * SIZE)), SIZE, number=1)
    assert first.fraction == pytest.approx(0.2)
    second = look(compared(rate_effect(0.05, 0.02, SIZE)), SIZE, earlier=(first,), number=2)
    assert second.boundary is not None


def test_a_look_without_more_information_asks_nothing():
    slow = replace(DESIGN, information=10 * DESIGN.information)
    first = look(compared(rate_effect(0.05, 0.05, SIZE)), SIZE, number=1, design=slow)
    second = look(compared(rate_effect(0.05, 0.09, SIZE / 2)), SIZE, number=2, earlier=(first,), design=slow)
    assert (second.boundary, second.guardrails[0].boundary) == (None, None)
    assert (second.interval, second.p_value) == (first.interval, first.p_value)
    assert "no more information than the ones before" in second.decision.sentence


def test_what_was_spent_before_an_amended_horizon_stays_spent():
    looks = run([0.05, 0.05, 0.05])[:2]
    longer = replace(DESIGN, information=2 * DESIGN.information, looks=10, days=20)
    third = look(compared(rate_effect(0.05, 0.05, 0.9 * SIZE)), SIZE, number=5, earlier=looks, design=longer)
    end = look(compared(rate_effect(0.05, 0.05, 2 * SIZE)), SIZE, number=10, earlier=[*looks, third], design=longer)
    asked = [*looks, third, end]
    up, down = crossing_probabilities([a.information for a in asked], [a.boundary for a in asked])
    assert up.sum() + down.sum() == pytest.approx(0.05)


def test_few_violations_of_an_open_ended_test_are_judged_exactly():
    design = open_ended(control_rate=0.005)
    found = look(compared(rate_effect(0.005, 0.0012, SIZE)), SIZE, design=design, number=2)
    assert found.is_significant
    assert abs(found.z) > found.boundary
    assert found.interval.high < 0
    worse = look(compared(rate_effect(0.005, 0.0115, SIZE)), SIZE, design=design, number=2)
    assert worse.decision.verdict == "stop_harm"
    assert worse.guardrails[0].z > worse.guardrails[0].boundary


def test_looks_are_numbered_upwards():
    first = look(compared(rate_effect(0.05, 0.05, SIZE)), SIZE, number=2)
    with pytest.raises(ValueError, match="look 2 comes after look 2"):
        look(compared(rate_effect(0.05, 0.05, SIZE)), SIZE, number=2, earlier=(first,))


MODES = [DESIGN, OPEN, open_ended(control_rate=0.005)]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(MODES), st.lists(st.floats(-4.5, 4.5), min_size=1, max_size=6), st.booleans(), st.booleans())
def test_interval_p_value_and_verdict_never_speak_against_each_other(design, scores, safe, equal):
    base = design.control_rate
    error = rate_effect(base, base, SIZE / len(scores)).standard_error
    rates = [max(base + z * error / np.sqrt(k + 1), 1e-4) for k, z in enumerate(scores)]
    looks = run(rates, design=design, control=base, loss=0.0 if safe else 0.01, equivalent=0.99 if equal else 0.5)
    told = 1.0
    for found in looks:
        verdict = found.decision.verdict
        assert found.decision.recommendation == RECOMMENDED[verdict]
        if found.interval is None:
            assert (found.p_value, found.is_significant) == (None, False)
            continue
        assert found.is_significant == (found.p_value <= 0.05) == (not found.interval.covers(0))
        if found.boundary is not None and abs(found.z) > found.boundary:
            assert found.is_significant
        assert found.p_value <= told
        told = found.p_value
        if verdict == "ship":
            assert found.interval.high < 0
        if found.interval.low > 0:
            assert verdict == "stop_harm"
        if verdict in ("equivalent", "ship_low_risk", "inconclusive"):
            assert found.last


@pytest.mark.parametrize("design", MODES, ids=["planned", "open_ended", "exact"])
def test_the_interval_at_every_look_never_widens(design):
    base = design.control_rate
    looks = run([0.9 * base, 0.8 * base, 1.1 * base, base], design=design, control=base)
    told = [found.interval for found in looks if found.interval]
    assert len(told) == 4
    for before, after in pairwise(told):
        assert before.low <= after.low < after.high <= before.high


def test_of_looks_that_contradict_each_other_the_one_that_decided_stands():
    error = rate_effect(0.05, 0.05, SIZE).standard_error
    looks = run([0.05 - 9 * error, 0.05 + 9 * error], loss=0.01)
    assert looks[0].interval.high < 0
    assert looks[1].interval == looks[0].interval
    looks = run([0.05 + 0.1 * error] * 5 + [0.05 + 12 * error])
    assert looks[-1].interval.low > 0
