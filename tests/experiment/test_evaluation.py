"""An evaluation says what its look says, under the published names, and concludes nothing where nothing can be."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from slaopt.errors import InputError
from slaopt.experiment import evaluate, look_from_dict, simulate
from slaopt.experiment.evaluation import recorded
from slaopt.experiment.found import GuardrailLook

AT = {"control_threshold": 2.0, "test_threshold": 2.6}
RECOMMENDED = {"ship": "adopt", "stop_harm": "reject", "inconclusive": "extend", "invalid": None}


@pytest.fixture(scope="module")
def better():
    rows = simulate(seed=1, units=60, per_unit=400, test_rate=0.03, icc=0.01)
    return rows, evaluate(rows, **AT, unit="tenant", timestamp="timestamp", service="checkout")


def rows_of(rates: tuple[float, float], *, sizes=(2000, 2000), seed=3) -> pd.DataFrame:
    """Independent executions of both arms that violate 2 s with these rates."""
    parts = [
        simulate(seed=seed + k, units=2, per_unit=size / 2, control_rate=rate).assign(arm=arm)
        for k, (arm, rate, size) in enumerate(zip(("control", "test"), rates, sizes, strict=True))
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("rates", "verdict"), [((0.08, 0.04), "ship"), ((0.05, 0.09), "stop_harm"), ((0.05, 0.05), "inconclusive")]
)
def test_the_published_fields_are_those_of_the_look(rates, verdict):
    evaluation = evaluate(rows_of(rates, sizes=(6000, 6000)), **AT)
    told = evaluation.to_dict()
    assert told["verdict"] == evaluation.look.decision.verdict == verdict
    assert told["recommendation"] == RECOMMENDED[verdict]
    assert told["is_significant"] == (told["p_value"] <= 0.05)
    low, high = told["confidence_interval"]["low"], told["confidence_interval"]["high"]
    assert told["is_significant"] == (low > 0 or high < 0)
    assert low < told["effect_size"] < high
    assert told["test_violation_rate"] - told["control_violation_rate"] == pytest.approx(told["effect_size"])
    assert told["control_own_rate"] == told["control_violation_rate"]  # both are compared at its threshold
    assert told["test_own_rate"] < told["test_violation_rate"]
    assert 0 <= told["probability_better"] <= 1
    json.dumps(told, allow_nan=False)


def test_one_look_is_the_plain_test_of_two_shares():
    from statsmodels.stats.proportion import proportions_ztest

    rows = rows_of((0.05, 0.06), sizes=(8000, 8000))
    counts = [int((rows[rows.arm == arm].duration > 2).sum()) for arm in ("control", "test")]
    sizes = [int((rows.arm == arm).sum()) for arm in ("control", "test")]
    expected = proportions_ztest(counts, sizes)[1]
    assert evaluate(rows, **AT).look.p_value == pytest.approx(expected, rel=0.05)


def test_units_widen_the_interval_and_their_names_are_nowhere(better):
    rows, evaluation = better
    by_row = evaluate(rows, **AT)
    width, narrow = (one.look.interval.high - one.look.interval.low for one in (evaluation, by_row))
    assert width > 1.5 * narrow
    assert [remark.kind for remark in by_row.remarks] == ["rows_as_units"]
    assert "tenant-" not in json.dumps(evaluation.to_dict()) + repr(evaluation) + evaluation._repr_html_()


def test_margins_do_not_follow_the_data():
    few = evaluate(rows_of((0.05, 0.05), sizes=(600, 600)), **AT)
    assert {guardrail.margin for guardrail in few.design.guardrails} == {0.1}
    assert few.look.decision.verdict == "inconclusive"
    assert any("state it before the next test" in hint for hint in few.hints)
    given = evaluate(rows_of((0.05, 0.05)), **AT, guardrails={"p95": 0.3})
    assert [(one.metric, one.margin) for one in given.design.guardrails] == [("p95", 0.3)]
    with pytest.raises(InputError, match="p50"):
        evaluate(rows_of((0.05, 0.05)), **AT, guardrails={"p50": 0.1})


def test_looks_of_a_design_go_on_until_one_decides_and_that_stands(better):
    rows, whole = better
    design = replace(whole.design, looks=14, days=14, information=whole.look.information)
    looks = ()
    for day in range(1, 15):
        part = rows[rows.timestamp < datetime(2026, 11, 2, tzinfo=UTC) + timedelta(days=day)]
        seen = evaluate(part, design, unit="tenant", timestamp="timestamp", looks=looks, last=day == 14)
        looks = seen.looks
        if seen.look.decision.verdict != "continue":
            break
    assert [look.number for look in looks] == list(range(1, len(looks) + 1))
    assert seen.planned
    assert looks[-1].decision.verdict == "ship"
    again = evaluate(rows, design, unit="tenant", timestamp="timestamp", looks=looks)
    assert again.look is looks[-1]
    assert again.looks == looks
    assert recorded(seen.observed, design, looks).look == looks[-1]
    with pytest.raises(InputError, match="no look has been taken yet"):
        recorded(seen.observed, design, ())


def test_a_look_comes_back_from_json_as_it_was(better):
    look = better[1].look
    assert look_from_dict(json.loads(json.dumps(look.to_dict()))) == look
    without = GuardrailLook(
        metric="rate", z=None, boundary=None, harmed=False, upper=None, margin=math.inf, inside=True
    )
    odd = replace(look, guardrails=(without,), standard_error=math.nan, z=None, interval=None, p_value=None, at=None)
    back = look_from_dict(json.loads(json.dumps(odd.to_dict())) | {"comparison": {}, "by_day": {}})
    assert math.isnan(back.standard_error)
    assert replace(back, standard_error=0.0) == replace(odd, standard_error=0.0)


def spoiled(kind: str) -> pd.DataFrame:
    """Rows from which nothing can be concluded."""
    rows = rows_of((0.05, 0.05), sizes=(1000, 1000))
    if kind == "one_arm":
        return rows[rows.arm == "control"]
    if kind == "constant":
        return rows.assign(duration=1.5)
    if kind == "all_violate":
        return rows.assign(duration=rows.duration + 3)
    if kind == "none_violates":
        return rows.assign(duration=np.minimum(rows.duration, 1.9))
    if kind == "sample_ratio":
        return rows[(rows.arm == "control") | (rows.index % 2 == 0)]
    return rows.groupby("arm").head(3)  # tiny_arm


@pytest.mark.parametrize("kind", ["one_arm", "constant", "all_violate", "none_violates", "sample_ratio", "tiny_arm"])
def test_nothing_is_concluded_where_nothing_can_be(kind):
    evaluation = evaluate(spoiled(kind), **AT)
    told = evaluation.to_dict()
    assert kind in {remark.kind for remark in evaluation.remarks}
    assert told["verdict"] == "invalid"
    assert told["recommendation"] is None
    assert told["reason"]
    assert not told["is_significant"]
    assert told["p_value"] is None
    assert told["confidence_interval"] is None
    json.dumps(told, allow_nan=False)
    assert "Nothing can be concluded" in evaluation._repr_html_()


def test_rows_that_cannot_be_used_are_counted_not_averaged():
    rows = rows_of((0.05, 0.05))
    rows.loc[:9, "duration"] = [math.nan, math.inf, -1.0, *[math.nan] * 7]
    rows.loc[20:24, "arm"] = "beta"
    found = evaluate(rows, **AT)
    told = {remark.kind: remark for remark in found.remarks}
    assert told["rejected"].count == 10
    assert told["unknown_arm"].count == 5
    assert "'beta' (5)" in told["unknown_arm"].sentence
    assert sum(found.look.sample_sizes) == len(rows) - 15


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"arm": "variant"}, "no column 'variant': there are 'timestamp', 'tenant', 'arm', 'duration'"),
        ({"unit": "team"}, "no column 'team'"),
        ({"arms": ("old", "new")}, "'control'"),
        ({"control_threshold": None}, "needs a design, or control_threshold and test_threshold"),
        ({"test_threshold": -1.0}, "seconds above 0"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_the_remedy(given, said):
    with pytest.raises(InputError, match="(?s).*" + said.replace("(", r"\(").replace(")", r"\)")):
        evaluate(rows_of((0.05, 0.05), sizes=(100, 100)), **(AT | given))


def test_spans_are_durations_too_and_names_are_escaped():
    rows = rows_of((0.05, 0.05), sizes=(500, 500))
    spans = rows.assign(duration=pd.to_timedelta(rows.duration, unit="s"))
    one, other = (evaluate(frame, **AT).comparison.primary for frame in (rows, spans))
    assert one.difference == pytest.approx(other.difference)
    rows["arm"] = rows.arm.where(rows.index % 100 > 0, "<script>")
    assert "<script>" not in evaluate(rows, **AT)._repr_html_()


def test_the_frame_has_an_effect_in_each_row(better):
    frame = better[1].to_frame()
    assert frame.part.tolist() == ["behaviour", "mechanical", *["guardrail"] * 4]
    assert (frame.low < frame.high).all()


def test_frames_of_bad_input_are_refused_by_name(better):
    rows, _ = better
    named = AT | {"unit": "tenant", "timestamp": "timestamp"}
    with pytest.raises(InputError, match=r"takes a DataFrame .* not a list"):
        evaluate([1.0, 2.0], **AT)
    with pytest.raises(InputError, match=r"seconds above 0, not '2s' and 2.6"):
        evaluate(rows, **named | {"control_threshold": "2s"})
    with pytest.raises(InputError, match=r"traffic_split .* not 1.5"):
        evaluate(rows, **named, traffic_split=1.5)
    times = rows.timestamp.astype(str)
    times[3] = "yesterday"
    with pytest.raises(InputError, match="column 'timestamp', row 3: 'yesterday' is no time"):
        evaluate(rows.assign(timestamp=times), **named)


def test_frames_with_times_tell_repeated_rows_and_an_arm_that_dries_up(better):
    rows, clean = better
    named = AT | {"unit": "tenant", "timestamp": "timestamp"}
    assert not clean.remarks
    twice = evaluate(pd.concat([rows, rows]), **named)
    assert [remark.kind for remark in twice.remarks] == ["duplicates"]
    silent = (rows.arm == "test") & (rows.timestamp >= pd.Timestamp("2026-11-10", tz="UTC"))
    dry = evaluate(rows[~silent], **named)
    assert "dried_up" in [remark.kind for remark in dry.remarks if remark.decisive]
    assert dry.look.decision.verdict == "invalid"
