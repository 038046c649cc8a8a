"""Public measurements are read as pandas reads them: rows, rejections, doubles and quantiles of every service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slaopt.errors import InputError
from slaopt.params import load_params
from slaopt.profile import Profiles
from slaopt.sources import connect

DATA = Path(__file__).parents[2].parent / "shared" / "data"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs the public measurements beside the repository")

MEASUREMENTS = {
    "nab_durations": "duration_s",
    "nab_metrics": "value",
    "network_ping": "duration_s",
    "network_test_runs": "duration_s",
    "itsm_incidents": "duration_s",
    "function_coldstart": "duration_s",
}
OTHER = (
    "ab_request_latency.parquet",
    "ab_summary_retail.parquet",
    "nab_anomaly_windows.csv",
    "forecast_windows.parquet",
)


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_public_measurements_are_read_as_pandas_reads_them(name):
    column = MEASUREMENTS[name]
    path = DATA / f"{name}.parquet"
    frame = pd.read_parquet(path)
    source = connect(str(path), book=load_params(None), now=NOW)
    intake = source.inspect()
    named = frame[frame["service"].fillna("").str.strip() != ""]
    usable = named[(named[column] >= 0) & np.isfinite(named[column])]
    assert intake.rows == len(frame)
    assert intake.accepted == len(usable)
    assert intake.rejected == len(frame) - len(usable)
    assert (intake.first, intake.last) == (named["timestamp"].min(), named["timestamp"].max())
    names = usable["service"].str.strip()
    assert [item.service for item in intake.services if item.accepted] == sorted(names.unique())
    for item in intake.services:
        own = named[named["service"].str.strip() == item.service]
        assert item.doubles == own.duplicated().sum()
        assert item.most_frequent == (
            usable[names == item.service][column].value_counts().max() if item.accepted else 0
        )

    start = intake.first.replace(minute=0, second=0, microsecond=0)
    for profiles in source.profiles(None, start, start + timedelta(days=(intake.last - start).days + 1)):
        assert isinstance(profiles, Profiles)
        durations = usable[names == profiles.service][column].to_numpy()
        assert profiles.hours.executions.sum() == profiles.steps.executions.sum() == len(durations)
        assert profiles.hours.slot_sums.sums.sum() == pytest.approx(durations.sum())
        for q in (0.5, 0.95, 0.99):
            if len(durations):
                exact = np.quantile(durations, q, method="inverted_cdf")
                low, high = profiles.hours.quantile_bounds(q)
                assert low * (1 - 1e-9) <= exact <= high * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ab_request_latency.parquet", "no column for timestamp among"),
        ("ab_summary_retail.parquet", "no column for timestamp and duration among"),
        ("nab_anomaly_windows.csv", "--column duration=NAME"),
        ("forecast_windows.parquet", "no column for timestamp and duration among"),
    ],
)
def test_public_tables_of_something_else_are_refused_with_their_columns(name, words):
    with pytest.raises(InputError, match=words):
        connect(str(DATA / name), book=load_params(None), now=NOW).inspect()


def test_the_folder_of_public_data_is_read_as_a_whole():
    intake = connect(str(DATA), book=load_params(None), now=NOW).inspect()
    left_out = {Path(one.examples[0].file or "").name for one in intake.notes if one.reason.startswith("left out")}
    assert left_out == set(OTHER)
    assert intake.rows == sum(len(pd.read_parquet(DATA / f"{name}.parquet")) for name in MEASUREMENTS)
