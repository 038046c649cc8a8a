"""What counting measurements costs: Profiles of 20 million rows of Parquet, against a bare scan and against pandas.

    python tests/benchmarks/bench_scan.py [--rows 20000000] [--json]

Each task runs in a process of its own, so that its peak memory is its own; times are the best of a few runs there, the
files being in the file system's cache. Wall-clock seconds on a machine that does nothing else; CPU seconds hold on a
busy one too.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
START, DAYS, SERVICES = datetime(2026, 10, 1, tzinfo=UTC), 30, 8
QUANTILES = [0.5, 0.9, 0.95, 0.99]
Figures = dict[str, Any]


def write_measurements(path: Path, rows: int) -> None:
    """Executions of eight services over 30 days, in the order of time: lognormal durations with a daily season."""
    import duckdb

    step = DAYS * 86_400e6 / rows
    noise = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
    duckdb.execute("SELECT setseed(0.5)").fetchall()
    duckdb.execute(
        f"COPY (SELECT TIMESTAMP '{START:%Y-%m-%d}' + to_microseconds((i * {step})::BIGINT) AS timestamp, "
        f"'service-' || hash(i) % {SERVICES} AS service, "
        f"round(200 * exp(0.6 * {noise} + 0.2 * sin(i * {step} / 86_400e6 * 2 * pi())), 3) AS duration_ms "
        f"FROM range({rows}) AS rows(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"
    ).fetchall()


def bare_scan(path: Path) -> Callable[[], Any]:
    """Read the three columns and do next to nothing with them."""
    import duckdb

    query = (
        f"SELECT count(*), sum(duration_ms), min(timestamp), max(timestamp), max(service) FROM read_parquet('{path}')"
    )
    return lambda: duckdb.execute(query).fetchall()


def profiles(path: Path) -> Callable[[], Any]:
    """Count both Profiles of every service; what the file is like is known."""
    source, _ = _source(path)
    source.inspect()
    return lambda: [item.service for item in source.profiles(None, START, START + timedelta(days=DAYS))]


def from_nothing(path: Path) -> Callable[[], Any]:
    """Inspect the file and count, as a command does."""
    from slaopt.sources import scan

    def run() -> list[str]:
        source, book = _source(path)
        return [item.service for item in scan(source, book)]

    return run


def _source(path: Path) -> Any:
    from slaopt.params import load_params
    from slaopt.sources import connect

    book = load_params(None)
    return connect(str(path), book=book, now=START + timedelta(days=DAYS + 1)), book


def with_pandas(path: Path) -> Callable[[], Any]:
    """Four quantiles of each hour and service: less than a Profile holds."""
    import pandas as pd

    def run() -> Any:
        frame = pd.read_parquet(path)
        return frame.groupby(["service", frame["timestamp"].dt.floor("h")])["duration_ms"].quantile(QUANTILES)

    return run


TASKS: dict[str, tuple[Callable[[Path], Callable[[], Any]], int]] = {
    "bare scan": (bare_scan, 5),
    "profiles": (profiles, 3),
    "inspect and profiles": (from_nothing, 3),
    "pandas hourly quantiles": (with_pandas, 1),
}


def measure(name: str, path: Path) -> Figures:
    """Run a task some times in this process: best wall and CPU seconds, and the peak memory of all."""
    prepare, runs = TASKS[name]
    task = prepare(path)
    walls, cpus = [], []
    for _ in range(runs):
        started, used = time.perf_counter(), time.process_time()
        task()
        walls.append(time.perf_counter() - started)
        cpus.append(time.process_time() - used)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return {"wall": min(walls), "cpu": min(cpus), "peak_mb": peak}


def measure_all(rows: int) -> Figures:
    """Measure every task, and set them against each other."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "measurements.parquet"
        write_measurements(path, rows)
        found: Figures = {}
        for name in TASKS:
            command = [sys.executable, __file__, "--task", name, "--file", str(path)]
            found[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        size = path.stat().st_size / 1e6

    def ratio(one: str, two: str) -> Figures:
        return {kind: found[one][kind] / found[two][kind] for kind in ("wall", "cpu")}

    return {
        "rows": rows,
        "file_mb": size,
        "tasks": found,
        "profiles / bare scan": ratio("profiles", "bare scan"),
        "pandas / profiles": ratio("pandas hourly quantiles", "profiles"),
        "pandas / inspect and profiles": ratio("pandas hourly quantiles", "inspect and profiles"),
    }


def show(found: Figures) -> None:
    """Print the figures as a table."""
    print(f"{found['rows']:,} rows of Parquet, {found['file_mb']:,.0f} MB, {SERVICES} services, {DAYS} days\n")
    print(f"{'':<32}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
    for name, figures in found["tasks"].items():
        print(f"{name:<32}{figures['wall']:>9.2f}{figures['cpu']:>9.2f}{figures['peak_mb']:>9,.0f}")
    print(f"\n{'':<32}{'wall':>9}{'CPU':>9}{'wanted':>9}")
    for name, wanted in (
        ("profiles / bare scan", "≤ 6"), ("pandas / profiles", "≥ 4"), ("pandas / inspect and profiles", "")
    ):  # fmt: skip
        print(f"{name:<32}{found[name]['wall']:>8.1f}×{found[name]['cpu']:>8.1f}×{wanted:>9}")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--task", choices=list(TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.task:
        print(json.dumps(measure(given.task, given.file)))
        return
    found = measure_all(given.rows)
    print(json.dumps(found, indent=2)) if given.json else show(found)


if __name__ == "__main__":
    main()
