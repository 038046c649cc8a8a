"""What an experiment has measured until a moment: counts of each unit, which add up over days, shards and machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slaopt.profile import Profile
from slaopt.result import Result
from slaopt.wording import count

__all__ = ["SUMS", "ArmUnits", "Observed", "Remark", "RemarkKind", "added", "apart", "first_of", "no_units"]

Floats = NDArray[np.float64]

SUMS = (
    "n", "common_violations", "other_violations", "between", "sums", "squares", "log_sums", "log_squares", "zeros",
)  # fmt: skip

TOLERATED = 0.01  # share of the units that may be seen in both arms: more says that the assignment does not hold


RemarkKind = Literal[
    "units_in_both_arms", "unknown_arm", "outside_time", "late", "missing_days", "dried_up", "silent", "duplicates",
    "rejected", "without_unit", "rows_as_units", "one_arm", "tiny_arm", "few_units", "constant", "all_violate",
    "none_violates", "outlier", "sample_ratio", "not_as_assigned", "reading",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Result):
    """Something about the measurements that a reader has to know; `decisive`: nothing can be concluded from them."""

    kind: RemarkKind
    sentence: str
    count: float = 0.0
    decisive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmUnits:
    """What the units of one arm did, each array (units,), in the order of their hashes.

    Where each row is a unit of its own, one entry holds the sums of all (`each_row`): rows are exchangeable, and their
    variance follows from the sums. Counts of buckets, (units, buckets), are kept for quantiles: bucket i holds the
    durations in (bounds[i-1], bounds[i]], the first those of exactly 0 where bounds[0] is 0.
    """

    unit_hashes: NDArray[np.str_]  # never names
    first_seen: NDArray[np.datetime64]  # UTC, NaT where no times are known
    n: Floats  # executions
    common_violations: Floats  # above the common threshold
    other_violations: Floats  # above the other one
    between: Floats  # between both: min < duration <= max
    sums: Floats  # seconds
    squares: Floats  # seconds²
    log_sums: Floats  # of log seconds, positive durations only
    log_squares: Floats
    zeros: Floats  # durations of exactly 0, which have no logarithm
    bounds: Floats  # (buckets,) seconds, increasing
    counts: csr_array  # (units, buckets)
    each_row: bool

    @property
    def units(self) -> float:
        """Number of units: of executions where each row is one."""
        return float(self.n.sum()) if self.each_row else float(len(self.n))

    @property
    def executions(self) -> float:
        """Number of executions."""
        return float(self.n.sum())

    def __add__(self, other: ArmUnits) -> ArmUnits:
        """Add what the same or other units did elsewhere. Raises as `added`."""
        return added([self, other])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observed(Result):
    """Both arms of an experiment, from its start until a moment."""

    common_threshold: float  # seconds
    other_threshold: float
    control: ArmUnits = field(metadata={"published": None})
    test: ArmUnits = field(metadata={"published": None})
    start: datetime | None = None  # None: the measurements have no times
    end: datetime | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict, metadata={"published": None})  # by arm, in hours
    by_day: Mapping[date, tuple[float, float]] = field(default_factory=dict, metadata={"published": None})
    remarks: tuple[Remark, ...] = ()
    torn: Mapping[str, float] = field(default_factory=dict, metadata={"published": None})  # executions by hash

    def arm(self, name: str) -> ArmUnits:
        """Give one arm by its name, `control` or `test`."""
        return {"control": self.control, "test": self.test}[name]

    def noting(self, remarks: Iterable[Remark]) -> Observed:
        """Give the same measurements with more said of them."""
        return replace(self, remarks=(*self.remarks, *remarks))

    def __add__(self, other: Observed) -> Observed:
        """Add measurements of the same experiment from elsewhere: other days, shards or machines.

        Raises
        ------
        ValueError
            If their thresholds differ, or their units cannot be added.
        """
        mine, theirs = ((one.common_threshold, one.other_threshold) for one in (self, other))
        if mine != theirs:
            raise ValueError("cannot add measurements at other thresholds: count both at the same two")
        before = {one: self.torn.get(one, 0.0) + other.torn.get(one, 0.0) for one in {*self.torn, *other.torn}}
        control, test, torn = apart(self.control + other.control, self.test + other.test, before)
        said = (one for one in (*self.remarks, *other.remarks) if one.kind != "units_in_both_arms")
        days = sorted({*self.by_day, *other.by_day})
        profiles = dict(self.profiles)
        for arm, profile in other.profiles.items():
            profiles[arm] = profiles[arm] + profile if arm in profiles else profile
        return Observed(
            common_threshold=self.common_threshold,
            other_threshold=self.other_threshold,
            control=control,
            test=test,
            start=min((one.start for one in (self, other) if one.start), default=None),
            end=max((one.end for one in (self, other) if one.end), default=None),
            profiles=profiles,
            by_day={day: _summed(self.by_day.get(day), other.by_day.get(day)) for day in days},
            remarks=tuple(dict.fromkeys((*said, *torn_remarks(control, test, torn)))),
            torn=torn,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers of units and executions, the span and the remarks."""
        return {
            "sample_sizes": {name: self.arm(name).executions for name in ("control", "test")},
            "units": {name: self.arm(name).units for name in ("control", "test")},
            "start": None if self.start is None else self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
            "remarks": [remark.to_dict() for remark in self.remarks],
        }


def no_units(*, each_row: bool) -> ArmUnits:
    """Give the counts of an arm in which nothing ran."""
    return ArmUnits(
        unit_hashes=np.empty(0, dtype="U64"),
        first_seen=np.empty(0, dtype="datetime64[us]"),
        **{name: np.empty(0) for name in SUMS},
        bounds=np.empty(0),
        counts=csr_array((0, 0)),
        each_row=each_row,
    )


def added(parts: Sequence[ArmUnits]) -> ArmUnits:
    """Add counts of the same or other units, whatever their order.

    Raises
    ------
    ValueError
        If some count rows and others units, or their bounds do not fit together.
    """
    if len({part.each_row for part in parts if len(part.n)}) > 1:
        raise ValueError("cannot add counts of rows to counts of units: read both with the same unit of assignment")
    some = [part for part in parts if len(part.n)]
    if not some:
        return parts[0]
    found, unit = np.unique(np.concatenate([part.unit_hashes for part in some]), return_inverse=True)
    bounds = np.unique(np.concatenate([part.bounds for part in some]))
    sums = {
        name: np.bincount(unit, weights=np.concatenate([getattr(part, name) for part in some])).astype(float)
        for name in SUMS
    }
    rows, columns, cells = [], [], []
    starts = np.cumsum([0, *(len(part.n) for part in some)])
    for part, start in zip(some, starts, strict=False):
        table = part.counts.tocoo()
        rows.append(unit[start + table.row])
        columns.append(_placed(part, bounds)[table.col])
        cells.append(table.data)
    joined = (np.concatenate(cells), (np.concatenate(rows), np.concatenate(columns)))
    counts = csr_array(joined, shape=(len(found), len(bounds)))
    counts.sum_duplicates()
    return ArmUnits(
        unit_hashes=found,
        first_seen=first_of(np.concatenate([part.first_seen for part in some]), unit, len(found)),
        **sums,
        bounds=bounds,
        counts=counts,
        each_row=some[0].each_row,
    )


def apart(
    control: ArmUnits, test: ArmUnits, before: Mapping[str, float] | None = None
) -> tuple[ArmUnits, ArmUnits, dict[str, float]]:
    """Leave units that were seen in both arms, now or `before`, out of both; give their executions by hash."""
    torn = dict(before or {})
    if control.each_row or test.each_row:
        return control, test, torn
    both = np.union1d(np.intersect1d(control.unit_hashes, test.unit_hashes), np.array([*torn], dtype="U64"))
    if not len(both):
        return control, test, torn
    for arm in (control, test):
        left_out = np.isin(arm.unit_hashes, both)
        for one, number in zip(arm.unit_hashes[left_out].tolist(), arm.n[left_out].tolist(), strict=True):
            torn[one] = torn.get(one, 0.0) + number
    return _without(control, both), _without(test, both), torn


def _without(arm: ArmUnits, hashes: NDArray[np.str_]) -> ArmUnits:
    """Take some units out."""
    kept = ~np.isin(arm.unit_hashes, hashes)
    return ArmUnits(
        unit_hashes=arm.unit_hashes[kept],
        first_seen=arm.first_seen[kept],
        **{name: getattr(arm, name)[kept] for name in SUMS},
        bounds=arm.bounds,
        counts=arm.counts[np.flatnonzero(kept)],
        each_row=arm.each_row,
    )


def torn_remarks(control: ArmUnits, test: ArmUnits, torn: Mapping[str, float]) -> list[Remark]:
    """Say how many units were left out of both arms; where they are many the arms are not apart."""
    if not torn:
        return []
    units = len(torn) + len(control.n) + len(test.n)
    decisive = len(torn) > TOLERATED * units
    so = (
        "the arms are not apart, and nothing can be concluded: find out why units change arms"
        if decisive
        else "they are left out of both"
    )
    return [
        Remark(
            kind="units_in_both_arms",
            count=len(torn),
            decisive=decisive,
            sentence=f"{count(len(torn))} of {count(units)} units {'was' if len(torn) == 1 else 'were'} seen in both "
            f"arms ({count(sum(torn.values()))} executions): {so}.",
        )
    ]


def _placed(part: ArmUnits, bounds: Floats) -> NDArray[np.int64]:
    """Give the column of each bucket among more bounds; an occupied bucket must not be split."""
    column = np.searchsorted(bounds, part.bounds)
    used = np.unique(part.counts.indices)
    used = used[used > 0]
    if (column[used - 1] + 1 != column[used]).any():
        raise ValueError("cannot add counts with other bounds: both must be of the same two thresholds")
    return column.astype(np.int64)


def first_of(
    times: NDArray[np.datetime64] | None, unit: NDArray[np.int64] | None, units: int
) -> NDArray[np.datetime64]:
    """Give when each unit was first seen, NaT where no time is known."""
    if times is None:
        return np.full(units, np.datetime64("NaT", "us"))
    if unit is None:
        return np.array([times.min()], dtype="datetime64[us]")
    first = np.full(units, np.datetime64("NaT", "us"))
    np.fmin.at(first, unit, times.astype("datetime64[us]"))
    return first


def _summed(one: tuple[float, float] | None, other: tuple[float, float] | None) -> tuple[float, float]:
    (a, b), (c, d) = one or (0.0, 0.0), other or (0.0, 0.0)
    return a + c, b + d
