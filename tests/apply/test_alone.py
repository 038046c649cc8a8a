"""One pass at a time for each store, as long as its process lives."""

from __future__ import annotations

import subprocess
import sys

import pytest

from slaopt.apply.alone import alone
from slaopt.errors import InputError


@pytest.fixture(autouse=True)
def state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_one_at_a_time_for_each_store(state):
    with alone("sqlite:///a.db") as first, alone("sqlite:///a.db") as second, alone("sqlite:///b.db") as other:
        assert (first, second, other) == (True, False, True)
    with alone("sqlite:///a.db") as again:
        assert again
    (folder,) = state.iterdir()
    assert all(lock.stat().st_mode & 0o777 == 0o600 for lock in folder.iterdir())
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_process_that_was_killed_holds_nothing():
    script = (
        "import os, signal\nfrom slaopt.apply.alone import alone\n"
        "with alone('sqlite:///a.db') as free:\n    assert free\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    with alone("sqlite:///a.db") as free:
        assert free


def test_a_folder_that_cannot_be_made_is_said(state, monkeypatch):
    state.write_text("a file")
    with pytest.raises(InputError, match="XDG_STATE_HOME"), alone("sqlite:///a.db"):
        pass
