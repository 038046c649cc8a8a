"""What the tables of alerts and of the watch of one service cost.

    python tests/benchmarks/bench_watch.py [--json]

Medians of several runs, CPU seconds, on 30 days of five-minute steps; the replay is of 60 thresholds, the watch of the
current and the recommended one. With the backtest of the forecast they take at most 2 s. The profile says where the
time goes.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
END = datetime(2026, 11, 24, 14, tzinfo=UTC)
CANDIDATES, SHOWN = 60, 6
BARS = {"replay": 0.2, "injections": 1.0, "watch, one threshold": 0.15, "all tables": 2.0}  # seconds


def median(task: Callable[[], Any], runs: int) -> float:
    """Median CPU seconds of a task that has run once."""
    task()
    spent = []
    for _ in range(runs):
        used = time.process_time()
        task()
        spent.append(time.process_time() - used)
    return float(np.median(spent))


def figures(runs: int = 7) -> tuple[dict[str, float], list[str]]:
    """Measure one service of 3,000 executions a day, with 120 days of history; and where the time goes."""
    from slaopt import samples
    from slaopt.analysis.alerts import replay, tightness
    from slaopt.analysis.drift import drift
    from slaopt.analysis.watch import watch
    from slaopt.buckets import round_thresholds
    from slaopt.forecast.backtest import backtest
    from slaopt.optimize.criteria import rollback

    service = samples.service("checkout")
    profiles = service.profiles(0, END, days=120)
    hours, month = profiles.hours, profiles.last(30)
    steps, objective = month.steps, service.objective
    grid = round_thresholds(0.3, 1e3).tolist()[:CANDIDATES]
    before = month.hours.between(month.hours.start, month.hours.start + (month.hours.end - month.hours.start) * 0.9)
    after = month.hours.between(before.end, month.hours.end)

    tasks: dict[str, Callable[[], Any]] = {
        "replay": lambda: replay(steps, grid, objective=objective),
        "injections": lambda: tightness(steps, grid, objective=objective),
        "watch, one threshold": lambda: watch(steps, 2.0),
        "rollback rules, two thresholds": lambda: [rollback(steps, t, objective=objective) for t in (2.0, 2.5)],
        "backtest": lambda: backtest(hours, grid[:2]),
        "drift": lambda: drift(before, after),
    }
    found = {name: median(task, runs) for name, task in tasks.items()}
    found["all tables"] = sum(found.values()) - found["watch, one threshold"]
    profile = cProfile.Profile()
    profile.enable()
    for task in tasks.values():
        task()
    profile.disable()
    return found, _heaviest(profile)


def _heaviest(profile: cProfile.Profile) -> list[str]:
    entries: list[tuple[float, str]] = []
    for (file, line, name), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        place = f"{Path(file).name}:{line} " if line else ""
        entries.append((own, f"{place}{name}"))
    return [f"{1000 * own:>8.0f} ms  {name}" for own, name in sorted(entries, reverse=True)[:SHOWN]]


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    found, heaviest = figures()
    if parser.parse_args().json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            bar = f"   at most {1000 * BARS[name]:.0f} ms" if name in BARS else ""
            print(f"{name:<40} {1000 * value:>8.0f} ms{bar}")
        print("\nwhere the time goes, all of them once:", *heaviest, sep="\n")
    return int(any(found[name] > bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
