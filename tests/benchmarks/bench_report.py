"""What a report costs: seconds of its parts, of one report and of eight with two jobs, and sizes on disk.

    python tests/benchmarks/bench_report.py [--json]

Wall-clock seconds on a machine that does nothing else; CPU seconds hold on a busy one too. Every figure is of fresh
processes but where it says warm.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
IMPORTS = "import slaopt; from slaopt import charts, parts; charts.violations_per_day, slaopt.assess; import altair"
END = datetime(2026, 11, 24, 14, tzinfo=UTC)
Figures = dict[str, Any]


def measured(task: Callable[[], Any]) -> tuple[Any, Figures]:
    """Run a task; wall seconds, and CPU seconds of this process and its kernels."""
    started, used = time.perf_counter(), _cpu()
    result = task()
    return result, {"wall": time.perf_counter() - started, "cpu": _cpu() - used}


def _cpu() -> float:
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    running = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(t.ru_utime + t.ru_stime for t in (own, ended)) + sum(t.user + t.system for t in running)


def parts() -> dict[str, Figures]:
    """The parts of one report, one after another."""
    import nbformat

    from slaopt import samples
    from slaopt.report.archive import read_profiles, write_profiles

    found: dict[str, Figures] = {}
    _, found["imports, runner"] = measured(lambda: __import__("slaopt.report.engine"))
    from slaopt.report.engine import WarmKernel, execute_notebook
    from slaopt.report.manifest import MANIFEST, PROFILES, Manifest
    from slaopt.report.pages import export_report, prepare
    from slaopt.report.verify import verify_report

    service = samples.service("checkout")
    profiles = service.profiles(7, END, days=60)
    notebook = ROOT / "notebooks" / "service_report.ipynb"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        _, found["archive written"] = measured(lambda: write_profiles(profiles, folder / PROFILES))
        _, found["archive read"] = measured(lambda: read_profiles(folder / PROFILES))
        manifest = Manifest.of(profiles, service.params, notebook)
        manifest.write(folder)
        kernel = WarmKernel(Path(place) / "kernel")
        _, found["kernel start"] = measured(kernel.start)
        importing = Path(place) / "imports.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)]), importing)

        def execute(source: Path, name: str) -> Any:
            return execute_notebook(source, folder / name, kernel=kernel, folder=folder, parameters={})

        _, found["imports, kernel"] = measured(lambda: execute(importing, "imports.ipynb"))
        (folder / "imports.ipynb").unlink()
        _, found["work, first"] = measured(lambda: execute(notebook, "report.ipynb"))
        executed, found["work, warm"] = measured(lambda: execute(notebook, "report.ipynb"))
        _, found["handing over"] = measured(lambda: kernel.call("hand_over", str(folder)))
        kernel.stop()
        _, found["export, prepare"] = measured(prepare)
        page, found["export, first"] = measured(lambda: export_report(executed, title="checkout"))
        page, found["export, warm"] = measured(lambda: export_report(executed, title="checkout"))
        (folder / "report.html").write_text(page)
        manifest.complete(folder).write(folder)
        assert (folder / MANIFEST).exists()
        verified, found["verify"] = measured(lambda: verify_report(folder))
        assert verified.status == "same", verified
    return found


def run(services: int, jobs: int) -> dict[str, Any]:
    """A whole report run in a process of its own, and the same again with nothing to do."""
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, __file__, "--run", str(services), str(jobs), place]
        done, used = measured(lambda: subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True))
        inside = json.loads(done.stdout.splitlines()[-1])
        return {**used, **inside}


def run_inside(services: int, jobs: int, place: Path) -> dict[str, Any]:
    """What `run` measures, inside its process."""
    from slaopt import samples
    from slaopt.params import Params, ParamsBook
    from slaopt.report import Report, run_reports
    from tests.report.runs import Held

    (place / "params" / "services").mkdir(parents=True)
    (place / "params" / "default.yaml").write_text("")
    chosen = samples.SERVICES[:services]
    source = Held([service.profiles(7, END, days=60) for service in chosen])
    book = ParamsBook(default=Params(), services={service.name: service.params for service in chosen})
    reports, made = measured(lambda: run_reports(source, book, place, as_of=END, jobs=jobs))
    failed = [report.to_dict() for report in reports if not isinstance(report, Report)]
    assert not failed, failed
    _, again = measured(lambda: run_reports(source, book, place, as_of=END, jobs=jobs))
    sizes = {
        "page": max((report.directory / "report.html").stat().st_size for report in reports),
        "notebook": max((report.directory / "report.ipynb").stat().st_size for report in reports),
        "result": max((report.directory / "result.json").stat().st_size for report in reports),
        "archive of 60 days": max(_size(report.directory / "profiles") for report in reports),
        "index": (place / "reports" / "index.html").stat().st_size,
    }
    return {"made": made, "reused": again, "bytes": sizes, "peak MB": _peak()}


def _size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def _peak() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def busy_archive() -> dict[str, Any]:
    """Thirty days of a million executions a day on disk."""
    import numpy as np

    from slaopt.report.archive import write_profiles
    from tests.report.test_archive import busy

    profiles = busy(np.random.default_rng(0))
    with tempfile.TemporaryDirectory() as place:
        _, used = measured(lambda: write_profiles(profiles, Path(place)))
        return {**used, "bytes": _size(Path(place))}


def report() -> dict[str, Any]:
    """All figures."""
    return {
        "parts": parts(),
        "one report": run(1, 1),
        "eight reports, 1 job": run(8, 1),
        "eight reports, 2 jobs": run(8, 2),
        "busy archive": busy_archive(),
        "load": os.getloadavg()[0],
    }


def lines(figures: dict[str, Any]) -> list[str]:
    """The figures as a table."""
    table = [f"{'':28}{'wall s':>8}{'CPU s':>8}"]
    table += [f"{name:28}{used['wall']:8.2f}{used['cpu']:8.2f}" for name, used in figures["parts"].items()]
    for name in ("one report", "eight reports, 1 job", "eight reports, 2 jobs"):
        for what in ("made", "reused"):
            used = figures[name][what]
            table.append(f"{f'{name}, {what}':28}{used['wall']:8.2f}{used['cpu']:8.2f}")
    used = figures["busy archive"]
    table.append(f"{'busy archive written':28}{used['wall']:8.2f}{used['cpu']:8.2f}")
    table += ["", f"{'':28}{'kB':>8}"]
    sizes = figures["eight reports, 2 jobs"]["bytes"] | {"archive of 30 busy days": used["bytes"]}
    table += [f"{name:28}{size / 1000:8.0f}" for name, size in sizes.items()]
    table += [
        "",
        f"peak memory of the runner {figures['eight reports, 2 jobs']['peak MB']:.0f} MB; load {figures['load']:.1f}",
    ]
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", nargs=3, metavar=("SERVICES", "JOBS", "DIR"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        services, jobs, place = arguments.run
        print(json.dumps(run_inside(int(services), int(jobs), Path(place))))
    elif arguments.json:
        print(json.dumps(report(), indent=1))
    else:
        print("\n".join(lines(report())))


if __name__ == "__main__":
    main()
