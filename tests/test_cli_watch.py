"""`slaopt watch`: one pass, one after the other until it is told to stop, and what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from slaopt.apply.alone import alone
from tests.apply.changed import DAY, HOUR, changed, rows, template, until
from tests.commands import write_csv

PATIENCE = 60.0


@pytest.fixture(scope="session")
def end():
    """Reports end a day ago: the command knows no other time than the real one."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - DAY


@pytest.fixture(scope="session")
def shared(tmp_path_factory, end):
    return template(tmp_path_factory.mktemp("template"), end)


@pytest.fixture
def here(shared, tmp_path, end, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = changed(shared, tmp_path, at=end + timedelta(minutes=32))
    now = datetime.now(UTC)
    slow = rows(["login"], slower=1.6, since=end + 4 * HOUR, end=end, days=1) + rows(["catalog"], end=end, days=1)
    write_csv(tmp_path / "measured.csv", until(now, slow))
    return made


def test_one_pass_rolls_back_and_says_so(slaopt, here, tmp_path):
    run = slaopt("watch", "--source", tmp_path / "measured.csv", "--workspace", here.workspace)
    assert run.status == 0
    login, catalog = sorted(run.out.splitlines(), key=lambda line: line.startswith("catalog"))
    assert login.startswith("login    rolled back  login: 500 ms is in force again instead of 700 ms")
    assert catalog.startswith("catalog  quiet        ")
    (warned,) = run.err.splitlines()
    assert " WARNING slaopt.watch login: rolled back: " in warned
    assert here.threshold() == 0.5


def test_programs_get_a_line_of_json_for_each(slaopt, here, tmp_path):
    run = slaopt("watch", "--source", tmp_path / "measured.csv", "--workspace", here.workspace, "--json")
    told = {line["service_type"]: line for line in map(json.loads, run.out.splitlines())}
    assert {name: line["state"] for name, line in told.items()} == {"login": "rolled back", "catalog": "quiet"}
    assert told["login"]["fired"][0]["rule"]["metric"] == "watch_z"
    assert told["catalog"]["observed"]["executions"] > 0


def test_without_measurements_it_says_that_it_sees_nothing(slaopt, here, tmp_path):
    run = slaopt("watch", "--workspace", here.workspace)
    assert run.status == 3
    assert run.err.startswith("slaopt: no source: ")
    assert run.out.count("blind") == 2
    assert here.threshold() == 0.7
    gone = slaopt("watch", "--workspace", here.workspace, "--source", tmp_path / "gone.csv", "--service", "login")
    assert (gone.status, gone.out.count("blind")) == (3, 1)
    assert "gone.csv" in gone.err


def test_switched_off_it_is_refused(slaopt, here):
    (here.workspace / "params" / "default.yaml").write_text("enabled: false\n")
    run = slaopt("watch", "--workspace", here.workspace)
    assert run.status == 4
    assert run.refused_in_one_line


def test_a_second_watch_leaves_the_pass_to_the_first(slaopt, here, tmp_path):
    with alone(here.ledger.store.label) as free:
        assert free
        run = slaopt("watch", "--source", tmp_path / "measured.csv", "--workspace", here.workspace)
    assert run.status == 0
    assert "another watch is at work" in run.err
    assert here.threshold() == 0.7


@pytest.mark.parametrize("pause", ["5m", "300s", "300", "5 min", "1h"])
def test_pauses(pause):
    from slaopt.cli.watching import Pause

    assert Pause().convert(pause, None, None) in (300.0, 3600.0)


@pytest.mark.parametrize("pause", ["soon", "m", "-5m", "0", "1s"])
def test_pauses_that_are_none_are_refused(slaopt, here, pause):
    run = slaopt("watch", f"--every={pause}", "--workspace", here.workspace)
    assert run.status == 2
    assert run.refused_in_one_line


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_watches_on_until_it_is_told_to_stop(here, tmp_path, stop):
    measured = tmp_path / "measured.csv"
    slow = measured.read_text()
    measured.write_text("timestamp,service,duration_s\n")
    command = [
        sys.executable, "-m", "slaopt", "watch", "--every", "10s", "--source", str(measured), "--workspace",
        str(here.workspace),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as watch:
        began = time.monotonic()
        assert watch.stdout is not None
        first = [watch.stdout.readline() for _ in range(2)]
        (tmp_path / "whole.csv").write_text(slow)
        (tmp_path / "whole.csv").replace(measured)
        second = [watch.stdout.readline() for _ in range(2)]
        watch.send_signal(stop)
        out, err = watch.communicate(timeout=PATIENCE)
    assert time.monotonic() - began < PATIENCE
    assert watch.returncode == 0
    assert ["blind" in line for line in first] == [True, True]
    assert sum("rolled back" in line for line in second) == 1
    assert out == ""
    assert err.count("WARNING") == 1
    assert "Traceback" not in err
    assert here.threshold() == 0.5
