"""Experiments that really ran: running totals of a retailer, and request latencies with injected slow-downs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from slaopt.experiment.boundaries import boundaries
from slaopt.experiment.evaluation import Evaluation, evaluate
from slaopt.experiment.open_ended import TIGHTEST, anytime_boundary

DATA = Path(__file__).parents[2].parent / "shared" / "data"
TOTALS, LATENCY = DATA / "ab_summary_retail.parquet", DATA / "ab_request_latency.parquet"
METRICS = (1, 2, 3, 4)  # the first is a share of users, the others sums for each user
LEVEL, PLAIN = 0.05, 1.959964
LOOSER = 1.1  # the test threshold of the latency experiments, a multiple of the control's


@dataclass(frozen=True, slots=True)
class Watched:
    """One series of running totals: which rule called it significant."""

    metric: int
    looks: int
    plain_at_end: bool
    plain_at_some_look: bool
    planned: bool
    open_ended: bool


def totals(metrics: Sequence[int] = METRICS) -> Iterator[Watched]:
    """Look at each metric of each experiment as often as its totals were written down."""
    frame = pd.read_parquet(TOTALS).dropna()
    frame = frame[(frame.variance_c > 0) & (frame.variance_t > 0) & frame.metric_id.isin(metrics)]
    keys = ["experiment_id", "variant_id", "metric_id"]
    for (_, _, metric), series in frame.sort_values("time_since_start").groupby(keys):
        if len(series) > 1:
            yield watched(series, int(metric))


def watched(series: pd.DataFrame, metric: int) -> Watched:
    """Hold the difference of means at each look against a plain test and both sequential designs.

    The information of the last totals stands for the planned one, as the lengths of these experiments were fixed.
    """
    square = series.variance_c / series.count_c + series.variance_t / series.count_t
    z = ((series.mean_t - series.mean_c) / np.sqrt(square)).to_numpy()
    information = 1 / square.to_numpy()
    planned = np.arange(1, len(z) + 1) / len(z)  # as in an experiment, error is never spent ahead of the plan
    fraction = np.maximum.accumulate(np.minimum(information / information[-1], planned))
    fraction[-1] = 1.0
    new = np.concatenate([[True], np.diff(fraction) > 1e-6])  # a look without new information asks nothing
    z, fraction, information = z[new], fraction[new], np.maximum.accumulate(information)[new]
    bound = boundaries(fraction, level=LEVEL, spending="obrien_fleming", sides=2)
    anytime = np.array([anytime_boundary(i, optimal=TIGHTEST * information[-1], level=LEVEL) for i in information])
    return Watched(
        metric=metric,
        looks=len(series),
        plain_at_end=bool(abs(z[-1]) > PLAIN),
        plain_at_some_look=bool((np.abs(z) > PLAIN).any()),
        planned=bool((np.abs(z) > bound).any()),
        open_ended=bool((np.abs(z) > anytime).any()),
    )


def latencies() -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each experiment, arms control, slow_1 and slow_2."""
    for name, rows in pd.read_parquet(LATENCY).groupby("experiment"):
        yield str(name), rows


def slowed(rows: pd.DataFrame, arm: str) -> Evaluation:
    """Evaluate a slow arm against the control, at the control's 95th percentile; the arms' sizes are as designed."""
    some = rows[rows.arm.isin(["control", arm])]
    return _evaluated(some, ("control", arm), split=float((some.arm == arm).mean()))


def halves(rows: pd.DataFrame, rng: np.random.Generator) -> Evaluation:
    """Evaluate two random halves of the control: an A/A test."""
    control = rows[rows.arm == "control"]
    half = rng.permutation(len(control)) < len(control) // 2
    return _evaluated(control.assign(arm=np.where(half, "test", "control")), ("control", "test"), split=0.5)


def _evaluated(rows: pd.DataFrame, arms: tuple[str, str], *, split: float) -> Evaluation:
    threshold = float(rows[rows.arm == arms[0]].duration_s.quantile(0.95))
    return evaluate(
        rows, control_threshold=threshold, test_threshold=LOOSER * threshold, duration="duration_s", arms=arms,
        traffic_split=split,
    )  # fmt: skip
