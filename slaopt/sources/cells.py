"""Grouped counts, as any engine's GROUP BY gives them, made into the Profiles of one service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slaopt.buckets import counted_bounds, refined_bounds
from slaopt.excluded import excluded_steps
from slaopt.intake import ServiceIntake
from slaopt.params import Params
from slaopt.profile import HOURS, STEPS, Profile, Profiles, SlotSums

__all__ = ["ZERO", "CoarseCells", "FineCells", "StepSums", "build_profiles"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Counts = NDArray[np.floating[Any] | np.integer[Any]]

ZERO = -1  # the `coarse` of executions that took exactly 0
STEPS_PER_HOUR = HOURS.step // STEPS.step
LARGEST = float(np.finfo(float).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class FineCells:
    """Executions by hour and cell of duration; a cell is exponential bucket ∩ counted bucket. All arrays (cells,)."""

    slot: Ints  # hours since the start
    fine: Ints  # ceil(log2(seconds) · 128); anything where `coarse` is ZERO
    coarse: Ints  # how many of the counted bounds lie below the duration, or ZERO
    count: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class CoarseCells:
    """Executions by five-minute step and counted bucket. All arrays (cells,)."""

    slot: Ints  # steps since the start
    coarse: Ints
    count: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSums:
    """What is summed of each five-minute step in which anything happened. All arrays (steps with rows,)."""

    slot: Ints  # steps since the start, each once
    sums: Floats  # seconds; 0 where only failures happened
    log_sums: Floats  # natural logarithms of seconds, positive durations only
    minima: Floats  # NaN where only failures happened
    maxima: Floats
    failures: Floats


def build_profiles(
    *,
    service: str,
    start: datetime,
    end: datetime,
    fine: FineCells,
    coarse: CoarseCells,
    sums: StepSums,
    counted: Floats,
    thresholds: Iterable[float],
    params: Params,
    intake: ServiceIntake,
) -> Profiles:
    """Build both Profiles of a service from counts that leave out failed executions and excluded time.

    Parameters
    ----------
    counted
        The bounds, seconds, that `coarse` refers to; those of other services among them are pooled away.
    thresholds
        The service's own thresholds, seconds.
    params
        The service's settings: time zone, excluded time, what failures mean.
    """
    own = counted_bounds(thresholds=thresholds)
    hour_coarse, step_coarse = (_pooled(cells.coarse, counted, own) for cells in (fine, coarse))
    per_step = _placed(sums, start, end, params)
    settings: dict[str, Any] = {
        "service": service,
        "start": start,
        "timezone": params.timezone,
        "timestamp_is": params.timestamp_is,
        "failures_are_violations": params.failures == "violations",
    }
    hours = Profile.from_buckets(
        step=HOURS.step, slot=fine.slot, count=fine.count, slot_sums=_hourly(per_step),
        **_fine_buckets(fine.fine, hour_coarse, own), **settings,
    )  # fmt: skip
    steps = Profile.from_buckets(
        step=STEPS.step, slot=coarse.slot, count=coarse.count, slot_sums=per_step,
        **_coarse_buckets(step_coarse, own), **settings,
    )  # fmt: skip
    return Profiles(service=service, hours=hours, steps=steps, intake=intake, params=params)


def _pooled(coarse: Ints, counted: Floats, own: Floats) -> Ints:
    """Turn numbers of counted bounds below into numbers of own bounds below; own is part of counted."""
    if np.array_equal(counted, own):
        return coarse
    below = np.concatenate([[0.0], counted])[np.maximum(coarse, 0)]
    return np.where(coarse == ZERO, ZERO, np.searchsorted(own, below, side="right")).astype(np.int64)


def _fine_buckets(fine: Ints, coarse: Ints, counted: Floats) -> dict[str, Any]:
    """Give the different buckets among the cells, with their bounds; zeros are one bucket."""
    zero = coarse == ZERO
    lowest = int(np.where(zero, 0, fine).min(initial=0)) - 2
    rank = np.where(zero, 0, fine.astype(np.int64) + coarse - lowest)  # grows with the duration, no two cells alike
    bucket, example = _distinct(rank)
    is_zero = zero[example]
    low, high = refined_bounds(
        np.where(is_zero, 0, fine[example]).astype(np.int64), np.where(is_zero, 0, coarse[example]), counted
    )
    return {"bucket": bucket, "low": np.where(is_zero, 0.0, low), "high": np.where(is_zero, 0.0, high)}


def _coarse_buckets(coarse: Ints, counted: Floats) -> dict[str, Any]:
    bucket, example = _distinct(coarse - ZERO)
    different = coarse[example]
    zero, at = different == ZERO, np.maximum(different, 0)
    low, high = np.concatenate([[0.0], counted])[at], np.concatenate([counted, [LARGEST]])[at]
    return {"bucket": bucket, "low": np.where(zero, 0.0, low), "high": np.where(zero, 0.0, high)}


def _distinct(ranks: Ints) -> tuple[Ints, Ints]:
    """Number the different ranks, all at least 0 and not far apart: each one's number, and where each number stands."""
    stands = np.full(int(ranks.max(initial=-1)) + 1, -1)
    stands[ranks] = np.arange(len(ranks))
    present = stands >= 0
    return (np.cumsum(present) - 1)[ranks], stands[present]


def _placed(sums: StepSums, start: datetime, end: datetime, params: Params) -> SlotSums:
    """Put the sums of the occupied steps into all steps of the period."""
    slots = (end - start) // STEPS.step
    nothing = SlotSums.empty(slots)
    placed = {name: getattr(nothing, name).copy() for name in ("sums", "log_sums", "minima", "maxima", "failures")}
    for name, values in placed.items():
        values[sums.slot] = getattr(sums, name)
    mask = excluded_steps(params.excluded, timezone=params.timezone, start=start, end=end)
    return SlotSums(**placed, excluded=mask.astype(float))


def _hourly(steps: SlotSums) -> SlotSums:
    """Pool the sums of each hour's steps."""

    def by_hour(name: str) -> Floats:
        return np.asarray(getattr(steps, name)).reshape(-1, STEPS_PER_HOUR)

    return SlotSums(
        sums=by_hour("sums").sum(axis=1),
        log_sums=by_hour("log_sums").sum(axis=1),
        minima=np.fmin.reduce(by_hour("minima"), axis=1),
        maxima=np.fmax.reduce(by_hour("maxima"), axis=1),
        failures=by_hour("failures").sum(axis=1),
        excluded=by_hour("excluded").mean(axis=1),
    )
