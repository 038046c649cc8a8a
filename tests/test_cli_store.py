"""The commands of the store, and what a store changes in the other commands."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml


@pytest.fixture
def work(slaopt, tmp_path):
    """A workspace that is the current folder."""
    assert slaopt("init").status == 0
    return tmp_path


def settings(work: Path, service: str, **values: object) -> None:
    (work / "params" / "services" / f"{service}.yaml").write_text(yaml.safe_dump({"service": service, **values}))


def change(statement: str) -> None:
    with sqlite3.connect("slaopt.db") as connection:
        connection.execute(statement)
    connection.close()


def test_the_tables_come_and_go(slaopt, work):
    assert "none of slaopt's tables; slaopt db upgrade makes them" in slaopt("db", "current").out
    assert not (work / "slaopt.db").exists()
    for command in ("upgrade", "upgrade", "current"):
        run = slaopt("db", command)
        assert (run.status, run.err) == (0, "")
        assert run.out.endswith("slaopt.db: schema 0003, the newest\n")
    assert json.loads(slaopt("db", "current", "--json").out)["state"] == "current"
    assert slaopt("db", "downgrade").status == 0
    assert json.loads(slaopt("db", "current", "--json").out)["revision"] is None


def test_rows_are_lost_only_with_yes(slaopt, work):
    slaopt("services", "add", "login", "--threshold", "500ms")
    refused = slaopt("db", "downgrade")
    assert (refused.status, refused.refused_in_one_line) == (4, True)
    assert "1 of sla_configurations" in refused.err
    assert "--yes" in refused.err
    assert slaopt("db", "downgrade", "--yes").status == 0


def test_services_are_added_listed_and_switched(slaopt, work):
    assert "no service yet" in slaopt("services").out
    settings(work, "search", objective=0.95)
    added = slaopt("services", "add", "search", "--threshold", "300ms", "--min", "0.1", "--max", "2", "--unit", "ms")
    assert (added.status, added.err) == (0, "")
    assert slaopt("services", "add", "login", "--threshold", "2", "--objective", "0.999").status == 0
    assert slaopt("services", "disable", "search").out == "search is disabled\n"
    lines = slaopt("services", "list").out.splitlines()
    assert [line.split() for line in lines] == [
        ["service", "threshold", "objective", "state", "last", "analysed", "verdict"],
        ["login", "2", "s", "99.9", "%", "enabled", "–", "–"],
        ["search", "300", "ms", "95", "%", "disabled", "–", "–"],
    ]
    assert len({line.index(word) for line, word in zip(lines, ("state", "enabled", "disabled"), strict=True)}) == 1
    told = json.loads(slaopt("services", "list", "--json").out)
    assert [entry["service_type"] for entry in told] == ["login", "search"]
    assert (told[1]["threshold"], told[1]["unit"], told[1]["min_threshold"], told[1]["last_run"]) == (
        0.3,
        "ms",
        0.1,
        None,
    )
    assert json.loads(slaopt("services", "enable", "search", "--json").out)[0]["state"] == "enabled"
    change("UPDATE sla_configurations SET is_active = 0")
    run = slaopt("services", "enable", "search")
    assert run.out == "search is not active\n"
    assert "it stays left out" in run.err
    change("UPDATE sla_configurations SET threshold_unit = 'parsecs' WHERE service_type = 'login'")
    assert "login: its row in sla_configurations: 'parsecs' is no unit of time" in slaopt("services").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("services", "add", "x"), "Missing option '--threshold'"),
        (("services", "add", " ", "--threshold", "2"), "names no service"),
        (("services", "add", "x" * 101, "--threshold", "2"), "names no service"),
        (("services", "add", "a\nb", "--threshold", "2"), "names no service"),
        (("services", "add", "x", "--threshold", "0"), "is not a duration"),
        (("services", "add", "x", "--threshold", "2", "--min", "3", "--max", "1"), "exceeds the greatest"),
        (("services", "add", "x", "--threshold", "2", "--unit", "parsec"), "'parsec' is no unit of time"),
        (("services", "add", "login", "--threshold", "2"), "login is in the store already, with threshold 1 s"),
        (("services", "enable", "nobody"), "nobody is not in the store"),
        (("services", "list", "--store", "mysql://me@db/x"), "mysql databases are not read"),
        (("db", "upgrade", "--store", "nowhere/slaopt.db"), "there is no such folder"),
        (("verify", "reports", "--store", "mysql://me@db/x"), "mysql databases are not read"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_told_with_the_remedy(slaopt, work, arguments, said):
    slaopt("services", "add", "login", "--threshold", "1")
    run = slaopt(*arguments)
    assert (run.status, run.refused_in_one_line) == (2, True)
    assert said in run.err


def test_a_store_needs_a_workspace_or_an_address(slaopt, tmp_path, monkeypatch):
    assert "no workspace here or above" in slaopt("services").err
    assert slaopt("services", "add", "login", "--threshold", "1", "--store", "here.db").status == 0
    monkeypatch.setenv("SLAOPT_STORE", str(tmp_path / "here.db"))
    assert "login" in slaopt("services").out
    assert "password" not in slaopt("services", "--store", "postgresql://me:password@127.0.0.1:1/x").err


def test_params_may_name_the_store(slaopt, work):
    with (work / "params" / "default.yaml").open("a") as file:
        file.write("\nstore: decided.db\n")
    assert slaopt("services", "add", "login", "--threshold", "1").status == 0
    assert (work / "decided.db").exists()
    assert not (work / "slaopt.db").exists()
    assert slaopt("services", "list", "--store", "slaopt.db").out.startswith("no service yet")


def test_a_database_that_does_not_answer_is_5(slaopt, work):
    run = slaopt("services", "list", "--store", "postgresql://me:s3cret@127.0.0.1:1/ops")
    assert (run.status, run.refused_in_one_line, "s3cret" in run.err) == (5, True, False)


def test_what_the_store_decides_holds_and_what_if_changes_nothing(slaopt, work, exports):
    command = ("recommend", "--source", exports, "--json")
    settings(work, "invoice-export", threshold=40, objective=0.95)

    def current(*more: str) -> tuple[float, float]:
        (told,) = json.loads(slaopt(*command, *more).out)
        return told["current_threshold"], told["objective"]

    assert current() == (40, 0.95)
    assert not (work / "slaopt.db").exists()  # who only looks makes no store
    slaopt("services", "add", "invoice-export", "--threshold", "30", "--objective", "0.9")
    assert current() == (30, 0.9)
    warned = slaopt(*command).err.splitlines()
    assert warned == [
        "slaopt: threshold of the store holds, where params have another: invoice-export 30 s (params: 40 s)",
        "slaopt: objective of the store holds, where params have another: invoice-export 90 % (params: 95 %)",
    ]
    before = list(sqlite3.connect("slaopt.db").iterdump())
    assert current("--threshold", "50", "--objective", "0.8") == (50, 0.8)
    assert list(sqlite3.connect("slaopt.db").iterdump()) == before
    slaopt("services", "disable", "invoice-export")
    run = slaopt("analyze", "--source", exports)
    assert (run.status, run.out) == (0, "")
    assert "invoice-export is left out: disabled in the store" in run.err
    assert "invoice-export" in slaopt("analyze", "--source", exports, "--service", "invoice-export").out


def test_a_report_is_recorded_and_known_again(slaopt, work, exports):
    settings(work, "invoice-export", threshold=40, objective=0.95)
    command = ("report", "--source", exports)
    first = slaopt(*command)
    assert (first.status, first.err) == (0, "")
    (entry,) = json.loads(slaopt("services", "list", "--json").out)
    assert (entry["threshold"], entry["objective"]) == (40, 0.95)
    assert entry["last_run"]["as_of"].startswith("2026-11-03T14:00")
    assert entry["last_optimization_at"] is not None
    assert (work / "slaopt.db").stat().st_mode & 0o077 == 0
    report = work / "reports" / entry["last_run"]["report_path"]
    (told,) = json.loads(slaopt("verify", report, "--json").out)
    assert (told["status"], told["recorded"]) == ("same", True)
    change("UPDATE sla_configurations SET threshold_value = 35")
    changed = slaopt(*command)
    assert "invoice-export 35 s (params: 40 s)" in changed.err
    with sqlite3.connect("slaopt.db") as connection:
        history = connection.execute("SELECT threshold_value, previous_value FROM sla_threshold_history").fetchall()
        runs = connection.execute("SELECT count(*) FROM sla_runs").fetchone()
    connection.close()
    assert (history, runs) == ([(40, None), (35, 40)], (2,))
    again = slaopt(*command)
    assert "(as before)" in again.out


def test_help_needs_neither_the_store_nor_its_libraries():
    code = (
        "import sys\nfrom slaopt.cli import app\n"
        "app.main(['services', '--help'], standalone_mode=False)\n"
        "assert not {'sqlalchemy', 'alembic', 'pandas'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
