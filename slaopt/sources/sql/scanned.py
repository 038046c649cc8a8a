"""The counts of a period as the database gives them, taken service by service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from slaopt.intake import ServiceIntake
from slaopt.sources.cells import ZERO, CoarseCells, FineCells, StepSums
from slaopt.sources.sql.counts import EXCLUDED, REJECTED, ByService
from slaopt.sources.sql.inspection import Inspection, utc
from slaopt.sources.sql.rows import FAILED

__all__ = ["Counts", "Repeats", "Scan"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Repeats(NamedTuple):
    """By service: executions that share the most frequent duration, and rows that repeat another."""

    frequent: Mapping[str, int]
    doubles: Mapping[str, int] = {}


class Counts(NamedTuple):
    """What was counted of one service in a period."""

    fine: FineCells
    coarse: CoarseCells
    sums: StepSums
    intake: ServiceIntake


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The counts of a period, service by service."""

    known: Inspection
    repeats: Repeats
    extents: Mapping[str, tuple[float | None, float | None]]  # first and last stamp
    hours: ByService  # hour, exponential index, counted bucket, rows
    steps: ByService  # step, counted bucket or fate, rows, sums of seconds and logarithms, minimum, maximum

    def close(self) -> None:
        """Stop reading."""
        self.hours.close()
        self.steps.close()

    def take(self, service: str) -> Counts:
        """Give the counts of the next service."""
        slot, fine, coarse, count = self.hours.take(service)
        step, bucket, rows, *sums = self.steps.take(service)
        counts, failed = bucket >= ZERO, bucket == FAILED
        first, last = self.extents.get(service, (None, None))
        fates = {fate: int(rows[bucket == fate].sum()) for fate in (FAILED, EXCLUDED, REJECTED)}
        unplaced, accepted = self.known.unplaced(service), int(rows[counts].sum())
        return Counts(
            FineCells(slot=_whole(slot), fine=_whole(fine), coarse=_whole(coarse), count=count),
            CoarseCells(slot=_whole(step[counts]), coarse=_whole(bucket[counts]), count=rows[counts]),
            _step_sums(step, counts, failed, rows, sums),
            ServiceIntake(
                service=service,
                rows=int(rows.sum()) + unplaced,
                accepted=accepted,
                failed=fates[FAILED],
                excluded=fates[EXCLUDED],
                rejected=fates[REJECTED] + unplaced,
                doubles=self.repeats.doubles.get(service, 0),
                future=self.known.future(service),
                most_frequent=min(self.repeats.frequent.get(service, 0), accepted),
                first=utc(first),
                last=utc(last),
                reading=self.known.reading,
            ),
        )


def _whole(values: Floats) -> Ints:
    return values.astype(np.int64)


def _step_sums(
    step: Floats, counts: NDArray[np.bool_], failed: NDArray[np.bool_], rows: Floats, sums: Sequence[Floats]
) -> StepSums:
    """Pool the buckets of each step."""
    slots, at = np.unique(_whole(step[counts | failed]), return_inverse=True)
    where = np.zeros(len(step), dtype=np.int64)
    where[counts | failed] = at
    seconds, logs, smallest, largest = (values[counts] for values in sums)
    minima, maxima = np.full(len(slots), np.nan), np.full(len(slots), np.nan)
    np.fmin.at(minima, where[counts], smallest)
    np.fmax.at(maxima, where[counts], largest)

    def total(marked: NDArray[np.bool_], values: Floats) -> Floats:
        return np.bincount(where[marked], weights=values, minlength=len(slots)).astype(float)

    return StepSums(
        slot=slots,
        sums=total(counts, seconds),
        log_sums=total(counts, logs),
        minima=minima,
        maxima=maxima,
        failures=total(failed, rows[failed]),
    )
