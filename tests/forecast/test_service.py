"""What people and programs get: the function, its table, the command and its JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

import slaopt
from slaopt import cli, samples
from slaopt.errors import InputError
from slaopt.forecast import ServiceForecast
from slaopt.forecast.service import parse_horizon
from slaopt.printing import forecast_lines
from slaopt.result import Skipped


@pytest.fixture(scope="module")
def profiles(end):
    return samples.service("login").profiles(3, end, days=40)


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["slaopt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return (ended.value.code, *capsys.readouterr())

    return command


@pytest.fixture(scope="module")
def source(tmp_path_factory, end):
    samples_path = tmp_path_factory.mktemp("data")
    path = samples_path / "two.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("timestamp,service,duration_s\n")
        for name in ("invoice-export", "login"):
            drawn = samples.service(name).simulate(np.random.default_rng(5), end, days=10)
            file.writelines(f"{time}Z,{name},{value}\n" for time, value in list(zip(*drawn, strict=True))[::10])
    return path


@pytest.mark.parametrize(("text", "days"), [("7d", 7), ("2w", 14), ("30", 30), (1.5, 1.5), ("90d", 90)])
def test_horizons_are_read(text, days):
    assert parse_horizon(text) == days


@pytest.mark.parametrize("text", ["", "d", "0d", "91d", "-7d", "7h", "soon", "1e1d"])
def test_what_is_no_horizon_is_refused(text):
    with pytest.raises(ValueError, match="is no horizon"):
        parse_horizon(text)


def test_the_function_answers_for_thresholds_and_horizons(profiles):
    told = slaopt.forecast(profiles, thresholds=["400ms", 0.5], horizons=["2w", 7])
    assert isinstance(told, ServiceForecast)
    frame = told.to_frame()
    assert frame["threshold"].tolist() == [0.4, 0.4, 0.5, 0.5]
    assert frame["horizon"].tolist() == ["2w", "7d"] * 2
    assert (frame["low_95"] <= frame["low_80"]).all()
    assert told._repr_html_().count("<tr>") == 5


def test_horizons_are_told_as_they_were_asked_for(profiles):
    told = slaopt.forecast(profiles, thresholds=[0.5, 0.4, 0.5], horizons=["1w", "7d", "2w", "1w", "7"])
    frame = told.to_frame()
    assert frame["threshold"].tolist() == [0.4] * 4 + [0.5] * 4
    assert frame["horizon"].tolist() == ["1w", "7d", "2w", "7"] * 2
    assert frame["violation_rate"][:2].nunique() == 1


def test_without_thresholds_the_current_one_or_quantiles_are_meant(profiles):
    own = slaopt.Params(service="login", threshold=0.5)
    assert {one.threshold for one in slaopt.forecast(profiles, own).forecasts} == {0.5}
    rates = [one.violation_rate for one in slaopt.forecast(profiles, horizons=7).forecasts]
    assert rates == pytest.approx([0.25, 0.1, 0.05, 0.01], rel=0.35)


def test_what_cannot_be_read_is_refused(profiles):
    with pytest.raises(InputError, match="is no horizon"):
        slaopt.forecast(profiles, horizons="soon")
    with pytest.raises(InputError, match="is not a duration"):
        slaopt.forecast(profiles, thresholds="fast")


def test_skipped_stays_skipped(profiles):
    skipped = Skipped(service="a", reason="why")
    assert slaopt.forecast(skipped) is skipped
    assert isinstance(slaopt.forecast(profiles.last(5)), Skipped)
    assert list(forecast_lines([skipped])) == ["a  skipped: why"]


def test_the_command_prints_json(run, source):
    status, out, err = run(
        "forecast", "--source", source, "--service", "login", "--threshold", "0.333", "--threshold", "500ms",
        "--horizon", "7d", "--horizon", "2w", "--json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    (told,) = json.loads(out)
    assert (told["service_type"], set(told)) == ("login", {"service_type", "as_of", "forecasts"})
    assert [(one["threshold"], one["horizon"]) for one in told["forecasts"]] == [
        (0.333, "7d"), (0.333, "2w"), (0.5, "7d"), (0.5, "2w"),
    ]  # fmt: skip
    for one in told["forecasts"]:
        assert one["interval_95"]["low"] <= one["interval_80"]["low"] <= one["interval_80"]["high"]
        assert one["confidence"] in ("high", "medium", "low")


def test_the_command_prints_aligned_lines_of_all_services(run, source):
    status, out, err = run("forecast", "--source", source)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert [line.split("  ")[0] for line in lines if line and not line.startswith(" ")] == ["invoice-export", "login"]
    table = lines[1 : lines.index("")]
    starts = {
        line.index(cell)
        for line, cell in zip(table, ["horizon", *["7d", "14d", "30d"] * (len(table) // 3)], strict=True)
    }
    assert len(starts) == 1


def test_a_horizon_that_is_none_is_one_line(run, source):
    status, out, err = run("forecast", "--source", source, "--horizon", "year")
    assert (status, out) == (2, "")
    assert "give days or weeks, such as 7d, 14d or 2w" in err


def test_few_executions_are_forecast_and_the_rest_of_broken_rows_is_not(profiles):
    rare = replace(profiles, hours=profiles.hours.where(np.arange(profiles.hours.slots) % 200 == 9))
    few = slaopt.forecast(rare, thresholds=30)
    assert {one.confidence for one in few.forecasts} == {"low"}
    broken = replace(rare, intake=replace(rare.intake, rows=9_000, accepted=100, rejected=8_900))
    assert "rejected" in slaopt.forecast(broken, thresholds=30).reason


def test_a_service_that_ended_is_skipped(profiles):
    ended = replace(profiles, hours=profiles.hours.where(np.zeros(profiles.hours.slots, dtype=bool)))
    assert slaopt.forecast(ended).reason == "no duration in the last 30 days"
    assert isinstance(slaopt.forecast(ended, thresholds=1), Skipped)
