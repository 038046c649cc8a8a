"""A short version of the proof on changes in force, and the law that lets a pass read only what is new."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from slaopt.apply.fresh import SETTLING
from slaopt.apply.judging import fired
from slaopt.apply.looking import AGAIN
from slaopt.optimize.criteria import parse_rule, rollback
from tests.statistical.live_watch import CASES, live, misses
from tests.statistical.watching import A_DAY, STEP, Watched, counted

LEARNED = 30 * A_DAY


@pytest.mark.parametrize("case", [case for case in CASES if case.short], ids=lambda case: case.service.name)
def test_live_watch(case):
    assert misses(case, live(case.service, runs=8, seed=3, starts=10)) == []


@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_looks_every_five_minutes_decide_as_one_look_at_all(factor):
    service, rng = Watched(2e4, 0.02), np.random.default_rng(9)
    kept, violated, rate = service.draw(rng, 34)
    more = np.where(np.arange(len(kept)) >= LEARNED + 3 * A_DAY - 50, (factor - 1) * rate / (1 - rate), 0)
    turned = rng.binomial(kept, np.minimum(more, 1.0))
    made = rollback(counted(kept[:LEARNED], violated[:LEARNED]), 1.0, objective=0.97)
    rules = [*made.rules, parse_rule("burn_rate >= 1.4 over 3h")]
    first = LEARNED - A_DAY
    whole = counted((kept - turned)[first:], (violated + turned)[first:], first=first)
    since = whole.start + A_DAY * STEP
    judge = {"threshold": 1.0, "objective": 0.97, "usual": made.watch.usual, "since": since}

    at_once = {str(one.rule): one.at for one in fired(rules, whole, **judge)}
    bit_by_bit = {}
    for look in range(1, whole.slots - A_DAY + 1):
        at = since + look * STEP + SETTLING
        first = max(since, at - AGAIN) - timedelta(hours=24)
        for one in fired(rules, whole.between(first, at - SETTLING), **judge):
            bit_by_bit.setdefault(str(one.rule), one.at)

    assert bit_by_bit == at_once
    assert bool(at_once) == (factor > 1)
