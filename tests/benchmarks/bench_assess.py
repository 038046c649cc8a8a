"""What a decision costs: alerts replayed, slowdowns injected, forecast, backtest, figures and choice, all of it.

    python tests/benchmarks/bench_assess.py [--json]

Medians of several runs, CPU seconds, on 30 days of five-minute steps and 60 thresholds. The baseline replays one
threshold with one sum a window and slot, as one would write it first; its time is for 60 thresholds and 27 × 48
injections, reckoned from the few that are run.
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
END = datetime(2026, 11, 24, 14, tzinfo=UTC)
CANDIDATES, INJECTIONS = 60, 27 * 48
BARS = {  # seconds
    "replay": 0.2,
    "replay and injections": 1.0,
    "forecast, 60 thresholds × 3 horizons": 0.05,
    "forecast and rule": 0.01,
    "figures and choice from ready scores": 0.15,
    "backtest of 120 days": 0.5,
    "replay, backtest and watch": 2.0,
}


def median(task: Callable[[], Any], runs: int) -> float:
    """Median CPU seconds of a task."""
    spent = []
    for _ in range(runs):
        used = time.process_time()
        task()
        spent.append(time.process_time() - used)
    return float(np.median(spent))


def baseline(violations: np.ndarray, executed: np.ndarray, *, objective: float) -> int:
    """Slots in which a page fires, window sums taken anew for every slot."""
    firing = 0
    for slot in range(len(violations)):
        fires = False
        for long, short, factor in ((12, 1, 14.4), (72, 6, 6.0)):
            burns = []
            for length in (long, short):
                first = max(0, slot + 1 - length)
                n = executed[first : slot + 1].sum()
                burns.append(violations[first : slot + 1].sum() / n / (1 - objective) if n else 0.0)
            fires |= min(burns) >= factor
        firing += fires
    return firing


def figures(runs: int = 7) -> dict[str, float]:
    """Measure one service of 3,000 executions a day, whose threshold is far too tight, with 120 days of history."""
    from slaopt import samples
    from slaopt.analysis.alerts import replay, tightness
    from slaopt.analysis.quality import check_quality
    from slaopt.assess import assess
    from slaopt.buckets import round_thresholds
    from slaopt.forecast import backtest, forecast_curve
    from slaopt.optimize.criteria import rollback
    from slaopt.optimize.decide import decide, scores_of
    from slaopt.optimize.moment import moment
    from slaopt.optimize.scores import DRAWS
    from slaopt.optimize.tell import Setting, tell

    service = samples.service("login")
    history, params = service.profiles(0, END, days=120), service.params
    month = history.last(30)
    steps, objective = month.steps, service.objective
    grid = round_thresholds(0.1, 1e3).tolist()[:CANDIDATES]
    kept = params.model_copy(update={"threshold": 0.9})
    now = moment(history, kept, start=month.hours.start, end=END)
    setting = Setting(params=kept, quality=check_quality(month, kept))

    def choice() -> None:
        decision = decide(now.grid, now.ladder, kept)
        scores_of(decision)
        tell(decision, now, setting)

    def forecast_and_rule() -> None:
        curve = forecast_curve(month.hours, now.grid.thresholds, horizons=(30,))
        curve.quantiles(DRAWS)
        curve.probability_at_most(1 - objective)
        decide(now.grid, now.ladder, params)

    found = {
        "replay": median(lambda: replay(steps, grid, objective=objective), runs),
        "replay and injections": median(
            lambda: (replay(steps, grid, objective=objective), tightness(steps, grid, objective=objective)), runs
        ),
        "forecast, 60 thresholds × 3 horizons": median(lambda: forecast_curve(month.hours, grid), runs),
        "forecast and rule": median(forecast_and_rule, runs),
        "figures and choice from ready scores": median(choice, runs),
        "backtest of 120 days": median(lambda: backtest(history.hours, [params.threshold]), runs),
        "rollback rules and watch": median(lambda: rollback(steps, 0.7, objective=objective), runs),
        "assessment, all": median(lambda: assess(history, params), runs),
    }
    parts = ("replay and injections", "backtest of 120 days", "rollback rules and watch")
    found["replay, backtest and watch"] = sum(found[part] for part in parts)
    violations, executed = steps.violations(2.0).middle, steps.valid
    one = median(lambda: baseline(violations, executed, objective=objective), 3)
    found["baseline, one threshold"] = one
    found["baseline / replay, 60 thresholds"] = one * CANDIDATES / found["replay"]
    # an injection changes at most a day of the 30 that the baseline replays
    injected = one * CANDIDATES * (1 + INJECTIONS * (1 + 6 + 24) / 3 / 24 / 30)
    found["baseline / replay and injections"] = injected / found["replay and injections"]
    return found


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    arguments = parser.parse_args()
    found = figures()
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            written = f"{value:>9.0f} ×" if "/" in name else f"{1000 * value:>8.0f} ms"
            bar = f"   at most {1000 * BARS[name]:.0f} ms" if name in BARS else ""
            print(f"{name:<40} {written}{bar}")
    return int(any(found[name] > bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
