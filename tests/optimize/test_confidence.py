"""How sure a gain is: laws, and a plain simulation of the month that comes."""

from pathlib import Path

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


def test_the_shipped_table_is_that_of_the_evidence():
    page = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
    found: dict[tuple[float, float], list[tuple[int, float, float]]] = {}
    for line in page.partition("| services | confidence |")[2].partition("\n\n")[0].splitlines()[2:]:
        services, span, changes, said, better, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        if services in {"simulated", "fresh"}:
            low, high = (float(end) for end in span.split("–"))
            found.setdefault((low, high), []).append((int(changes), float(said), float(better.split()[0])))
    assert list(found) == [(row.low, row.high) for row in CALIBRATION]
    for row in CALIBRATION:
        cases, said, better = np.array(found[row.low, row.high]).T
        error = 2 * np.sqrt(0.25 / cases.sum())
        assert row.said == pytest.approx(said @ cases / cases.sum(), abs=0.02)
        assert row.better == pytest.approx(better @ cases / cases.sum(), abs=error)


def test_the_surer_a_change_the_more_often_it_was_better():
    assert [row.better for row in CALIBRATION] == sorted(row.better for row in CALIBRATION)
    assert all(row.low < row.said < row.high for row in CALIBRATION)
