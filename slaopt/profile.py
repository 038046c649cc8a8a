"""The Profile: how one service's durations were distributed in each slot of time.

Everything that slaopt estimates is computed from Profiles, never from raw rows. A Profile is a sparse table
(slot × bucket → count) with a few sums per slot. Buckets are those of OpenTelemetry's exponential histograms,
`base = 2 ** (2 ** -scale)` with inclusive upper bounds, split where a threshold was counted exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from slaopt.buckets import SAME, bucket_bounds, counted_bounds
from slaopt.intake import ServiceIntake
from slaopt.params import Params
from slaopt.result import Result

__all__ = ["HOURS", "STEPS", "Profile", "Profiles", "Resolution", "SlotSums", "Violations"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A step of time and a scale of buckets; `scale=None` keeps the counted bounds only."""

    name: str
    step: timedelta
    scale: int | None


HOURS = Resolution(name="1h", step=timedelta(hours=1), scale=7)  # any quantile within 0.3 %
STEPS = Resolution(name="5min", step=timedelta(minutes=5), scale=None)  # the shortest burn-rate window


@dataclass(frozen=True, slots=True, kw_only=True)
class Violations:
    """Violations in each slot: at least `lower`, at most `upper`; equal where the threshold was counted."""

    lower: Floats  # (slots,)
    upper: Floats  # (slots,)

    @property
    def exact(self) -> bool:
        """Whether both counts are the same in every slot."""
        return bool(np.array_equal(self.lower, self.upper))

    @property
    def middle(self) -> Floats:
        """The middle of both counts, (slots,)."""
        return (self.lower + self.upper) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSums:
    """What is kept of each slot beside its buckets; every array (slots,)."""

    sums: Floats  # seconds
    log_sums: Floats  # of log seconds, positive durations only
    minima: Floats  # seconds, NaN where the slot is empty
    maxima: Floats
    failures: Floats  # executions whose status says failed or cancelled
    excluded: Floats  # share 0–1 of the slot that is excluded time

    @classmethod
    def empty(cls, slots: int) -> Self:
        """Sums of slots in which nothing happened."""
        zero, nan = np.zeros(slots), np.full(slots, np.nan)
        return cls(sums=zero, log_sums=zero, minima=nan, maxima=nan, failures=zero, excluded=zero)

    def __add__(self, other: SlotSums) -> SlotSums:
        return SlotSums(
            sums=self.sums + other.sums,
            log_sums=self.log_sums + other.log_sums,
            minima=np.fmin(self.minima, other.minima),
            maxima=np.fmax(self.maxima, other.maxima),
            failures=self.failures + other.failures,
            excluded=np.fmax(self.excluded, other.excluded),
        )

    def take(self, index: slice) -> SlotSums:
        """The sums of some slots."""
        return SlotSums(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})

    def where(self, mask: NDArray[np.bool_]) -> SlotSums:
        """The sums with the slots outside the mask emptied."""
        blank = SlotSums.empty(len(mask))
        return SlotSums(
            **{
                name: getattr(self, name)
                if name == "excluded"
                else np.where(mask, getattr(self, name), getattr(blank, name))
                for name in self.__dataclass_fields__
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile(Result):
    """How the durations of one service were distributed in each slot.

    Bucket i holds the durations in (bounds[i-1], bounds[i]]; the first bucket holds those equal to 0 where bounds[0]
    is 0, else none. Slot j starts at `start + j * step`.
    """

    service: str = field(metadata={"published": "service_type"})
    start: datetime  # UTC
    step: timedelta
    bounds: Floats  # (buckets,) seconds, increasing
    counts: csr_array = field(metadata={"published": None})  # (slots, buckets)
    slot_sums: SlotSums = field(metadata={"published": None})
    timezone: str = "UTC"
    timestamp_is: Literal["start", "end"] = "start"
    failures_are_violations: bool = False

    @classmethod
    def from_buckets(
        cls,
        *,
        service: str,
        start: datetime,
        step: timedelta,
        slot: NDArray[np.integer[Any]],
        low: Floats,
        high: Floats,
        count: NDArray[np.floating[Any] | np.integer[Any]],
        slot_sums: SlotSums,
        bucket: NDArray[np.integer[Any]] | None = None,
        **settings: Any,
    ) -> Self:
        """Build from cells: each `count` executions of one `slot` with durations in (low, high].

        Cells of duration 0 have low = high = 0. All arrays are (cells,); with `bucket`, the number of each cell's
        bucket, low and high are (buckets,).

        Raises
        ------
        ValueError
            If two cells overlap without being the same bucket.
        """
        bounds = np.unique(np.concatenate([low, high]))
        column = np.searchsorted(bounds, high)
        wide = (high > low) & (column > 0) & (bounds[np.maximum(column - 1, 0)] != low)
        if wide.any():
            raise ValueError(f"buckets overlap near {high[wide][0]:g} s: cells must share their bounds")
        shape = (len(slot_sums.sums), len(bounds))
        column = column if bucket is None else column[bucket]
        counts = csr_array((count.astype(float), (slot, column)), shape=shape)
        counts.sum_duplicates()
        return cls(
            service=service, start=start, step=step, bounds=bounds, counts=counts, slot_sums=slot_sums, **settings
        )

    @classmethod
    def from_durations(
        cls,
        times: ArrayLike,
        durations: ArrayLike,
        *,
        service: str,
        start: datetime,
        end: datetime,
        resolution: Resolution = HOURS,
        thresholds: Iterable[float] = (),
        failed: ArrayLike | None = None,
        **settings: Any,
    ) -> Self:
        """Build from raw arrays, (n,) each: UTC times (`datetime64`) and seconds; only those in [start, end) count."""
        stamps = np.asarray(times, dtype="datetime64[us]")
        values = np.asarray(durations, dtype=float)
        bad = np.zeros(len(values), dtype=bool) if failed is None else np.asarray(failed, dtype=bool)
        slot = (stamps - _stamp(start)) // np.timedelta64(resolution.step)
        slots = int((end - start) / resolution.step)
        inside = (slot >= 0) & (slot < slots)
        kept, lost = inside & ~bad, inside & bad
        failures = np.bincount(slot[lost], minlength=slots).astype(float)
        slot, values = slot[kept], values[kept]
        counted = counted_bounds(thresholds=thresholds)
        low, high = bucket_bounds(values, counted, resolution.scale)
        sums = SlotSums.empty(slots)
        minima, maxima = sums.minima.copy(), sums.maxima.copy()
        np.fmin.at(minima, slot, values)
        np.fmax.at(maxima, slot, values)
        positive = values > 0
        logs = np.log(values, where=positive, out=np.zeros_like(values))
        sums = replace(
            sums,
            sums=np.bincount(slot, weights=values, minlength=slots).astype(float),
            log_sums=np.bincount(slot, weights=logs, minlength=slots).astype(float),
            minima=minima,
            maxima=maxima,
            failures=failures,
        )
        return cls.from_buckets(
            service=service, start=start, step=resolution.step, slot=slot, low=low, high=high,
            count=np.ones(len(values)), slot_sums=sums, **settings,
        )  # fmt: skip

    @property
    def slots(self) -> int:
        """Number of slots."""
        return int(self.counts.shape[0])

    @property
    def end(self) -> datetime:
        """End of the last slot, UTC."""
        return self.start + self.slots * self.step

    @property
    def times(self) -> NDArray[np.datetime64]:
        """Start of each slot, UTC, (slots,)."""
        return np.asarray(_stamp(self.start) + np.arange(self.slots) * np.timedelta64(self.step))

    @property
    def executions(self) -> Floats:
        """Durations counted in each slot, (slots,)."""
        row = np.repeat(np.arange(self.slots), np.diff(self.counts.indptr))
        return np.bincount(row, weights=self.counts.data, minlength=self.slots).astype(float)

    @property
    def valid(self) -> Floats:
        """Denominator of every rate, (slots,): executions, and failures where they count as violations."""
        return self.executions + (self.slot_sums.failures if self.failures_are_violations else 0.0)

    @property
    def bucket_totals(self) -> Floats:
        """Durations counted in each bucket over all slots, (buckets,)."""
        buckets = len(self.bounds)
        return np.bincount(self.counts.indices, weights=self.counts.data, minlength=buckets).astype(float)

    def __add__(self, other: Profile) -> Profile:
        """Add the counts of another Profile of the same service, step and bucket borders; spans may differ.

        Raises
        ------
        ValueError
            If steps, settings or bucket borders do not fit together.
        """
        for name in ("service", "step", "timezone", "timestamp_is", "failures_are_violations"):
            if getattr(self, name) != getattr(other, name):
                raise ValueError(f"cannot add profiles whose {name} differs")
        if (other.start - self.start) % self.step:
            raise ValueError("cannot add profiles whose slots start at different times")
        start, end = min(self.start, other.start), max(self.end, other.end)
        bounds = np.union1d(self.bounds, other.bounds)
        one, two = self._placed(start, end, bounds), other._placed(start, end, bounds)
        merged = replace(one, counts=csr_array(one.counts + two.counts), slot_sums=one.slot_sums + two.slot_sums)
        return merged._canonical()

    def _placed(self, start: datetime, end: datetime, bounds: Floats) -> Profile:
        """The same counts on more slots and bounds; occupied buckets must not be split."""
        column = np.searchsorted(bounds, self.bounds)
        used = np.flatnonzero(self.bucket_totals > 0)
        used = used[used > 0]
        if (column[used - 1] + 1 != column[used]).any():
            raise ValueError("cannot add profiles with different bounds; call coarsen() on the finer one first")
        first, slots = int((self.start - start) / self.step), int((end - start) / self.step)
        table = self.counts.tocoo()
        counts = csr_array((table.data, (table.row + first, column[table.col])), shape=(slots, len(bounds)))
        sums = SlotSums.empty(slots)
        span = slice(first, first + self.slots)
        placed = {}
        for name in SlotSums.__dataclass_fields__:
            values = getattr(sums, name).copy()
            values[span] = getattr(self.slot_sums, name)
            placed[name] = values
        return replace(self, start=start, bounds=bounds, counts=counts, slot_sums=SlotSums(**placed))

    def _canonical(self) -> Profile:
        """Drop the bounds that border no occupied bucket, so that equal contents have equal bounds."""
        used = self.bucket_totals > 0
        border = used.copy()
        border[:-1] |= used[1:]
        if border.all() and self.counts.data.all():
            return self
        column = np.cumsum(border) - 1
        table = self.counts.tocoo()
        filled = table.data != 0
        counts = csr_array(
            (table.data[filled], (table.row[filled], column[table.col[filled]])),
            shape=(self.slots, int(border.sum())),
        )
        return replace(self, bounds=self.bounds[border], counts=counts)

    def between(self, start: datetime, end: datetime) -> Profile:
        """Keep the slots that lie in [start, end); slots beyond the Profile's own are not invented."""
        first = min(max(0, int(-((self.start - start) // self.step))), self.slots)
        last = min(self.slots, int((end - self.start) // self.step))
        span = slice(first, max(first, last))
        if span == slice(0, self.slots):
            return self._canonical()
        return replace(
            self,
            start=self.start + first * self.step,
            counts=_rows(self.counts, span),
            slot_sums=self.slot_sums.take(span),
        )._canonical()

    def where(self, mask: NDArray[np.bool_]) -> Profile:
        """Empty the slots outside the mask, (slots,); time stays as it is."""
        weights = csr_array(self.counts.multiply(mask[:, None].astype(float)))
        return replace(self, counts=weights, slot_sums=self.slot_sums.where(mask))._canonical()

    def coarsen(self, bounds: ArrayLike) -> Profile:
        """Pool the buckets into those with the given upper bounds, seconds, increasing.

        Raises
        ------
        ValueError
            If a given bound would split an occupied bucket, or durations lie above the last.
        """
        coarse = np.asarray(bounds, dtype=float)
        used = np.flatnonzero(self.bucket_totals > 0)
        column = np.searchsorted(coarse, self.bounds)
        if len(used) and column[used].max() >= len(coarse):
            raise ValueError(f"durations lie above the last bound {coarse[-1]:g} s")
        inner = used[used > 0]
        if (np.searchsorted(coarse, self.bounds[inner - 1], side="right") < column[inner]).any():
            raise ValueError("a bound lies inside an occupied bucket: choose among the bounds that were counted")
        table = self.counts.tocoo()
        counts = csr_array((table.data, (table.row, column[table.col])), shape=(self.slots, len(coarse)))
        counts.sum_duplicates()
        return replace(self, bounds=coarse, counts=counts)._canonical()

    def scaled(self, factor: float) -> Profile:
        """Multiply every duration by a factor."""
        sums = self.slot_sums
        positive = self.executions - self.zeros
        changed = replace(
            sums,
            sums=sums.sums * factor,
            log_sums=sums.log_sums + positive * np.log(factor),
            minima=sums.minima * factor,
            maxima=sums.maxima * factor,
        )
        return replace(self, bounds=self.bounds * factor, slot_sums=changed)

    @property
    def zeros(self) -> Floats:
        """Durations of exactly 0 in each slot, (slots,)."""
        if len(self.bounds) and self.bounds[0] == 0:
            return np.asarray(self.counts[:, [0]].sum(axis=1), dtype=float)
        return np.zeros(self.slots)

    def violations(self, threshold: float) -> Violations:
        """Count, for each slot, the executions above the threshold (seconds); failures too where they violate."""
        at = int(np.searchsorted(self.bounds, threshold * (1 - SAME)))
        failures = self.slot_sums.failures if self.failures_are_violations else np.zeros(self.slots)
        on_bound = at < len(self.bounds) and self.bounds[at] <= threshold * (1 + SAME)
        above = np.asarray(self.counts[:, at + 1 :].sum(axis=1), dtype=float) + failures
        if on_bound or at >= len(self.bounds):
            return Violations(lower=above, upper=above)
        inside = np.asarray(self.counts[:, [at]].sum(axis=1), dtype=float)
        certain = np.where(threshold < self.slot_sums.minima, inside, 0.0)
        possible = np.where(threshold >= self.slot_sums.maxima, 0.0, inside)
        return Violations(lower=above + certain, upper=above + possible)

    def quantile_bounds(self, q: float) -> tuple[float, float]:
        """Give the ends of the bucket that holds the q-th quantile (numpy's `inverted_cdf`), seconds; NaN if empty."""
        cumulative = np.cumsum(self.bucket_totals)
        if not len(cumulative) or cumulative[-1] <= 0:
            return float("nan"), float("nan")
        total = cumulative[-1]
        rank = max(q * total * (1 - 1e-12), np.finfo(float).tiny)
        at = int(np.searchsorted(cumulative, rank))
        low = self.bounds[at - 1] if at > 0 else self.bounds[at]
        smallest, largest = np.nanmin(self.slot_sums.minima), np.nanmax(self.slot_sums.maxima)
        return float(max(low, smallest)), float(min(self.bounds[at], largest))

    def quantile(self, q: float) -> float:
        """Give the q-th quantile, seconds: the geometric middle of its bucket; NaN if empty."""
        low, high = self.quantile_bounds(q)
        return float(np.sqrt(low) * np.sqrt(high)) if low > 0 else high


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """All that is kept of one service's measurements: both resolutions and its part of the intake."""

    service: str
    hours: Profile  # 1 h × scale 7: estimates
    steps: Profile  # 5 min × counted bounds: replay of alerts
    intake: ServiceIntake
    params: Params | None = None  # what `slaopt.read` was told, so that nobody needs to say it again; not archived

    def last(self, days: float) -> Profiles:
        """Keep the last days before the end."""
        start = self.hours.end - timedelta(days=days)
        return replace(
            self,
            hours=self.hours.between(start, self.hours.end),
            steps=self.steps.between(start, self.steps.end),
        )


def _rows(table: csr_array, span: slice) -> csr_array:
    """Some rows of a table; many times quicker than slicing where there are few counts."""
    starts = table.indptr[span.start : span.stop + 1]
    cells = slice(starts[0], starts[-1])
    shape = (span.stop - span.start, table.shape[1])
    return csr_array((table.data[cells], table.indices[cells], starts - starts[0]), shape=shape)


def _stamp(moment: datetime) -> np.datetime64:
    """A UTC moment in numpy's form."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone: give an aware datetime")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
