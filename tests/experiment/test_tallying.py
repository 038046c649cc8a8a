"""Counts of both arms: compared with a groupby of the rows, and added up from parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slaopt.experiment import ArmUnits, Observed, evaluate
from slaopt.experiment.assignment import unit_hash
from slaopt.experiment.observed import SUMS
from slaopt.experiment.simulating import START, simulate
from slaopt.experiment.tallying import Tally, hashes_of, tally

COMMON, OTHER = 2.0, 2.6


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    made = simulate(seed=1, units=30, per_unit=200, days=3, icc=0.05, unequal=0.5)
    made.loc[[5, 50], "duration"] = 0.0
    made.loc[7, "duration"] = COMMON  # at the threshold is no violation
    return made


def counted(rows: pd.DataFrame, *, unit: bool = True, times: bool = True, quantiles: bool = True) -> Observed:
    return tally(
        rows["arm"], rows["duration"], unit=rows["tenant"] if unit else None,
        times=rows["timestamp"] if times else None, common_threshold=COMMON, other_threshold=OTHER, quantiles=quantiles,
    )  # fmt: skip


def kinds(observed: Observed) -> list[str]:
    return [remark.kind for remark in observed.remarks]


def expected(rows: pd.DataFrame) -> pd.DataFrame:
    """The sums of each unit, by the hash of its name."""
    duration = rows["duration"]
    logs = np.log(duration.where(duration > 0, 1.0))
    columns = {
        "n": duration * 0 + 1, "common_violations": duration > COMMON, "other_violations": duration > OTHER,
        "between": (duration > COMMON) & (duration <= OTHER), "sums": duration, "squares": duration**2,
        "log_sums": logs, "log_squares": logs**2, "zeros": duration == 0,
    }  # fmt: skip
    names = rows["tenant"].map(lambda name: unit_hash("", name))
    return pd.DataFrame(columns).astype(float).groupby(names).sum()


def same(one: ArmUnits, other: ArmUnits) -> None:
    assert one.unit_hashes.tolist() == other.unit_hashes.tolist()
    assert np.array_equal(one.first_seen, other.first_seen, equal_nan=True)
    for name in SUMS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, err_msg=name)
    assert one.bounds.tolist() == other.bounds.tolist()
    assert (one.counts != other.counts).nnz == 0


@pytest.mark.parametrize("arm", ["control", "test"])
def test_sums_are_those_of_a_groupby(rows: pd.DataFrame, arm: str) -> None:
    found = counted(rows).arm(arm)
    mine = rows[rows["arm"] == arm]
    truth = expected(mine)
    assert found.unit_hashes.tolist() == truth.index.tolist()
    for name in SUMS:
        np.testing.assert_allclose(getattr(found, name), truth[name], rtol=1e-12, err_msg=name)
    first = mine.groupby(mine["tenant"].map(lambda name: unit_hash("", name)))["timestamp"].min()
    assert found.first_seen.tolist() == [moment.tz_localize(None).to_pydatetime() for moment in first]


def test_rows_of_their_own_are_one_sum(rows: pd.DataFrame) -> None:
    observed = counted(rows, unit=False)
    assert "rows_as_units" in kinds(observed)
    for arm in ("control", "test"):
        mine, truth = observed.arm(arm), expected(rows[rows["arm"] == arm]).sum()
        assert mine.each_row and mine.units == mine.executions == truth["n"]
        for name in SUMS:
            assert getattr(mine, name) == pytest.approx([truth[name]])


def test_buckets_hold_all_durations_and_part_them_at_both_thresholds(rows: pd.DataFrame) -> None:
    found = counted(rows).control
    duration = rows.loc[rows["arm"] == "control", "duration"]
    totals = np.asarray(found.counts.sum(axis=0))
    assert totals.sum() == len(duration)
    for bound in (0.0, COMMON, OTHER):
        at = np.searchsorted(found.bounds, bound)
        assert found.bounds[at] == bound
        assert totals[at + 1 :].sum() == (duration > bound).sum()
    cumulated, ordered = totals.cumsum(), np.sort(duration)
    for q in (0.5, 0.95, 0.99):
        bucket = found.bounds[np.searchsorted(cumulated, q * len(ordered))]
        assert bucket == pytest.approx(ordered[int(np.ceil(q * len(ordered))) - 1], rel=0.006)


def test_both_arms_have_a_profile_and_days_are_counted(rows: pd.DataFrame) -> None:
    observed = counted(rows)
    for at, arm in enumerate(("control", "test")):
        mine = rows[rows["arm"] == arm]
        profile = observed.profiles[arm]
        assert profile.executions.sum() == len(mine)
        assert profile.violations(COMMON).exact
        assert profile.violations(COMMON).lower.sum() == (mine["duration"] > COMMON).sum()
        by_day = mine.groupby(mine["timestamp"].dt.date).size().to_dict()
        assert {day: numbers[at] for day, numbers in observed.by_day.items()} == by_day
    assert observed.start == START
    assert list(observed.by_day) == [date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)]


def parts_of(rows: pd.DataFrame, edges: Sequence[int]) -> Iterator[pd.DataFrame]:
    bounds = [0, *sorted(edges), len(rows)]
    return (rows.iloc[low:high] for low, high in pairwise(bounds) if high > low)


@settings(max_examples=15, deadline=None)
@given(edges=st.lists(st.integers(0, 6_000), max_size=4), shuffled=st.integers(0, 3))
def test_parts_add_up_to_the_whole(edges: list[int], shuffled: int) -> None:
    rows = simulate(seed=2, units=12, per_unit=40, days=2)
    whole = counted(rows)
    dealt = rows.sample(frac=1, random_state=shuffled)
    parts = [counted(part) for part in parts_of(dealt, [edge % len(rows) for edge in edges])]
    added = parts[0]
    for part in parts[1:]:
        added = added + part
    for arm in ("control", "test"):
        same(added.arm(arm), whole.arm(arm))
        assert added.profiles[arm].executions.sum() == whole.profiles[arm].executions.sum()
    assert added.by_day == whole.by_day
    assert (added.start, added.end) == (whole.start, whole.end)


def test_batches_count_as_one(rows: pd.DataFrame) -> None:
    batches = Tally(
        common_threshold=COMMON, other_threshold=OTHER, each_row=False,
        start=START, end=datetime(2026, 11, 5, tzinfo=UTC),
    )  # fmt: skip
    for part in parts_of(rows, range(50, len(rows), 50)):
        times = part["timestamp"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        hashes, named = hashes_of(part["tenant"].to_numpy())
        assert named.all()
        batches.add((part["arm"] == "test").to_numpy(), part["duration"].to_numpy(), hashes=hashes, times=times)
    for arm in ("control", "test"):
        same(batches.observed().arm(arm), counted(rows).arm(arm))


def test_what_does_not_fit_is_not_added(rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="cannot add counts of rows to counts of units"):
        counted(rows) + counted(rows, unit=False)
    other = tally(rows["arm"], rows["duration"], unit=rows["tenant"], common_threshold=2.1, other_threshold=OTHER)
    with pytest.raises(ValueError, match="other thresholds"):
        counted(rows) + other


def test_no_name_of_a_unit_is_kept(rows: pd.DataFrame) -> None:
    observed = counted(rows)
    assert "tenant-" not in repr(observed.control) + repr(observed.to_dict())
    assert {len(one) for one in observed.control.unit_hashes} == {64}


def test_durations_that_cannot_be_used_are_left_out_and_said(rows: pd.DataFrame) -> None:
    broken = rows.copy()
    broken.loc[:2, "duration"] = [np.nan, -1.0, np.inf]
    observed = counted(broken)
    (remark,) = [remark for remark in observed.remarks if remark.kind == "rejected"]
    assert remark.count == 3
    same(observed.control, counted(rows.iloc[3:]).control)


def test_unknown_names_of_arms_are_named_with_their_counts(rows: pd.DataFrame) -> None:
    broken = rows.copy()
    broken.loc[:4, "arm"] = ["Kontrolle", "Kontrolle", "B", None, " test "]
    (remark,) = [remark for remark in counted(broken).remarks if remark.kind == "unknown_arm"]
    assert remark.count == 4
    assert "'Kontrolle' (2)" in remark.sentence and "'B' (1)" in remark.sentence and "none (1)" in remark.sentence
    renamed = rows.assign(arm=rows["arm"].map({"control": "A", "test": "B"}))
    observed = tally(
        renamed["arm"], renamed["duration"], common_threshold=COMMON, other_threshold=OTHER, arms=("A", "B")
    )
    assert observed.test.executions == (rows["arm"] == "test").sum()


def test_arms_may_be_truth_values(rows: pd.DataFrame) -> None:
    observed = tally(rows["arm"] == "test", rows["duration"], common_threshold=COMMON, other_threshold=OTHER)
    assert observed.test.executions == (rows["arm"] == "test").sum()


def test_a_unit_in_both_arms_is_left_out_of_both_and_many_decide(rows: pd.DataFrame) -> None:
    few = simulate(seed=3, units=400, per_unit=5)
    few.loc[few["tenant"] == "tenant-7", "arm"] = np.resize(["control", "test"], (few["tenant"] == "tenant-7").sum())
    observed = counted(few)
    (remark,) = [remark for remark in observed.remarks if remark.kind == "units_in_both_arms"]
    assert remark.count == 1 and not remark.decisive
    assert unit_hash("", "tenant-7") not in {*observed.control.unit_hashes, *observed.test.unit_hashes}
    mixed = rows.assign(arm=np.resize(["control", "test"], len(rows)))
    (remark,) = [remark for remark in counted(mixed).remarks if remark.kind == "units_in_both_arms"]
    assert remark.count == 30 and remark.decisive


@settings(max_examples=10, deadline=None)
@given(edges=st.lists(st.integers(1, 400), min_size=1, max_size=4))
def test_a_unit_that_was_in_both_arms_stays_out_whatever_the_parts(edges: list[int]) -> None:
    rows = simulate(seed=4, units=20, per_unit=20)
    torn = rows["tenant"].isin(["tenant-1", "tenant-2"])
    rows.loc[torn, "arm"] = np.resize(["control", "test", "control"], torn.sum())
    whole = counted(rows)
    first, *others = (counted(part) for part in parts_of(rows, [edge % len(rows) for edge in edges]))
    added = sum(others, start=first)
    for arm in ("control", "test"):
        assert added.arm(arm).unit_hashes.tolist() == whole.arm(arm).unit_hashes.tolist()
        assert added.arm(arm).n.tolist() == whole.arm(arm).n.tolist()
    assert (
        added.torn
        == whole.torn
        == {unit_hash("", name): (rows["tenant"] == name).sum() for name in ("tenant-1", "tenant-2")}
    )
    assert [remark for remark in added.remarks if remark.kind == "units_in_both_arms"] == [
        remark for remark in whole.remarks if remark.kind == "units_in_both_arms"
    ]


def test_rows_without_unit_are_left_out_and_said(rows: pd.DataFrame) -> None:
    broken = rows.copy()
    broken.loc[:3, "tenant"] = [None, " ", "x" * 201, np.nan]
    observed = counted(broken)
    (remark,) = [remark for remark in observed.remarks if remark.kind == "without_unit"]
    assert remark.count == 4
    assert observed.control.executions + observed.test.executions == len(rows) - 4


def test_rows_outside_the_time_that_counts_are_left_out_and_said(rows: pd.DataFrame) -> None:
    broken = rows.copy()
    broken.loc[0, "timestamp"] = pd.NaT
    day = slice(datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC))
    observed = tally(
        broken["arm"], broken["duration"], times=broken["timestamp"], start=day.start, end=day.stop,
        common_threshold=COMMON, other_threshold=OTHER,
    )  # fmt: skip
    inside = broken["timestamp"].between(day.start, day.stop, inclusive="left")
    (remark,) = [remark for remark in observed.remarks if remark.kind == "outside_time"]
    assert remark.count == (~inside).sum()
    assert observed.control.executions + observed.test.executions == inside.sum()
    assert list(observed.by_day) == [date(2026, 11, 3)]


def test_nothing_at_all_counts_as_nothing() -> None:
    observed = tally([], [], unit=[], times=[], common_threshold=COMMON, other_threshold=OTHER)
    assert observed.control.units == observed.test.units == 0
    assert observed.start is None and not observed.by_day


def test_without_quantiles_the_sums_are_the_same(rows: pd.DataFrame) -> None:
    quick, full = counted(rows, quantiles=False), counted(rows)
    assert not quick.profiles
    for name in SUMS:
        assert getattr(quick.control, name).tolist() == getattr(full.control, name).tolist()


@pytest.mark.filterwarnings("error")
def test_a_duration_beyond_all_measure_does_not_break_the_sums(rows: pd.DataFrame) -> None:
    longer = rows.copy()
    longer.loc[0, "duration"] = 1e300
    observed = counted(longer)
    assert all(np.isfinite(getattr(arm, name)).all() for arm in (observed.control, observed.test) for name in SUMS)
    evaluation = evaluate(longer, control_threshold=COMMON, test_threshold=OTHER)
    assert [remark.kind for remark in evaluation.remarks].count("outlier") == 1
