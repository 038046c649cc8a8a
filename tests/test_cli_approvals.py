"""The commands of approvals: propose, look, decide, take back; who may, what is said, and how each ends."""

from __future__ import annotations

import json
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.deciders import at_terminal, become
from tests.server.running import copied, make_workspace

ROLES = {"max": "admin", "ann": "analyst", "bob": "approver", "cid": "approver", "vic": "viewer"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("made") / "workspace", people=ROLES)


@pytest.fixture
def work(made, slaopt, tmp_path, monkeypatch):
    """A workspace with two reports and five people, as the current folder; nobody is logged in."""
    work = copied(made, tmp_path / "work")
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def proposed(slaopt, work):
    """The same, with the proposal of the report filed by ann."""
    become("ann", work)
    assert slaopt("propose", "login").status == 0
    return work


@pytest.fixture
def lenient(slaopt, work):
    """The same, where one approval is enough for any change that is not of high risk."""
    set_rules(work, approvals={"significant_change": 1.0})
    become("ann", work)
    assert slaopt("propose", "login").status == 0
    return work


def set_rules(work: Path, **settings: object) -> None:
    (work / "params" / "default.yaml").write_text(yaml.safe_dump({"objective": 0.99, **settings}))


def threshold(work: Path, service: str = "login") -> float:
    with sqlite3.connect(work / "slaopt.db") as connection:
        (found,) = connection.execute(
            "SELECT threshold_value FROM sla_configurations WHERE service_type = ?", (service,)
        ).fetchone()
    connection.close()
    return float(found)


def told(run):
    assert (run.status, run.err) == (0, ""), run
    return json.loads(run.out)


def test_from_a_report_to_a_change_and_back_with_four_people(slaopt, work):
    become("ann", work)
    filed = slaopt("propose")
    assert filed.status == 0
    assert "login  500 ms → 700 ms is proposed: slaopt preview " in filed.out
    (number,) = (proposal["id"] for proposal in told(slaopt("proposals", "--service", "login", "--json")))
    refused = slaopt("approve", str(number))
    assert (refused.status, refused.refused_in_one_line) == (4, True)
    assert "ann is an analyst: to approve takes an approver" in refused.err
    become("bob", work)
    shown = slaopt("preview", str(number)).out
    for part in ("login: raise the threshold from 500 ms to 700 ms", "violation rate", "rolled back if", "watch",
                 "2 people, other than ann, have to approve it.", f"→ slaopt approve {number}"):  # fmt: skip
        assert part in shown
    assert slaopt("approve", str(number), "--comment", "as discussed").out == (
        "Approved by bob: one more person has to approve it.\n"
    )
    assert threshold(work) == 0.5
    become("cid", work)
    approved = slaopt("approve", str(number))
    assert approved.out.startswith("login: 700 ms instead of 500 ms is in force (change ")
    assert threshold(work) == 0.7
    history = slaopt("history").out
    assert "login  500 ms → 700 ms  by cid  change" in history
    assert "predicted, nothing observed" in history
    change = told(slaopt("history", "--json"))[0]["change_id"]
    back = slaopt("rollback", change, "--reason", "customers complain")
    assert back.out.startswith("login: 500 ms is in force again instead of 700 ms")
    assert threshold(work) == 0.5
    assert "rolled back by" in slaopt("history", "--service", "login").out
    verified = slaopt("audit", "verify")
    assert (verified.status, verified.out.startswith("intact: ")) == (0, True)
    said = [line.split("  ")[2] for line in slaopt("audit", "list", "--limit", "4").out.splitlines()]
    assert said == ["bob: approve login", "cid: approve login", "cid: commit login", "cid: roll back login"]


def test_who_works_alone_needs_no_login_and_every_entry_says_so(slaopt, work, tmp_path):
    alone = copied_without_people(work, tmp_path)
    assert "solo mode is on: your own approval is enough" in slaopt("init", alone, "--solo").out
    assert "already" in slaopt("init", alone, "--solo").out
    at = ("--workspace", str(alone))
    assert slaopt("propose", "login", *at).status == 0
    assert "One works alone here" in slaopt("preview", "1", *at).out
    assert slaopt("approve", "1", *at).status == 0
    assert threshold(alone) == 0.7
    asked = slaopt("update-threshold", "login", "800ms", "--reason", "agreed with the customer", *at)
    assert asked.out.startswith("login: 800 ms instead of 700 ms is in force")
    entries = [json.loads(line) for line in slaopt("audit", "export", *at).out.splitlines()]
    assert {entry["details"].get("solo") for entry in entries} == {True}
    assert {entry["actor"] for entry in entries} == {entry["details"]["os_user"] for entry in entries}
    assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))


def copied_without_people(work: Path, tmp_path: Path) -> Path:
    """The same reports in a store that has no users: they are recorded anew."""
    from slaopt.report.record import Recorder
    from slaopt.store import default_store, first_record, make_store
    from tests.server.running import now

    alone = copied(work, tmp_path / "alone")
    for file in alone.glob("slaopt.db*"):
        file.unlink()
    (alone / "audit-heads.jsonl").unlink()
    store = make_store(default_store(alone))
    with store.begin() as transaction:
        record = first_record("login", threshold=0.5, objective=0.99)
        transaction.add_service(record, by="params", reason="as params say", at=now())
    for report in (alone / "reports").glob("login-*/20*"):
        Recorder(store, now()).record(report)
    return alone


def test_nobody_decides_without_login(slaopt, work):
    for arguments in (
        ("propose",), ("preview", "1"), ("approve", "1"), ("reject", "1", "--reason", "x"), ("withdraw", "1"),
        ("commit", "1"), ("rollback", "c1", "--reason", "x"), ("purge", "--before", "2026-01-01"),
        ("update-threshold", "login", "1", "--reason", "x"), ("services", "add", "new", "--threshold", "1"),
        ("services", "disable", "login"), ("services", "set", "login", "--auto-adjust"),
        ("users", "role", "ann", "admin"), ("users", "disable", "max"),
    ):  # fmt: skip
        run = slaopt(*arguments)
        assert (run.status, run.refused_in_one_line) == (4, True), (arguments, run)
        assert "slaopt login NAME" in run.err


def test_a_session_of_another_store_is_none_here(slaopt, work, made, tmp_path):
    become("cid", copied(made, tmp_path / "other"))
    assert slaopt("propose").status == 4


def test_what_is_there_can_be_listed_without_login(slaopt, proposed):
    assert slaopt("logout").out == "logged out\n"
    for arguments in (
        ("proposals",),
        ("history",),
        ("audit", "verify"),
        ("audit", "list"),
        ("audit", "head"),
        ("users", "list"),
    ):
        assert slaopt(*arguments).status == 0, arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("preview", "99"), "there is no proposal 99; slaopt proposals --all lists them"),
        (("approve", "99"), "there is no proposal 99"),
        (("approve", "x"), "'x' is not a valid integer"),
        (("approve", "0"), "0 is not in the range"),
        (("approve", "1", "--at", "2020-01-01"), "has passed"),
        (("approve", "1", "--hold", "--at", "2030-01-01"), "exclude each other"),
        (("approve", "1", "--key", " "), "the request key must have 1 to 200 characters"),
        (("reject", "1"), "Missing option '--reason'"),
        (("reject", "1", "--reason", " "), "the reason must have"),
        (("rollback", "c99", "--reason", "x"), "there is no change c99; slaopt history lists them"),
        (("update-threshold", "login", "fast", "--reason", "x"), "'fast' is not a duration"),
        (("update-threshold", "nowhere", "1", "--reason", "x"), "slaopt report nowhere"),
        (("update-threshold", "login", "1", "--reason", "x", "--rule", "later"), "`burn_rate >= 6 over 6h`"),
        (("services", "set", "login"), "nothing to set"),
        (("services", "set", "login", "--min", "2", "--max", "1"), "login"),
        (("services", "set", "Login", "--min", "2"), "did you mean login?"),
        (("history", "--limit", "0"), "0 is not in the range"),
        (("purge", "--before", "9999-01-01"), "outside the years"),
        (("purge", "--before", "2200-01-01"), "lies ahead"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input_is_2_and_one_line(slaopt, proposed, arguments, said):
    become("max", proposed)
    run = slaopt(*arguments)
    assert (run.status, run.refused_in_one_line) == (2, True), run
    assert said in run.err


def test_a_threshold_changed_elsewhere_is_not_overwritten(slaopt, proposed):
    with sqlite3.connect("slaopt.db") as connection:
        connection.execute("UPDATE sla_configurations SET threshold_value = 0.9 WHERE service_type = 'login'")
    connection.close()
    become("bob", proposed)
    run = slaopt("approve", "1")
    assert (run.status, run.refused_in_one_line) == (4, True)
    assert "900 ms" in run.err and "500 ms" in run.err
    assert threshold(proposed) == 0.9


def test_a_tampered_report_is_refused(slaopt, proposed):
    (page,) = proposed.glob("reports/login-*/*/report.html")
    page.write_text(page.read_text().replace("700 ms", "600 ms"))
    become("bob", proposed)
    run = slaopt("approve", "1")
    assert (run.status, run.refused_in_one_line) == (4, True)
    assert "tampered" in run.err
    assert "tampered" in slaopt("preview", "1").out


def test_rejecting_and_withdrawing(slaopt, proposed):
    become("vic", proposed)
    assert slaopt("reject", "1", "--reason", "x").status == 4
    become("bob", proposed)
    assert slaopt("withdraw", "1").status == 4
    assert slaopt("reject", "1", "--reason", "the campaign ends on Friday").out == "Proposal 1 is rejected by bob.\n"
    assert "no open proposal" in slaopt("proposals").out
    assert "rejected" in slaopt("proposals", "--all").out
    assert slaopt("propose", "login").out == (
        "login  500 ms → 700 ms is rejected: proposal 1 has ended, and a fresh report can propose again\n"
    )
    become("cid", proposed)
    refused = slaopt("approve", "1")
    assert (refused.status, "a proposal that is rejected cannot be approved" in refused.err) == (4, True)
    become("ann", proposed)
    assert slaopt("update-threshold", "login", "650ms", "--reason", "try less").status == 0
    assert slaopt("withdraw", "2", "--reason", "mistake").out == "Proposal 2 is withdrawn by ann.\n"


def test_a_key_makes_a_request_done_once(slaopt, lenient):
    become("bob", lenient)
    first = told(slaopt("approve", "1", "--key", "k1", "--json"))
    assert (first["repeated"], first["proposal"]["state"]) == (False, "committed")
    again = told(slaopt("approve", "1", "--key", "k1", "--json"))
    assert (again["repeated"], again["change"]["change_id"]) == (True, first["change"]["change_id"])
    other = slaopt("approve", "1", "--key", "k1", "--comment", "another")
    assert (other.status, "something else was asked for under this request key" in other.err) == (4, True)


def test_held_and_scheduled_approvals_wait(slaopt, lenient):
    become("bob", lenient)
    held = slaopt("approve", "1", "--hold")
    assert held.out == "Approved by bob, and held until it is committed.\n"
    assert threshold(lenient) == 0.5
    assert slaopt("commit", "1").out.startswith("login: 700 ms instead of 500 ms is in force")
    become("ann", lenient)
    filed = slaopt("propose", "catalog")
    assert filed.status == 0
    number = told(slaopt("proposals", "--json"))[0]["id"]
    become("bob", lenient)

    due = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="minutes")
    scheduled = slaopt("approve", str(number), "--at", due)
    assert scheduled.status == 0
    if "more" in scheduled.out:  # its risk asks for two
        become("cid", lenient)
        scheduled = slaopt("approve", str(number), "--at", due)
    early = slaopt("commit", str(number))
    assert (early.status, "is scheduled, and due on" in early.err) == (4, True)
    assert "scheduled for" in slaopt("proposals").out


def test_asking_for_what_another_proposed_is_its_approval(slaopt, proposed):
    become("bob", proposed)
    asked = slaopt("update-threshold", "login", "0.7", "--reason", "I want that too")
    assert asked.out == "Approved by bob: one more person has to approve it.\n"
    become("cid", proposed)
    other = slaopt("update-threshold", "login", "650ms", "--reason", "less will do", "--rule", "burn_rate >= 6 over 6h")
    assert other.status in (0, 4)
    if other.status == 0:
        assert "is proposed" in other.out


def test_scheduled_proposing_needs_no_login_and_what_need_not_change_is_no_failure(slaopt, work):
    assert slaopt("propose", "--scheduled").status == 0
    assert {proposal["proposed_by"] for proposal in told(slaopt("proposals", "--json"))} == {"scheduler"}
    assert slaopt("propose", "--scheduled").status == 0
    missing = slaopt("propose", "--scheduled", "nowhere")
    assert (missing.status, "nowhere  skipped: the store knows no report of nowhere" in missing.out) == (3, True)


def test_switched_off_nothing_is_written_and_everything_can_be_read(slaopt, proposed, tmp_path):
    become("max", proposed)
    today = datetime.now(UTC).isoformat(timespec="seconds")
    set_rules(proposed, enabled=False)
    before = (proposed / "slaopt.db").read_bytes()
    for arguments in (
        ("approve", "1"), ("reject", "1", "--reason", "x"), ("withdraw", "1"),
        ("rollback", "c1", "--reason", "x"), ("update-threshold", "login", "1", "--reason", "x"),
        ("services", "disable", "login"), ("users", "disable", "ann"), ("purge", "--before", today, "--yes"),
    ):  # fmt: skip
        run = slaopt(*arguments)
        assert (run.status, run.refused_in_one_line, "switched off" in run.err) == (4, True, True), (arguments, run)
    skipped = slaopt("propose", "catalog")
    assert (skipped.status, "switched off" in skipped.out) == (3, True)
    for arguments in (("proposals",), ("history",), ("preview", "1"), ("audit", "verify"), ("services", "list")):
        assert slaopt(*arguments).status == 0, arguments
    assert "switched off" in slaopt("preview", "1").out
    assert (proposed / "slaopt.db").read_bytes() == before
    assert not (proposed / "slaopt.db-wal").exists() or (proposed / "slaopt.db-wal").stat().st_size == 0


def test_switched_off_a_report_is_made_and_not_recorded(slaopt, exports, tmp_path):
    assert slaopt("init").status == 0
    (tmp_path / "params" / "default.yaml").write_text("objective: 0.99\nthreshold: 300\nenabled: false\n")
    run = slaopt("report", "--source", exports)
    assert run.status == 0
    assert "switched off" in run.err and "nothing is recorded" in run.err
    assert list(tmp_path.glob("reports/*/*/report.html"))
    assert not (tmp_path / "slaopt.db").exists()


def test_a_tampered_audit_log_is_1(slaopt, proposed):
    with sqlite3.connect("slaopt.db") as connection:
        connection.execute("DROP TRIGGER sla_audit_log_no_delete")
        connection.execute("DELETE FROM sla_audit_log WHERE number = (SELECT max(number) FROM sla_audit_log)")
    connection.close()
    run = slaopt("audit", "verify")
    assert run.status == 1
    assert run.out.startswith("broken: ")
    assert "the end was cut off" in run.out
    assert json.loads(slaopt("audit", "verify", "--json").out)["status"] == "broken"


def test_the_heads_of_the_audit_log_are_their_owners_alone(slaopt, proposed):
    number, digest = slaopt("audit", "head").out.split()
    heads = proposed / "audit-heads.jsonl"
    assert stat.S_IMODE(heads.stat().st_mode) == 0o600
    last = json.loads(heads.read_text().splitlines()[-1])
    assert (str(last["number"]), last["digest"]) == (number, digest)


def test_services_are_decided_by_admins_and_audited(slaopt, work):
    become("bob", work)
    assert slaopt("services", "disable", "login").status == 4
    become("max", work)
    assert slaopt("services", "set", "login", "--auto-adjust", "--min", "300ms", "--max", "1").out == (
        "login adjusts by itself; its threshold is at least 300 ms and at most 1 s\n"
    )
    assert slaopt("services", "set", "login", "--no-auto-adjust", "--max", "2", "--unbounded").out == (
        "login waits for people; its threshold is at most 2 s\n"
    )
    assert slaopt("services", "disable", "login").out == "login is disabled\n"
    assert slaopt("services", "add", "new", "--threshold", "1").status == 0
    entries = told(slaopt("audit", "list", "--json"))[-4:]
    assert [(entry["action"], entry["actor"]) for entry in entries] == 3 * [("configure", "max")] + [
        ("add service", "max")
    ]
    assert entries[0]["details"]["now"] == {"auto_adjust": True, "min_threshold": 0.3, "max_threshold": 1.0}
    assert entries[0]["details"]["before"] == {"auto_adjust": False, "min_threshold": None, "max_threshold": None}


def test_the_first_services_are_anyones_until_there_are_users(slaopt, tmp_path):
    assert slaopt("init").status == 0
    assert slaopt("services", "add", "login", "--threshold", "500ms").status == 0
    (entry,) = told(slaopt("audit", "list", "--json"))
    assert (entry["action"], entry["details"]["threshold"]) == ("add service", 0.5)
    refused = slaopt("propose")
    assert (refused.status, refused.refused_in_one_line) == (4, True)
    assert "slaopt users add NAME --role admin" in refused.err and "slaopt init --solo" in refused.err


def test_purge_takes_what_is_old_and_never_what_was_decided(slaopt, proposed):

    become("ann", proposed)
    today = datetime.now(UTC).isoformat(timespec="seconds")
    assert slaopt("purge", "--before", today, "--yes").status == 4
    become("max", proposed)
    unasked = slaopt("purge", "--before", today)
    assert (unasked.status, "--yes" in unasked.err) == (4, True)
    assert len(list(proposed.glob("reports/*/20*"))) == 2
    gone = told(slaopt("purge", "--before", today, "--yes", "--json"))
    assert (gone["rows"]["sla_runs"], len(gone["reports"])) == (1, 1)  # a proposal rests on the other
    assert [report.parent.name[:5] for report in proposed.glob("reports/*/20*")] == ["login"]
    assert slaopt("preview", "1").status == 0
    entry = told(slaopt("audit", "list", "--json"))[-1]
    assert (entry["action"], entry["details"]["reports"]) == ("purge", 1)
    assert "nothing is older" in slaopt("purge", "--before", today, "--yes").out
    assert slaopt("audit", "verify").status == 0


def test_a_terminal_is_shown_the_preview_and_asked(proposed, tmp_path):
    become("bob", proposed)
    no = at_terminal("approve", "1", typed=("n",), cwd=proposed)
    assert no.status == 130, no.shown
    assert "login: raise the threshold from 500 ms to 700 ms" in no.shown
    assert "Approve it? [y/N]" in no.shown
    assert no.shown.endswith("slaopt: nothing is changed\n")
    yes = at_terminal("approve", "1", typed=("y",), cwd=proposed)
    assert yes.status == 0, yes.shown
    assert "Approved by bob: one more person has to approve it." in yes.shown
    again = at_terminal("approve", "1", cwd=proposed)
    assert (again.status, again.shown.startswith("slaopt: bob has decided")) == (4, True)


def test_a_terminal_that_says_yes_is_not_asked(proposed):
    become("bob", proposed)
    run = at_terminal("reject", "1", "--reason", "no", "--yes", cwd=proposed)
    assert (run.status, run.shown) == (0, "Proposal 1 is rejected by bob.\n")
