"""The set-up: what is missing is named with its remedy, and the command line starts quickly."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import conftest

ROOT = Path(__file__).parent.parent
HEAVY = {"altair", "duckdb", "nbconvert", "numpy", "pandas", "papermill", "pydantic", "pymc", "scipy", "sqlalchemy"}


def find_python(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("sh") or "/bin/sh", str(ROOT / ".ci" / "python")],
        env={"PATH": str(folder), "PYTHONS": "python3.14 python3.11 python3"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def fake_python(tmp_path) -> Callable[..., Path]:
    """Put an executable into a folder whose name has a space: the real Python, changed as told."""

    def make(name: str, prelude: str = "") -> Path:
        folder = tmp_path / "some programs"
        folder.mkdir(exist_ok=True)
        script = f'#!/bin/sh\nexec "{sys.executable}" -c "{prelude}\n$2"\n'
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
        return folder

    return make


def test_the_first_python_that_fits_is_taken(fake_python):
    fake_python("python3.14", "import sys; sys.modules['ensurepip'] = None")
    folder = fake_python("python3")
    found = find_python(folder)
    assert (found.returncode, found.stdout, found.stderr) == (0, "python3\n", "")


@pytest.mark.parametrize(
    ("name", "prelude", "said"),
    [
        ("python3", "import sys; sys.version_info = (3, 10, 1)", "not Python 3.11 to 3.14: python3: install one"),
        ("python3.14", "import sys; sys.modules['ensurepip'] = None", "no venv module in python3.14: install it"),
        ("something", "", "no Python found: install Python 3.11 to 3.14"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(fake_python, name, prelude, said):
    found = find_python(fake_python(name, prelude))
    assert found.returncode == 1
    assert said in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_make_help_lists_every_task():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    tasks = next(line for line in makefile.splitlines() if line.startswith(".PHONY: help")).split()[1:]
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\w+)", listed, flags=re.MULTILINE) == tasks
    assert {"report", "test", "lab", "bench", "evidence", "lock", "clean"} < set(tasks)


def test_the_scripts_are_valid_shell():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    for shell, script in (("bash", run), ("sh", ROOT / ".ci" / "python")):
        subprocess.run([shell, "-n", str(script)], check=True)


def test_no_heavy_package_is_imported_for_help():
    code = (
        "import sys; from slaopt.cli import app\n"
        "app.main(['--help'], standalone_mode=False)\n"
        "print('loaded:', *sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = {name.partition(".")[0] for name in printed.rpartition("loaded:")[2].split()}
    assert not loaded & HEAVY


def cpu_seconds(*command: str) -> float:
    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def test_help_costs_little_more_than_python_itself():
    start = cpu_seconds(sys.executable, "-c", "import click, json, datetime")
    assert cpu_seconds(sys.executable, "-m", "slaopt", "--help") < 3 * start


def summary(*reasons: str) -> list[str]:
    lines: list[str] = []
    reports = [SimpleNamespace(longrepr=("file", 1, f"Skipped: {reason}")) for reason in reasons]
    conftest.pytest_terminal_summary(
        SimpleNamespace(stats={"skipped": reports}, write_line=lambda line, **_: lines.append(line))
    )
    return lines


def test_the_last_lines_of_the_tests_say_what_was_skipped():
    assert summary("needs Chromium", "needs data", "needs Chromium") == [
        "skipped 2 tests: needs Chromium",
        "skipped 1 test: needs data",
    ]
    assert summary() == ["no test was skipped: every optional part is here"]


def test_python_files_are_short():
    for path in (ROOT / "slaopt").rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
