"""The command line keeps its promises: exit codes, one line on stderr for a refusal, JSON that parses."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios

import pytest

from slaopt.errors import ParamsError, RefusedError, UnreachableError
from slaopt.samples import BROKEN, SERVICES
from tests.commands import executions, write_csv


def test_a_good_file_is_understood(slaopt, exports):
    run = slaopt("check", exports)
    assert (run.status, run.err) == (0, "")
    assert "duration   column duration_s" in run.out
    assert "invoice-export" in run.out


@pytest.mark.parametrize("command", ["analyze", "recommend"])
def test_results_of_a_file_are_printed(slaopt, exports, command):
    run = slaopt(command, "--source", exports, "--threshold", "40s", "--objective", "0.95", "--days", "14")
    assert (run.status, run.err) == (0, "")
    assert "invoice-export" in run.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "FILE"),
        ("analyze", "--source", "FILE", "--threshold", "40s"),
        ("recommend", "--source", "FILE", "--threshold", "40s", "--objective", "0.95"),
        ("recommend", "--source", "FILE"),
        ("init", "work"),
        ("sample", "samples", "--end", "2026-11-03T14:00:00Z"),
    ],
    ids=" ".join,
)
def test_json_parses_and_holds_no_nan(slaopt, exports, arguments):
    run = slaopt(*(exports if argument == "FILE" else argument for argument in arguments), "--json")
    assert run.status == 0

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert json.loads(run.out, parse_constant=refuse)


def test_a_what_if_changes_the_threshold(slaopt, exports):
    run = slaopt("recommend", "--source", exports, "--threshold", "400ms", "--json")
    assert json.loads(run.out)[0]["current_threshold"] == 0.4


def test_nothing_says_how_to_change_a_threshold_that_is_in_force_nowhere(slaopt, exports):
    (told,) = json.loads(slaopt("recommend", "--source", exports, "--objective", "0.95", "--json").out)
    assert told["verdict"] in ("set", "objective")
    assert f"→ {told['command']}" not in slaopt("recommend", "--source", exports, "--objective", "0.95").out
    assert slaopt("init").status == 0
    assert slaopt("services", "add", "invoice-export", "--threshold", "20s", "--objective", "0.95").status == 0
    in_force = slaopt("recommend", "--source", exports).out
    assert "→ slaopt report invoice-export, then slaopt propose invoice-export" in in_force


def test_too_few_executions_are_skipped_with_the_reason(slaopt, tmp_path, end):
    path = write_csv(tmp_path / "few.csv", executions("invoice-export", end, days=2))
    run = slaopt("analyze", "--source", path)
    assert run.status == 3
    assert "invoice-export" in run.out


def test_the_samples_are_checked_and_the_broken_service_is_told(slaopt):
    assert slaopt("sample", "samples", "--end", "2026-11-03T14:00:00Z").status == 0
    run = slaopt("check", "samples", "--json")
    told = json.loads(run.out)
    assert run.status == 0
    words = {quality["service_type"]: quality["word"] for quality in told["quality"]}
    assert set(words) == {one.name for one in SERVICES} | {BROKEN}
    assert (words["checkout"], words[BROKEN]) == ("good", "poor")
    assert told["intake"]["rejected"] > 1_000
    skipped = slaopt("analyze", "--source", "samples", "--service", BROKEN)
    assert skipped.status == 3
    assert BROKEN in skipped.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("frob",), "No such command 'frob'"),
        (("check",), "Missing argument"),
        (("check", "nowhere.csv"), "nowhere.csv"),
        (("check", "."), "."),
        (("analyze",), "no source: give --source"),
        (("analyze", "--source", "FILE", "--threshold", "fast"), "'fast' is not a duration"),
        (("analyze", "--source", "FILE", "--as-of", "yesterday"), "'yesterday' is no time"),
        (("analyze", "--source", "FILE", "--as-of", "9999-12-31T23:59:59Z"), "outside the years"),
        (("analyze", "--source", "FILE", "--days", "3"), "3 is not in the range"),
        (("analyze", "--source", "FILE", "--objective", "1"), "1.0 is not in the range"),
        (("analyze", "--source", "FILE", "--column", "speed=x"), "ROLE=NAME"),
        (("analyze", "--source", "FILE", "--timezone", "Mars/Olympus"), "Mars/Olympus"),
        (("analyze", "--source", "FILE", "--unit", "parsec"), "parsec"),
        (("analyze", "--source", "FILE", "--workspace", "."), "no workspace"),
        (("report", "--source", "FILE"), "no workspace here or above"),
        (("init", "FILE"), "is a file"),
        (("verify", "nowhere"), "nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_and_usage_is_2_and_one_line(slaopt, exports, arguments, said):
    run = slaopt(*(exports if argument == "FILE" else argument for argument in arguments))
    assert run.status == 2
    assert run.refused_in_one_line
    assert said in run.err


@pytest.mark.parametrize("text", ["threshold: [1]", "objectiv: 0.9", "a: b: c", "- 1", "days: 1e99", "timezone: ../x"])
def test_bad_settings_name_their_file(slaopt, exports, tmp_path, text):
    assert slaopt("init").status == 0
    (tmp_path / "params" / "default.yaml").write_text(text, encoding="utf-8")
    run = slaopt("check", exports)
    assert (run.status, run.refused_in_one_line) == (2, True)
    assert "default.yaml" in run.err


@pytest.mark.parametrize("error", [ParamsError, RefusedError, UnreachableError])
def test_every_error_has_its_exit_code(slaopt, monkeypatch, error):
    def refuse(*_: object, **__: object) -> None:
        raise error("line one\nline \x1b[2J two")

    monkeypatch.setattr("slaopt.workspace.init_workspace", refuse)
    run = slaopt("init")
    assert run.status == error.exit_code == {ParamsError: 2, RefusedError: 4, UnreachableError: 5}[error]
    assert run.err == "slaopt: line one line \\x1b[2J two\n"


def test_a_database_that_does_not_answer_is_5(slaopt):
    run = slaopt("check", "postgresql+psycopg://reader:secret@127.0.0.1:1/ops", "--table", "executions")
    assert (run.status, run.refused_in_one_line) == (5, True)
    assert "secret" not in run.err


def test_a_bug_stays_loud(slaopt, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("slaopt.workspace.init_workspace", fail)
    with pytest.raises(ZeroDivisionError):
        slaopt("init")


HOSTILE = [
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "'; DROP TABLE x; --",
    "a\tb",
    "naïve 名前",
    "…",
    "CON",
    "~",
]


def test_hostile_service_names_are_only_text(slaopt, tmp_path, end):
    rows = [row for name in HOSTILE for row in executions("invoice-export", end, called=name)]
    rows += [(rows[0][0], name, 1.0) for name in ("x\x1b[2Jy", "y" * 300_000, "", "  ", "bell\x07")]
    path = write_csv(tmp_path / "hostile.csv", rows)
    run = slaopt("check", path)
    assert run.status in (0, 3)
    assert all(character.isprintable() or character == "\n" for character in run.out + run.err)
    assert "<script>" in run.out
    assert max(map(len, run.out.splitlines())) < 500
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["hostile.csv"]


def spawned(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "slaopt", *arguments],
        env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_locale_without_the_characters_is_no_failure(exports):
    process = spawned("check", str(exports), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "invoice-export" in out


def test_a_terminal_shows_how_far_it_is(exports):
    terminal, its_end = pty.openpty()
    termios.tcsetwinsize(its_end, (24, 80))
    command = [sys.executable, "-m", "slaopt", "check", str(exports)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=its_end, text=True, timeout=60, check=True)
    os.set_blocking(terminal, False)
    assert "services" in os.read(terminal, 10_000).decode()
    assert "%|" not in run.stdout
    for handle in (terminal, its_end):
        os.close(handle)


@pytest.mark.parametrize("arguments", [("check", "FILE"), ("check", "--help")], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure(arguments, exports):
    process = spawned(*(str(exports) if argument == "FILE" else argument for argument in arguments))
    assert process.stdout
    process.stdout.close()
    assert process.wait() == 141  # what a shell says of a program that SIGPIPE ended
    assert process.stderr
    assert process.stderr.read() == ""
    process.stderr.close()
