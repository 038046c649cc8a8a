"""What the rule decides from what a period showed."""

import numpy as np
import pytest

from slaopt.optimize.candidates import Grid
from slaopt.optimize.confidence import ASKED
from slaopt.optimize.decide import confirmed, decide, scores_of
from slaopt.params import Params
from tests.optimize.test_scores import GRID, ladder


def grid(first=0, last=None):
    return Grid(candidates=GRID[first:last], thresholds=GRID, tight_bound="max_change", loose_bound="max_change")


def decided(threshold, *, within=(0, None), measured=None, **settings):
    return decide(grid(*within), measured or ladder(), Params(threshold=threshold, **settings))


def chosen(decision):
    return GRID[decision.recommended]


def test_too_tight_is_raised_too_loose_is_lowered_and_what_fits_is_kept():
    assert [chosen(decided(t)) for t in (1.0, 2.0, 4.0)] == [2.0, 2.0, 2.0]
    assert decided(2.0).gate == "best"
    assert decided(4.0).gains["missed"] > 0 >= decided(4.0).gains["budget"]
    assert sum(decided(1.0).gains.values()) == pytest.approx(decided(1.0).gain)


def test_a_change_that_gains_too_little_is_not_made():
    gain = decided(4.0).gain
    assert chosen(decided(4.0, minimum_gain=gain - 2)) == 2.0
    kept = decided(4.0, minimum_gain=gain + 1)
    assert (chosen(kept), kept.gate, GRID[kept.choice]) == (4.0, "gain", 2.0)


def test_a_strategy_asks_for_its_confidence():
    unsure = ladder(effective=1_000.0)
    sure = {strategy: decided(1.6, measured=unsure, strategy=strategy, minimum_gain=0.0) for strategy in ASKED}
    confidence = sure["balanced"].confidence
    assert 0.5 < confidence < 0.99
    for strategy, decision in sure.items():
        assert decision.asked == ASKED[strategy]
        assert decision.gate == (None if confidence >= ASKED[strategy] else "confidence")
        assert (decision.direction == 0) == (decision.gate is not None)
    assert len({decision.gate for decision in sure.values()}) == 2


def test_a_change_waits_for_a_week_that_points_the_same_way():
    raised, kept, lowered = decided(1.0), decided(2.0), decided(4.0)
    assert (raised.direction, kept.direction, lowered.direction) == (1, 0, -1)
    assert confirmed(raised, raised) == raised
    for other in (kept, lowered):
        held = confirmed(raised, other)
        assert (held.gate, held.recommended, held.direction) == ("first week", raised.current, 0)
        assert held.choice == raised.choice
    assert confirmed(kept, raised) == kept  # nothing to hold


def test_without_a_current_threshold_the_confidence_is_against_the_tightest_that_met_the_objective():
    first = decided(None)
    assert GRID[first.choice] == 2.0  # 2.0 is the tightest with a rate of at most 0.01
    assert first.confidence is None
    assert first.direction == 0
    cautious = decided(None, measured=ladder(effective=150.0))
    assert GRID[cautious.choice] > 2.0
    assert 0 < cautious.confidence < 1


def test_the_bound_that_holds_the_choice_is_named():
    assert decided(1.0, within=(0, 2)).bound == "max_change"  # 1.25 is the loosest allowed and still too tight
    assert not decided(1.0, within=(0, 2)).reached
    lowered = decided(4.0, within=(5, 7))
    assert (lowered.bound, lowered.reached, GRID[lowered.choice]) == ("max_change", True, 3.2)
    assert decided(2.5, within=(2, 6)).bound is None


def test_a_step_counts_what_its_aim_gains():
    flat = ladder(seen=(0.3, 0.5, 0.55, 0.4, 0.0, 0.0, 0.0))
    step = decided(4.0, within=(5, 7), measured=flat)  # 3.2 sees no more than 4.0 does, but 2.0 does
    assert (chosen(step), GRID[step.aim], step.gate) == (3.2, 2.0, None)
    assert step.gain > 3
    limited = decide(
        Grid(candidates=GRID[5:], thresholds=GRID, tight_bound="min_threshold", loose_bound="max_change"),
        flat, Params(threshold=4.0, min_threshold=3.2),
    )  # fmt: skip
    assert (chosen(limited), limited.gate, limited.bound) == (4.0, "gain", "min_threshold")  # a limit leads nowhere


def test_the_objective_is_the_question_only_if_no_threshold_anywhere_keeps_it_and_sees_much():
    assert not decided(2.0).objective_in_question
    blind = ladder(seen=(0.9, 0.5, 0.2, 0.09, 0.05, 0.02, 0.01))
    assert decided(2.0, measured=blind).objective_in_question
    # far too loose: the candidates see nothing, but a tighter threshold would
    assert not decided(4.0, within=(5, 7)).objective_in_question


def test_without_a_current_threshold_there_is_a_choice_and_no_gain():
    decision = decided(None)
    assert (decision.gain, decision.gains, decision.gate) == (None, {}, None)
    assert chosen(decision) == 2.0


def test_the_simple_choice_is_the_tightest_with_half_the_budget_used():
    assert GRID[decided(None).simple] == 2.0  # 0.005 of 0.01
    assert decided(None, measured=ladder(rates=(0.5,) * 7)).simple is None


def test_seeing_more_is_worth_a_tighter_threshold():
    loose, tight = decided(2.0, degradations_per_month=0.1), decided(2.0, degradations_per_month=10)
    assert GRID[tight.choice] <= GRID[loose.choice]
    half, double = decided(2.0).half_cost, decided(2.0).double_cost
    assert double <= decided(2.0).choice <= half


def test_scores_mark_the_current_the_recommended_and_the_front():
    scores = scores_of(decided(4.0))
    assert [s.threshold for s in scores if s.current] == [4.0]
    assert [s.threshold for s in scores if s.recommended] == [2.0]
    assert scores[-1].stability == 0
    assert scores[-1].on_front  # nothing is more stable than no change
    assert not scores[0].on_front  # 1.25 keeps more, sees more, pages less and changes less
    np.testing.assert_allclose([s.loss for s in scores], [s.loss_budget + s.loss_pages + s.loss_missed for s in scores])
    assert all(s.stability is None for s in scores_of(decided(None)))
