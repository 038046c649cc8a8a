"""What a forecast costs: 60 thresholds over 3 horizons from 30 days × 700 buckets, where the time goes, the backtest.

    python tests/benchmarks/bench_forecast.py [--json]

Medians of several runs, CPU seconds. The baseline forecasts each threshold by itself, as one would write it first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
END = datetime(2026, 11, 24, tzinfo=UTC)
THRESHOLDS, HORIZONS = 60, (7.0, 14.0, 30.0)
BARS = {"forecast, all": 0.05, "backtest of 120 days": 0.5}  # seconds


def median(task: Callable[[], Any], runs: int = 9) -> float:
    """Median CPU seconds of a task."""
    spent = []
    for _ in range(runs):
        used = time.process_time()
        task()
        spent.append(time.process_time() - used)
    return float(np.median(spent))


def figures() -> tuple[dict[str, float], str]:
    """Measure one service of 3,000 executions a day; and say how large it is."""
    from slaopt import samples
    from slaopt.forecast import backtest, forecast_curve
    from slaopt.forecast.calibration import outlook_of, spread_of
    from slaopt.forecast.history import day_counts
    from slaopt.forecast.models import expected_rates

    long = samples.service("login").profiles(0, END, days=120)
    hours = long.last(30).hours
    grid = np.geomspace(hours.quantile(0.5), hours.quantile(0.9999), THRESHOLDS)
    at = np.unique(hours.bounds[np.searchsorted(hours.bounds, grid)])  # counted exactly, as candidates are
    spans = np.array(HORIZONS)
    counts = day_counts(hours)
    history = counts.learned(at, slice(0, counts.days))
    rates = expected_rates(history.above, history.n, history.tail)
    spread = spread_of(history.above, history.n, rates)
    found = {
        "forecast, all": median(lambda: forecast_curve(hours, at, horizons=HORIZONS).forecasts()),
        "of it: counts by day": median(lambda: day_counts(hours)),
        "of it: counts at the thresholds": median(lambda: counts.learned(at, slice(0, counts.days))),
        "of it: speeds of forgetting": median(lambda: expected_rates(history.above, history.n, history.tail)),
        "of it: distributions": median(lambda: outlook_of(spread, history.expected(spans))),
        "backtest of 120 days": median(lambda: backtest(long.hours, [0.5])),
    }
    alone = median(lambda: [forecast_curve(hours, [one], horizons=HORIZONS).forecasts() for one in at.tolist()], 1)
    found["each threshold alone / all together"] = alone / found["forecast, all"]
    return found, f"{len(at)} thresholds × {len(spans)} horizons, {counts.days} days × {len(hours.bounds)} buckets"


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    arguments = parser.parse_args()
    found, size = figures()
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print(size)
        for name, value in found.items():
            written = f"{value:>9.0f} ×" if "/" in name else f"{1000 * value:>8.1f} ms"
            bar = f"   at most {1000 * BARS[name]:.0f} ms" if name in BARS else ""
            print(f"{name:<38}{written}{bar}")
    return int(any(found[name] > bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
