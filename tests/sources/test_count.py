"""Executions counted in memory: what is found does not depend on the order in which they come."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from slaopt.sources.cells import StepSums
from slaopt.sources.count import Counter, exact_parts

COUNT = 20_000


@pytest.fixture(scope="module")
def executions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    durations = rng.lognormal(0, 2, COUNT)
    durations[:5] = 0.0, 1e-9, 5e9, 0.1, 1 / 3
    return rng.integers(0, 2, COUNT), rng.integers(0, 30, COUNT), durations


def counted(executions: tuple[np.ndarray, ...], order: np.ndarray, batch: int) -> list[StepSums]:
    counter = Counter(services=2, counted=np.array([1.0, 2.0]))
    for part in np.array_split(order, COUNT // batch):
        counter.add(*(column[part] for column in executions))
    return [sums for _, _, sums in counter.results()]


@pytest.mark.parametrize("batch", [COUNT, 3_000, 700])
def test_sums_are_the_same_to_the_last_bit_in_any_order_and_any_batches(executions, batch):
    rng = np.random.default_rng(1)
    for one, two in zip(
        counted(executions, np.arange(COUNT), COUNT), counted(executions, rng.permutation(COUNT), batch), strict=True
    ):
        for name in ("slot", "sums", "log_sums", "minima", "maxima", "failures"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_sums_are_right(executions):
    service, step, durations = executions
    for nth, sums in enumerate(counted(executions, np.arange(COUNT), 3_000)):
        for slot, total, logs in itertools.islice(zip(sums.slot, sums.sums, sums.log_sums, strict=True), 5):
            mine = durations[(service == nth) & (step == slot)]
            assert total == pytest.approx(float(sum(map(Fraction, mine.tolist()))), rel=1e-15)
            assert logs == pytest.approx(float(np.log(mine[mine > 0]).sum()), rel=1e-12)


def test_parts_leave_nothing_out():
    values = np.random.default_rng(2).lognormal(0, 3, 1000)
    parts = [part.tolist() for part in exact_parts(values)]
    assert [sum(map(Fraction, three)) for three in zip(*parts, strict=True)] == list(map(Fraction, values.tolist()))


def test_a_single_duration_is_its_own_sum():
    counter = Counter(services=1, counted=np.array([1.0]))
    counter.add(np.zeros(3, int), np.arange(3), np.array([0.007, 1e-9, 86_400.1]))
    (_, _, sums) = next(counter.results())
    assert sums.sums.tolist() == [0.007, 1e-9, 86_400.1]
