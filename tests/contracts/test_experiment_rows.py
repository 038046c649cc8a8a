"""One body, every adapter: both arms of an experiment are counted as the rows themselves say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from slaopt.errors import InputError
from slaopt.excluded import BusinessHours, Excluded
from slaopt.experiment import ArmUnits, Design, Observed
from slaopt.experiment.assignment import arm_of, unit_hash
from slaopt.experiment.observed import SUMS
from slaopt.experiment.simulating import START, simulate
from slaopt.experiment.tallying import tally
from slaopt.params import Params, ParamsBook
from slaopt.sources import Source, connect
from slaopt.sources.observing import columns_of, observe
from slaopt.sources.units import units_before
from tests.experiment.looks import DESIGN

Write = Callable[[Mapping[str, Sequence[Any]]], str]

some_sources = pytest.mark.parametrize("write", ["csv", "postgresql"], indirect=True)  # where the reading is the same

BY_TENANT = replace(DESIGN, unit="tenant", common_threshold=2.0, control_threshold=2.0, test_threshold=2.6)
BY_ROW = replace(BY_TENANT, unit="request")
END = START + timedelta(days=3)
SALT = "salt of a test"


def rows_of(**given: Any) -> pd.DataFrame:
    made = simulate(**{"seed": 1, "units": 20, "per_unit": 30, "days": 3, "salt": SALT, **given})
    return made.assign(service="checkout", status="ok", duration=made["duration"].round(4))


def source_of(write: Write, rows: pd.DataFrame, columns: Mapping[str, str], params: Params | None = None) -> Source:
    plain = {
        name: [None if value is None or value is pd.NaT or value != value else value for value in rows[name].tolist()]
        for name in rows
    }
    plain["timestamp"] = [None if moment is None else moment.to_pydatetime() for moment in plain["timestamp"]]
    book = ParamsBook(default=params or Params(), services={})
    return connect(write(plain), book=book, now=END + timedelta(days=9), columns=columns_of(columns))


def observed_of(
    write: Write,
    rows: pd.DataFrame,
    *,
    design: Design = BY_TENANT,
    columns: Mapping[str, str] | None = None,
    params: Params | None = None,
    **given: Any,
) -> Observed:
    source = source_of(write, rows, {"unit": "tenant"} if columns is None else columns, params)
    wanted = {"service": "checkout", "start": START, "end": END, "salt": SALT, **given}
    return observe(source, design=design, params=params or Params(), **wanted)


def truth(rows: pd.DataFrame, *, unit: bool = True, salt: str = SALT) -> Observed:
    found = tally(
        rows["arm"], rows["duration"], unit=rows["tenant"] if unit else None, times=rows["timestamp"],
        start=START, end=END, common_threshold=2.0, other_threshold=2.6,
    )  # fmt: skip
    if not unit:
        return found
    names = {unit_hash("", name): unit_hash(salt, name) for name in rows["tenant"].unique()}
    arms = {}
    for arm in ("control", "test"):
        mine = found.arm(arm)
        hashes = np.array([names[one] for one in mine.unit_hashes])
        order = np.argsort(hashes)
        sums = {name: getattr(mine, name)[order] for name in SUMS}
        arms[arm] = replace(
            mine, unit_hashes=hashes[order], first_seen=mine.first_seen[order], counts=mine.counts[order], **sums
        )
    return replace(found, **arms)


def assert_counts(found: Observed, true: Observed) -> None:
    for arm in ("control", "test"):
        mine, theirs = found.arm(arm), true.arm(arm)
        assert mine.unit_hashes.tolist() == theirs.unit_hashes.tolist()
        assert mine.first_seen.tolist() == theirs.first_seen.tolist()
        for name in SUMS:
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=1e-12, err_msg=name)
        assert mine.bounds.tolist() == theirs.bounds.tolist()
        assert (mine.counts != theirs.counts).nnz == 0
        assert found.profiles[arm].executions.tolist() == true.profiles[arm].executions.tolist()
    assert found.by_day == true.by_day


def remarks(observed: Observed) -> dict[str, tuple[float, bool]]:
    return {remark.kind: (remark.count, remark.decisive) for remark in observed.remarks}


def test_units_are_assigned_by_their_hash(write: Write) -> None:
    rows = rows_of()
    others = rows.assign(service="login")
    early = rows.iloc[:50].assign(timestamp=START - timedelta(hours=5))
    found = observed_of(write, pd.concat([rows, others, early], ignore_index=True))
    assert_counts(found, truth(rows))
    assert remarks(found) == {}
    assert (found.common_threshold, found.other_threshold) == (2.0, 2.6)


def test_a_column_may_name_the_arm(write: Write) -> None:
    rows = rows_of(salt=None).rename(columns={"arm": "variant"})
    rows["variant"] = rows["variant"].map({"control": "A", "test": "B"})
    found = observed_of(write, rows, columns={"unit": "tenant", "arm": "variant"}, salt=None, arms=("A", "B"))
    assert_counts(found, truth(rows.assign(arm=rows["variant"].map({"A": "control", "B": "test"})), salt=""))


def test_rows_may_be_their_own_units(write: Write) -> None:
    rows = rows_of(salt=None)
    found = observed_of(write, rows, design=BY_ROW, columns={"arm": "arm"}, salt=None)
    assert_counts(found, truth(rows, unit=False))


@some_sources
def test_each_request_may_be_assigned_by_its_own_hash(write: Write) -> None:
    rows = rows_of(salt=None)
    rows["request"] = [f"request-{nth}" for nth in range(len(rows))]
    rows["arm"] = [arm_of(SALT, request, traffic_split=0.5) for request in rows["request"]]
    others = rows.rename(columns={"arm": "kept"}).assign(group="blue")  # is called like an arm, and is none
    found = observed_of(write, others, design=BY_ROW, columns={"unit": "request"})
    assert_counts(found, truth(rows, unit=False))


def test_what_cannot_be_used_is_left_out_and_said(write: Write) -> None:
    rows = rows_of()
    rows.loc[:1, "duration"] = [-1.0, np.nan]
    rows.loc[2:4, "status"] = "failed"
    rows.loc[5:6, "tenant"] = ["", None]
    found = observed_of(write, rows)
    assert_counts(found, truth(rows.iloc[7:]))
    said = remarks(found)
    assert said["without_unit"] == (2, False)
    assert sorted(remark.count for remark in found.remarks if remark.kind == "rejected") == [2, 3]


@some_sources
def test_an_arm_that_contradicts_the_hash_decides_where_it_is_no_accident(write: Write) -> None:
    rows = rows_of()
    wrong = rows.copy()
    torn = wrong["tenant"] == "tenant-3"
    wrong.loc[torn, "arm"] = "test" if arm_of(SALT, "tenant-3", traffic_split=0.5) == "control" else "control"
    found = observed_of(write, wrong, columns={"unit": "tenant", "arm": "arm"})
    assert remarks(found)["not_as_assigned"] == (torn.sum(), True)


@some_sources
def test_units_in_both_arms_are_left_out_of_both(write: Write) -> None:
    rows = rows_of(salt=None)
    torn = np.flatnonzero(rows["tenant"] == "tenant-3")
    rows.loc[torn, "arm"] = np.resize(["control", "test"], len(torn))
    found = observed_of(write, rows, columns={"unit": "tenant", "arm": "arm"}, salt=None)
    assert remarks(found)["units_in_both_arms"] == (1, True)
    assert found.control.units + found.test.units == 19


@some_sources
def test_unknown_arms_are_named(write: Write) -> None:
    rows = rows_of(salt=None)
    rows.loc[:2, "arm"] = ["holdout", "holdout", ""]
    found = observed_of(write, rows, design=BY_ROW, columns={"arm": "arm"}, salt=None)
    (remark,) = [remark for remark in found.remarks if remark.kind == "unknown_arm"]
    assert remark.count == 3 and "'holdout' (2)" in remark.sentence
    assert_counts(found, truth(rows.iloc[3:], unit=False))


@some_sources
def test_rows_that_stand_twice_are_said(write: Write) -> None:
    rows = rows_of()
    found = observed_of(write, pd.concat([rows, rows.iloc[:7]], ignore_index=True))
    assert remarks(found) == {"duplicates": (7, False)}


@some_sources
def test_late_rows_missing_days_and_an_arm_that_dries_up_are_said(write: Write) -> None:
    rows = rows_of(days=5)
    end = START + timedelta(days=5)
    seen = truth(rows).by_day
    previous = {day: (numbers[0] - 3, numbers[1]) for day, numbers in seen.items()}
    day = rows["timestamp"].dt.date
    lost = rows[~((day == date(2026, 11, 3)) | ((rows["arm"] == "test") & (day >= date(2026, 11, 4))))]
    found = observed_of(write, lost, end=end, previous=previous)
    said = remarks(found)
    assert said["missing_days"] == (1, False)
    assert said["dried_up"] == (3, True)
    late = [remark for remark in found.remarks if remark.kind == "late"]
    assert [remark.count for remark in late] == [3, sum(previous[date(2026, 11, 3)])]


@some_sources
def test_excluded_time_counts_for_neither_arm(write: Write) -> None:
    rows = rows_of()
    params = Params(excluded=Excluded(business_hours=BusinessHours()), timezone="Europe/Zurich")
    found = observed_of(write, rows, params=params)
    local = rows["timestamp"].dt.tz_convert("Europe/Zurich").dt.hour
    assert_counts(found, truth(rows[(local >= 8) & (local < 18)]))


@some_sources
@pytest.mark.parametrize("columns", [{}, {"arm": "arm"}])
def test_measurements_that_do_not_say_whose_an_execution_was_are_refused(write: Write, columns: dict[str, str]) -> None:
    rows = rows_of().rename(columns={"tenant": "customer"})
    with pytest.raises(InputError, match="--column unit=NAME"):
        observed_of(write, rows, columns=columns)


@some_sources
def test_a_column_or_service_that_is_not_there_is_refused(write: Write) -> None:
    source = source_of(write, rows_of(), {"unit": "tenan"})
    with pytest.raises(InputError, match=r"no column 'tenan'.*did you mean 'tenant'"):
        observe(source, service="checkout", design=BY_TENANT, params=Params(), start=START, end=END, salt=SALT)


@some_sources
def test_a_service_that_is_not_there_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match="no such service in the measurements; did you mean 'checkout'"):
        observed_of(write, rows_of(), service="checkuot")


@some_sources
@pytest.mark.parametrize("name", ["tenant", "Tenant", "tenantId", "TENANT_NAME"])
def test_the_unit_is_found_by_the_word_of_the_design(write: Write, name: str) -> None:
    rows = rows_of()
    assert_counts(observed_of(write, rows.rename(columns={"tenant": name}), columns={}), truth(rows))


def test_the_arm_is_found_where_each_execution_is_assigned(write: Write) -> None:
    rows = rows_of(salt=None)
    found = observed_of(write, rows.rename(columns={"arm": "variant"}), design=BY_ROW, columns={})
    assert_counts(found, truth(rows, unit=False))


def test_units_are_counted_before_a_test(write: Write) -> None:
    rows = rows_of()
    source = source_of(write, rows, {})

    def counted(unit: str) -> ArmUnits | None:
        return units_before(source, "checkout", START, END, unit=unit, common_threshold=2.0, other_threshold=2.6)

    units = counted("tenant")
    assert units is not None and counted("team") is None
    sizes = rows.groupby("tenant").size()
    assert dict(zip(units.unit_hashes.tolist(), units.n.tolist(), strict=True)) == {
        unit_hash("", name): size for name, size in sizes.items()
    }
    assert units.common_violations.sum() == (rows["duration"] > 2.0).sum()


@some_sources
def test_the_name_of_a_unit_is_in_nothing_that_comes_out(write: Write) -> None:
    found = observed_of(write, rows_of())
    assert "tenant-" not in f"{found!r} {found.to_dict()} {found.control!r} {found.test!r} {found.remarks}"


def test_the_same_rows_give_the_same_bits(write: Write) -> None:
    source = source_of(write, rows_of(per_unit=200), {"unit": "tenant"})
    wanted = {"service": "checkout", "design": BY_TENANT, "params": Params(), "start": START, "end": END, "salt": SALT}
    one, two = (observe(source, **wanted) for _ in range(2))
    for arm in ("control", "test"):
        for name in SUMS:
            assert getattr(one.arm(arm), name).tolist() == getattr(two.arm(arm), name).tolist()


def test_a_naive_time_is_utc(write: Write) -> None:
    rows = rows_of()
    naive = rows.assign(timestamp=rows["timestamp"].dt.tz_localize(None))
    assert_counts(observed_of(write, naive), truth(rows))
    assert datetime(2026, 11, 2, tzinfo=UTC) == START
