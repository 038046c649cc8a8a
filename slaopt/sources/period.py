"""The executions of a period, streamed out of DuckDB as plain numbers and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from slaopt.excluded import Excluded, excluded_steps
from slaopt.params import Params
from slaopt.profile import STEPS
from slaopt.sources.cells import CoarseCells, FineCells, StepSums
from slaopt.sources.count import BATCH, Counter
from slaopt.sources.load import Loaded

if TYPE_CHECKING:
    import duckdb

__all__ = ["Counted", "Period", "Turnout", "count_period"]

Ints = NDArray[np.integer[Any]]
STEP = STEPS.step // timedelta(microseconds=1)
ACCEPTED, FAILED, REJECTED = 0, 1, 2
SCATTERED = 0.2  # share of the period that one batch may span


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Which executions are counted, and how."""

    start: datetime  # full hours
    end: datetime
    services: Sequence[int]  # numbers in the relation `executions`
    params: Sequence[Params]  # of each of them
    counted: NDArray[np.float64]  # bounds at which counts are exact, seconds

    @property
    def microseconds(self) -> int:
        """Length."""
        return (self.end - self.start) // timedelta(microseconds=1)


class Turnout(NamedTuple):
    """How many rows of one service lie in the period, and what became of them; times in µs since its start."""

    accepted: int
    failed: int
    excluded: int
    rejected: int
    first: int | None
    last: int | None


class Counted(NamedTuple):
    """What was counted of one service."""

    fine: FineCells
    coarse: CoarseCells
    sums: StepSums
    turnout: Turnout


def count_period(loaded: Loaded, period: Period) -> Iterator[Counted]:
    """Count the executions of the services, in one scan; give them in the order in which they are listed."""
    counter = Counter(services=len(period.services), counted=period.counted)
    turnouts = _Turnouts(period)
    for service, offset, kind, seconds in _batches(loaded, period):
        step = (offset // STEP).astype(np.int32)
        kept = turnouts.add(service, offset, step, kind)
        if kept is None:
            counter.add(service, step, seconds)
        else:
            counter.add(service[kept == ACCEPTED], step[kept == ACCEPTED], seconds[kept == ACCEPTED])
            counter.add_failures(service[kept == FAILED], step[kept == FAILED])
    for at, (fine, coarse, sums) in enumerate(counter.results()):
        yield Counted(fine=fine, coarse=coarse, sums=sums, turnout=turnouts.of(at))


class _Turnouts:
    """Counts rows by what becomes of them."""

    EXCLUDED = 3

    def __init__(self, period: Period) -> None:
        self._size = len(period.services)
        self._counts = np.zeros((self._size, 4), dtype=np.int64)
        self._first = np.full(self._size, np.iinfo(np.int64).max)
        self._last = np.full(self._size, -1)
        self._policy, self._masks = _excluded(period)

    def add(self, service: Ints, offset: Ints, step: Ints, kind: Ints) -> Ints | None:
        """Count a batch; give what becomes of each row, None where all are accepted."""
        np.minimum.at(self._first, service, offset)
        np.maximum.at(self._last, service, offset)
        if self._masks is None and not kind.any():
            self._counts[:, ACCEPTED] += np.bincount(service, minlength=self._size)
            return None
        if self._masks is not None:
            kind = np.where(self._masks[self._policy[service], step], self.EXCLUDED, kind)
        self._counts += np.bincount(service.astype(np.int64) * 4 + kind, minlength=4 * self._size).reshape(-1, 4)
        return kind

    def of(self, service: int) -> Turnout:
        """Give what was counted of a service."""
        accepted, failed, rejected, excluded = (int(count) for count in self._counts[service])
        some = accepted + failed + rejected + excluded > 0
        return Turnout(
            accepted=accepted, failed=failed, excluded=excluded, rejected=rejected,
            first=int(self._first[service]) if some else None, last=int(self._last[service]) if some else None,
        )  # fmt: skip


def _excluded(period: Period) -> tuple[Ints, NDArray[np.bool_] | None]:
    """Give the number of each service's rule for excluded time, and the steps that each rule excludes."""
    rules: dict[tuple[Excluded, str], int] = {}
    policy = [rules.setdefault((params.excluded, params.timezone), len(rules)) for params in period.params]
    masks = [excluded_steps(rule, timezone=zone, start=period.start, end=period.end) for rule, zone in rules]
    if not any(mask.any() for mask in masks):
        return np.array(policy), None
    return np.array(policy), np.array(masks)


def _batches(loaded: Loaded, period: Period) -> Iterator[tuple[Ints, Ints, Ints, NDArray[np.float64]]]:
    """Stream service (its position among the period's), µs since the start, kind and seconds."""
    import pyarrow as pa

    picked = pa.table(
        {"id": pa.array(period.services, pa.int32()), "place": pa.array(range(len(period.services)), pa.int32())}
    )
    cursor = loaded.database.cursor()
    cursor.register("picked", picked)
    chosen = (
        f"SELECT place, date_diff('microsecond', {_time(period.start)}, utc) AS us, "
        f"CASE WHEN problem > 0 THEN {REJECTED} WHEN failed THEN {FAILED} ELSE {ACCEPTED} END::UTINYINT AS kind, "
        f"CASE WHEN problem = 0 AND NOT failed THEN seconds ELSE 0 END AS seconds "
        f"FROM executions JOIN picked USING (id) WHERE utc >= {_time(period.start)} AND utc < {_time(period.end)}"
    )
    with loaded.reading():
        order = " ORDER BY us" if _scattered(cursor, period) else ""
        for batch in cursor.sql(chosen + order).to_arrow_reader(BATCH):
            service, offset, kind, seconds = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            yield service, offset, kind, seconds


def _scattered(cursor: duckdb.DuckDBPyConnection, period: Period) -> bool:
    """Tell whether rows that stand together lie far apart in time, so that sorting them first is worth it."""
    inside = f"utc >= {_time(period.start)} AND utc < {_time(period.end)}"
    count, span = cursor.execute(
        f"SELECT count(*), date_diff('microsecond', min(utc), max(utc)) "
        f"FROM (SELECT utc FROM executions WHERE {inside} LIMIT {BATCH})"
    ).fetchall()[0]
    return bool(count == BATCH and span > SCATTERED * period.microseconds)


def _time(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
