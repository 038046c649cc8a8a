"""What all tests share: a fixed clock and seed, one thread a process, and the last lines that say what was skipped."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(threads, "1")  # two test processes share the cores; before numpy is imported
for setting in ("SLAOPT_WORKSPACE", "SLAOPT_STORE"):
    os.environ.pop(setting, None)

import hypothesis
import numpy as np
import pytest

from tests.commands import Run, executions, write_csv

hypothesis.settings.register_profile("slaopt", deadline=None, derandomize=True)
hypothesis.settings.load_profile("slaopt")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261103)


@pytest.fixture(scope="session")
def end() -> datetime:
    """The end of simulated time: a Tuesday, a full hour."""
    return datetime(2026, 11, 3, 14, tzinfo=UTC)


@pytest.fixture
def slaopt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Run]:
    """Run the command line in this process, from an empty folder."""
    from slaopt import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))  # nobody's own sessions

    def run(*arguments: str | Path) -> Run:
        monkeypatch.setattr(sys, "argv", ["slaopt", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Run(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def exports(tmp_path_factory: pytest.TempPathFactory, end: datetime) -> Path:
    """A file of measurements: one service, 20 days."""
    return write_csv(tmp_path_factory.mktemp("data") / "exports.csv", executions("invoice-export", end))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in the last lines which parts of this machine are missing, and how many tests that skipped."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped {count} test{'s' * (count > 1)}: {reason}", yellow=True)
    if not reasons:
        terminalreporter.write_line("no test was skipped: every optional part is here", green=True)


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    text = str(where[2]) if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")
