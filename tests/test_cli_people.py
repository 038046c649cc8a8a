"""The commands about people: users, login, second factors; how passwords come in, and what never comes out."""

from __future__ import annotations

import io
import json
import re
import sys
import time

import pyotp
import pytest

from tests.deciders import at_terminal, become

PASSWORDS = {"dora": "dora has a long one", "ann": "ann likes long ones"}


@pytest.fixture
def work(slaopt, tmp_path, monkeypatch):
    """A workspace with an admin, as the current folder; nobody is logged in."""
    monkeypatch.chdir(tmp_path)
    assert slaopt("init").status == 0
    monkeypatch.setenv("SLAOPT_PASSWORD", PASSWORDS["dora"])
    assert slaopt("users", "add", "dora", "--role", "admin").out == "dora is added as admin\n"
    monkeypatch.delenv("SLAOPT_PASSWORD")
    return tmp_path


@pytest.fixture
def typed(monkeypatch):
    """Give lines to the standard input of the next command, as a pipe does."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_users_come_log_in_and_go(slaopt, work, typed):
    typed(PASSWORDS["dora"] + "\n")
    said = slaopt("login", "DORA")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith("dora (admin) is logged in until ")
    typed(PASSWORDS["ann"] + "\n")
    assert slaopt("users", "add", "ann", "--role", "analyst").out == "ann is added as analyst\n"
    assert slaopt("users", "add", "hub", "--role", "viewer", "--no-password").status == 0
    assert slaopt("users", "role", "ann", "approver").out == "ann is approver now\n"
    assert [line.split() for line in slaopt("users", "list").out.splitlines()[1:]] == [
        ["ann", "approver", "active", "yes", "no"],
        ["dora", "admin", "active", "yes", "no"],
        ["hub", "viewer", "active", "no", "no"],
    ]
    assert slaopt("users", "disable", "ann").out == "ann is disabled\n"
    assert "disabled" in slaopt("users", "list").out
    assert slaopt("users", "enable", "ann").out == "ann is enabled\n"
    assert slaopt("logout").out == "logged out\n"
    assert slaopt("logout").out == "nobody was logged in\n"
    assert slaopt("users", "disable", "ann").status == 4


def test_one_who_logs_in_ends_the_session_before(slaopt, work, typed):
    become("dora", work)
    typed(PASSWORDS["dora"] + "\n")
    assert slaopt("login", "dora").status == 0
    actions = [entry["action"] for entry in json.loads(slaopt("audit", "list", "--json").out)]
    assert actions[-2:] == ["log in", "log out"]
    assert slaopt("users", "enable", "dora").status == 0


def test_a_new_password_ends_the_session(slaopt, work, typed):
    become("dora", work)
    typed("a new one for dora\n")
    assert slaopt("users", "password").out == "dora has another password, and logs in with it from now on\n"
    assert slaopt("users", "enable", "dora").status == 4
    typed(PASSWORDS["dora"] + "\n")
    assert slaopt("login", "dora").status == 4
    typed("a new one for dora\n")
    assert slaopt("login", "dora").status == 0


@pytest.mark.parametrize(
    ("arguments", "given", "status", "said"),
    [
        (("users", "add", "ann", "--role", "boss"), "", 2, "'boss' is not one of"),
        (("users", "add", "ann"), "", 2, "Missing option '--role'"),
        (("users", "add", "ann", "--role", "viewer"), "", 2, "type it at a terminal"),
        (("users", "add", "ann", "--role", "viewer"), "short\n", 2, "12 to 1000 characters, this one 5"),
        (("users", "add", "Dora", "--role", "viewer"), "long enough, really\n", 2, "there is a user dora already"),
        (("users", "add", "auto", "--role", "viewer"), "long enough, really\n", 2, "choose another"),
        (("users", "add", " ann", "--role", "viewer"), "long enough, really\n", 2, "cannot be a user's name"),
        (("users", "add", "a\x1b[2Jb", "--role", "viewer"), "long enough, really\n", 2, "cannot be a user's name"),
        (("users", "role", "nobody", "viewer"), "", 2, "no user nobody"),
        (("users", "disable", "dora"), "", 4, "last active admin"),
        (("users", "role", "dora", "viewer"), "", 4, "last active admin"),
        (("users", "password", "nobody"), "long enough, really\n", 2, "no user nobody"),
        (("users", "second-factor", "--code", "1"), "", 4, "check the clock"),
        (("login", "nobody"), "wrong\n", 4, "name, password or code is wrong"),
        (("login", "dora"), "wrong\n", 4, "name, password or code is wrong"),
        (("login", "dora"), "", 2, "SLAOPT_PASSWORD"),
        (("init", "--solo", "--store"), "", 2, "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_is_wrong_is_one_line(slaopt, work, typed, arguments, given, status, said):
    become("dora", work)
    typed(given)
    run = slaopt(*arguments)
    assert run.status == status
    assert run.err.splitlines()[-1].startswith("slaopt: ")
    assert run.out == ""
    assert said in run.err
    assert "Traceback" not in run.err


def test_a_second_factor_is_set_up_at_the_terminal(slaopt, work):
    become("dora", work)

    def app(shown: str) -> str:
        """The authenticator app: reads the address, and shows the code of now."""
        (address,) = re.findall(r"otpauth://totp/slaopt:dora\?secret=[A-Z2-7]{32}&issuer=slaopt", shown)
        return pyotp.parse_uri(address).now()

    run = at_terminal("users", "second-factor", typed=(app,), cwd=work)
    assert (run.status, run.shown.endswith("has a second factor, and logs in with it from now on\n")) == (0, True)
    assert json.loads(slaopt("users", "list", "--json").out)["users"][0]["has_second_factor"] is True


def test_a_second_factor_that_no_code_confirms_is_none(slaopt, work, typed):
    become("dora", work)
    typed("")
    refused = slaopt("users", "second-factor")
    assert (refused.status, "no code of the second factor" in refused.err) == (2, True)
    assert json.loads(slaopt("users", "list", "--json").out)["users"][0]["has_second_factor"] is False


def test_a_login_with_a_second_factor_reads_the_code_after_the_password(slaopt, work, typed):
    from datetime import UTC, datetime

    from slaopt.apply.actor import Actor
    from slaopt.apply.opening import ledger_around
    from slaopt.apply.people import confirm_enrollment, enroll
    from slaopt.params import load_params
    from slaopt.store import default_store, open_store

    uri = enroll("dora")
    totp = pyotp.parse_uri(uri)
    ledger = ledger_around(open_store(default_store(work)), load_params(work), work)
    at = time.time()
    confirm_enrollment(
        ledger, "dora", uri, totp.at(at - 30), actor=Actor("dora", "admin"), at=datetime.fromtimestamp(at, UTC)
    )
    typed(PASSWORDS["dora"] + "\n")
    assert slaopt("login", "dora").status == 2
    typed(f"{PASSWORDS['dora']}\n{totp.now()}\n")
    assert slaopt("login", "dora").status == 0
    typed(f"{PASSWORDS['dora']}\n")
    replayed = slaopt("login", "dora", "--code", totp.now())
    assert replayed.status == 4
    become("dora", work)
    typed("000000\n")
    assert slaopt("users", "second-factor", "--remove").status == 4


def test_passwords_are_typed_unseen_and_twice(work):
    become("dora", work)
    twice = (PASSWORDS["ann"], PASSWORDS["ann"])
    run = at_terminal("users", "add", "ann", "--role", "analyst", typed=twice, cwd=work)
    assert run.status == 0, run.shown
    assert PASSWORDS["ann"] not in run.shown
    assert "New password of ann (at least 12 characters)" in run.shown
    assert run.shown.endswith("ann is added as analyst\n")
    entered = at_terminal("login", "ann", typed=(PASSWORDS["ann"],), cwd=work)
    assert (entered.status, PASSWORDS["ann"] in entered.shown) == (0, False)


def test_nothing_secret_is_printed(slaopt, work, typed):
    typed(PASSWORDS["dora"] + "\n")
    session = slaopt("login", "dora", "--json")
    assert set(json.loads(session.out)) == {"user", "expires_at"}
    listed = slaopt("users", "list", "--json")
    assert "argon2" not in listed.out + slaopt("audit", "export").out
    assert {place["place"] for place in json.loads(listed.out)["stored"]} >= {"sla_users", "sla_audit_log"}


def test_solo_mode_begins_only_where_nobody_else_decides(slaopt, work):
    refused = slaopt("init", "--solo")
    assert (refused.status, refused.refused_in_one_line) == (4, True)
    assert "log in as an admin first" in refused.err
    become("dora", work)
    assert slaopt("init", "--solo").status == 0
    slaopt("logout")
    assert slaopt("users", "add", "eve", "--role", "viewer", "--no-password").status == 0
    assert slaopt("init", "--no-solo").status == 0
    assert slaopt("users", "role", "eve", "admin").status == 4
