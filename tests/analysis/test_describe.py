from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time, timedelta
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest

from slaopt.analysis import Analysis, analyze, violation_rate
from slaopt.analysis.summary import stories
from slaopt.excluded import BusinessHours, Excluded
from slaopt.params import Params
from slaopt.printing import analysis_lines
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.wording import percent
from tests.statistical.durations import profiles_of, spread, stamps
from tests.statistical.simulated import START

N = 30_000


@pytest.fixture
def profiles(rng) -> Profiles:
    return profiles_of(spread(N, rng, days=40), rng.lognormal(0, 0.5, N), days=40, thresholds=(2.0,))


def analysed(profiles: Profiles, **params: object) -> Analysis:
    result = analyze(profiles, Params(**params))
    assert isinstance(result, Analysis)
    return result


def test_the_last_days_are_analysed(profiles):
    result = analysed(profiles, threshold=2.0)
    assert (result.end - result.start, result.analysis_period) == (timedelta(days=30), 30)
    assert result.sample_size == profiles.last(30).hours.executions.sum()
    assert result.violation_rate == violation_rate(profiles.last(30).hours, 2.0)
    assert len(result.daily.dates) == 30
    assert result.warnings == ()
    assert analysed(profiles, days=40).sample_size == N


def test_published_fields_are_those_of_the_schema(profiles):
    published = analysed(profiles, threshold=2.0).to_dict()
    json.dumps(published, allow_nan=False)
    assert published["service_type"] == "simulated"
    assert {"analysis_period", "sample_size", "data_quality_score", "trend_analysis"} <= set(published)
    assert {"mean", "median", "std", "percentile_95", "percentile_99", "coefficient_variation"} <= set(
        published["performance_statistics"]
    )
    assert {
        "baseline_value", "confidence_interval_lower", "confidence_interval_upper", "coefficient_variation", "is_stable"
    } <= set(published["baseline_performance"])  # fmt: skip
    assert {"count", "percentage", "values", "lower_bound", "upper_bound"} <= set(published["outliers"])


@pytest.mark.parametrize(
    ("executions", "days", "reason"),
    [
        (1, 30, "1 execution on 1 day in"),
        (5000, 6, "5,000 executions on 6 days"),
        (0, 30, "0 executions on 0 days in the 30 days before "),
    ],
)
def test_too_few_executions_or_days_are_skipped_with_the_reason(executions, days, reason, rng):
    result = analyze(profiles_of(spread(executions, rng, days=days), np.ones(executions)), Params())
    assert isinstance(result, Skipped)
    assert reason in result.reason
    assert "executions over at least 7 days are needed" in result.reason
    assert result.service == "simulated"


@pytest.mark.parametrize("executions", [2, 3, 6, 9])
def test_a_handful_of_executions_is_low_traffic_and_no_refusal(executions):
    stamps = START.replace(tzinfo=None) + np.linspace(1, 29, executions) * timedelta(days=1)
    result = analyze(profiles_of(stamps.astype("datetime64[us]"), np.ones(executions)), Params(threshold=2.0))
    assert result.violation_rate.rate == 0
    assert (result.violation_rate.interval is None) == (executions < 7)
    assert "times the weekly error budget: too few to judge an objective of 99 %" in result.low_traffic.sentence


def test_a_skipped_service_tells_what_became_of_its_rows():
    empty = profiles_of(np.empty(0, dtype="datetime64[us]"), np.empty(0), rows=5000, rejected=4000, failed=1000)
    result = analyze(empty, Params())
    assert "(of 5,000 rows read, 4,000 rejected, 1,000 failed)" in result.reason


def test_a_skipped_service_that_ended_says_when():
    empty = profiles_of(np.empty(0, dtype="datetime64[us]"), np.empty(0))
    old = replace(empty.intake, last=START - timedelta(days=3))
    assert (
        "the latest is of 31 Jul 2026, 00:00 UTC: end the period"
        in analyze(replace(empty, intake=old), Params()).reason
    )


def test_an_earlier_period_is_no_remedy_where_there_was_too_little_ever(rng):
    tiny = profiles_of(spread(3, rng, days=3), np.ones(3))
    ended = replace(tiny, intake=replace(tiny.intake, last=START + timedelta(days=3)))
    reason = analyze(ended, Params()).reason
    assert reason.endswith("the latest is of 6 Aug 2026, 00:00 UTC: export again, or measure longer")


def test_measurements_that_begin_late_shorten_the_period(rng):
    times = stamps(20 + 10 * rng.random(N))
    result = analysed(profiles_of(times, rng.lognormal(0, 0.5, N)))
    assert result.start == START + timedelta(days=20)
    assert result.analysis_period == 10
    assert result.warnings[0] == "Measurements begin on 23 Aug 2026: 10 of 30 days are described."
    assert "10 days" in result.warnings[1]


def test_the_worst_day_is_named_where_it_made_the_violations(rng):
    times, durations = spread(N, rng), rng.lognormal(0, 0.2, N)
    durations[(times >= stamps(np.array(12.0))) & (times < stamps(np.array(12.2)))] *= 5
    result = analysed(profiles_of(times, durations, thresholds=(2.0,)), threshold=2.0)
    assert any("of the violations of 2 s fell on one day, 15 Aug 2026" in warning for warning in result.warnings)


def test_a_threshold_named_later_is_answered_and_said_so(profiles):
    result = analysed(profiles, threshold=2.03)
    assert result.violation_rate.violations_lower < result.violation_rate.violations_upper
    assert "2.03 s was not counted exactly" in result.warnings[0]


def test_without_a_threshold_there_is_no_rate(profiles):
    result = analysed(profiles)
    assert result.violation_rate is None
    assert result.to_dict()["violation_rate"] is None


def test_constant_durations_are_analysed_without_intervals(rng):
    result = analysed(profiles_of(spread(N, rng), np.full(N, 0.25)), threshold=2.0)
    assert result.baseline_performance.confidence_interval_lower is None
    assert "Mean and quantiles have no interval: every execution took 250 ms." in result.warnings
    assert result.violation_rate.interval.high > 0


def test_few_executions_say_that_a_high_quantile_has_no_upper_end(rng):
    result = analysed(profiles_of(spread(200, rng), rng.lognormal(0, 0.5, 200)))
    assert any(warning.startswith("How high p99 may lie cannot be told") for warning in result.warnings)
    assert "or more" in result._repr_html_()


def test_excluded_time_is_shown_with_its_reason(profiles):
    hours = BusinessHours(days=("mon", "fri"), start=time(8), end=time(18))
    sums = replace(profiles.hours.slot_sums, excluded=np.full(profiles.hours.slots, 0.25))
    result = analysed(
        replace(profiles, hours=replace(profiles.hours, slot_sums=sums)),
        excluded=Excluded(business_hours=hours, holidays=(date(2026, 8, 20), date(2026, 12, 25))),
    )
    assert result.excluded_share == 0.25
    assert result.excluded_reasons == ("outside Mon, Fri 08:00–18:00", "holiday 20 Aug 2026")


class Checked(HTMLParser):
    """Collects tags; fails on what is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_notebook_shows_a_table_that_no_name_can_break(profiles):
    hostile = replace(profiles, service="<script>alert(1)</script>")
    page = analysed(hostile, threshold=2.03)._repr_html_()
    parser = Checked()
    parser.feed(page)
    assert parser.open == []
    assert "script" not in parser.seen
    assert {"table", "caption", "thead", "tbody", "ul"} <= set(parser.seen)
    for text in ("median", "p99", "over 2.03 s", "of 1,000", "95 % interval", "not counted exactly"):
        assert text in page


def test_the_command_line_prints_the_same_figures(profiles):
    result = analysed(profiles, threshold=2.0)
    lines = list(analysis_lines([result, Skipped(service="b", reason="too few")]))
    assert lines[0] == "simulated  13 Aug 2026, 00:00 UTC to 12 Sep 2026, 00:00 UTC"
    assert any(line.split()[:3] == ["over", "2", "s"] and "of 1,000" in line for line in lines)
    assert lines[-1] == "b  skipped: too few"
    assert max(map(len, lines)) < 100


def test_lines_tell_what_moved_what_went_wrong_and_how_the_promise_was_kept(rng):
    times, durations = spread(N, rng, days=40), rng.lognormal(0, 0.5, N)
    late = times >= stamps(np.array(28.0))
    durations[late] *= 1.5
    odd = (times >= stamps(np.array(20.0))) & (times < stamps(np.array(20.1)))
    durations[odd] *= 6
    result = analysed(profiles_of(times, durations, days=40, thresholds=(3.0,)), threshold=3.0, objective=0.98)
    told = {fact.name: fact.value for fact in stories(result)}
    assert told["changes"].startswith("Durations rose by ")
    assert "31 Aug 2026" in told["changes"]
    assert "hours with a median far above the usual, most of all" in told["incidents"]
    assert "23 Aug 2026" in told["incidents"]
    assert told["weeks"] == (
        ", ".join(
            f"{one.start.day} {one.start:%b} {percent(one.attainment)}"
            + ("" if one.met and one.whole else " (missed)" if one.whole else " (missed, part of it)")
            for one in result.attainment
            if one.kind == "week" and one.start >= date(2026, 8, 17)
        )
        + "."
    )
    assert told["weeks"].count("missed") == 3
    assert "Sep 2026" in told["months"]
    lines = list(analysis_lines([result]))
    starts = [line for line in lines if line[2:11].strip() in told]
    assert len(starts) == len(told)
    assert max(len(line) for line in lines if line not in {f"  {warning}" for warning in result.warnings}) <= 100
    page = result._repr_html_()
    assert all(escape(value) in page for value in told.values())


def test_thresholds_of_the_past_are_named_in_the_lines(profiles):
    history = [
        {"since": START - timedelta(days=9), "threshold": 1.0}, {"since": START + timedelta(days=33), "threshold": 2.0}
    ]  # fmt: skip
    result = analysed(profiles, threshold=2.0, threshold_history=history)
    (weeks,) = (fact.value for fact in stories(result) if fact.name == "weeks")
    assert " at 1 s (missed), 31 Aug " in weeks
    assert " at 1 s, 2 s (missed), 7 Sep " in weeks
    assert weeks.endswith(" (missed, part of it).")


def test_few_executions_are_told_first(rng):
    result = analysed(profiles_of(spread(100, rng), rng.lognormal(0, 0.5, 100)), threshold=9.0)
    assert list(analysis_lines([result]))[1] == f"  {result.low_traffic.sentence}"
    assert escape(result.low_traffic.sentence) in result._repr_html_()


def test_the_same_measurements_give_the_same_analysis(profiles):
    assert analysed(profiles, threshold=2.0).to_dict() == analysed(profiles, threshold=2.0).to_dict()
