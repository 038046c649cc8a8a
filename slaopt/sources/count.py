"""Executions counted into cells, batch by batch, in memory that follows the number of cells and not of executions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from slaopt.buckets import exponential_index
from slaopt.profile import HOURS, STEPS
from slaopt.sources.cells import ZERO, CoarseCells, FineCells, StepSums

__all__ = ["BATCH", "Counter", "Ladder"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer]

BATCH = 131_072  # executions at once: their arrays fit into the processor's cache
STEPS_PER_HOUR = HOURS.step // STEPS.step
DENSE = 16  # keys that span at most so many times their number are counted in a table, others are sorted
LOG_2 = float(np.log(2.0))


class Ladder:
    """Cells (exponential bucket ∩ counted bucket), numbered by duration; number 0 holds those of exactly 0.

    Parameters
    ----------
    counted
        Bounds at which counts are exact, seconds, increasing.
    """

    LOWEST, HIGHEST = -140_000, 140_000  # exponential buckets of all positive floats

    def __init__(self, counted: Floats) -> None:
        buckets = np.arange(self.LOWEST, self.HIGHEST + 1)
        split = exponential_index(counted)  # the bucket that each bound splits
        inside = np.bincount(split - self.LOWEST, minlength=len(buckets))
        self._below = np.searchsorted(split, buckets).astype(np.int32)  # bounds in lower buckets
        self._inside = np.full((int(inside.max(initial=0)), len(buckets)), np.inf)  # nth bound in each bucket
        for nth in range(len(self._inside)):
            at = np.flatnonzero(inside > nth)
            self._inside[nth, at] = counted[self._below[at] + nth]
        bucket_of = np.repeat(buckets, inside + 1)
        self.fine = np.concatenate([[0], bucket_of])  # exponential bucket of each cell
        self.coarse = np.concatenate([[ZERO], np.arange(len(bucket_of)) + self.LOWEST - bucket_of])

    def cells(self, seconds: Floats) -> tuple[NDArray[np.int32], NDArray[np.int32], Floats]:
        """Give each duration's cell, how many counted bounds lie below it, and its natural logarithm; all (n,).

        >>> cell, coarse, _ = Ladder(np.array([0.5, 2.0])).cells(np.array([0.0, 0.5, 0.6, 2.0, 3.0]))
        >>> coarse.tolist()
        [-1, 0, 1, 1, 2]
        """
        zero = seconds == 0
        some_zero = bool(zero.any())
        logs = np.log2(np.where(zero, 1.0, seconds) if some_zero else seconds)
        bucket = np.ceil(logs * 128.0 - 1e-9).astype(np.int32) - self.LOWEST
        coarse = self._below[bucket]
        for bounds in self._inside:
            coarse += seconds > bounds[bucket]
        cell = bucket + coarse + 1
        if some_zero:
            cell[zero], coarse[zero] = 0, ZERO
        return cell, coarse, logs * LOG_2


@dataclass(slots=True)
class _Tally:
    """How often each pair (group, rank) came; a pair may stand in several parts."""

    parts: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)

    def add(self, group: Ints, rank: Ints) -> None:
        first, low = int(group.min()), int(rank.min())
        width = int(rank.max()) - low + 1
        found, counts = _frequencies((group - first) * width + (rank - low))
        groups, ranks = np.divmod(found, width)
        self.parts.append((groups + first, (ranks + low).astype(np.int32), counts.astype(np.int32)))


def _frequencies(keys: Ints) -> tuple[Ints, Ints]:
    """Give the different keys, all at least 0, and how often each came."""
    if int(keys.max()) < DENSE * len(keys):
        table = np.bincount(keys)
        found = np.flatnonzero(table)
        return found, table[found]
    return np.unique(keys, return_counts=True)


def _numbered(keys: Ints) -> tuple[Ints, Ints]:
    """Give the different keys, all at least 0, and the position of each key among them."""
    if (size := int(keys.max()) + 1) <= DENSE * len(keys):
        present = np.zeros(size, dtype=bool)
        present[keys] = True
        return np.flatnonzero(present), (np.cumsum(present) - 1)[keys]
    return np.unique(keys, return_inverse=True)


class Counter:
    """Counts executions of services, numbered from 0, in five-minute steps, numbered from 0.

    It is quick where the executions of a batch lie close together in time.
    """

    def __init__(self, *, services: int, counted: Floats) -> None:
        self._services = services
        self._ladder = Ladder(counted)
        self._hours, self._steps = _Tally(), _Tally()
        self._sums: list[tuple[Ints, Floats, Floats, Floats, Floats]] = []
        self._failures: list[tuple[Ints, Ints]] = []

    def add(self, service: Ints, step: Ints, seconds: Floats) -> None:
        """Count a batch of executions, all arrays (n,); n is best at most BATCH."""
        if not len(seconds):
            return
        group = step.astype(np.int64) * self._services + service
        cell, coarse, logs = self._ladder.cells(seconds)
        self._hours.add((step // STEPS_PER_HOUR).astype(np.int64) * self._services + service, cell)
        self._steps.add(group, coarse)
        first = int(group.min())
        found, at = _numbered(group - first)
        minima, maxima = np.full(len(found), np.inf), np.full(len(found), -np.inf)
        np.minimum.at(minima, at, seconds)
        np.maximum.at(maxima, at, seconds)
        sums = np.bincount(at, weights=seconds, minlength=len(found))
        log_sums = np.bincount(at, weights=logs, minlength=len(found))
        self._sums.append((found + first, sums, log_sums, minima, maxima))

    def add_failures(self, service: Ints, step: Ints) -> None:
        """Count a batch of failed executions, both arrays (n,)."""
        if len(step):
            self._failures.append(np.unique(step.astype(np.int64) * self._services + service, return_counts=True))

    def results(self) -> Iterator[tuple[FineCells, CoarseCells, StepSums]]:
        """Give what was counted of each service, in the order of their numbers."""
        hours, steps = self._by_service(self._hours.parts, 3), self._by_service(self._steps.parts, 3)
        sums, failures = self._by_service(self._sums, 5), self._by_service(self._failures, 2)
        for hour, step, summed, failed in zip(hours, steps, sums, failures, strict=True):
            slot, cell, count = hour
            yield (
                FineCells(
                    slot=slot, fine=self._ladder.fine[cell], coarse=self._ladder.coarse[cell], count=count.astype(float)
                ),
                CoarseCells(slot=step[0], coarse=step[1].astype(np.int64), count=step[2].astype(float)),
                _step_sums(summed, failed),
            )

    def _by_service(self, parts: list[tuple[Ints | Floats, ...]], width: int) -> Iterator[list[Ints | Floats]]:
        """Join the parts and give each service's share of every array, slots in place of groups."""
        columns = [np.concatenate([part[at] for part in parts]) if parts else np.empty(0, int) for at in range(width)]
        slots, services = np.divmod(columns[0], self._services)
        order = np.argsort(services.astype(np.min_scalar_type(self._services)), kind="stable")
        ends = np.cumsum(np.bincount(services, minlength=self._services))
        columns = [slots, *columns[1:]]
        for start, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
            mine = order[start:end]
            yield [column[mine] for column in columns]


def _step_sums(summed: list[Ints | Floats], failed: list[Ints | Floats]) -> StepSums:
    """Join the sums and failures of one service's steps, each of which may stand there more than once."""
    slot, at = np.unique(np.concatenate([summed[0], failed[0]]), return_inverse=True)
    of_sums, of_failures = at[: len(summed[0])], at[len(summed[0]) :]
    size = len(slot)
    minima, maxima = np.full(size, np.nan), np.full(size, np.nan)
    np.fmin.at(minima, of_sums, summed[3])
    np.fmax.at(maxima, of_sums, summed[4])
    return StepSums(
        slot=slot.astype(np.int64),
        sums=np.bincount(of_sums, weights=summed[1], minlength=size),
        log_sums=np.bincount(of_sums, weights=summed[2], minlength=size),
        minima=minima,
        maxima=maxima,
        failures=np.bincount(of_failures, weights=failed[1], minlength=size),
    )
