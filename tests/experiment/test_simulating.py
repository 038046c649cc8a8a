"""Simulated traffic has the truth that it was asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from slaopt.experiment.assignment import arm_of
from slaopt.experiment.past import units_before
from slaopt.experiment.simulating import START, simulate
from slaopt.experiment.tallying import tally


def test_each_arm_has_its_violation_rate_at_the_threshold() -> None:
    rows = simulate(seed=1, units=40, per_unit=5_000, control_rate=0.05, test_rate=0.08)
    above = (rows["duration"] > 2.0).groupby(rows["arm"]).agg(["mean", "size"])
    for arm, rate in (("control", 0.05), ("test", 0.08)):
        error = np.sqrt(rate * (1 - rate) / above.loc[arm, "size"])
        assert abs(above.loc[arm, "mean"] - rate) < 4 * error


def test_executions_of_a_tenant_are_as_alike_as_asked() -> None:
    rows = simulate(seed=2, units=2_000, per_unit=150, control_rate=0.1, icc=0.05)
    observed = tally(rows["arm"], rows["duration"], unit=rows["tenant"], common_threshold=2.0, other_threshold=2.5)
    found = [units_before(observed.arm(name)).icc for name in ("control", "test")]
    assert np.mean(found) == pytest.approx(0.05, abs=0.006)  # its standard error over 2,000 tenants is 0.002


def test_tenants_are_of_unequal_sizes() -> None:
    rows = simulate(seed=3, units=1_000, per_unit=100, unequal=0.8)
    sizes = rows["tenant"].value_counts()
    assert len(rows) == pytest.approx(100_000, rel=0.1)
    assert sizes.std() / sizes.mean() == pytest.approx(0.8, abs=0.1)


def test_times_follow_the_day_and_lie_in_the_days() -> None:
    rows = simulate(seed=4, units=10, per_unit=5_000, days=3)
    assert rows["timestamp"].is_monotonic_increasing
    assert rows["timestamp"].min() >= pd.Timestamp(START)
    assert rows["timestamp"].max() < pd.Timestamp(START + timedelta(days=3))
    by_hour = rows["timestamp"].dt.hour.value_counts()
    assert by_hour[14] / by_hour[2] == pytest.approx(1.35 / 0.65, rel=0.15)


def test_a_part_of_a_day_can_be_simulated() -> None:
    start = datetime(2026, 5, 1, 6, tzinfo=UTC)
    rows = simulate(seed=4, units=10, per_unit=100, days=0.5, start=start)
    assert rows["timestamp"].between(start, start + timedelta(hours=12), inclusive="left").all()


def test_a_salt_assigns_tenants_as_the_recipe_does() -> None:
    rows = simulate(seed=5, units=200, per_unit=2, salt="s", traffic_split=0.3)
    arms = rows.groupby("tenant")["arm"].first()
    assert arms.to_dict() == {tenant: arm_of("s", tenant, traffic_split=0.3) for tenant in arms.index}


def test_the_same_seed_gives_the_same_rows() -> None:
    pd.testing.assert_frame_equal(simulate(seed=6, units=5), simulate(seed=6, units=5))
    assert not simulate(seed=6, units=5)["duration"].equals(simulate(seed=7, units=5)["duration"])
