from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from slaopt.experiment import Comparison, compare, remarks_of
from slaopt.experiment.behaviour import MOST_UNITS, behaviour
from slaopt.experiment.durations import adjusted_for, mean_effect, probability_shorter
from slaopt.experiment.quantiles import quantile_interval
from slaopt.experiment.tails import quantile_effect
from tests.experiment.arms import arm, observed
from tests.experiment.looks import DESIGN
from tests.statistical import arms as simulated

BY_TENANT = replace(DESIGN, unit="tenant")


def durations(seed: int, n: int = 4000, level: float = 0.0):
    return np.random.default_rng(seed).lognormal(level, 0.55, n)


def found(control, test, design=DESIGN) -> Comparison:
    return compare(observed(control, test), design)


def kinds(control, test, design=DESIGN) -> dict[str, bool]:
    return {remark.kind: remark.decisive for remark in remarks_of(observed(control, test), design)}


def guardrail(comparison: Comparison, metric: str):
    return next(effect for effect in comparison.guardrails if effect.metric == metric)


def test_rates_line_and_guardrails_are_those_of_the_durations():
    c, t = durations(1), durations(2, 5000, 0.1)
    comparison = found(arm(c), arm(t))
    assert comparison.primary.control == pytest.approx((c > 2.5).mean())
    assert comparison.primary.test == pytest.approx((t > 2.5).mean())
    assert comparison.own_rates == (pytest.approx((c > 2.5).mean()), pytest.approx((t > 2.0).mean()))
    assert comparison.mechanical is not None
    assert comparison.mechanical.difference == pytest.approx((c > 2.0).mean() - (c > 2.5).mean())
    assert comparison.avoided_per_1000 == pytest.approx(1000 * ((c > 2.5).mean() - (t > 2.5).mean()))
    mean = guardrail(comparison, "mean")
    assert (mean.control, mean.test) == (
        pytest.approx(np.exp(np.log(c).mean())),
        pytest.approx(np.exp(np.log(t).mean())),
    )
    for metric, q in (("p95", 0.95), ("p99", 0.99)):
        assert guardrail(comparison, metric).control == pytest.approx(np.quantile(c, q), rel=0.01)
    assert [effect.metric for effect in comparison.guardrails] == ["other_rate", "mean", "p95", "p99"]


def test_a_line_that_moves_up_has_a_negative_mechanical_part():
    design = replace(DESIGN, control_threshold=2.0, test_threshold=2.5, common_threshold=2.0)
    c = durations(1)
    seen = observed(arm(c, common=2.0, other=2.5), arm(c, common=2.0, other=2.5), common=2.0, other=2.5)
    mechanical = compare(seen, design).mechanical
    assert mechanical is not None and mechanical.interval is not None
    assert mechanical.difference == pytest.approx((c > 2.5).mean() - (c > 2.0).mean())
    assert mechanical.interval.low < mechanical.difference < mechanical.interval.high < 0


def test_measurements_at_other_thresholds_are_refused():
    with pytest.raises(ValueError, match="designed for"):
        compare(observed(arm([1.0]), arm([1.0]), common=9.0), DESIGN)


def test_units_decide_where_rows_seem_to():
    same, rows = simulated.significant(simulated.UNITS[1], 0.05, 0.05, runs=80, seed=3)
    assert 0.065 + 3 * same.error > same.share
    assert rows.share > 0.4


def test_units_find_what_is_there():
    power, _ = simulated.significant(simulated.UNITS[0], 0.08, 0.03, runs=40, seed=4)
    assert power.share > 0.92 - 3 * power.error


def test_score_and_interval_of_units_never_contradict_each_other():
    rng = np.random.default_rng(5)
    for _ in range(20):
        pairs = [simulated.UNITS[3].drawn(8, rate, rng) for rate in (0.08, 0.04)]
        effect = behaviour(*(simulated.counted(*pair) for pair in pairs))
        assert effect.z is not None and effect.interval is not None
        assert (abs(effect.z) > 1.96) == (not effect.interval.covers(0)) or abs(abs(effect.z) - 1.96) < 0.02
        assert np.sign(effect.z) == np.sign(effect.difference)


def test_very_many_units_agree_with_the_hierarchical_model():
    rng = np.random.default_rng(6)
    units = simulated.Units(name="", control=MOST_UNITS, test=MOST_UNITS, size=20)
    pairs = [units.drawn(MOST_UNITS, rate, rng) for rate in (0.05, 0.04)]
    less = behaviour(*(simulated.counted(*pair) for pair in pairs))
    more = behaviour(*(simulated.counted(np.append(x, 1.0), np.append(n, 20.0)) for x, n in pairs))
    assert more.degrees is not None and less.degrees is None
    assert more.difference == pytest.approx(less.difference, abs=2 * less.standard_error)
    assert more.standard_error == pytest.approx(less.standard_error, rel=0.35)


def test_a_moved_line_is_no_effect():
    plain, behaved, covered = simulated.moved_line(runs=150, seed=7)
    assert plain.share > 0.95
    assert behaved.share < 0.057 + 3 * behaved.error
    assert abs(covered.share - 0.95) < 3 * covered.error + 0.01


def test_the_p99_of_a_dependent_sequence_is_covered():
    covered, _ = simulated.quantile_coverage(0.99, 2000, runs=1500, seed=8)
    assert 0.935 - 3 * covered.error < covered.share < 0.965 + 3 * covered.error


def test_a_quantile_that_too_few_values_exceed_is_warned_of_and_has_no_upper_end():
    few = quantile_interval(durations(1, 100), 0.99)
    assert few.warning is not None and np.isinf(few.interval.high)
    short = quantile_interval(durations(1, 600), 0.99)
    assert short.warning is not None and np.isfinite(short.interval.high)
    assert quantile_interval(durations(1, 5000), 0.99).warning is None


def test_a_quantile_of_groups_is_less_sure_than_of_rows():
    rng = np.random.default_rng(9)
    member = np.repeat(np.arange(20), 200)
    values = np.exp(0.4 * rng.standard_normal(20)[member] + 0.5 * rng.standard_normal(4000))
    grouped = quantile_interval(values, 0.9, groups=member)
    rows = quantile_interval(rng.permutation(values), 0.9)
    assert grouped.n_effective < 0.3 * rows.n_effective
    with pytest.raises(ValueError, match="one group"):
        quantile_interval(values, 0.9, groups=np.zeros(4000))


@pytest.mark.parametrize("metric", ["p95", "p99"])
def test_quantiles_of_rows_err_as_they_say_where_both_arms_share_slow_hours(metric):
    wrong = simulated.shared_hours(metric, runs=120, seed=10)
    assert wrong.share < 0.065 + 3 * wrong.error


def test_quantiles_find_a_slower_tail():
    effect = quantile_effect(arm(durations(1, 8000)), arm(1.2 * durations(2, 8000)), metric="p95")
    assert effect.interval is not None and effect.interval.low > 0
    assert effect.interval.covers(np.log(1.2))


def test_a_shorter_mean_is_believed_as_students_t_says():
    effect = mean_effect(arm(durations(1)), arm(durations(2, level=-0.02)))
    rng = np.random.default_rng(3)
    draws = effect.difference + effect.standard_error * rng.standard_t(effect.degrees, 200_000)
    assert probability_shorter(effect) == pytest.approx((draws < 0).mean(), abs=0.005)
    assert probability_shorter(mean_effect(arm([]), arm([]))) is None


def test_the_past_takes_variance_out_and_no_effect():
    rng = np.random.default_rng(4)
    before, test = rng.standard_normal(4000), rng.random(4000) < 0.5
    values = 2 * before + 0.5 * test + rng.standard_normal(4000)
    adjusted = adjusted_for(values, before, test)
    assert adjusted.var() < 0.3 * values.var()
    assert adjusted[test].mean() - adjusted[~test].mean() == pytest.approx(0.5, abs=0.1)


def test_one_arm_says_nothing():
    comparison = found(arm([]), arm(durations(1)))
    assert comparison.primary.z is None and comparison.primary.interval is None
    assert comparison.primary.why == "The control arm has no executions."
    assert comparison.posterior is None and comparison.mechanical is None
    assert kinds(arm([]), arm(durations(1))) == {"one_arm": True}


@pytest.mark.parametrize("slow, kind", [(False, "none_violates"), (True, "all_violate")])
def test_where_none_or_all_violate_rates_are_not_compared(slow, kind):
    c, t = (durations(seed, 500) * 0.1 + (9 if slow else 0) for seed in (1, 2))
    primary = found(arm(c), arm(t)).primary
    assert primary.z is None and primary.why is not None
    assert primary.interval is not None and primary.interval.low < 0 < primary.interval.high
    assert kinds(arm(c), arm(t))[kind] is False
    assert guardrail(found(arm(c), arm(t)), "mean").z is not None


def test_one_common_answer_of_units_where_none_violates():
    c, t = (arm(durations(seed, 500) * 0.1, np.arange(500) % 10) for seed in (1, 2))
    assert found(c, t, BY_TENANT).primary.z is None


def test_a_tiny_arm_is_not_estimated():
    control, test = arm(durations(1)), arm([9.0, 9.0, 9.0])
    comparison = found(control, test)
    assert comparison.primary.z is None
    assert all(effect.z is None for effect in comparison.guardrails)
    assert {"tiny_arm", "sample_ratio"} <= set(kinds(control, test))


def test_durations_that_never_vary_are_no_measurements():
    assert kinds(arm(durations(1, 200)), arm(np.full(200, 1.5)))["constant"] is True
    assert guardrail(found(arm(durations(1, 200)), arm(np.full(200, 1.5))), "mean").z is None


def test_an_outlying_row_decides_nothing_and_is_named():
    c, t = durations(1), durations(2)
    calm, wild = found(arm(c), arm(t)), found(arm(c), arm(np.append(t, 1e7)))
    assert kinds(arm(c), arm(np.append(t, 1e7)))["outlier"] is False
    assert "outlier" not in kinds(arm(c), arm(t))
    for metric in ("mean", "p95", "p99"):
        before, after = guardrail(calm, metric), guardrail(wild, metric)
        assert after.difference == pytest.approx(before.difference, abs=before.standard_error)


def test_a_unit_by_which_alone_the_answer_holds_makes_it_invalid():
    n = np.full(8, 500.0)
    calm = np.array([20.0, 26, 24, 30, 25, 22, 28, 25])
    alone = np.array([9.0, 10, 8, 11, 10, 9, 9, 420])
    arms = simulated.counted(calm, n), simulated.counted(alone, n)
    with_it, without = behaviour(*arms), behaviour(arms[0], simulated.counted(alone[:-1], n[:-1]))
    assert with_it.interval is not None and with_it.interval.covers(0)
    assert without.interval is not None and without.interval.high < 0
    assert kinds(*arms, BY_TENANT)["outlier"] is True


def test_one_unit_and_few_units_are_named():
    control, test = arm(durations(1), np.zeros(4000)), arm(durations(2), np.arange(4000) % 3)
    assert found(control, test, BY_TENANT).primary.why is not None
    assert kinds(control, test, BY_TENANT)["few_units"] is False


def test_zeros_are_left_out_of_logarithms_only():
    c = np.append(durations(1, 500), np.zeros(100))
    comparison = found(arm(c), arm(durations(2, 600)))
    assert comparison.primary.control == pytest.approx((c > 2.5).mean())
    assert guardrail(comparison, "mean").control == pytest.approx(np.exp(np.log(c[c > 0]).mean()))
    assert guardrail(found(arm(np.zeros(100)), arm(durations(2, 100))), "mean").z is None


def test_more_violations_find_their_ratio_both_ways():
    many = behaviour(arm(durations(1, 20_000)), arm(durations(2, 20_000)))
    few = behaviour(arm(durations(1, 300)), arm(durations(2, 300)))
    for effect in (many, few):
        assert effect.ratio_interval is not None and effect.ratio is not None
        assert effect.ratio_interval.low < effect.ratio < effect.ratio_interval.high
    assert (many.ratio_interval.kind, few.ratio_interval.kind) == ("confidence", "credible")  # type: ignore[union-attr]
