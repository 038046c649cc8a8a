"""Data of experiments that were run elsewhere: what is read of them, and what is refused or said by name."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slaopt.errors import InputError
from slaopt.experiment import Observed
from slaopt.experiment.observed import SUMS
from slaopt.experiment.simulating import simulate
from slaopt.experiment.tallying import tally
from slaopt.sources.collected import read_experiment


def read(path: Path, text: str | bytes = "", **given: object) -> Observed:
    if text:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_experiment(path, **{"control_threshold": 2.0, "test_threshold": 2.6, **given})  # type: ignore[arg-type]


def said(observed: Observed, kind: str) -> str:
    return " ".join(remark.sentence for remark in observed.remarks if remark.kind == kind)


def sizes(observed: Observed) -> tuple[float, float]:
    return observed.control.executions, observed.test.executions


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl", "csv.gz", "tsv"])
def test_every_format_gives_the_counts_of_its_rows(tmp_path: Path, kind: str) -> None:
    rows = simulate(seed=1, units=20, per_unit=30, days=3)
    path = tmp_path / f"trial.{kind}"
    if kind == "parquet":
        rows.to_parquet(path)
    elif kind == "jsonl":
        rows.to_json(path, orient="records", lines=True, date_format="iso", double_precision=15, date_unit="us")
    else:
        rows.to_csv(path, index=False, sep="\t" if kind == "tsv" else ",")
    found = read(path)
    true = tally(
        rows["arm"], rows["duration"], unit=rows["tenant"], times=rows["timestamp"],
        common_threshold=2.0, other_threshold=2.6,
    )  # fmt: skip
    for arm in ("control", "test"):
        assert found.arm(arm).unit_hashes.tolist() == true.arm(arm).unit_hashes.tolist()
        for name in SUMS:
            np.testing.assert_allclose(getattr(found.arm(arm), name), getattr(true.arm(arm), name), rtol=1e-9)
    assert found.by_day == true.by_day
    assert (found.start, found.end) == (true.start, true.end)
    assert {remark.kind for remark in found.remarks} == {"reading"}
    assert "'tenant'" in said(found, "reading")


def test_arm_and_duration_are_enough(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", "variant,latency_ms\ncontrol,1500\ntest,2500\ncontrol,0\n")
    assert sizes(found) == (2, 1)
    assert found.test.sums.tolist() == [2.5] and found.control.zeros.tolist() == [1]
    assert found.start is None and not found.by_day and not found.profiles
    assert "each row counts as assigned by itself" in said(found, "rows_as_units")


def test_the_common_threshold_may_be_that_of_the_test(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", "arm,duration\ncontrol,2.3\ntest,2.3\n", common_threshold=2.6)
    assert (found.common_threshold, found.other_threshold) == (2.6, 2.0)
    assert found.control.common_violations.tolist() == [0] and found.control.other_violations.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "executions"),
    [
        ("arm;duration\ncontrol;1,5\ntest;2,5\n", (1, 1)),  # a spreadsheet's
        ("\ufeffARM, Duration \nControl,1.5\n TEST ,2.5\n", (1, 1)),
        ("arm,duration\n0,1.5\n1,2.5\n1,2.4\n", (1, 2)),
        ("treatment,duration\nFalse,1.5\nTrue,2.5\n", (1, 1)),
        ("arm,duration,unit\ncontrol,1500,ms\ntest,2.5,s\n", (1, 1)),  # the unit of the durations, row by row
    ],
)
def test_other_ways_to_write_it_are_understood(tmp_path: Path, text: str, executions: tuple[int, int]) -> None:
    found = read(tmp_path / "a.csv", text)
    assert sizes(found) == executions
    assert found.control.sums.tolist() == [1.5]


def test_other_encodings_and_times_are_understood(tmp_path: Path) -> None:
    wide = read(tmp_path / "a.csv", "arm,duration,time\ncontrol,1,1793577600\ntest,2,1793577660\n".encode("utf-16"))
    assert sizes(wide) == (1, 1) and wide.start == datetime(2026, 11, 2, tzinfo=UTC)
    packed = read(tmp_path / "b.csv.gz", gzip.compress(b"arm,duration,ts\ncontrol,1,13/11/2026 10:00\n"), end=None)
    assert packed.start == datetime(2026, 11, 13, 10, tzinfo=UTC)
    zoned = read(
        tmp_path / "c.csv", "arm,duration,ts\ncontrol,1,2026-11-02 10:00\ntest,1,2026-11-02 10:00\n",
        timezone="Europe/Zurich",
    )  # fmt: skip
    assert zoned.start == datetime(2026, 11, 2, 9, tzinfo=UTC)


def test_other_names_of_arms_are_listed_and_can_be_given(tmp_path: Path) -> None:
    text = "arm,duration\nold,1\nnew,2\nold,3\nholdout,3\n"
    with pytest.raises(InputError, match=r"a\.csv: no usable row is of arm 'control' or 'test'.*'old' \(2\).*--arms"):
        read(tmp_path / "a.csv", text)
    found = read(tmp_path / "a.csv", text, arms=("old", "new"))
    assert sizes(found) == (2, 1)
    assert "'holdout' (1)" in said(found, "unknown_arm")


def test_cells_that_hold_no_duration_are_placed_by_their_line(tmp_path: Path) -> None:
    text = "arm,duration\ncontrol,1\ntest,slow\ntest,NaN\ncontrol,-3\ncontrol,inf\ntest,\ntest,2\n"
    found = read(tmp_path / "a.csv", text)
    assert sizes(found) == (1, 1)
    assert sum(remark.count for remark in found.remarks if remark.kind == "rejected") == 5
    for place in ("line 3 'slow'", "line 4 'NaN'", "line 5 '-3'", "line 6 'inf'", "--duration-unit"):
        assert place in said(found, "rejected")


def test_failed_executions_are_left_out_and_unlike_arms_said(tmp_path: Path) -> None:
    rows = "".join(f"{arm},1,{'failed' if nth < failed else 'ok'}\n" for arm, failed in (("control", 3), ("test", 40))
                   for nth in range(100))  # fmt: skip
    found = read(tmp_path / "a.csv", f"arm,duration,status\n{rows}")
    assert sizes(found) == (97, 60)
    assert "3 of the control, 40 of the test arm. One arm fails more" in said(found, "rejected")


def test_a_unit_column_by_name_that_is_of_both_arms_is_not_what_was_assigned(tmp_path: Path) -> None:
    rows = "".join(f"{arm},1,host-{nth}\n" for arm in ("control", "test") for nth in range(10))
    found = read(tmp_path / "a.csv", f"arm,duration,instance\n{rows}")
    assert found.control.each_row and "'instance' is not taken" in said(found, "reading")
    with pytest.raises(InputError, match="10 of 10 units were seen in both arms"):
        read(tmp_path / "a.csv", columns={"unit": "instance"})


def test_a_unit_in_both_arms_is_said(tmp_path: Path) -> None:
    rows = "".join(f"{arm},1,{arm}-{nth}\n" for arm in ("control", "test") for nth in range(10))
    found = read(tmp_path / "a.csv", f"arm,duration,team\n{rows}test,1,control-3\n")
    assert found.control.units == 9
    (remark,) = [remark for remark in found.remarks if remark.kind == "units_in_both_arms"]
    assert remark.decisive


def test_rows_that_stand_twice_are_said_where_they_have_times(tmp_path: Path) -> None:
    rows = simulate(seed=2, units=10, per_unit=10, days=2)
    pd.concat([rows, rows.iloc[:4]]).to_csv(tmp_path / "a.csv", index=False)
    (remark,) = [remark for remark in read(tmp_path / "a.csv").remarks if remark.kind == "duplicates"]
    assert remark.count == 4
    untimed = rows.drop(columns="timestamp").assign(duration=1.0)
    untimed.to_csv(tmp_path / "b.csv", index=False)
    assert not said(read(tmp_path / "b.csv"), "duplicates")


def test_times_outside_the_test_and_days_without_any_are_said(tmp_path: Path) -> None:
    rows = simulate(seed=3, units=10, per_unit=100, days=6)
    day = rows["timestamp"].dt.day
    rows[day != 5].to_csv(tmp_path / "a.csv", index=False)
    found = read(tmp_path / "a.csv", start=datetime(2026, 11, 3, tzinfo=UTC), end=datetime(2026, 11, 8, tzinfo=UTC))
    (remark,) = [remark for remark in found.remarks if remark.kind == "outside_time"]
    assert remark.count == (day == 2).sum()
    assert "5 Nov" in said(found, "missing_days")


def test_several_services_are_refused_until_one_is_named(tmp_path: Path) -> None:
    text = "service,arm,duration\na,control,1\na,test,2\nb,test,2\n"
    with pytest.raises(InputError, match=r"holds 2 services.*--service: 'a', 'b'"):
        read(tmp_path / "a.csv", text)
    assert sizes(read(tmp_path / "a.csv", text, service="a")) == (1, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "there is no such file|matches no file|no such"),
        (b"arm,duration\n", "holds no rows"),
        (b"duration,tenant\n1,a\n", "no column for arm among 'duration', 'tenant'; name it: --column arm=NAME"),
        (b"arm,tenant\ncontrol,a\n", "no column for duration"),
        (b"control,1.5\ntest,2.5\n", "no column for arm and duration"),
        (b"arm,duration\ncontrol,fast\ntest,slow\n", "none of the 2 rows can be used.*line 2 'fast'"),
        (b"arm,duration,duration\ncontrol,1,2\n", "two columns are called 'duration'"),
        (b"arm,duration\ncontrol,\"1\ntest,2\n", "a quote is never closed"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_remedy(tmp_path: Path, text: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read(tmp_path / "a.csv", text)


def test_roles_columns_and_units_that_are_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("arm,duration,tenant\ncontrol,1,a\ntest,1,b\n")
    with pytest.raises(InputError, match=r"no column 'tenan'.*did you mean 'tenant'"):
        read(tmp_path / "a.csv", columns={"unit": "tenan"})
    with pytest.raises(InputError, match="'colour' is no role"):
        read(tmp_path / "a.csv", columns={"colour": "tenant"})
    with pytest.raises(InputError, match="'parsec' is no unit of time"):
        read(tmp_path / "a.csv", duration_unit="parsec")
    with pytest.raises(InputError, match="read from a file"):
        read_experiment("postgresql://somewhere/db", control_threshold=2.0, test_threshold=2.6)
