"""Rows that were written twice are told from those that agree by chance."""

from __future__ import annotations

import numpy as np
import pytest

from slaopt.experiment.repeats import Repeats

SECOND = np.timedelta64(1, "s")


def counted(times: np.ndarray, seconds: np.ndarray, units: np.ndarray | None) -> float:
    repeats = Repeats()
    for part in np.array_split(np.arange(len(times)), 3):
        repeats.add(times[part], seconds[part], None if units is None else units[part])
    return sum(remark.count for remark in repeats.remarks())


@pytest.mark.parametrize("with_units", [True, False])
@pytest.mark.parametrize("twice", [0, 300])
def test_of_coarse_rows_only_those_beyond_chance_are_said(twice: int, with_units: bool) -> None:
    rng = np.random.default_rng(1)
    times = np.datetime64("2026-11-02", "us") + rng.integers(0, 10_000, 50_000) * SECOND  # five in each second
    seconds = rng.lognormal(0.0, 0.5, 50_000).round(2)
    units = np.array([f"tenant-{number}" for number in rng.integers(0, 20, 50_000)], dtype=object)
    again = np.r_[np.arange(50_000), np.arange(twice)]
    found = counted(times[again], seconds[again], units[again] if with_units else None)
    if not twice:
        assert found == 0
    elif with_units:  # without, so many agree anyway that 300 do not stand out
        assert found >= twice


def test_of_fine_rows_a_single_one_is_said() -> None:
    rng = np.random.default_rng(2)
    times = np.datetime64("2026-11-02", "us") + rng.integers(0, 10**12, 1_000).astype("timedelta64[us]")
    seconds = rng.lognormal(0.0, 0.5, 1_000)
    again = np.r_[np.arange(1_000), 5]
    assert counted(times, seconds, None) == 0
    assert counted(times[again], seconds[again], None) == 1


def test_nothing_repeats_in_nothing() -> None:
    assert [*Repeats().remarks()] == []
