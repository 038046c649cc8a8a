"""What comparing two arms costs: rate and mean of a million rows, against pandas and tea-tasting, and one look.

    python tests/benchmarks/bench_experiment.py [--rows 1000000] [--json]

Every contestant starts from the same DataFrame of arm and duration and is timed in turns with the others; figures are
the best CPU seconds of some rounds, in which each makes its metrics (violation, log duration) of the durations itself.
pandas only groups (count, mean and variance of both), which is what other libraries do before they compute anything.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

COMMON, OTHER, ROUNDS = 2.5, 2.0, 7
BARS = {"pandas": 0.8, "tea-tasting": 0.5}


def rows_of(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    arm = np.where(rng.random(rows) < 0.5, "test", "control")
    return pd.DataFrame({"arm": arm, "duration": rng.lognormal(0.0, 0.55, rows)})


def ours(frame: pd.DataFrame) -> Any:
    from slaopt.experiment.behaviour import behaviour
    from slaopt.experiment.durations import mean_effect
    from slaopt.experiment.tallying import tally

    seen = tally(frame["arm"], frame["duration"], common_threshold=COMMON, other_threshold=OTHER, quantiles=False)
    return behaviour(seen.control, seen.test), mean_effect(seen.control, seen.test)


def grouped(frame: pd.DataFrame) -> Any:
    metrics = pd.DataFrame(
        {"arm": frame["arm"], "violates": frame["duration"] > COMMON, "log": np.log(frame["duration"])}
    )
    return metrics.groupby("arm").agg(["count", "mean", "var"])


def tea(frame: pd.DataFrame) -> Any:
    import tea_tasting

    metrics = frame.assign(violates=(frame["duration"] > COMMON).astype(float), log=np.log(frame["duration"]))
    experiment = tea_tasting.Experiment(
        violates=tea_tasting.Mean("violates"), log=tea_tasting.Mean("log"), variant="arm"
    )
    return experiment.analyze(metrics, control="control")


def best(tasks: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Best CPU seconds of each task; they take turns, so that a busy machine is busy for all."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            began = time.process_time()
            task()
            seconds[name].append(time.process_time() - began)
    return {name: min(times) for name, times in seconds.items()}


def contest(rows: int) -> tuple[dict[str, float], dict[str, float]]:
    """CPU seconds of each contestant for so many rows, and what slaopt takes as a share of each other's."""
    frame = rows_of(rows)
    contestants = {"slaopt": ours, "pandas": grouped, "tea-tasting": tea}
    seconds = best({name: lambda run=run: run(frame) for name, run in contestants.items()}, ROUNDS)
    return seconds, {name: seconds["slaopt"] / seconds[name] for name in BARS}


def looks() -> dict[str, float]:
    """CPU seconds of the hierarchical posterior of 40 units an arm, and of a whole comparison."""
    from dataclasses import replace

    from slaopt.experiment import compare
    from slaopt.experiment.hierarchical import hierarchical_posterior
    from tests.experiment.arms import arm, observed
    from tests.experiment.looks import DESIGN

    rng = np.random.default_rng(2)
    units = np.repeat(np.arange(40), 250)
    level = 0.3 * rng.standard_normal((2, 40))
    arms = [arm(np.exp(one[units] + 0.5 * rng.standard_normal(len(units))), units) for one in level]
    counts = [(each.common_violations, each.n) for each in arms]
    design = replace(DESIGN, unit="tenant")
    return best(
        {
            "hierarchical posterior, 40 units x 2": lambda: hierarchical_posterior(counts[0], counts[1], rope=0.005),
            "whole comparison, 40 units x 2": lambda: compare(observed(*arms), design),
        },
        ROUNDS,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    seconds, ratios = contest(options.rows)
    look = looks()
    if options.json:
        print(json.dumps({"rows": options.rows, "seconds": seconds, "ratios": ratios, "looks": look}))
    else:
        for name, value in seconds.items():
            bar = f"  ratio {ratios[name]:.2f} (bar {BARS[name]})" if name in BARS else ""
            print(f"{name:40} {1000 * value:8.1f} ms CPU{bar}")
        for name, value in look.items():
            print(f"{name:40} {1000 * value:8.1f} ms CPU")
    missed = [name for name, bar in BARS.items() if ratios[name] > bar]
    return 1 if missed or look["hierarchical posterior, 40 units x 2"] > 0.1 else 0


if __name__ == "__main__":
    sys.exit(main())
