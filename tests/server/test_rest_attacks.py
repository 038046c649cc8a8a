"""What somebody could try against the REST interface, tried: refused, or harmless."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slaopt.server.operations import operations_of
from slaopt.server.rest import ROUTES
from tests.server.running import PASSWORD, Running, approval_server, copied, log_into

API = "api/v1/sla-optimization/"
OPERATIONS = [
    (method, re.sub(r"{\w+}", "1", path).lstrip("/"), operation)
    for path, handler in ROUTES
    for method, operation in operations_of(handler).items()
]
CLOSED = [(method, path) for method, path, operation in OPERATIONS if operation.action is not None]
RIGHTS = {"vic": {"read"}, "ann": {"read", "propose"}, "bob": {"read", "propose", "approve"}}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'; DROP TABLE sla_proposals; --",
    "1 OR 1=1) UNION SELECT password_hash FROM sla_users --",
    "${7*7} {{7*7}} %s %n {0.__class__}",
    "../../../../etc/passwd",
    "x\u202eevil\ufeff",
)  # fmt: skip
TRAVERSALS = (
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "proposals/../../../files/slaopt.db",
    "proposals/..%2f..%2fslaopt.db/preview", "services/..%2f..%2fslaopt.db", "services/%2fetc%2fpasswd",
    "experiments/..%5c..%5cslaopt.db", "services/%00", "proposals/1%00", "proposals/-1", "proposals/1e3",
    "proposals/99999999999999999999", "proposals/%d9%a3",
)  # fmt: skip


TAKES = {  # written out once more: the tests below ask each operation itself what it takes
    ("post", "update-threshold"): "propose",
    ("post", "rollback-threshold"): "approve",
    ("post", "experiments"): "propose",
    ("post", "experiments/1/stop"): "approve",
    ("post", "experiments/1/amend"): "approve",
    ("post", "experiments/1/adopt"): "propose",
    ("post", "experiments/1/assignments"): "propose",
    ("post", "proposals"): "propose",
    ("post", "proposals/1/test"): "propose",
    ("post", "proposals/1/approve"): "approve",
    ("post", "proposals/1/schedule"): "approve",
    ("post", "proposals/1/reject"): "approve",
    ("post", "proposals/1/withdraw"): "propose",
    ("post", "proposals/1/commit"): "approve",
    ("patch", "services/1"): "administer",
    ("get", "health"): None,
    ("post", "session"): None,
}


def test_each_operation_takes_the_right_that_it_should():
    assert {(method, path): one.action for method, path, one in OPERATIONS if one.action != "read"} == TAKES


@pytest.fixture(scope="module")
def client(approvals: Running) -> Iterator[httpx.Client]:
    """An approver's browser."""
    with approvals.client("bob") as client:
        yield client


def harmless(answer: httpx.Response) -> dict[str, Any]:
    """An answer that no browser runs and that tells nothing of the inside."""
    assert answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Traceback" not in answer.text
    assert "sqlalchemy" not in answer.text.lower()
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_nothing_is_told_or_done_without_a_login(approvals: Running, method: str, path: str):
    with approvals.client() as stranger:
        answer = stranger.request(method, API + path, json={} if method != "get" else None)
    assert (answer.status_code, answer.json()["reason"]) == (401, "login")


@pytest.mark.parametrize("name", RIGHTS)
def test_a_role_that_is_too_low_is_refused_whatever_is_sent(approvals: Running, name: str):
    with approvals.client(name) as client:
        for method, path, operation in OPERATIONS:
            if operation.action is None or operation.action in RIGHTS[name]:
                continue
            for body in ({}, {"service_type": "login"}, {"reason": "x"}):
                answer = client.request(method, API + path, json=body)
                assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden"), (method, path)
                assert "an admin can give that role" in answer.json()["message"]


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path in CLOSED if method != "get"])
def test_without_the_xsrf_token_nothing_is_done(approvals: Running, client: httpx.Client, method: str, path: str):
    cookies = dict(client.cookies)
    for headers in ({}, {"X-XSRFToken": ""}, {"X-XSRFToken": "2|forged|token|1"}, {"Authorization": "token x"}):
        answer = httpx.request(method, approvals.url + API + path, json={}, cookies=cookies, headers=headers)
        assert answer.status_code == 403, (answer.status_code, answer.text)
        assert answer.json()["reason"] == "forbidden"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_origins_are_refused(client: httpx.Client, origin: str):
    for method, path in (("GET", "overview"), ("POST", "recommendations"), ("POST", "proposals/1/approve")):
        answer = client.request(method, API + path, json={} if method == "POST" else None, headers={"Origin": origin})
        assert answer.status_code == 403, answer.text
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_names_that_point_here_are_refused(approvals: Running, client: httpx.Client):
    answer = client.get(f"{API}overview", headers={"Host": "evil.example"})
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_to_a_file(approvals: Running, client: httpx.Client, path: str):
    raw = httpx.URL(f"{approvals.url}{API}").copy_with(raw_path=f"/{API}{path}".encode())
    request = client.build_request("GET", raw)
    answer = client.send(request)
    told = harmless(answer)
    assert answer.status_code in (400, 404), told
    assert "SQLite format" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("text", HOSTILE)
def test_html_and_sql_in_text_fields_are_text(approvals: Running, text: str):
    with approvals.client("ann") as ann, approvals.client("bob") as bob:
        for method, path, body in (
            ("POST", "performance-analysis", {"service_type": text}),
            ("POST", "recommendations", {"service_type": text}),
            ("POST", "proposals", {"service_type": text}),
            ("POST", "rollback-threshold", {"change_id": text, "reason": text}),
            ("POST", "rollback-threshold", {"change_id": "c0", "reason": text}),
            ("POST", "update-threshold", {"service_type": text, "new_threshold": 1, "reason": text}),
            ("POST", "update-threshold", {"service_type": "login", "new_threshold": 1, "rollback_criteria": [text]}),
            ("POST", "experiments", {"service_type": text, "proposed_threshold": 1, "unit": text}),
            ("POST", "experiments/1/stop", {"reason": text}),
            ("POST", "experiments/1/assignments", {"units": [text]}),
            ("POST", "proposals/999/test", {"unit": text, "guardrails": [text]}),
            ("POST", "proposals/999/approve", {"comment": text}),
            ("POST", "proposals/999/approve", {"code": text}),
            ("POST", "proposals/999/reject", {"reason": text}),
            ("POST", "session", {"name": text, "password": text}),
        ):
            answer = bob.request(method, API + path, json=body)
            assert 400 <= answer.status_code < 500, (path, answer.text)
            harmless(answer)
        for query in ({"service_type": text}, {"state": text}, {"limit": text}):
            for path in ("history/threshold-changes", "proposals"):
                harmless(bob.get(API + path, params=query))
        harmless(bob.get(f"{API}services/{httpx.QueryParams({'x': text})}"))
        harmless(bob.get(f"{API}overview", headers={"If-None-Match": json.dumps(text)}))

        threshold = 0.5 + (HOSTILE.index(text) + 1) / 1_000
        wish = {"service_type": "login", "new_threshold": threshold, "reason": text}
        asked = harmless(ann.post(f"{API}update-threshold", json=wish))
        shown = harmless(bob.get(f"{API}proposals/{asked['proposal_id']}"))
        assert shown["reason"] == text.strip(), "what people say is kept to the letter"
        answer = bob.post(f"{API}proposals/{asked['proposal_id']}/reject", json={"reason": text})
        assert answer.json()["proposal"]["state"] == "rejected"
    with sqlite3.connect(approvals.workspace / "slaopt.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM sla_proposals").fetchone()[0] >= 1
        assert connection.execute("SELECT count(*) FROM sla_users").fetchone()[0] == 5


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"login"', "application/json", 400),
        (b'{"service_type": "login", "service_type": 1}', "application/json", 400),
        (b'{"service_type": "\xff\xfe"}', "application/json", 400),
        (b'{"service_type": "\\ud800"}', "application/json", 400),
        (b'{"service_type": "log\\u0000in"}', "application/json", 400),
        (b'{"service_type": "' + b"x" * 101 + b'"}', "application/json", 400),
        (b'{"service_type": ["login"]}', "application/json", 400),
        (b'{"service_type": "login", "analysis_period_days": 1e400}', "application/json", 400),
        (b'{"service_type": "login", "confidence_level": NaN}', "application/json", 400),
        (b'{"service_type": "login", "confidence_level": Infinity}', "application/json", 400),
        (b'{"service_type": "login", "analysis_period_days": ' + b"9" * 5_000 + b"}", "application/json", 400),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "application/json", 400),
        (b"[" * 50_000, "application/json", 400),
        (b"service_type=login", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "application/xml", 415),
        (b'{"service_type": "login"}', "text/plain", 415),
        (b'{"service_type": "login"}', "", 415),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 400),
        (b'{"service_type": "login", "x": "' + b"y" * 70_000 + b'"}', "application/json", 413),
    ],
)  # fmt: skip
def test_malformed_and_huge_bodies_are_refused(client: httpx.Client, content: bytes, kind: str, status: int):
    answer = client.post(f"{API}performance-analysis", content=content, headers={"Content-Type": kind})
    told = harmless(answer)
    assert answer.status_code == status, told
    assert set(told) == {"message", "reason"}
    assert len(told["message"]) < 2_000


def test_a_body_beyond_all_bounds_is_not_even_read(approvals: Running, client: httpx.Client):
    try:
        answer = client.post(
            f"{API}performance-analysis", content=b"x" * 5_000_000, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 413)
    except httpx.TransportError:  # the server hangs up while it is still being sent
        pass
    assert client.get(f"{API}health").status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 201, "t\tb", "ü".encode("latin-1")])
def test_keys_that_are_none_are_refused(client: httpx.Client, key: str | bytes):
    answer = client.post(
        f"{API}proposals/999/approve", json={}, headers=[(b"Idempotency-Key", key if isinstance(key, bytes) else key.encode())]  # noqa: E501
    )  # fmt: skip
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(client: httpx.Client, method: str):
    answer = client.request(method, f"{API}recommendations")
    assert answer.status_code in (405, 400)


def test_a_second_factor_works_once(made_workspace: Path, tmp_path: Path):
    """A critical change takes a code; the same code again is refused, whoever shows it on whichever way."""
    workspace = copied(made_workspace, tmp_path / "workspace")
    (workspace / "params" / "default.yaml").write_text("objective: 0.99\napprovals: {critical: true}\n")
    from tests.server.running import code_of

    with approval_server(workspace) as running, running.client("ann") as ann, running.client("bob") as bob:
        number = ann.post(f"{API}proposals", json={"service_type": "catalog"}).json()["proposal"]["id"]
        without = bob.post(f"{API}proposals/{number}/approve", json={})
        assert (without.status_code, without.json()["reason"]) == (403, "forbidden")
        assert "second factor" in without.json()["message"]
        with httpx.Client(base_url=running.url, timeout=60) as dora:
            dora.headers["X-XSRFToken"] = str(dora.get("login") and dora.cookies["_xsrf"])
            used = code_of(workspace)
            assert log_into(dora, "dora", code=used).status_code == 303
            for code in (used, "000000", used):
                refused = dora.post(f"{API}proposals/{number}/approve", json={"code": code})
                assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden"), refused.text
            fresh = code_of(workspace)
            approved = dora.post(f"{API}proposals/{number}/approve", json={"code": fresh})
            assert approved.status_code == 200, approved.text
            replayed = dora.post(
                f"{API}session", json={"name": "dora", "password": PASSWORD.format("dora"), "code": fresh}
            )
            assert replayed.status_code == 401


def test_whoever_asks_too_often_waits(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running, running.client("bob") as bob:
        statuses = [bob.post(f"{API}proposals/999/approve", json={}).status_code for _ in range(420)]
        assert set(statuses) == {404, 429}
        assert statuses.index(429) >= 300
        last = bob.post(f"{API}proposals/999/approve", json={})
        if last.status_code == 429:
            assert int(last.headers["Retry-After"]) >= 1
        assert bob.get(f"{API}health").status_code == 200, "who reads is not held up by that"
