"""A report run: whole reports in their places, whatever fails, dies or is interrupted on the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slaopt
from slaopt.errors import InputError
from slaopt.params import Params, ParamsBook, SourceParams
from slaopt.report import Report, open_run, run_reports
from slaopt.report.engine import WarmKernel
from slaopt.report.folders import is_whole, newest_reports, service_folder, work_folder
from slaopt.report.portfolio import open_portfolio
from slaopt.report.verify import verify_report
from slaopt.result import Skipped
from tests.report.runs import BOOK, END, SERVICE_CELLS, Held, contents, read_json, small, workspace, write_notebook

HOSTILE = ["../../etc/passwd", "<script>alert(1)</script>", "支付", "a" * 100, "CON", "..", "'; DROP TABLE x; --"]


def directories(results: list[Report | Skipped]) -> dict[str, Path]:
    return {result.service: result.directory for result in results if isinstance(result, Report)}


def reasons(results: list[Report | Skipped]) -> dict[str, str]:
    return {result.service: result.reason for result in results if isinstance(result, Skipped)}


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: WarmKernel) -> None:
        pytest.fail("a kernel was started")

    monkeypatch.setattr(WarmKernel, "start", start)


class Made:
    """One run over good, refused, failing and hostile services, looked at by many tests."""

    def __init__(self, directory: Path) -> None:
        cells = [
            # a warm kernel must have forgotten what the notebook before it knew
            "import os\nassert 'left' not in globals() and os.path.exists('manifest.json')\nleft = 1",
            *SERVICE_CELLS,
            "if run.service == 'fails':\n    raise ValueError('no such\\n  thing')",
            "if run.service == 'dies':\n    os._exit(1)",
        ]
        self.workspace = workspace(directory, cells=cells)
        self.reports = self.workspace / "reports"
        self.source = Held(
            [
                small("checkout"),
                small("fails", seed=2),
                small("short", days=5),
                Skipped(service="broken", reason="durations are no numbers"),
                small("dies", seed=3),
                *(small(name, days=7, a_day=40, seed=4) for name in HOSTILE),
            ]
        )
        secret = SourceParams(url="postgresql://me:s3cret@db/x")
        self.book = ParamsBook(default=Params(threshold=2.0, sources={"db": secret}), services={})
        self.results = run_reports(self.source, self.book, self.workspace, jobs=2)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", "/nonexistent")
        return Made(tmp_path_factory.mktemp("work {space}"))


def test_results_come_in_the_order_of_the_services(made: Made) -> None:
    assert [result.service for result in made.results] == [item.service for item in made.source.held]


def test_a_report_is_whole_and_verified(made: Made) -> None:
    for directory in directories(made.results).values():
        assert set(contents(directory)) == {
            "report.html", "report.ipynb", "result.json", "manifest.json", "profiles/service.json",
            "profiles/hours.parquet", "profiles/hours_slots.parquet",
            "profiles/steps.parquet", "profiles/steps_slots.parquet",
        }  # fmt: skip
        assert is_whole(directory)
        assert verify_report(directory).status == "same"


def test_what_stands_in_the_page_is_what_was_archived(made: Made) -> None:
    directory = directories(made.results)["checkout"]
    run = open_run(directory)
    assessment = slaopt.assess(run.profiles, run.params)
    assert read_json(directory / "result.json") == assessment.to_dict()
    notebook = read_json(directory / "report.ipynb")
    shown = [output["data"]["text/html"] for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert "".join(shown[0]) == assessment.recommendation._repr_html_()


def test_a_failing_notebook_is_told_with_its_cell_and_kept(made: Made) -> None:
    reason = reasons(made.results)["fails"]
    assert "service_report.ipynb, cell 7 (`if run.service == 'fails':`)" in reason
    assert "ValueError: no such thing" in reason
    kept = made.reports / service_folder("fails") / "failed.ipynb"
    assert str(kept.relative_to(made.workspace)) in reason
    assert "ValueError" in kept.read_text()


def test_a_kernel_that_dies_costs_one_report(made: Made) -> None:
    assert "kernel died" in reasons(made.results)["dies"]


def test_refusals_are_skipped_with_their_reason(made: Made) -> None:
    assert reasons(made.results)["broken"] == "durations are no numbers"
    assert "5 days" in reasons(made.results)["short"]
    assert not (made.reports / service_folder("short")).exists()


def test_the_index_lists_reports_and_skipped_services(made: Made) -> None:
    portfolio = open_portfolio(made.reports)
    assert {row.service for row in portfolio.rows} == {"checkout", *HOSTILE}
    assert {entry.service for entry in portfolio.skipped} == {"fails", "short", "broken", "dies"}
    assert (made.reports / "index.html").stat().st_size > 1000


def test_hostile_names_stay_inside_the_folder_of_reports(made: Made) -> None:
    found = directories(made.results)
    assert set(HOSTILE) < set(found)
    assert {path.parent.parent for path in found.values()} == {made.reports}
    assert len({path.parent for path in found.values()}) == len(found)
    assert all(path.parent.name.isascii() and len(path.parent.name) < 60 for path in found.values())
    assert [path.name for path in made.workspace.iterdir() if path.name not in ("params", "notebooks", "reports")] == []


def test_nothing_is_left_of_the_run_and_no_secret_is_written(made: Made) -> None:
    assert list(made.reports.glob(".work-*")) == []
    for name, data in contents(made.reports).items():
        assert b"s3cret" not in data, name
        assert b".work-" not in data, name
        assert str(made.workspace).encode() not in data, name


def test_the_same_input_is_reused_without_a_kernel(made: Made, no_kernel: None) -> None:
    before = contents(made.reports)
    names = ["checkout", HOSTILE[0]]
    again = run_reports(made.source, made.book, made.workspace, services=[*names, "mistyped"])
    assert [result.status for result in again if isinstance(result, Report)] == ["reused", "reused"]
    assert "mistyped" in reasons(again)  # and is not noted for the index
    assert directories(again) == {name: directories(made.results)[name] for name in names}
    assert contents(made.reports) == before


def test_the_same_input_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    other = workspace(tmp_path)
    shutil.copy(made.workspace / "notebooks" / "service_report.ipynb", other / "notebooks")
    run_reports(Held([small("checkout")]), made.book, other)
    directory = directories(made.results)["checkout"]
    assert contents(other / "reports" / directory.parent.name / directory.name) == contents(directory)


def test_other_settings_make_another_report_and_the_index_follows(tmp_path: Path) -> None:
    source = Held([small()])
    place = workspace(tmp_path)

    def run(threshold: float) -> Report:
        (result,) = run_reports(source, ParamsBook(default=Params(threshold=threshold), services={}), place)
        assert isinstance(result, Report)
        return result

    first = run(2.0)
    (place / "reports" / service_folder("checkout") / "failed.ipynb").write_text("of an older run")
    damaged = first.directory / "report.html"
    damaged.write_text("cut off")
    mended, second = run(2.0), run(2.5)
    assert mended.directory == first.directory
    assert mended.status == "made"
    assert is_whole(first.directory)
    assert second.directory.parent == first.directory.parent
    assert second.directory != first.directory
    assert newest_reports(place / "reports") == [second.directory]
    assert second.directory.name in (place / "reports" / "index.ipynb").read_text()
    assert run(2.0).status == "reused"
    assert newest_reports(place / "reports") == [first.directory]
    assert [row.current_threshold for row in open_portfolio(place / "reports").rows] == [2.0]
    assert first.directory.name in (place / "reports" / "index.ipynb").read_text()
    assert not list((place / "reports").rglob("failed.ipynb"))


def test_two_runs_at_once_share_their_reports(tmp_path: Path) -> None:
    source, place = Held([small("one"), small("two", seed=2)]), workspace(tmp_path)
    results: list[list[Report | Skipped]] = []
    threads = [threading.Thread(target=lambda: results.append(run_reports(source, BOOK, place))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert directories(results[0]) == directories(results[1])
    assert all(is_whole(directory) for directory in directories(results[0]).values())
    assert len(list((place / "reports").glob("*/*/manifest.json"))) == 2
    assert list((place / "reports").glob(".work-*")) == []


def test_the_index_notebook_that_fails_is_told(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    write_notebook(place / "notebooks" / "portfolio.ipynb", "reports", ["1 / 0"])
    with pytest.raises(InputError, match=r"portfolio\.ipynb, cell 3 \(`1 / 0`\) failed: ZeroDivisionError"):
        run_reports(Held([Skipped(service="x", reason="y")]), BOOK, place)


def test_a_notebook_without_an_assessment_is_told(tmp_path: Path) -> None:
    place = workspace(tmp_path, cells=["1 + 1"])
    (result,) = run_reports(Held([small()]), BOOK, place)
    assert isinstance(result, Skipped)
    assert "`assessment`" in result.reason


def test_an_interpreter_without_kernels_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho No module named ipykernel >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(InputError, match=r"does not run notebooks: .*: No module named ipykernel"):
        run_reports(Held([small()]), BOOK, workspace(tmp_path))


SLOW = """
    import os, signal, sys, time
    from pathlib import Path
    from slaopt.report import run_reports
    from tests.report.runs import BOOK, Held, small, workspace

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started without it
    place = Path(sys.argv[1])
    cells = ["import os, time\\nopen({pid!r}, 'w').write(str(os.getpid()))\\ntime.sleep(600)"]
    workspace(place, cells=[cells[0].format(pid=str(place / 'kernel.pid'))])
    try:
        run_reports(Held([small(seed=9)]), BOOK, place)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def wait_for(claim: Callable[[], Any], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return sys.platform != "linux"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_the_last_good_report(tmp_path: Path, end: signal.Signals) -> None:
    place = workspace(tmp_path)
    (good,) = run_reports(Held([small()]), BOOK, place)
    assert isinstance(good, Report)
    before = contents(place / "reports")
    slow = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SLOW), str(place)], cwd=Path(__file__).parents[2])
    pid = place / "kernel.pid"
    wait_for(lambda: slow.poll() is not None or (pid.exists() and pid.read_text()))
    with work_folder(place / "reports"):  # another run must not take the live one's folder for a dead one's
        assert len(list((place / "reports").glob(".work-*"))) == 2
    slow.send_signal(end)
    assert slow.wait(timeout=30) == (130 if end == signal.SIGINT else -signal.SIGKILL)
    wait_for(lambda: not alive(int(pid.read_text())), seconds=20)
    left = list((place / "reports").glob(".work-*"))
    assert len(left) == (1 if end == signal.SIGKILL else 0)
    for folder in left:
        shutil.copytree(folder, place / "kept")
        shutil.rmtree(folder)
    assert contents(place / "reports") == before
    if left:
        (place / "kept").rename(left[0])
    with work_folder(place / "reports") as mine:
        assert list((place / "reports").glob(".work-*")) == [mine]


def test_the_settings_of_a_run_come_back(made: Made) -> None:
    run = open_run(directories(made.results)["checkout"])
    assert run.params == made.book.of("checkout").model_copy(update={"sources": {}})
    assert run.as_of == END
    assert np.array_equal(run.profiles.hours.executions, small("checkout").hours.executions)
    assert replace(run.profiles.intake) == small("checkout").intake
