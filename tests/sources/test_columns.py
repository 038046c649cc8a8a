"""Columns are found by their usual names, and a doubt is said instead of guessed away."""

from __future__ import annotations

import pytest

from slaopt.errors import InputError
from slaopt.sources.columns import ALIASES, find_columns, is_unit_column, name_unit
from slaopt.sources.find import find_files, is_url
from slaopt.sources.values import failed_statuses, missing_service, twins


def found(*names: str, **given: str) -> dict[str, str]:
    return {role: column.name for role, column in find_columns(names, given, where="x.csv").items()}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "timestamp", "service", "duration", "unit"),
    [
        (("timestamp", "service", "duration"), "timestamp", "service", "duration", None),
        (("@timestamp", "service.name", "took_ms"), "@timestamp", "service.name", "took_ms", "ms"),
        (("startTime", "operationName", "durationMs"), "startTime", "operationName", "durationMs", "ms"),
        (("timeStamp", "elapsed", "label", "success"), "timeStamp", "label", "elapsed", None),
        (("Date", "Endpoint", "Response Time (s)"), "Date", "Endpoint", "Response Time (s)", "s"),
        (("ts_ns", "workflow", "latency_us"), "ts_ns", "workflow", "latency_us", "us"),
        (("started_at", "finished_at", "job", "runtime_minutes"), "started_at", "job", "runtime_minutes", "min"),
        (("created_at", "queue", "wait_time_in_hours"), "created_at", "queue", "wait_time_in_hours", "h"),
        (("time", "value"), "time", None, "value", None),
    ],
)
def test_usual_names_are_known(names, timestamp, service, duration, unit):
    roles = found(*names)
    assert (roles["timestamp"], roles.get("service"), roles["duration"]) == (timestamp, service, duration)
    assert name_unit(duration) == unit


@pytest.mark.parametrize("role", ALIASES)
def test_every_alias_is_found_alone(role):
    rest = {"timestamp": "timestamp", "duration": "duration"}
    rest.pop(role, None)
    for alias in ALIASES[role]:
        assert found(*rest.values(), alias)[role] == alias


def test_the_better_name_wins_and_two_equal_ones_are_asked_about():
    assert found("ts", "value", "latency_ms")["duration"] == "latency_ms"
    with pytest.raises(InputError, match=r"'duration_ms' and 'duration_s' could both .*--column duration=duration_ms"):
        found("ts", "duration_ms", "duration_s")
    assert found("ts", "duration_ms", "duration_s", duration="duration_s")["duration"] == "duration_s"


def test_a_name_that_is_given_must_be_there():
    assert found("When", "took", timestamp="when")["timestamp"] == "When"
    with pytest.raises(InputError, match=r"x.csv: no column 'tok' \(given for duration\).*did you mean 'took'"):
        found("ts", "took", duration="tok")


def test_many_columns_are_not_all_listed():
    with pytest.raises(InputError, match="and 80 more") as refusal:
        found(*(f"column{i}" * 10 for i in range(100)))
    assert len(str(refusal.value)) < 1_200


def test_units_of_time_are_units_in_every_row():
    assert is_unit_column(["ms", "Seconds", " min ", None, ""])
    assert not is_unit_column(["ms", "percent"])
    assert not is_unit_column([None, ""])


def test_names_that_differ_in_case_are_twins():
    assert twins(["b", "A", "a", "B", "c"]) == [("A", "a"), ("B", "b")]


def test_a_missing_service_is_answered_by_the_nearest():
    assert "did you mean 'checkout'" in missing_service("Checkout", ["checkout", "login"]).reason
    assert "there are 'checkout', 'login'" in missing_service("zzz", ["checkout", "login"]).reason
    assert missing_service("zzz", []).reason


@pytest.mark.parametrize("status", ["Failed", " TIMEOUT ", "503", "500.0"])
def test_statuses_that_fail_do_so_in_any_case(status):
    assert failed_statuses([status, "ok", "404", "nan"], column="status", words=["failed", "timeout"]) == {status}


def test_only_urls_are_urls(tmp_path):
    assert is_url("sqlite:///a.db")
    assert not is_url("C:\\data\\a.csv")
    for name in ("b.csv", "a.CSV", "c.parquet.bak", "d.json.gz", "e.zst"):
        (tmp_path / name).touch()
    assert [path.name for path in find_files(str(tmp_path))] == ["a.CSV", "b.csv", "d.json.gz"]
    assert [path.name for path in find_files(str(tmp_path / "?.z*"))] == ["e.zst"]  # a pattern means what it matches
