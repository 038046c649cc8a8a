"""Executions counted into cells, batch by batch, in memory that follows the number of cells and not of executions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slaopt.buckets import exponential_index
from slaopt.profile import HOURS, STEPS
from slaopt.sources.cells import ZERO, CoarseCells, FineCells, StepSums

__all__ = ["BATCH", "Counter", "Ladder"]

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Array = Ints | Floats

BATCH = 131_072  # executions at once: their arrays fit into the processor's cache
STEPS_PER_HOUR = HOURS.step // STEPS.step
PARTS = 2.0**16, 2.0**50, 2.0**84  # steps per second of the parts in which sums are kept exact
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


class Counter:
    """Counts executions of services, numbered from 0, in five-minute steps, numbered from 0.

    It is quick where the executions of a batch lie close together in time. What it finds does not depend on the order
    of the executions, to the last bit: a database reads with several threads, in another order each time.
    """

    def __init__(self, *, services: int, counted: Floats) -> None:
        self._services = services
        self._ladder = Ladder(counted)
        self._hours = _Table(services, 2)  # cell, count
        self._steps = _Table(services, 2)  # counted bounds below, count
        self._sums = _Table(services, 2 * len(PARTS) + 2)  # sum and sum of logarithms in parts, minimum, maximum
        self._failures = _Table(services, 1)  # count

    def add(self, service: Ints, step: Ints, seconds: Floats) -> None:
        """Count a batch of executions, all arrays (n,); n is best at most BATCH."""
        if not len(seconds):
            return
        group = step.astype(np.int64) * self._services + service
        cell, coarse, logs = self._ladder.cells(seconds)
        hour_group = (step // STEPS_PER_HOUR).astype(np.int64) * self._services + service
        self._hours.append(*_pairs(hour_group, cell))
        self._steps.append(*_pairs(group, coarse))
        found, sums = _summed(group, seconds, logs)
        self._sums.append(found, *sums)

    def add_failures(self, service: Ints, step: Ints) -> None:
        """Count a batch of failed executions, both arrays (n,)."""
        if len(step):
            found, counts = np.unique(step.astype(np.int64) * self._services + service, return_counts=True)
            self._failures.append(found, counts)

    def results(self) -> Iterator[tuple[FineCells, CoarseCells, StepSums]]:
        """Give what was counted of each service, in the order of their numbers."""
        tables = (self._hours, self._steps, self._sums, self._failures)
        for hours, steps, sums, failures in zip(*(table.by_service() for table in tables), strict=True):
            slot, cell, count = hours
            fine, coarse = self._ladder.fine[cell], self._ladder.coarse[cell]
            yield (
                FineCells(slot=slot, fine=fine, coarse=coarse, count=count),
                CoarseCells(slot=steps[0], coarse=steps[1], count=steps[2]),
                _step_sums(sums, failures),
            )


class _Table:
    """Columns by group, a group being slot × services + service, collected batch by batch."""

    def __init__(self, services: int, columns: int) -> None:
        self._services = services
        self._parts: list[list[Array]] = []
        self._columns = columns

    def append(self, group: Ints, *columns: Array) -> None:
        slot, service = np.divmod(group, self._services)
        self._parts.append([service.astype(np.int32), slot.astype(np.int32), *columns])

    def by_service(self) -> Iterator[list[Array]]:
        """Give slots and columns of each service; a slot may stand more than once."""
        nothing: list[Array] = [np.empty(0, dtype=np.int32)] * (2 + self._columns)
        service, *columns = (np.concatenate(arrays) for arrays in zip(*(self._parts or [nothing]), strict=True))
        self._parts = []
        order = np.argsort(service.astype(np.min_scalar_type(self._services)), kind="stable")  # a radix sort
        ends = np.cumsum(np.bincount(service, minlength=self._services))
        for start, end in zip(np.r_[0, ends[:-1]], ends, strict=True):
            mine = order[start:end]
            yield [column[mine] for column in columns]


def _pairs(group: Ints, rank: Ints) -> tuple[Ints, Ints, Ints]:
    """Give the different pairs of group and rank, and how often each came."""
    first, low = int(group.min()), int(rank.min())
    width = int(rank.max()) - low + 1
    keys = (group - first) * width + (rank - low)
    if int(keys.max()) < DENSE * len(keys):
        table = np.bincount(keys)
        found = np.flatnonzero(table)
        counts = table[found]
    else:
        found, counts = np.unique(keys, return_counts=True)
    groups, ranks = np.divmod(found, width)
    return groups + first, (ranks + low).astype(np.int32), counts.astype(np.int32)


def _summed(group: Ints, seconds: Floats, logs: Floats) -> tuple[Ints, list[Floats]]:
    """Give the different groups, and of each the sums of seconds and of logarithms in parts, minimum and maximum."""
    first = int(group.min())
    keys = group - first
    if (size := int(keys.max()) + 1) <= DENSE * len(keys):
        present = np.zeros(size, dtype=bool)
        present[keys] = True
        found, at = np.flatnonzero(present), (np.cumsum(present) - 1)[keys]
    else:
        found, at = np.unique(keys, return_inverse=True)
    minima, maxima = np.full(len(found), np.inf), np.full(len(found), -np.inf)
    np.minimum.at(minima, at, seconds)
    np.maximum.at(maxima, at, seconds)
    parts = [np.bincount(at, weights=part).astype(float) for of in (seconds, logs) for part in exact_parts(of)]
    return found + first, [*parts, minima, maxima]


def exact_parts(values: Floats) -> Iterator[Floats]:
    """Split numbers into parts whose sums are exact, so that they do not depend on the order; each (n,).

    The parts are multiples of 2⁻¹⁶, 2⁻⁵⁰ and 2⁻⁸⁴: sums of the first are exact below 4,000 years, those of the others
    over a million numbers at least, and nothing is left out of a number above 10⁻⁹.

    >>> coarse, fine, finest = exact_parts(np.array([0.5, 0.1]))
    >>> coarse.tolist(), (coarse + (fine + finest)).tolist()
    ([0.5, 0.1000061035...], [0.5, 0.1])
    """
    for steps in PARTS:
        part = np.rint(values * steps) / steps
        values = values - part
        yield part


def _step_sums(sums: list[Array], failures: list[Array]) -> StepSums:
    """Join the sums and failures of one service's steps, each of which may stand there more than once."""
    slot, at = np.unique(np.concatenate([sums[0], failures[0]]), return_inverse=True)
    of_sums, of_failures = at[: len(sums[0])], at[len(sums[0]) :]
    size = len(slot)
    minima, maxima = np.full(size, np.nan), np.full(size, np.nan)
    *parts, least, most = sums[1:]
    np.fmin.at(minima, of_sums, least)
    np.fmax.at(maxima, of_sums, most)
    totals = [np.bincount(of_sums, weights=part, minlength=size).astype(float) for part in parts]
    return StepSums(
        slot=slot,
        sums=_joined(totals[: len(PARTS)]),
        log_sums=_joined(totals[len(PARTS) :]),
        minima=minima,
        maxima=maxima,
        failures=np.bincount(of_failures, weights=failures[1], minlength=size).astype(float),
    )


def _joined(parts: list[Floats]) -> Floats:
    """Add up the parts of sums, the finest first."""
    coarse, fine, finest = parts
    return coarse + (fine + finest)
