"""The sentences, word by word: they are made from the figures, and what is lost stands beside what is won."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slaopt.optimize.earlier import Earlier
from slaopt.optimize.impact import Estimate, Impact, MonthlyFigure
from slaopt.optimize.outcome import Outcome
from slaopt.optimize.sentences import (
    bound_sentence,
    change_sentence,
    comparison,
    data_sentence,
    gain_sentence,
    impact_sentence,
    keep_sentence,
    kept_sentence,
    objective_sentence,
    policy_sentence,
    sensitivity_sentence,
    set_sentence,
    week_sentence,
)
from slaopt.params import Params
from slaopt.result import Interval

TIGHT = Outcome(
    threshold=2.0, violation_rate=0.041, interval=Interval(low=0.03, high=0.06, level=0.8), past_rate=0.04, exact=True,
    achievability=0.004, pages_per_week=5.0, tickets_per_week=9.0, tightness=0.5, tightness_relative=0.9,
    example_caught=0.99,
)  # fmt: skip
FITTING = replace(
    TIGHT, threshold=2.6, violation_rate=0.009, interval=Interval(low=0.006, high=0.014, level=0.8),
    achievability=0.87, pages_per_week=0.4, tightness=0.4, tightness_relative=0.72, example_caught=0.96,
)  # fmt: skip
LOOSE = replace(
    TIGHT, threshold=10.0, violation_rate=0.00004, interval=Interval(low=0.0, high=0.00007, level=0.8),
    achievability=0.9999, pages_per_week=0.0, tightness=0.05, tightness_relative=0.09, example_caught=0.0,
)  # fmt: skip
SLOWDOWNS = "of 100 slowdowns that double the duration of half the executions for an hour"


def test_raise_says_what_is_won_and_what_is_lost():
    assert change_sentence(TIGHT, FITTING, objective=0.99) == (
        "Raise 2 s to 2.6 s: of 1,000 executions about 9 (6–14) would violate instead of 41, the chance of keeping 99 "
        f"% would rise from under 1 % to 87 %, and pages would fall from 5 to 0.4 a week; {SLOWDOWNS}, 96 would still "
        "be seen instead of 99."
    )


def test_lower_says_what_is_seen_first_and_what_it_costs():
    assert change_sentence(LOOSE, FITTING, objective=0.99) == (
        f"Lower 10 s to 2.6 s: {SLOWDOWNS}, 96 would be seen instead of none; of all slowdowns tried it would see "
        "72 % of what the most watchful threshold sees, not 9 %; of 1,000 executions about 9 (6–14) would violate "
        "instead of under 0.1, the chance of missing 99 % would rise from under 1 % to 13 %, and pages would rise "
        "from 0 to 0.4 a week."
    )


def test_where_the_example_tells_nothing_all_slowdowns_do():
    blind = replace(FITTING, example_caught=0.0)
    assert change_sentence(replace(TIGHT, example_caught=0.0), blind, objective=0.99).endswith(
        f"{SLOWDOWNS}, none would be seen, as now; of all slowdowns tried it would see 72 % of what the most "
        "watchful threshold sees, not 90 %."
    )


@pytest.mark.parametrize(("now", "then"), [(TIGHT, FITTING), (FITTING, LOOSE), (TIGHT, LOOSE)])
def test_a_looser_threshold_is_never_called_an_improvement(now, then):
    said = change_sentence(now, then, objective=0.99).lower()
    assert "seen" in said  # the price
    assert not any(word in said for word in ("improve", "better", "reliab"))


GATED = {"minimum": 3.0, "confidence": 0.72, "asked": 0.8, "strategy": "balanced"}


def test_keep_tells_how_it_stands_and_which_gate_held():
    why = kept_sentence("best", 2.6, gain=0.0, **GATED)
    assert keep_sentence(FITTING, objective=0.99, why=why) == (
        "Keep 2.6 s: of 1,000 executions about 9 (6–14) are expected to violate, the chance of keeping 99 % is 87 %, "
        f"and there are 0.4 pages a week; {SLOWDOWNS}, 96 are seen. No other allowed threshold is better."
    )


def test_one_is_singular():
    one = replace(FITTING, pages_per_week=1.0, example_caught=0.01)
    said = keep_sentence(one, objective=0.99, why="")
    assert "there is 1 page a week" in said
    assert "1 is seen" in said
    assert "about 1 page a month" in kept_sentence("gain", 2.0, gain=1.0, **GATED)


def test_gates():
    assert kept_sentence("gain", 2.2, gain=1.44, **GATED) == (
        "The best change, to 2.2 s, would gain about 1.4 pages a month, and a change must gain 3."
    )
    assert kept_sentence("gain", 2.2, gain=-2.0, **GATED) == "The best change, to 2.2 s, would gain nothing."
    assert kept_sentence("confidence", 2.2, gain=4.0, **GATED) == (
        "The best change, to 2.2 s, would gain about 4 pages a month; that it gains anything is 72 % sure, and 80 % is "
        "asked (balanced)."
    )
    kept = Earlier(as_of=datetime(2026, 10, 27, tzinfo=UTC), verdict="keep", threshold=2.0, confidence=0.6)
    assert kept_sentence("first week", 2.2, gain=4.0, **GATED | {"confidence": 0.9}, earlier=kept) == (
        "The best change, to 2.2 s, would gain about 4 pages a month (90 % sure), but a week earlier the rule would "
        "have kept the threshold: a change waits for two weeks in a row."
    )
    lowered = replace(kept, verdict="lower", threshold=1.6)
    assert "a week earlier the rule would have gone the other way, to 1.6 s: a change waits" in kept_sentence(
        "first week", 2.2, gain=4.0, **GATED, earlier=lowered
    )


def test_on_how_many_weeks_a_change_rests():
    same = Earlier(as_of=datetime(2026, 10, 27, tzinfo=UTC), verdict="raise", threshold=2.5, confidence=0.9)
    assert week_sentence(same, changed=None, timezone="UTC") == (
        "A week earlier the rule would have gone the same way, to 2.5 s."
    )
    assert week_sentence(None, changed=datetime(2026, 10, 23, 22, tzinfo=UTC), timezone="Europe/Berlin") == (
        "The level changed on 24 Oct 2026 and has held since: one assessment is enough for a change."
    )
    assert week_sentence(None, changed=None, timezone="UTC").endswith("this one assessment counts.")


def estimated(value, low, high):
    return Estimate(value=value, interval=Interval(low=low, high=high, level=0.8, kind="prediction"))


def test_a_month_is_told_with_its_interval_and_what_it_was():
    violations = MonthlyFigure(
        name="violations", now=estimated(6523.0, 4243, 9036), then=estimated(1282.0, 583, 2037), change=None
    )
    pages = MonthlyFigure(name="pages", now=estimated(139.2, 65, 182), then=estimated(2.24, 0, 3), change=None)
    cost = MonthlyFigure(name="cost", now=None, then=estimated(1282.5, 583, 2040), change=None)
    assert impact_sentence(Impact(rows=(violations, pages, cost), currency="EUR")) == (
        "In 30 days: 1,282 (583–2,037) violations instead of 6,523 (4,243–9,036); 2.2 (0–3) pages instead of "
        "139 (65–182); 1,282 (583–2,040) EUR."
    )
    kept = replace(pages, now=pages.then)
    assert impact_sentence(Impact(rows=(kept,))) == "In 30 days: 2.2 (0–3) pages."


def test_a_first_threshold():
    assert set_sentence(LOOSE, objective=0.95) == (
        "Set 10 s, there is no threshold yet: of 1,000,000 executions about 40 (0–70) would violate, the chance of "
        f"keeping 95 % would be over 99 %, and there would be no pages; {SLOWDOWNS}, none would be seen, and of all "
        "slowdowns tried 9 % of what the most watchful threshold sees."
    )


def test_the_objective_is_the_question():
    import numpy as np

    said = objective_sentence(
        np.array([0.2, 0.85, 0.99]), np.array([0.4, 0.06, 0.01]), np.array([1.0, 2.0, 3.0]),
        objective=0.999, otherwise="Keep 2 s: so it is.",
    )  # fmt: skip
    assert said == (
        "The objective is the question: no threshold keeps 99.9 % and still sees much; at best, at 2 s, alerts would "
        "catch 6 % of the slowdowns tried. If it stays: keep 2 s: so it is."
    )


def test_refusals_name_the_figure_and_the_remedy():
    assert data_sentence(0.42, 0.5, "A gap. Fill it.") == (
        "No recommendation: the quality of the measurements is 0.42 of 1, and 0.5 is needed. A gap. Fill it."
    )


def test_reasons():
    assert gain_sentence({"budget": 3.0, "pages": 0.0, "missed": 17.0}, aim=0.5) == (
        "The main reason is what would not be seen: it is a step to 500 ms, which would gain about 20 pages a month "
        "(error budget +3, pages +0, slowdowns not seen +17)."
    )
    assert gain_sentence({"budget": 30.2, "pages": 12.0, "missed": -1.24}, aim=None) == (
        "The main reason is the error budget: the change gains about 41 pages a month (error budget +30, pages +12, "
        "slowdowns not seen −1.2)."
    )
    assert sensitivity_sentence(2.0, half=2.0, double=2.0).endswith("the choice would be the same.")
    assert sensitivity_sentence(2.0, half=2.2, double=1.8) == (
        "If not seeing a slowdown cost half as much, the choice would be 2.2 s; if twice as much, 1.8 s."
    )
    params = Params(threshold=2.0, objective=0.99, max_threshold=3.0)
    assert bound_sentence("max_threshold", reached=False, candidate=2.8, params=params) == (
        "A bound holds the choice: 2.8 s is the loosest that max_threshold allows, and no allowed threshold keeps "
        "99 % with a chance of 80 %."
    )
    assert bound_sentence("max_change", reached=True, candidate=1.0, params=params) == (
        "A bound holds the choice: a change may be 50 % at most (max_change); the rule would go further."
    )


def test_the_policy_is_printed_and_what_can_never_fire_is_named():
    said = policy_sentence(objective=0.99)
    assert "a page at 14.4 times the budget’s rate over 1 h and 5 min" in said
    assert "a ticket at the budget’s rate over 3 d and 6 h" in said
    assert "never" not in said
    assert policy_sentence(objective=0.9).endswith(
        "At an objective of 90 %, a page at 14.4 times the budget’s rate over 1 h and 5 min can never fire: not even "
        "violations alone burn so fast."
    )


def test_the_comparison_has_one_column_where_nothing_changes():
    assert comparison(TIGHT, FITTING)[0] == ["", "now", "then"]
    assert comparison(FITTING, FITTING)[0] == ["", "now"]
    assert comparison(None, FITTING)[0] == ["", "then"]
    assert comparison(None, None) == []
    assert comparison(LOOSE, FITTING)[2] == ["violations of 1,000 executions", "under 0.1 (0–0.1)", "about 9 (6–14)"]
