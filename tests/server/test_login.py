"""Who gets in at the approval server, who does not, and when one is out again."""

from __future__ import annotations

import base64
import re
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from slaopt.apply.actor import Actor
from slaopt.apply.opening import ledger_around
from slaopt.apply.people import disable_user, set_role
from slaopt.params import load_params
from slaopt.server.freshness import AGE
from tests.server.running import PASSWORD, Running, approval_server, code_of, copied, log_into, store_of

DORA = Actor("dora", "admin")
WRONG = "password or code is wrong"


def statement(running: Running, sql: str, *values: object) -> list[tuple[object, ...]]:
    """What one who may write to the database does past the server."""
    with sqlite3.connect(running.workspace / "slaopt.db", timeout=30) as connection:
        rows = connection.execute(sql, values).fetchall()
    connection.close()
    return rows


def ledger_of(running: Running):
    return ledger_around(store_of(running.workspace), load_params(running.workspace), running.workspace)


def cookie_of(client: httpx.Client) -> tuple[str, str]:
    (found,) = ((name, value) for name, value in client.cookies.items() if name.startswith("slaopt-"))
    return found


def status(client: httpx.Client) -> int:
    return client.get("slaopt/ping").status_code


def test_whoever_logs_in_is_known_by_name_and_role(approvals: Running):
    with approvals.client("bob") as client:
        assert client.get("slaopt/ping").json() == {
            "name": "bob", "role": "approver", "solo": False, "server": "approval server",
        }  # fmt: skip


def test_nobody_gets_in_without_a_login(approvals: Running):
    with approvals.client() as client:
        answer = client.get("slaopt/ping")
        assert (answer.status_code, answer.json()["reason"]) == (401, "login")
        assert client.post("slaopt/ping").status_code == 401


@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", "a wrong password"), ("ann", ""), ("nobody", "a wrong password"), ("", ""), ("ann\x00", "x"),
     ("' OR 1=1 --", "' OR 1=1 --"), ("ann" * 500, "x" * 2_000)],
)  # fmt: skip
def test_a_wrong_login_looks_the_same_whatever_is_wrong(approvals: Running, name, password):
    with approvals.client() as client:
        answer = log_into(client, name, password=password)
        assert answer.status_code == 401
        assert WRONG in answer.text
        assert status(client) == 401


def test_a_name_is_written_back_as_text(approvals: Running):
    with approvals.client() as client:
        page = log_into(client, "<script>alert(1)</script>", password="x").text
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_attempts_are_limited(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running, running.client() as client:
        for _ in range(5):
            assert log_into(client, "cid", password="not the password").status_code == 401
        refused = log_into(client, "cid")
        assert (refused.status_code, WRONG in refused.text) == (401, True)  # the right one, too late
        assert log_into(client, "bob").status_code == 303  # others are not locked out
        actions = [row[0] for row in statement(running, "SELECT action FROM sla_audit_log ORDER BY id DESC LIMIT 8")]
        assert actions == ["log in", "refuse login", "lock", *["refuse login"] * 5]


def test_one_address_can_try_so_often(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running, running.client() as client:
        with ThreadPoolExecutor(36) as threads:  # at once: waiting earns new attempts
            answers = list(threads.map(lambda n: client.post("login", data={"name": f"n{n}"}), range(36)))
        codes = Counter(answer.status_code for answer in answers)
        assert set(codes) == {401, 429}
        assert 20 <= codes[401] < 30
        assert int(next(answer for answer in answers if answer.status_code == 429).headers["Retry-After"]) >= 1


def test_a_second_factor_is_asked_for_and_used_once(approvals: Running):
    with approvals.client() as client:
        asked = log_into(client, "dora")
        assert (asked.status_code, 'name="code"' in asked.text) == (401, True)
        code = code_of(approvals.workspace)
        assert log_into(client, "dora", code=code).status_code == 303
        assert client.get("slaopt/ping").json()["role"] == "admin"
    with approvals.client() as client:
        assert log_into(client, "dora", code=code).status_code == 401  # replayed
        assert log_into(client, "dora", code=code_of(approvals.workspace)).status_code == 303


def test_the_cookie_is_for_this_server_alone(approvals: Running):
    with approvals.client() as client:
        (kept,) = (
            value for value in log_into(client, "ann").headers.get_list("set-cookie") if value.startswith("slaopt-")
        )
        attributes = {part.strip().lower() for part in kept.split(";")[1:]}
        assert attributes == {"httponly", "path=/", "samesite=strict"}
        name, value = cookie_of(client)
        assert str(approvals.url.rsplit(":", 1)[1].strip("/")) in name  # another server of this host has another port
        forged = value[:-1] + ("0" if value[-1] != "0" else "1")
        assert approvals.asked(cookies={name: forged}).status_code == 401


def test_the_store_holds_no_token(approvals: Running):
    with approvals.client("ann") as client:
        value = cookie_of(client)[1]
        token = base64.b64decode(value.strip('"').split("|")[4].split(":")[1] + "==").decode()
        assert re.fullmatch(r"[\w-]{43}", token)
        kept = b"".join(path.read_bytes() for path in approvals.workspace.glob("slaopt.db*"))
        assert token.encode() not in kept
        assert token not in client.get("login", follow_redirects=True).text


def test_logging_out_ends_the_session_for_good(approvals: Running):
    with approvals.client("ann") as client:
        name, value = cookie_of(client)
        assert client.post("logout").status_code == 200
        assert not any(kept.startswith("slaopt-") for kept in client.cookies)
        assert status(client) == 401
    assert approvals.asked(cookies={name: value}).status_code == 401


def test_logging_in_again_ends_the_session_before_in_the_same_browser(approvals: Running):
    with approvals.client("vic") as client:
        before = dict(client.cookies)
        assert log_into(client, "bob").status_code == 303
        assert client.get("slaopt/ping").json()["name"] == "bob"
    assert approvals.asked(cookies=before).status_code == 401


def test_a_link_logs_nobody_out(approvals: Running):
    with approvals.client("ann") as client:
        assert client.get("logout").status_code == 405
        assert status(client) == 200


def test_an_expired_session_is_over(approvals: Running):
    with approvals.client("ann") as client:
        assert status(client) == 200
        statement(approvals, "UPDATE sla_sessions SET expires_at = '2020-01-01 00:00:00.000000'")
        until = time.monotonic() + 2 * AGE
        while status(client) == 200 and time.monotonic() < until:
            time.sleep(0.2)
        answer = client.get("slaopt/ping")
        assert (answer.status_code, answer.json()["reason"]) == (401, "login")


def test_whoever_is_disabled_is_out_at_once(approvals: Running):
    with approvals.client("vic") as client:
        assert status(client) == 200
        disable_user(ledger_of(approvals), "vic", actor=DORA, at=datetime.now(UTC))
        assert status(client) == 401


def test_another_role_holds_at_once(approvals: Running):
    with approvals.client("cid") as client:
        set_role(ledger_of(approvals), "cid", "viewer", actor=DORA, at=datetime.now(UTC))
        assert client.get("slaopt/ping").json()["role"] == "viewer"
        set_role(ledger_of(approvals), "cid", "approver", actor=DORA, at=datetime.now(UTC))
        assert client.get("slaopt/ping").json()["role"] == "approver"


def test_no_token_opens_anything(made_workspace: Path, tmp_path: Path):
    token = "a-token-that-somebody-set"
    environment = {"JUPYTER_TOKEN": token, "JUPYTERHUB_API_TOKEN": token}
    with approval_server(copied(made_workspace, tmp_path / "workspace"), environment=environment) as running:
        assert token not in running.said
        for headers in ({}, {"Authorization": f"token {token}"}, {"Authorization": f"Bearer {token}"}):
            assert running.asked(params={"token": token}, headers=headers).status_code == 401
            form = {"password": token, "token": token}
            assert running.asked("login", method="POST", data=form, headers=headers).status_code == 403  # no XSRF token
        with running.client() as client:
            assert log_into(client, "", password=token).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example/", "/slaopt/..//evil.example", "/slaopt/\\evil", "javascript:alert(1)",
     "/other", "/slaopt/\r\nSet-Cookie: a=b", "/slaopt/?a=\r\nSet-Cookie: a=b", "/slaopt/../login", ""],
)  # fmt: skip
def test_a_login_leads_nowhere_else(approvals: Running, wanted):
    assert led_to(approvals, wanted) == "/slaopt/"


def test_a_login_leads_back_to_where_one_was(approvals: Running):
    wanted = "/slaopt/history?service=login"
    assert led_to(approvals, wanted) == wanted


def led_to(running: Running, wanted: str) -> str:
    """Where a login leads."""
    with running.client() as client:
        return log_into(client, "ann", wanted=wanted).headers["location"]


def test_a_login_from_another_page_is_refused(approvals: Running):
    """Nobody can be logged in as somebody else without noticing."""
    form = {"name": "ann", "password": PASSWORD.format("ann")}
    assert httpx.post(f"{approvals.url}login", data=form).status_code == 403
    with approvals.client() as client:
        answer = client.post("login", data=form | {"_xsrf": "2|forged|forged|1"}, headers={"X-XSRFToken": ""})
        assert answer.status_code == 403


def test_behind_a_proxy_with_tls_cookies_go_over_tls_alone(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace"), "--behind-proxy") as running:
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        token = running.asked("login", headers=forwarded).cookies["_xsrf"]
        form = {"name": "ann", "password": PASSWORD.format("ann"), "_xsrf": token}
        # a client on http sends no secure cookie by itself
        answer = running.asked("login", method="POST", data=form, headers=forwarded | {"Cookie": f"_xsrf={token}"})
        assert answer.status_code == 303
        assert all("secure" in kept.lower() for kept in answer.headers.get_list("set-cookie"))
        assert "max-age" in answer.headers["strict-transport-security"]
        assert "192.0.2.7" in running.said
