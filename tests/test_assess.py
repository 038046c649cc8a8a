"""The one call behind notebook, command and verify: what it says of services whose truth is known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from slaopt import samples
from slaopt.analysis import Analysis
from slaopt.assess import Assessment, analyze, assess, recommend
from slaopt.buckets import round_thresholds
from slaopt.errors import InputError
from slaopt.forecast.backtest import METHODS
from slaopt.optimize import Recommendation
from slaopt.params import Costs, Params, SourceParams
from slaopt.printing import recommendation_lines
from slaopt.profile import HOURS, STEPS, Profile, Profiles
from slaopt.result import Skipped


@pytest.fixture(scope="module")
def end() -> datetime:
    return datetime(2026, 11, 3, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def month(end):
    """Two months of each sample service: one is described, the other tells what a week earlier would have said."""
    return {one.name: one.profiles(7, end, days=60) for one in samples.SERVICES}


def assessed(month, name, **settings) -> Assessment:
    """An assessment of the month; the same one is made once."""
    key = f"{name}, {settings}"
    if key not in month:
        month[key] = assess(month[name], samples.service(name).params.model_copy(update=settings))
    assert isinstance(month[key], Assessment)
    return month[key]


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("checkout", "keep"), ("search", "keep"), ("login", "raise"), ("catalog", "lower"), ("payment", "raise")],
)
def test_samples_get_the_verdict_of_their_truth(month, name, verdict):
    recommendation = assessed(month, name).recommendation
    assert recommendation.verdict == verdict
    assert recommendation.sentence.startswith(verdict.capitalize())


def test_the_recommended_threshold_keeps_the_true_budget(month, end):
    catalog = samples.service("catalog")
    threshold = assessed(month, "catalog").recommendation.recommended_threshold
    assert 0.2 <= catalog.violation_rate(threshold, end=end) / (1 - catalog.objective) <= 0.9


def test_far_too_tight_goes_as_far_as_a_change_may(month):
    recommendation = assessed(month, "login").recommendation
    assert recommendation.bound == "max_change"
    assert recommendation.recommended_threshold == round_thresholds(0.5, 0.75)[-1]
    assert any("max_change" in reason for reason in recommendation.reasons)
    assert "It is a step to " in recommendation.sentence
    wider = assessed(month, "login", max_change=0.99, threshold=0.6).recommendation
    assert wider.bound is None
    assert wider.then.achievability > 0.8


def test_without_a_current_threshold_one_is_set(month):
    recommendation = assessed(month, "checkout", threshold=None).recommendation
    assert (recommendation.verdict, recommendation.now) == ("set", None)
    assert recommendation.then.achievability >= 0.8
    assert recommendation.predicted_outcomes.team_stress_reduction is None
    assert recommendation.command == "slaopt propose checkout"


def test_too_few_executions_for_the_objective_are_not_suited(month):
    recommendation = assessed(month, "invoice-export", objective=0.999).recommendation
    assert (recommendation.verdict, recommendation.recommended_threshold) == ("not_suited", None)
    assert "low traffic" in recommendation.sentence
    assert recommendation.candidates == ()


def test_poor_measurements_get_no_recommendation(month):
    profiles = month["checkout"]
    rows = profiles.intake.rows
    intake = replace(profiles.intake, rejected=rows, future=rows, doubles=rows)
    assessment = assess(replace(profiles, intake=intake), samples.service("checkout").params)
    assert assessment.analysis.data_quality_score < 0.5
    assert assessment.recommendation.verdict == "data_problem"
    assert assessment.recommendation.recommended_threshold is None
    assert str(intake.rejected) in assessment.recommendation.sentence.replace(",", "")


def test_heavy_tails_at_a_high_objective_question_the_objective(month):
    recommendation = assessed(month, "image-upload", objective=0.999, threshold=40.0).recommendation
    assert recommendation.verdict == "objective"
    assert recommendation.sentence.startswith("The objective is the question")


def test_too_short_is_skipped_with_the_reason(month, end):
    short = replace(
        month["checkout"],
        hours=month["checkout"].hours.between(end - timedelta(days=3), end),
        steps=month["checkout"].steps.between(end - timedelta(days=3), end),
    )
    for function in (assess, analyze, recommend):
        skipped = function(short, samples.service("checkout").params)
        assert isinstance(skipped, Skipped)
        assert "3 days" in skipped.reason or "4 days" in skipped.reason


def test_what_was_skipped_is_passed_on():
    skipped = Skipped(service="a", reason="no such service")
    assert recommend(skipped) is skipped
    assert analyze(skipped) is skipped


def test_notebook_forms_use_the_settings_that_read_was_told(month):
    params = samples.service("checkout").params
    told = replace(month["checkout"], params=params)
    assert recommend(told).current_threshold == params.threshold
    assert recommend(told, Params(threshold=4.0)).current_threshold == 4.0
    assert recommend(month["checkout"]).verdict == "set"
    assert isinstance(analyze(told), Analysis)
    assert isinstance(recommend(told), Recommendation)


def test_addresses_of_sources_are_not_in_an_assessment(month):
    url = "postgresql://reader:secret@db/ops"
    assessment = assessed(month, "checkout", source=url, sources={"ops": SourceParams(url=url)})
    assert "secret" not in json.dumps(assessment.to_dict())


def test_the_same_arguments_give_the_same_assessment(month):
    params = samples.service("payment").params
    first, second = (json.dumps(assess(month["payment"], params).to_dict(), allow_nan=False) for _ in range(2))
    assert first == second


def test_published_names(month):
    published = assessed(month, "login").to_dict()["recommendation"]
    assert published["service_type"] == "login"
    assert published["current_threshold"] == 0.5
    assert set(published["optimization_rationale"]) == {
        "statistical_basis", "reliability_impact", "achievability_improvement", "business_justification",
    }  # fmt: skip
    outcomes = published["predicted_outcomes"]
    now, then = published["now"], published["then"]
    assert outcomes["expected_violation_rate"] == then["violation_rate"]
    assert outcomes["reliability_score_change"] == pytest.approx(now["violation_rate"] - then["violation_rate"])
    assert outcomes["team_stress_reduction"] == pytest.approx(1 - then["pages_per_week"] / now["pages_per_week"])
    assert outcomes["violation_rate_change"] == pytest.approx(
        100 * (then["violation_rate"] / now["violation_rate"] - 1)
    )
    assert outcomes["team_stress_change"] == pytest.approx(-100 * outcomes["team_stress_reduction"])
    assert published["assumption"].startswith("violations are forecast for the coming 30 days")
    assert 0.9 < published["confidence_score"] < 1
    assert published["implementation_risk"] in {"low", "medium", "high"}
    assert {row["name"] for row in published["impact"]["rows"]} == {"violations", "pages"}
    assert {rule["metric"] for rule in published["rollback_rules"]} <= {"watch_z", "burn_rate"}
    assert len(published["rollback_criteria"]) == len(published["rollback_rules"]) > 0
    assert published["watch"]["threshold"] == published["recommended_threshold"]
    assert len(published["cells_now"]) == len(published["cells_then"]) == 27
    assert len(published["daily_then"]) == len(published_days(month, "login"))


def published_days(month, name):
    return assessed(month, name).to_dict()["analysis"]["daily"]["dates"]


def test_strategy_asks_for_more_or_less_confidence(month):
    told = {
        strategy: assessed(month, "payment", strategy=strategy).recommendation
        for strategy in ("conservative", "balanced", "aggressive")
    }
    assert len({one.confidence_score for one in told.values()}) == 1
    assert 0.8 < told["balanced"].confidence_score < 0.9
    assert (told["conservative"].verdict, told["conservative"].gate) == ("keep", "confidence")
    assert "90 % is asked (conservative)" in told["conservative"].sentence
    assert told["balanced"].verdict == told["aggressive"].verdict == "raise"


def test_a_change_rests_on_two_weeks_or_on_a_level_that_has_held(month, end):
    login, payment = (assessed(month, name).recommendation for name in ("login", "payment"))
    assert (login.week_before.as_of, login.week_before.verdict) == (end - timedelta(days=7), "raise")
    assert any(reason.startswith("A week earlier") for reason in login.reasons)
    assert payment.week_before is None
    assert any(reason.startswith("The level changed on 24 Oct 2026") for reason in payment.reasons)


def test_the_week_before_is_what_was_said_then(month, end):
    login = month["login"]
    earlier = end - timedelta(days=7)
    then = replace(
        login,
        hours=login.hours.between(login.hours.start, earlier),
        steps=login.steps.between(login.steps.start, earlier),
    )
    said = recommend(then, samples.service("login").params)
    told = recommend(login, samples.service("login").params).week_before
    assert (told.verdict, told.threshold) == (said.verdict, said.recommended_threshold)
    assert told.confidence == pytest.approx(said.confidence_score)


def test_a_change_of_the_last_week_waits(end):
    """A week before nothing was wrong, so one week's word is not enough."""
    payment = samples.service("payment")
    sudden = replace(payment, shift_days=5.0, shift=1.6, threshold=2.0)
    told = recommend(sudden.profiles(3, end, days=60), sudden.params)
    assert (told.verdict, told.gate, told.week_before.verdict) == ("keep", "first week", "keep")
    assert "a change waits for two weeks in a row" in told.sentence
    assert told.alternative.threshold > told.current_threshold


def test_where_history_is_short_one_assessment_counts(month):
    login = month["login"].last(16)
    told = recommend(login, samples.service("login").params)
    assert (told.verdict, told.week_before) == ("raise", None)
    assert any("this one assessment counts" in reason for reason in told.reasons)


def test_what_a_change_would_bring_costs_and_risks(month):
    login = assessed(month, "login", costs=Costs(violation=0.1, page=25, currency="EUR")).recommendation
    cost, pages = login.impact.row("cost"), login.impact.row("pages")
    assert cost.change.value == pytest.approx(cost.then.value - cost.now.value)
    assert cost.change.interval.high < 0 < pages.now.value
    assert "EUR" in login.optimization_rationale.business_justification
    assert {factor.name for factor in login.risk_factors} >= {"missing the objective", "the size of the change"}
    assert login.mitigation_strategies
    kept = assessed(month, "checkout").recommendation
    assert (kept.implementation_risk, kept.risk_factors, kept.rollback_rules, kept.watch) == (None, (), (), None)


def test_the_forecast_is_of_the_current_and_the_recommended_threshold(month):
    told = assessed(month, "login")
    assert [(one.threshold, one.horizon) for one in told.forecast] == [
        (threshold, horizon) for threshold in (0.5, 0.7) for horizon in (7, 14, 30)
    ]
    assert told.forecast[2].violation_rate == told.recommendation.now.violation_rate
    assert told.forecast[5].interval_80 == told.recommendation.then.interval
    assert {one.horizon for one in assessed(month, "checkout").forecast} == {7, 14, 30}
    assert len(assessed(month, "checkout").forecast) == 3
    unsuited = assessed(month, "invoice-export", objective=0.999)
    assert [(one.threshold, one.horizon) for one in unsuited.forecast] == [(40.0, 7), (40.0, 14), (40.0, 30)]


def test_earlier_forecasts_are_scored_on_what_came(month):
    told = assessed(month, "checkout").backtest
    assert told.origins > 0
    assert {row.method for row in told.rows} == set(METHODS)


def test_only_the_last_days_are_described(end):
    payment = samples.service("payment")
    whole = payment.profiles(3, end, days=60)
    recent, alone = assess(whole, payment.params), assess(whole.last(30), payment.params)
    assert recent.recommendation.to_dict() == alone.recommendation.to_dict()
    assert recent.analysis.performance_statistics == alone.analysis.performance_statistics


def test_a_threshold_named_later_is_answered_from_bracketing_counts_and_says_so(month):
    assessment = assess(month["checkout"], Params(threshold=2.1))
    recommendation = assessment.recommendation
    assert not recommendation.now.exact
    low, high = (assess(month["checkout"], Params(threshold=t)).recommendation.now for t in (2.2, 2.0))
    assert low.violation_rate <= recommendation.now.violation_rate <= high.violation_rate
    assert any(reason.startswith("2.1 s was not counted") for reason in recommendation.reasons)
    assert recommend(month["checkout"], threshold=2.1) == recommendation
    assert any(
        "was not counted exactly" in warning for warning in analyze(month["checkout"], threshold="2.1 s").warnings
    )
    with pytest.raises(InputError, match="threshold: '-1' is not a duration"):
        analyze(month["checkout"], threshold=-1)


def test_failures_that_use_up_the_budget_alone_are_the_reason(month):
    profiles = month["checkout"]
    failing = replace(
        profiles,
        hours=replace(profiles.hours, failures_are_violations=True, slot_sums=replace(
            profiles.hours.slot_sums, failures=0.05 * profiles.hours.executions)),
        steps=replace(profiles.steps, failures_are_violations=True, slot_sums=replace(
            profiles.steps.slot_sums, failures=0.05 * profiles.steps.executions)),
    )  # fmt: skip
    settings = samples.service("checkout").params.model_copy(update={"failures": "violations", "objective": 0.99})
    recommendation = recommend(failing, settings)
    assert recommendation.verdict == "objective"
    assert recommendation.sentence.startswith(
        "The objective is the question: no threshold keeps 99 %, since 4.8 % of the executions failed"
    )
    assert not any(reason.startswith("A bound") for reason in recommendation.reasons)
    bearable = settings.model_copy(update={"objective": 0.9})
    assert recommend(failing, bearable).verdict != "objective"


def test_excluded_time_changes_nothing_but_what_counts(month):
    """Emptying the nights leaves a service that pages by day alone."""
    profiles = month["login"]
    hour = (profiles.steps.times - profiles.steps.times.astype("datetime64[D]")) // np.timedelta64(1, "h")
    day = (hour >= 8) & (hour < 18)
    sums = profiles.steps.where(day).slot_sums
    excluded = replace(sums, excluded=(~day).astype(float))
    hourly = (profiles.hours.times - profiles.hours.times.astype("datetime64[D]")) // np.timedelta64(1, "h")
    counted = replace(
        profiles,
        steps=replace(profiles.steps.where(day), slot_sums=excluded),
        hours=profiles.hours.where((hourly >= 8) & (hourly < 18)),
    )
    recommendation = recommend(counted, samples.service("login").params)
    assert recommendation.verdict == "raise"
    assert {moment.hour for moment in recommendation.pages_now} <= set(range(8, 18))


@pytest.mark.parametrize("duration", [0.0, 1.03])
def test_durations_that_never_vary_get_an_answer(duration, end):
    times = np.datetime64(end.replace(tzinfo=None)) - np.arange(1, 30 * 288) * np.timedelta64(5, "m")
    start = end - timedelta(days=30)
    hours, steps = (
        Profile.from_durations(
            times, np.full(len(times), duration), service="s", start=start, end=end, resolution=resolution
        )
        for resolution in (HOURS, STEPS)
    )
    intake = samples.service("checkout").profiles(1, end, days=1).intake
    profiles = Profiles(service="s", hours=hours, steps=steps, intake=intake)
    for threshold in (None, 2.0):
        result = assess(profiles, Params(threshold=threshold, objective=0.99))
        assert json.dumps(result.to_dict(), allow_nan=False)
        assert result.recommendation.sentence


def test_shown_by_itself_it_is_escaped(month):
    hostile = replace(month["login"], hours=replace(month["login"].hours, service="<script>alert(1)</script>"))
    shown = recommend(hostile, samples.service("login").params)._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.count("<table>") == 2
    assert "recommended" in shown
    assert "Raise 500 ms" in shown


def test_the_frame_has_a_row_for_each_candidate(month):
    recommendation = assessed(month, "login").recommendation
    frame = recommendation.to_frame()
    assert frame["threshold"].tolist() == [score.threshold for score in recommendation.candidates]
    assert (frame["rate_low"] <= frame["rate"]).all()
    assert (frame["expected_low"] <= frame["expected_rate"]).all()
    assert frame["recommended"].sum() == frame["current"].sum() == 1


def test_lines_for_people_are_short_and_end_with_what_to_do(month):
    results = [recommend(month["login"], samples.service("login").params), Skipped(service="b\x1b", reason="no data")]
    lines = list(recommendation_lines(results))
    assert lines[0].startswith("login  Raise 500 ms")
    assert lines[1].split() == ["now", "then"]
    assert "  → slaopt report login, then slaopt propose login" in lines
    assert lines[-1] == "b\\x1b  skipped: no data"
