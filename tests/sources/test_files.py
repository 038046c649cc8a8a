"""What files are counted into is what their rows, counted one by one in this process, give."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slaopt.excluded import BusinessHours, Excluded, excluded_steps
from slaopt.params import Params, ParamsBook
from slaopt.profile import HOURS, STEPS, Profile, Profiles
from slaopt.result import Skipped
from slaopt.sources import connect, period

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday
END = START + timedelta(days=4)
NOW = END + timedelta(hours=5)
THRESHOLDS = {"checkout": [0.333], "login": [0.5, 0.777], "search": []}
FORMATS = ("csv", "tsv", "csv.gz", "jsonl", "parquet", "shuffled.parquet")
SAME = {"rtol": 1e-9, "atol": 1e-9, "equal_nan": True}


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Executions of three services: in whole milliseconds, some of zero length, some failed, some before and after."""
    rng = np.random.default_rng(1)
    n = 30_000
    offset = np.sort(rng.integers(-7_200_000_000, int((END - START) / timedelta(microseconds=1)) + 7_200_000_000, n))
    return pd.DataFrame(
        {
            "timestamp": pd.Timestamp(START) + pd.to_timedelta(offset, unit="us"),
            "service": rng.choice(["checkout", "login", "search"], n, p=[0.6, 0.3999, 0.0001]),
            "duration_ms": np.where(rng.random(n) < 0.01, 0, np.round(400 * rng.lognormal(0, 0.6, n))).astype(int),
            "status": rng.choice(["ok", "Failed", "503", "cancelled "], n, p=[0.9, 0.05, 0.03, 0.02]),
        }
    )


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.name.endswith("jsonl"):
        frame.to_json(path, orient="records", lines=True, date_format="iso", date_unit="us")
    elif path.name.endswith("shuffled.parquet"):
        frame.sample(frac=1, random_state=1).to_parquet(path)
    elif path.name.endswith("parquet"):
        frame.to_parquet(path)
    else:
        text = frame.to_csv(index=False, sep="\t" if path.suffix == ".tsv" else ",")
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def expected(frame: pd.DataFrame, name: str, params: Params, resolution) -> Profile:
    mine = frame[frame["service"] == name]
    steps = excluded_steps(params.excluded, timezone=params.timezone, start=START, end=END)
    step = ((mine["timestamp"] - pd.Timestamp(START)) // STEPS.step).to_numpy()
    inside = (step >= 0) & (step < len(steps))
    mine = mine[inside][~steps[step[inside]]]
    return Profile.from_durations(
        mine["timestamp"].dt.tz_localize(None).to_numpy("datetime64[us]"), mine["duration_ms"] / 1000, service=name,
        start=START, end=END, resolution=resolution, thresholds=THRESHOLDS[name], failed=mine["status"] != "ok",
        timezone=params.timezone, failures_are_violations=params.failures == "violations",
    )  # fmt: skip


def assert_equal(counted: Profile, wanted: Profile, share_excluded: np.ndarray) -> None:
    assert (counted.service, counted.start, counted.end, counted.step) == (
        wanted.service, wanted.start, wanted.end, wanted.step,
    )  # fmt: skip
    assert (counted.timezone, counted.failures_are_violations) == (wanted.timezone, wanted.failures_are_violations)
    assert np.array_equal(counted.bounds, wanted.bounds)
    assert np.array_equal(counted.counts.toarray(), wanted.counts.toarray())
    for name in ("sums", "log_sums", "minima", "maxima", "failures"):
        assert np.allclose(getattr(counted.slot_sums, name), getattr(wanted.slot_sums, name), **SAME), name
    assert np.array_equal(counted.slot_sums.excluded, share_excluded)


@pytest.mark.parametrize("form", FORMATS)
def test_counts_are_those_of_the_rows(frame, form, tmp_path, monkeypatch):
    monkeypatch.setattr(period, "BATCH", 4_096)
    office = Excluded(business_hours=BusinessHours(start=time(7, 35), end=time(18)), holidays=(date(2026, 11, 3),))
    book = ParamsBook(
        default=Params(),
        services={"login": Params(service="login", excluded=office, timezone="Europe/Berlin", failures="violations")},
    )
    source = connect(str(write(frame, tmp_path / f"requests.{form}")), book=book, now=NOW)
    found = list(source.profiles(None, START, END, thresholds=THRESHOLDS))
    assert [item.service for item in found] == ["checkout", "login", "search"]
    for item in found:
        assert isinstance(item, Profiles)
        params = book.of(item.service)
        steps = excluded_steps(params.excluded, timezone=params.timezone, start=START, end=END).astype(float)
        assert_equal(item.hours, expected(frame, item.service, params, HOURS), steps.reshape(-1, 12).mean(axis=1))
        assert_equal(item.steps, expected(frame, item.service, params, STEPS), steps)
        assert_turnout(item, frame, steps)


def assert_turnout(item: Profiles, frame: pd.DataFrame, steps: np.ndarray) -> None:
    """The intake of the period counts every row once."""
    mine = frame[(frame["service"] == item.service) & frame["timestamp"].between(START, END, inclusive="left")]
    excluded = steps[((mine["timestamp"] - pd.Timestamp(START)) // STEPS.step).to_numpy()] > 0
    intake = item.intake
    assert intake.rows == len(mine) == intake.accepted + intake.failed + intake.excluded + intake.rejected
    assert intake.excluded == excluded.sum()
    assert intake.failed == (mine["status"] != "ok")[~excluded].sum() == item.hours.slot_sums.failures.sum()
    assert intake.accepted == item.hours.executions.sum() == item.steps.executions.sum()
    if len(mine):
        assert (intake.first, intake.last) == (mine["timestamp"].min(), mine["timestamp"].max())


def test_the_intake_tells_the_whole_file(frame, tmp_path):
    path = write(pd.concat([frame, frame.head(7)]), tmp_path / "requests.csv")
    intake = connect(str(path), book=ParamsBook(default=Params(), services={}), now=NOW).inspect()
    assert intake.rows == len(frame) + 7
    assert intake.last == frame["timestamp"][frame["timestamp"] <= NOW].max()
    assert (intake.reading.format, intake.reading.unit, intake.reading.unit_from) == ("csv", "ms", "column name")
    assert dict(intake.reading.statuses)["Failed"] == (pd.concat([frame, frame.head(7)])["status"] == "Failed").sum()
    assert sum(item.doubles for item in intake.services) == 7
    for item in intake.services:
        good = frame[(frame["service"] == item.service) & (frame["status"] == "ok")]
        extra = good.head(7).index.intersection(frame.head(7).index)
        assert item.accepted == len(good) + len(extra)
        often = pd.concat([good, frame.loc[extra]])["duration_ms"].value_counts().max()
        assert item.most_frequent == often
        assert item.future == (frame.loc[frame["service"] == item.service, "timestamp"] > NOW).sum()


def test_repetitions_among_many_rows_are_estimated(tmp_path, monkeypatch):
    monkeypatch.setattr("slaopt.sources.turnout.SAMPLE", 5_000)
    rng = np.random.default_rng(2)
    n = 100_000
    frame = pd.DataFrame(
        {
            "timestamp": pd.Timestamp(START) + pd.to_timedelta(rng.integers(0, 3_600_000, n), unit="ms"),
            "duration_s": np.where(rng.random(n) < 0.3, 5.0, rng.lognormal(0, 1, n)),
        }
    )
    path = write(pd.concat([frame, frame.head(10_000)]), tmp_path / "requests.parquet")
    (item,) = connect(str(path), book=ParamsBook(default=Params(), services={}), now=NOW).inspect().services
    assert item.doubles == pytest.approx(10_000, rel=0.15)
    assert item.most_frequent == pytest.approx(33_000, rel=0.1)


def test_a_service_that_is_not_there_is_skipped_with_the_nearest_names(frame, tmp_path):
    source = connect(
        str(write(frame, tmp_path / "requests.parquet")), book=ParamsBook(default=Params(), services={}), now=NOW
    )
    found = list(source.profiles(["chekout", "Login", "login"], START, END))
    assert [type(item) for item in found] == [Skipped, Skipped, Profiles]
    assert "'login'" in found[0 if found[0].service == "Login" else 1].reason
    assert any("did you mean 'checkout'" in item.reason for item in found if isinstance(item, Skipped))
    assert [type(item) for item in source.profiles(["nothing"], START, END)] == [Skipped]


def test_spellings_of_one_name_are_one_service(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text(
        "timestamp,service,duration_s\n2026-11-02T00:00:00Z,caf\u00e9,1\n2026-11-02T00:00:00Z, cafe\u0301,2\n", "utf-8"
    )
    source = connect(str(path), book=ParamsBook(default=Params(), services={}), now=NOW)
    (item,) = source.profiles(None, START, END)
    assert isinstance(item, Profiles)
    assert (item.service, item.hours.slot_sums.sums.sum()) == ("café", 3.0)


@pytest.mark.parametrize(
    ("column", "values", "failing"),
    [
        ("status", ["ok", "ERROR", "200", "500"], 2),
        ("success", ["true", "False", "1", "0"], 2),
        ("error", ["", "boom", "none", "false"], 1),
        ("http_status", ["200", "404", "499", "503"], 1),
    ],
)
def test_statuses_are_understood_by_the_name_of_their_column(column, values, failing, tmp_path):
    path = tmp_path / "statuses.csv"
    path.write_text(
        f"timestamp,duration_s,{column}\n" + "".join(f"2026-11-02T00:00:00Z,1,{value}\n" for value in values)
    )
    (item,) = connect(str(path), book=ParamsBook(default=Params(), services={}), now=NOW).inspect().services
    assert (item.failed, item.accepted) == (failing, len(values) - failing)


def test_a_failed_execution_needs_no_duration(tmp_path):
    path = tmp_path / "failed.csv"
    path.write_text("timestamp,duration_s,status\n2026-11-02T00:00:00Z,,timeout\n2026-11-02T00:00:00Z,,ok\n")
    own = ParamsBook(default=Params(failed_statuses=("ok",)), services={})
    for book in (ParamsBook(default=Params(), services={}), own):
        intake = connect(str(path), book=book, now=NOW).inspect()
        assert (intake.services[0].failed, intake.rejected) == (1, 1)


def test_services_may_have_their_own_words_for_failure(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text(
        "timestamp,service,duration_s,status\n"
        + "".join(f"2026-11-02T00:00:00Z,{name},1,{word}\n" for name in ("a", "b") for word in ("late", "failed"))
    )
    book = ParamsBook(default=Params(), services={"b": Params(service="b", failed_statuses=("late",))})
    source = connect(str(path), book=book, now=NOW)
    assert [item.failed for item in source.inspect().services] == [1, 1]
    found = [item.hours.slot_sums.failures.sum() for item in source.profiles(None, START, END)]  # type: ignore[union-attr]
    assert found == [1, 1]


def test_nothing_is_left_behind(frame, tmp_path, monkeypatch):
    import gc

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path)
    source = connect(
        str(write(frame, tmp_path / "requests.csv")), book=ParamsBook(default=Params(), services={}), now=NOW
    )
    list(source.profiles(None, START, END))
    assert len(list((tmp_path / "scratch").iterdir())) == 1
    del source
    gc.collect()
    assert list((tmp_path / "scratch").iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"requests.csv", "scratch"}
