"""Charts: the finding is true, the drawing holds no more than it shows, and odd services do not break it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt import charts, parts
from slaopt.assess import Assessment
from slaopt.charts.figure import FIGURE_MIME, LAB_MIME
from slaopt.charts.places import Labels, Names, Plot
from slaopt.charts.scales import duration_ticks
from slaopt.profile import HOURS, STEPS, Profile
from tests.report.builders import END, Made, business_hours, made, measured, with_verdict

VERDICTS = ("raise", "lower", "keep", "set", "objective", "not_suited", "data_problem")


CHARTS: dict[str, Callable[[Assessment], charts.Figure | charts.Absent]] = {  # all of a service's report
    "violations": charts.violations_per_day,
    "percentiles": lambda found: charts.percentiles_per_day(found.analysis),
    "attainment": lambda found: charts.attainment_by_week(found.analysis),
    "forecasts": charts.forecasts,
    "week": lambda found: charts.hour_and_weekday(found.analysis),
    "quantiles": charts.quantiles,
    "rates": lambda found: charts.rates_by_threshold(found.recommendation),
    "trade": lambda found: charts.pages_against_tightness(found.recommendation),
    "pages": charts.replayed_pages,
}


def drawn(case: Made) -> dict[str, charts.Figure | charts.Absent]:
    return {name: chart(case.assessment) for name, chart in CHARTS.items()}


def figure(case: Made, name: str) -> charts.Figure:
    result = CHARTS[name](case.assessment)
    assert isinstance(result, charts.Figure)
    return result


def values(node: Any, key: str) -> Iterator[Any]:
    """All values under a key, wherever they stand."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from values(item, key)


def rows_of(spec: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows that each layer of a specification draws."""
    own = [rows for rows in values(spec, "values") if rows and isinstance(rows[0], dict)]
    return [*own, *filter(None, spec.get("datasets", {}).values())]


def test_what_counts_as_a_violation_is_said():
    assert "took longer;" in figure(with_verdict("keep"), "violations").reading
    assert "took longer or failed;" in figure(made("checkout", failures="violations"), "violations").reading


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_charts_or_a_sentence_in_their_place(verdict):
    for name, result in drawn(with_verdict(verdict)).items():
        if isinstance(result, charts.Absent):
            assert name in {"rates", "trade", "pages", "forecasts", "week", "attainment"}
            assert result.reason.endswith(".")
            continue
        bundle = result._repr_mimebundle_()
        assert "NaN" not in json.dumps(bundle, allow_nan=False)
        assert bundle["text/plain"].startswith(result.title)
        assert " ".join(bundle[LAB_MIME]["title"]["text"]) == result.title
        assert bundle[FIGURE_MIME]["spec"]["description"].startswith(result.title)
        assert not result.title.endswith(".")
        assert result.reading.endswith(".")
        assert result.table.rows
        assert all(len(row) == len(result.table.columns) for row in result.table.rows)


def test_a_chart_is_valid_vega_lite():
    for result in drawn(with_verdict("raise")).values():
        result.chart.to_dict(validate=True)


def test_a_chart_holds_only_the_columns_that_it_draws():
    for name, result in drawn(with_verdict("raise")).items():
        spec = result.spec()
        used = " ".join(
            [*(str(field) for field in values(spec, "field")), *(str(s) for s in values(spec, "shorthand"))]
        ).split()
        drawn_rows = rows_of(spec)
        assert drawn_rows
        for rows in drawn_rows:
            own = {key for row in rows for key in row}
            assert own <= set(used) | SHARED, (name, own - set(used))
            assert len(rows) <= 7 * 24


SHARED = {
    "threshold",
    "tightness",
    "pages",
    "name",
    "paged",
    "seen",
    "beaten",
    "label",
}  # rows that several layers draw


def test_colours_come_from_the_page_so_that_the_dark_and_print_can_change_them():
    for result in drawn(with_verdict("raise")).values():
        layers = result.spec()
        layers.pop("config")
        for key in ("color", "fill", "stroke"):
            for colour in values(layers, key):
                assert not isinstance(colour, str) or colour.startswith(("var(--", "url(#hatch)")), colour


def test_the_title_counts_the_days_over_budget():
    case = with_verdict("raise")
    profile, recommendation = case.profiles.hours, case.assessment.recommendation
    day = (profile.times - np.datetime64("1970-01-01")) // np.timedelta64(1, "D")
    over = []
    for threshold in (recommendation.current_threshold, recommendation.recommended_threshold):
        violations = profile.violations(threshold).middle
        days = [day == d for d in np.unique(day)]
        days[1] |= days[0]  # ten hours of the first day belong to the second
        shares = [violations[d].sum() / profile.valid[d].sum() for d in days[1:]]
        over.append(sum(share > 1 - recommendation.objective for share in shares))
    assert figure(case, "violations").title == (
        f"At 500 ms, {over[0]} of 30 days exceeded the error budget of 1 %; at 700 ms, {over[1]} would have"
    )


def test_the_table_of_a_figure_tells_what_it_draws():
    case = with_verdict("raise")
    table = figure(case, "violations").table
    assert table.columns == ("Day", "Executions", "above 500 ms (now)", "above 700 ms (proposed)")
    executions = sum(int(row[1].replace(",", "")) for row in table.rows if not row[0].startswith("Coming"))
    assert executions == case.assessment.analysis.sample_size


def test_a_day_without_threshold_shows_the_recommended_one_alone():
    title = figure(with_verdict("set"), "violations").title
    assert re.fullmatch(r"At 2 s, (no day of 30|\d+ of 30 days) would have exceeded the error budget of 1 %", title)


def test_the_worst_day_is_named_only_where_it_stands_out():
    case = with_verdict("keep")
    daily = case.assessment.analysis.daily
    title = charts.percentiles_per_day(case.assessment.analysis).title
    assert title.startswith("No trend: ")
    assert re.search(r"; on a usual day 95 % took at most 1\.5 s$", title)
    slow = np.asarray(daily.p95).copy()
    slow[9] *= 3
    odd = replace(case.assessment.analysis, daily=replace(daily, p95=slow))
    day = daily.dates[9]
    assert f"worst on {day:%a} {day.day} {day:%b} with" in charts.percentiles_per_day(odd).title


def test_a_season_is_named_and_noise_is_not():
    assert figure(with_verdict("keep"), "week").title.startswith("No hour of the day and no weekday differs by more")
    title = figure(made("search"), "week").title  # whose level is highest about 15 h, and lower at weekends
    assert re.match(r"Against the mean level, slowest at 1[3-7] h \(\+1\d %\), fastest at [1-5] h \(−1\d %\)", title)
    assert re.search(r"slowest on \w{3} \(\+[\d.]+ %\), fastest on (Sat|Sun) \(−[\d.]+ %\)$", title)


def test_the_objective_is_kept_from_the_first_candidate_whose_rate_fits_the_budget():
    recommendation = with_verdict("keep").assessment.recommendation
    kept = [s.threshold for s in recommendation.candidates if s.rate.average_week <= 1 - recommendation.objective]
    assert f"from {kept[0]:g} s on" in figure(with_verdict("keep"), "rates").title
    assert figure(with_verdict("lower"), "rates").title == "Every candidate is expected to keep the objective of 99 %"


def test_replayed_pages_are_counted_and_drawn():
    case = with_verdict("raise")
    recommendation = case.assessment.recommendation
    result = figure(case, "pages")
    assert f"{len(recommendation.pages_now)} pages at 500 ms" in result.title
    assert len(result.table.rows) == len(recommendation.pages_now) + len(recommendation.pages_then)
    marks = [rows for rows in rows_of(result.spec()) if "when" in rows[0]]
    first, last = result.spec()["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert all(first <= row["day"] <= last for rows in marks for row in rows)


def test_excluded_days_are_hatched_and_the_axis_names_the_zone():
    result = figure(business_hours(), "violations")
    spec = json.dumps(result.spec())
    assert "url(#hatch)" in spec
    assert "Day, Europe/Berlin" in spec
    assert "Hatched: excluded days." in result.reading
    weekend = [row for row in result.table.rows if row[0].startswith(("Sat", "Sun", "Wed 11 Nov"))]
    assert weekend
    assert all(row[2] == "–" for row in weekend)


@pytest.mark.parametrize("durations", ["zero", "constant", "wide"])
def test_odd_durations_can_be_drawn(durations):
    assert all(
        "NaN" not in json.dumps(result._repr_mimebundle_(), allow_nan=False)
        for result in drawn(_odd(durations)).values()
        if isinstance(result, charts.Figure)
    )


def _odd(kind: str) -> Made:
    rng, n = np.random.default_rng(5), 3_000
    start = measured("checkout").hours.start
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.sort(rng.integers(0, 30 * 86_400, n)) * 10**6
    seconds = {"zero": np.zeros(n), "constant": np.full(n, 0.25), "wide": np.exp(rng.normal(0, 3, n))}[kind]
    hours, steps = (
        Profile.from_durations(
            times, seconds, service="checkout", start=start, end=END, resolution=r, thresholds=(2.0,)
        )
        for r in (HOURS, STEPS)
    )
    intake = replace(measured("checkout").intake, rows=n, accepted=n, most_frequent=1)
    return made("checkout", profiles=replace(measured("checkout"), hours=hours, steps=steps, intake=intake))


@given(st.floats(1e-5, 1e6), st.floats(1.1, 1e4))
def test_ticks_lie_on_the_axis_in_order_and_are_few(low, factor):
    ticks = duration_ticks(low, low * factor)
    assert 1 <= len(ticks) <= 8
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)
    assert ticks == sorted(set(ticks))


PLOT = Plot(size="wide", pixels=240, x=(0, 30), y=(0, 1))


@given(st.lists(st.one_of(st.just(math.nan), st.floats(0, 0.3)), min_size=10, max_size=30), st.floats(0.5, 0.8))
def test_where_there_is_room_a_name_covers_no_line_and_no_other_name(low, high):
    low[4] = 0.1
    days = np.linspace(0.5, 29.5, len(low))
    places = Names(plot=PLOT)
    for values in (low, [high] * len(low)):
        places.avoid(days, values)
    boxes = [places.along("2.8 s (proposed)", days, low).box, places.along("2 s (now)", days, [high] * len(low)).box]
    boxes.append(places.on_rule("error budget 40 %", 0.4).box)
    assert not any(a.shared(b, 0) for a, b in combinations(boxes, 2))
    for line in places.lines:
        for box in boxes:
            across, down = line.T
            inside = (across > box.left) & (across < box.right) & (down > box.top) & (down < box.bottom)
            assert not inside.any()
    assert all(box.left > -1 and box.right < PLOT.width + 5 for box in boxes)


def test_a_name_stands_by_its_own_line():
    days, values = np.arange(30) + 0.5, np.linspace(0.1, 0.7, 30)
    places = Names(plot=PLOT)
    places.avoid(days, values)
    place = places.along("2 s (now)", days, values)
    on_the_line = float(np.interp((place.box.left + place.box.right) / 2, PLOT.across(days), PLOT.down(values)))
    assert min(abs(place.box.top - on_the_line), abs(place.box.bottom - on_the_line)) < 20
    assert place.box.left > PLOT.width / 2  # rather late than early


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.02), (29.5, 0.98), (15, 0.5)])
def test_a_point_is_named_within_the_plot_and_off_its_neighbours(x, y):
    places = Names(plot=PLOT)
    first, second = (places.around(name, x, y).box for name in ("2 s (now)", "2.5 s (proposed)"))
    assert not first.shared(second, 0)
    assert all(box.left >= -1 and box.right <= PLOT.width + 4 and box.top >= -6 for box in (first, second))


@given(st.floats(0.1, 0.9), st.booleans())
def test_a_plot_turns_values_to_pixels_and_back(share, logarithmic):
    plot = Plot(size="half", pixels=280, x=(0.1, 40), y=(0.2, 3), log_x=logarithmic, log_y=logarithmic)
    assert plot.across(plot.value_across(share * plot.width)) == pytest.approx(share * plot.width)
    assert plot.down(plot.value_down(share * plot.height)) == pytest.approx(share * plot.height)


@pytest.mark.parametrize("verdict", ["not_suited", "data_problem"])
def test_where_nothing_was_replayed_no_absence_of_pages_is_claimed(verdict):
    case = with_verdict(verdict)
    assert case.assessment.recommendation.current_threshold is not None
    result = drawn(case)["pages"]
    assert isinstance(result, charts.Absent)
    assert result.reason == "No alerts were replayed, since nothing is recommended."
    assert parts.replay_policy(case.assessment).html == ""


def test_a_change_of_level_is_told_with_its_day_and_marked_there():
    case = made("payment")
    (change,) = case.assessment.analysis.trend_analysis.change_points
    result = figure(case, "percentiles")
    assert re.match(rf"p95 rose from 1\.\d s to 2\.\d s on {change.start.day} {change.start:%B}", result.title)
    when = (np.datetime64(change.start) - np.datetime64("1970-01-01")).astype(int) * 86_400_000
    for name in ("percentiles", "violations"):
        spec = figure(case, name).spec()
        assert [{"day": when}] in rows_of(spec)
        assert f"{change.start.day} {change.start:%b}: +{round(100 * (change.factor - 1))} %" in values(spec, "label")


def test_the_trend_is_drawn_as_steep_as_it_is_told():
    case = made("recommendations")
    trend = case.assessment.analysis.trend_analysis
    result = figure(case, "percentiles")  # whose rise may also be taken for a change, gradual or abrupt
    assert result.title.startswith("p95 rises from ")
    (line,) = [rows for rows in rows_of(result.spec()) if set(rows[0]) == {"day", "seconds"} and len(rows) == 2]
    days = (line[1]["day"] - line[0]["day"]) / 86_400_000
    assert line[1]["seconds"] / line[0]["seconds"] == pytest.approx((1 + trend.trend_slope) ** days)
    p95 = case.assessment.analysis.daily.p95
    assert p95.min() <= line[0]["seconds"] < line[1]["seconds"] <= p95.max()


def test_the_fan_is_the_forecast():
    case = with_verdict("raise")
    recommendation = case.assessment.recommendation
    spec = figure(case, "violations").spec()
    points = [rows for rows in rows_of(spec) if "coming" in rows[0]]
    for rows, forecasts in zip(points, (recommendation.forecast_now, recommendation.forecast_then), strict=True):
        assert [row["share"] for row in rows] == [forecast.violation_rate for forecast in forecasts]
        assert [row["coming"] for row in rows] == ["coming 7 days", "coming 14 days", "coming 30 days"]
    highs = {row["high"] for rows in rows_of(spec) for row in rows if "high" in row}
    assert {f.interval_95.high for f in recommendation.forecast_then} <= highs
    table = figure(case, "violations").table
    assert [row[0] for row in table.rows[-3:]] == ["Coming 7 days", "Coming 14 days", "Coming 30 days"]


def test_simple_rules_are_counted_from_the_same_days():
    case = with_verdict("raise")
    hours, threshold = case.profiles.hours, case.params.threshold
    violations, n = hours.violations(threshold).middle, hours.valid
    table = figure(case, "forecasts").table
    told = {row[0]: float(row[1]) for row in table.rows}
    assert told["as in the whole period"] == pytest.approx(1_000 * violations.sum() / n.sum(), rel=0.02)
    last = slice(-(6 * 24 + 14), None)  # seven calendar days, the last until 14 h
    assert told["as in the last week"] == pytest.approx(1_000 * violations[last].sum() / n[last].sum(), rel=0.02)


def test_weeks_that_missed_the_objective_have_a_shape_of_their_own():
    case = with_verdict("raise")
    weeks = [week for week in case.assessment.analysis.attainment if week.kind == "week"]
    result = figure(case, "attainment")
    assert result.title == f"None of {len(weeks)} weeks kept the objective of 99 %"
    mixed = tuple(
        replace(week, met=n % 2 == 0, attainment=0.999 if n % 2 == 0 else 0.98, assumed=n < 2, thresholds=thresholds)
        for n, (week, thresholds) in enumerate(zip(weeks, [(0.5,)] * 3 + [(0.6,)] * 3, strict=False))
    )
    told = charts.attainment_by_week(replace(case.assessment.analysis, attainment=mixed))
    assert isinstance(told, charts.Figure)
    assert told.title.startswith(
        f"{sum(not week.met for week in mixed)} of {len(mixed)} weeks missed the objective of 99 %"
    )
    assert "threshold 500 ms → 600 ms" in values(told.spec(), "label")
    assert "Before the first threshold that is known" in told.reading
    shapes = {mark["shape"] for mark in values(told.spec(), "mark") if isinstance(mark, dict) and "shape" in mark}
    assert len(shapes) == 2
    assert [row[4] for row in told.table.rows[:2]] == ["99 % kept", "99 % missed"]


def test_each_name_has_a_place_for_a_narrow_screen():
    for result in drawn(with_verdict("raise")).values():
        spec = result.spec()
        names = [
            (layer["mark"]["opacity"]["expr"], spec["datasets"][layer["data"]["name"]][0]["label"])
            for layer in _layers(spec)
            if layer["mark"]["type"] == "text" and isinstance(layer["mark"].get("opacity"), dict)
        ]
        wide, narrow = (sorted(name for shown, name in names if shown.endswith(end)) for end in ("0 : 1", "1 : 0"))
        assert wide == narrow


def _layers(spec: dict[str, Any], inherited: Any = None) -> Iterator[dict[str, Any]]:
    """All marks of a specification, each with the data that it draws."""
    own = spec.get("data", inherited)
    for layer in spec.get("layer", ()):
        yield from _layers(layer, own)
    if "mark" in spec:
        yield spec | {"data": own}


@given(st.lists(st.floats(0, 0.3), min_size=10, max_size=30), st.floats(0.6, 0.8))
def test_on_a_narrow_screen_names_stay_off_each_other_and_inside(low, high):
    days = np.linspace(0.5, 29.5, len(low))
    places = Labels.of(PLOT)
    for drawn_values in (low, [high] * len(low)):
        places.avoid(days, drawn_values)
    found = [
        places.beside_rule("14 Nov: +38 %", 12.0).narrow,
        places.along("2.8 s (proposed)", days, low).narrow,
        places.along("2 s (now)", days, [high] * len(low)).narrow,
    ]
    assert all(place.box.left >= -1 and place.box.right <= 300 for place in found)
    assert not any(a.box.shared(b.box, 0) for a, b in combinations(found, 2))
