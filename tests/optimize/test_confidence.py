"""How sure a gain is: laws, and a plain simulation of the month that comes."""

import numpy as np
import pytest
from scipy.special import expit, logit
from scipy.stats import norm

from slaopt.optimize.confidence import BLUR, CALIBRATION, STRETCH, chance_of_gain, own_spread


def test_it_is_the_stretched_share_of_months_that_gain():
    gains, spread = np.array([-2.0, 1.0, 6.0]), 4.0
    months = np.random.default_rng(1).normal(gains, spread + BLUR, (200_000, 3))
    share = (months > 0).mean()
    assert expit(logit(chance_of_gain(gains, spread)) / STRETCH) == pytest.approx(share, abs=0.003)
    assert chance_of_gain(gains, spread) == pytest.approx(
        expit(STRETCH * logit(norm.cdf(gains / (spread + BLUR)).mean()))
    )


def test_nothing_is_certain_and_no_gain_is_even():
    assert chance_of_gain(np.zeros(21), 1.0) == pytest.approx(0.5)
    assert 0.99 < chance_of_gain(np.full(21, 1e6), 1.0) < 1
    assert 0 < chance_of_gain(np.full(21, -1e6), 1.0) < 0.01


def test_unsteady_pages_make_a_gain_less_sure():
    calm, wild = (own_spread(np.array(days)) for days in ([1.0] * 30, [0.0] * 29 + [30.0]))
    assert calm == pytest.approx(np.sqrt(0.3))  # every day the same: only what is always added
    assert wild > 30
    gains = np.full(21, 10.0)
    assert chance_of_gain(gains, wild) < chance_of_gain(gains, calm)


def test_the_shipped_table_says_what_it_says():
    for row in CALIBRATION:
        assert row.low < row.said < row.high
        assert 0 <= row.better <= 1
    assert [row.low for row in CALIBRATION] == sorted(row.low for row in CALIBRATION)
