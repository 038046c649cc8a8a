"""The commands about tests in the store: asked for, approved, looked at, prolonged, stopped, put forward for all."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import yaml

from slaopt.experiment import Design
from slaopt.experiment.simulating import simulate
from tests.deciders import become
from tests.server.experimenting import DAY as A_DAY
from tests.server.experimenting import PER_UNIT, RATE, UNITS, begun, filed, found
from tests.server.running import copied, make_workspace, now, store_of

ROLES = {"max": "admin", "ann": "analyst", "bob": "approver", "vic": "viewer"}
HARM, BETTER = 0.2, 0.01


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    workspace = make_workspace(tmp_path_factory.mktemp("made") / "workspace", people=ROLES, services=("login",))
    rules = {"objective": 0.99, "approvals": {"significant_change": 1.0}}  # one approval is enough
    (workspace / "params" / "default.yaml").write_text(yaml.safe_dump(rules))
    return workspace


@pytest.fixture
def work(made, slaopt, tmp_path, monkeypatch):
    """A workspace with a report and four people, as the current folder."""
    work = copied(made, tmp_path / "work")
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return work


def write_traffic(work, record, *, test_rate=None):
    """Measurements of a test since it began, with tenants and no arms."""
    design = Design.from_dict(record.design)
    begin = record.planned_end - timedelta(days=design.days)
    rows = simulate(
        seed=7, units=UNITS, per_unit=PER_UNIT, days=design.days, start=begin, threshold=design.control_threshold,
        control_rate=RATE, test_rate=test_rate, salt=record.salt,
    )  # fmt: skip
    rows = rows[rows["timestamp"] < now()]
    rows.drop(columns="arm").assign(service="login").to_csv(work / "measured.csv", index=False)


def watched(slaopt, *more):
    return slaopt("experiment", "watch", "--source", "measured.csv", "--column", "unit=tenant", *more)


def test_a_test_is_asked_for_approved_prolonged_and_stopped(slaopt, work):
    rows = simulate(
        seed=4, units=60, per_unit=400, days=21, start=now() - 21 * A_DAY, threshold=0.5, control_rate=0.1, icc=0.01
    )
    rows.drop(columns="arm").assign(service="login").to_csv("history.csv", index=False)
    become("ann", work)
    asked = ("experiment", "propose", "login", "--test", "0.55", "--source", "history.csv", "--effect", "0.5")
    run = slaopt(*asked, "--column", "unit=tenant", "--guardrail", "p95=0.3", "--hypothesis", "fewer retries", "--json")
    assert run.status == 0, run
    told = json.loads(run.out)
    name, number = told["experiment"]["experiment_id"], told["proposal"]["id"]
    assert (told["experiment"]["status"], told["experiment"]["unit"]) == ("planning", "tenant")
    assert "salt" not in told["experiment"]
    assert "waits for approval" in slaopt("experiment", "list").out
    assert "login: test 550 ms against 500 ms" in slaopt("preview", str(number)).out

    become("bob", work)
    run = slaopt("approve", str(number), "--json")
    assert run.status == 0, run
    assert f"experiment {name} runs until" in json.loads(run.out)["sentence"]
    run = slaopt("experiment", "amend", name, "--days", "21", "--reason", "holidays")
    assert run.status == 0, run
    assert "21 days instead of 14" in run.out
    run = slaopt("experiment", "show", name)
    assert run.status == 0, run
    assert "500 ms against 550 ms, running" in run.out
    assert "holidays" in run.out
    run = slaopt("experiment", "stop", name, "--reason", "a release is due")
    assert run.status == 0, run
    assert "500 ms holds for all again" in run.out
    (listed,) = json.loads(slaopt("experiment", "list", "--json").out)
    assert (listed["status"], listed["early_stop_reason"]) == ("stopped", "a release is due")


def test_a_pass_stops_harm_and_a_second_one_does_nothing(slaopt, work):
    record = begun(work, "login", days_ago=3)
    write_traffic(work, record, test_rate=HARM)
    run = watched(slaopt)
    assert run.status == 0, run
    assert f"{record.experiment_id}  stopped" in run.out
    assert "does harm" in run.out
    ended = found(work, record.experiment_id)
    assert (ended.status, ended.rollback_triggered) == ("stopped", True)
    assert store_of(work).threshold_for("login", "tenant-1") == 0.5
    assert watched(slaopt).out == "no test runs, and none is to be put forward\n"
    shown = slaopt("experiment", "show", record.experiment_id).out
    assert "reject" in shown
    assert shown.count("passed the harm boundary") == 1, "not once more as the reason of the end"


def test_a_test_with_its_answer_is_put_forward_for_all(slaopt, work):
    record = begun(work, "login", days_ago=7 + 1 / 12)
    write_traffic(work, record, test_rate=BETTER)
    run = watched(slaopt, "--json")
    assert run.status == 0, run
    completed, adopted = json.loads(run.out)
    assert (completed["state"], completed["recommendation"], adopted["state"]) == ("completed", "adopt", "adopted")
    become("ann", work)
    run = slaopt("experiment", "adopt", record.experiment_id)
    assert run.status == 0, run
    assert "already" in run.out
    assert "login" in slaopt("proposals").out


def test_what_cannot_be_seen_is_said_with_exit_code_3(slaopt, work):
    record = begun(work, "login", days_ago=3)
    run = slaopt("experiment", "watch")
    assert run.status == 3, run
    assert "blind" in run.out
    write_traffic(work, record)
    run = slaopt("experiment", "watch", "--source", "measured.csv")  # the design says which column holds the units
    assert (run.status, "looked" in run.out) == (0, True), run
    assert "waiting" in watched(slaopt).out


def test_what_may_not_be_is_refused(slaopt, work):
    record = filed(work, "login")
    become("vic", work)
    assert slaopt("experiment", "stop", record.experiment_id, "--reason", "r").status == 4
    become("bob", work)
    run = slaopt("experiment", "stop", record.experiment_id, "--reason", "r")
    assert (run.status, "reject or withdraw proposal" in run.err) == (4, True), run
    assert slaopt("experiment", "adopt", record.experiment_id).status == 4
    for command in (("show",), ("adopt",), ("stop", "--reason", "r"), ("amend", "--days", "21", "--reason", "r")):
        run = slaopt("experiment", command[0], "e0", *command[1:])
        assert (run.status, "there is no experiment e0" in run.err) == (2, True), run
