"""The loss against a plain implementation, and laws of its parts; the forecast is that the level stays."""

import bisect
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import beta

from slaopt.analysis.alerts import Cell, Replay, Tightness
from slaopt.analysis.intervals import RateEstimate
from slaopt.optimize.scores import DRAWS, EXAMPLE, Ladder, Prices, losses_of
from slaopt.params import Params

GRID = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0)
RATES = (0.08, 0.03, 0.012, 0.005, 0.002, 0.0, 0.0)
PAGES = (20.0, 6.0, 1.0, 0.2, 0.0, 0.0, 0.0)  # a week
SEEN = (0.3, 0.5, 0.55, 0.4, 0.25, 0.1, 0.04)


def rate(threshold, level, *, n=10_000, effective=2_000.0):
    return RateEstimate(
        threshold=threshold, rate=level, interval=None, average_week=level, n=n, violations=level * n,
        violations_lower=level * n, violations_upper=level * n, n_effective=effective, design_effect=n / effective,
        worst_day_share=None,
    )  # fmt: skip


def ladder(*, objective=0.99, rates=RATES, pages=PAGES, seen=SEEN, effective=2_000.0):
    estimates = tuple(rate(t, r, effective=effective) for t, r in zip(GRID, rates, strict=True))
    return Ladder(
        thresholds=np.array(GRID),
        objective=objective,
        start=datetime(2026, 10, 4, tzinfo=UTC),
        days=30,
        rates=estimates,
        replays=tuple(
            Replay(threshold=t, pages_per_week=p, tickets_per_week=0.0, pages=sent(p), share_firing=0.0)
            for t, p in zip(GRID, pages, strict=True)
        ),
        tightness=tuple(
            Tightness(threshold=t, value=s, cells=(Cell(**EXAMPLE, caught=s),)) for t, s in zip(GRID, seen, strict=True)
        ),
        drawn=np.array([estimate.quantile(DRAWS) for estimate in estimates]),
        achievability=np.array([estimate.probability_at_most(1 - objective) for estimate in estimates]),
        expected=np.array(rates),
        ends=np.array([estimate.quantile([0.1, 0.9]) for estimate in estimates]),
        executions=10_000.0,
    )


def sent(per_week):
    """Pages spread evenly over the 30 days."""
    number = round(per_week * 30 / 7)
    start = datetime(2026, 10, 4, tzinfo=UTC)
    return tuple(start + timedelta(days=30) * (i + 0.5) / number for i in range(number))


def slow_loss(index):
    """The loss of a threshold whose rate is positive, draw by draw, read off a table by bisection."""
    medians = [beta(2_000 * r + 0.5, 2_000 * (1 - r) + 0.5).ppf(0.5) for r in RATES[:5]]
    scale = [-math.log(m) for m in medians]
    parts = np.zeros(3)
    for i in range(21):
        level = RATES[index]
        drawn = beta(2_000 * level + 0.5, 2_000 * (1 - level) + 0.5).ppf((i + 0.5) / 21)
        at = bisect.bisect(scale, -math.log(drawn))
        if at == 0:
            pages, seen = PAGES[0], SEEN[0]
        else:
            part = (-math.log(drawn) - scale[at - 1]) / (scale[at] - scale[at - 1])
            pages = PAGES[at - 1] + part * (PAGES[at] - PAGES[at - 1])
            seen = SEEN[at - 1] + part * (SEEN[at] - SEEN[at - 1])
        budget = min(100, 20 * max(0, drawn / 0.01 - 0.5))
        parts += np.array([budget, pages * 30 / 7, 50 * (1 - min(1, seen / 0.55))]) / 21
    return parts


@pytest.mark.parametrize("index", [1, 2, 3])
def test_losses_are_those_of_the_plain_implementation(index):
    losses = losses_of(ladder(), Prices())
    fast = [losses.budget[index], losses.pages[index], losses.missed[index]]
    assert fast == pytest.approx(slow_loss(index), rel=1e-6)
    assert losses.total[index] == pytest.approx(losses.drawn[index].mean())


def test_a_sure_rate_reads_its_own_pages_and_tightness():
    losses = losses_of(ladder(effective=1e9), Prices())
    assert losses.pages[:5] == pytest.approx(np.array(PAGES[:5]) * 30 / 7, abs=0.01)
    assert losses.missed[:5] == pytest.approx(50 * (1 - np.array(SEEN[:5]) / 0.55), abs=0.01)
    assert losses.budget[:5] == pytest.approx([100, 50, 14, 0, 0], abs=0.01)  # half the budget is free, 100 the most


def test_where_nothing_violates_a_looser_threshold_still_sees_less():
    missed = losses_of(ladder(), Prices()).missed
    assert missed[5] < missed[6]


@pytest.mark.parametrize(("priority", "part"), [("reliability", "budget"), ("efficiency", "pages"), ("cost", "missed")])
def test_business_priority_triples_its_part_alone(priority, part):
    plain = losses_of(ladder(), Prices.of(Params()))
    tripled = losses_of(ladder(), Prices.of(Params(business_priority=priority)))
    for name in ("budget", "pages", "missed"):
        assert getattr(tripled, name) == pytest.approx(getattr(plain, name) * (3 if name == part else 1))


def test_the_price_of_what_is_missed_follows_the_degradations_a_month():
    once, twice = (losses_of(ladder(), Prices.of(Params(degradations_per_month=n))).missed for n in (1, 2))
    assert twice == pytest.approx(2 * once)


def test_tightness_is_measured_against_the_best_but_at_least_a_twentieth():
    assert ladder().most_seen == 0.55
    blind = ladder(seen=tuple(s / 100 for s in SEEN))
    assert blind.most_seen == 0.05
    assert losses_of(blind, Prices()).missed.min() > 40


def test_achievability_falls_with_the_objective_and_rises_with_the_threshold():
    assert (np.diff(ladder().achievability) >= 0).all()
    assert (ladder(objective=0.999).achievability <= ladder(objective=0.99).achievability).all()
