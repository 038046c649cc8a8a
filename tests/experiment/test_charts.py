"""Charts of an experiment: the title is true, the picture holds all that it names, and odd data give a sentence."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from slaopt import charts
from slaopt.charts import Absent, Figure
from slaopt.experiment import evaluate, simulate
from slaopt.report import open_experiment

CHARTS = (
    charts.effect_by_look, charts.mechanical_and_behaviour, charts.posterior_of_effect, charts.quantile_differences,
    charts.looks_and_boundaries, charts.sample_ratio,
)  # fmt: skip
AT = {"control_threshold": 2.0, "test_threshold": 2.6}


@pytest.fixture(scope="module")
def ended():
    """A test that ended with a benefit before its horizon."""
    return open_experiment().evaluate()


@pytest.fixture(scope="module")
def collected():
    return evaluate(simulate(seed=2, units=40, per_unit=200, test_rate=0.1), **AT, timestamp="timestamp")


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.__name__)
@pytest.mark.parametrize("name", ["ended", "collected"])
def test_every_chart_is_drawn_or_says_why_not(chart, name, request):
    drawn = chart(request.getfixturevalue(name))
    if isinstance(drawn, Absent):
        assert (chart, name) == (charts.sample_ratio, "ended")  # all units were seen on the first day
        assert "agree with the plan" in drawn.reason
        return
    assert isinstance(drawn, Figure)
    json.dumps(drawn.to_dict(), allow_nan=False)
    assert all(len(row) == len(drawn.table.columns) for row in drawn.table.rows)
    assert "undefined" not in json.dumps(drawn.to_dict())
    assert drawn.title[-1] != "."


def test_titles_tell_what_was_found(ended, collected):
    last = ended.looks[-1]
    assert last.is_significant
    assert charts.effect_by_look(ended).title.startswith(f"From look {last.number} on, fewer executions violate")
    assert charts.looks_and_boundaries(ended).title == f"Look {last.number} passed the boundary of benefit"
    assert "probability over 99 %" in charts.posterior_of_effect(ended).title
    assert charts.quantile_differences(ended).title.endswith("are shorter in test")
    moved = charts.mechanical_and_behaviour(ended).title
    assert moved.startswith(
        f"The moved line alone changes the violation rate by −{-100 * ended.comparison.mechanical.difference:.1f}"
    )
    assert charts.effect_by_look(collected).title.startswith("More executions violate in the test arm")
    assert charts.looks_and_boundaries(collected).title.startswith("Look 1 passed the boundary of harm: violation rate")
    assert charts.quantile_differences(collected).title.endswith("are longer in test")


def test_the_share_of_the_arms_is_drawn_day_by_day_where_rows_are_assigned(collected):
    figure = charts.sample_ratio(collected)
    assert len(figure.table.rows) == 14
    total = sum(int(row[2].replace(",", "")) for row in figure.table.rows)
    assert total == collected.observed.test.executions


def test_the_posterior_in_the_picture_is_that_of_the_figures(ended):
    posterior = ended.comparison.posterior
    drawn = {row[0]: float(re.sub("−", "-", row[1])) for row in charts.posterior_of_effect(ended).table.rows}
    assert drawn["2.5 %"] == pytest.approx(100 * posterior.interval.low, abs=0.06)
    assert drawn["50 %"] == pytest.approx(100 * posterior.difference, abs=0.06)


def test_a_test_without_looks_that_ask_says_so(ended):
    silent = tuple(replace(look, z=None, boundary=None, interval=None, p_value=None) for look in ended.looks)
    quiet = replace(ended, looks=silent, look=silent[-1])
    assert isinstance(charts.looks_and_boundaries(quiet), Absent)
    assert charts.effect_by_look(quiet).title == "No look has drawn a boundary yet"


def test_arms_that_cannot_be_compared_give_sentences():
    rows = simulate(seed=2, units=4, per_unit=100)
    alone = evaluate(rows[rows.arm == "control"], **AT)
    assert [type(chart(alone)) for chart in CHARTS] == [Absent] * len(CHARTS)
