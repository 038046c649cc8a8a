"""What a request is refused for before anything is done, and what every answer tells the browser."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.server.running import Running, approval_server, copied

API = "api/v1/sla-optimization"
WISH = {"service_type": "login", "new_threshold": 0.6, "implementation_type": "immediate"}


def reason(answer: httpx.Response) -> tuple[int, str]:
    told = answer.json()
    assert set(told) == {"message", "reason"}
    return answer.status_code, told["reason"]


def test_what_is_forged_is_refused(approvals: Running):
    with approvals.client("bob") as client:
        for token in ("", "forged", "2|00000000|" + "0" * 40 + "|1700000000"):
            answer = client.post(f"{API}/update-threshold", json=WISH, headers={"X-XSRFToken": token})
            assert reason(answer) == (403, "forbidden")
        assert client.get(f"{API}/proposals").json() == []


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_another_origin_are_refused(approvals: Running, method, origin):
    with approvals.client("bob") as client:
        answer = client.request(method, f"{API}/proposals", json={"service_type": "login"}, headers={"Origin": origin})
        assert reason(answer) == (403, "forbidden")
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "192.0.2.1"])
def test_a_foreign_name_that_points_here_is_refused(approvals: Running, host):
    """DNS rebinding: a page of that name would be of the same origin."""
    with approvals.client("bob") as client:
        assert client.get("slaopt/ping", headers={"Host": host}).status_code == 403


def test_the_name_that_params_give_is_taken(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    (workspace / "params" / "default.yaml").write_text("server: https://slaopt.example.com\n", encoding="utf-8")
    with approval_server(workspace, "--behind-proxy") as running:
        known, foreign = (
            running.asked("login", headers={"Host": host}) for host in ("slaopt.example.com", "a.example")
        )
        assert (known.status_code, foreign.status_code) == (200, 403)


def test_large_bodies_are_refused(approvals: Running):
    with approvals.client("ann") as client:
        large = client.post(f"{API}/proposals", content=b" " * 70_000, headers={"Content-Type": "application/json"})
        assert reason(large) == (413, "too large")
        try:
            huge = client.post(f"{API}/proposals", content=b" " * 3_000_000)
        except httpx.TransportError:
            return  # hung up while it was sent
        assert huge.status_code == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 30_000, b'{"service_type": ' + b"[" * 10_000,
     b'{"service_type": 7}', b'{"service_type": "login", "unknown": 1}', b'{"service_type": NaN}'],
    ids=lambda body: body[:24],
)  # fmt: skip
def test_malformed_bodies_are_refused(approvals: Running, body):
    with approvals.client("ann") as client:
        answer = client.post(f"{API}/proposals", content=body, headers={"Content-Type": "application/json"})
        assert reason(answer) == (400, "invalid")
        assert client.get("slaopt/ping").status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_is_read(approvals: Running, kind):
    """A form of another page can send everything but this type without being asked."""
    with approvals.client("ann") as client:
        content = json.dumps({"service_type": "login"})
        answer = client.post(f"{API}/proposals", content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 415)
        assert set(answer.json()) == {"message", "reason"}


@pytest.mark.parametrize(
    "path",
    ["slaopt/static/../app.py", "slaopt/static/..%2fapp.py", "slaopt/static/%2e%2e/%2e%2e/params/default.yaml",
     "slaopt/static//etc/passwd", "slaopt/reports/../../params/default.yaml", "slaopt/reports/..%2f..%2fslaopt.db",
     "slaopt/reports/%2e%2e/slaopt.db", "static/../slaopt.db", "slaopt.db", "params/default.yaml"],
)  # fmt: skip
def test_no_path_leads_out(approvals: Running, path):
    with approvals.client("bob") as client, socket.create_connection(_address(approvals), timeout=20) as raw:
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        raw.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nConnection: close\r\n\r\n".encode()
        )  # as it stands: clients tidy paths up
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer.split()[1] == b"404"
    assert not any(secret in answer for secret in (b"SQLite format", b"objective", b"root:", b"import"))


def _address(running: Running) -> tuple[str, int]:
    return "127.0.0.1", int(running.url.rsplit(":", 1)[1].strip("/"))


@pytest.mark.parametrize(
    "line", ["GET", "GET / HTTP/9.9", "\x00\x01\x02", "POST /login HTTP/1.1\r\nContent-Length: -1"]
)
def test_a_broken_request_hurts_nobody(approvals: Running, line):
    with socket.create_connection(_address(approvals), timeout=20) as raw:
        raw.sendall(f"{line}\r\n\r\n".encode())
        raw.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer == b"" or answer.split()[1] == b"400"
    assert approvals.asked().status_code == 401


def test_every_answer_tells_the_browser_what_not_to_do(approvals: Running):
    with approvals.client("ann") as client:
        for path, status in (("slaopt/ping", 200), ("login", 302), (f"{API}/nothing", 404), ("slaopt/", 200)):
            answer = client.get(path)
            assert answer.status_code == status, path
            told = answer.headers
            assert told["x-content-type-options"] == "nosniff"
            assert told["x-frame-options"] == "DENY"
            assert told["referrer-policy"] == "same-origin"
            assert "no-store" in told["cache-control"]
            assert "default-src 'none'" in told["content-security-policy"]
            assert "unsafe" not in told["content-security-policy"]
            assert "server" not in told
        assert "server" not in client.get("slaopt/static/pages.css").headers
        assert "script-src" not in client.get("slaopt/ping").headers["content-security-policy"]


def test_a_method_that_is_not_there_is_said_so(approvals: Running):
    with approvals.client("ann") as client:
        assert reason(client.put("slaopt/ping")) == (405, "method")
        assert reason(client.get("nothing/here")) == (404, "not found")


def test_whoever_asks_too_often_is_told_to_wait(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running, running.client("ann") as client:
        with ThreadPoolExecutor(16) as threads:  # faster than it is forgiven
            answers = list(threads.map(lambda _: client.post(f"{API}/proposals", json={}), range(420)))
        assert {answer.status_code for answer in answers} == {400, 429}
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert reason(refused[0]) == (429, "too many")
        assert client.get("slaopt/ping").status_code == 200  # reading goes on


def test_one_address_can_ask_so_often_whoever_it_is(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace, program="tests.server.strict") as running, running.client() as client:
        answers = [client.get(f"{API}/health") for _ in range(30)]
        codes = [answer.status_code for answer in answers]
        assert set(codes) == {200, 429}
        assert codes == sorted(codes)
        assert reason(answers[-1]) == (429, "too many")
        assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_fault_of_the_inside_is_not_told(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace) as running, running.client("ann") as client:
        for file in workspace.glob("slaopt.db*"):
            file.write_bytes(b"no database at all, but forty-two bytes of text")
        answer = client.get(f"{API}/proposals")
        assert answer.status_code in (400, 500, 503)
        assert str(workspace) not in answer.text
        assert "Traceback" not in answer.text


def test_the_off_switch_holds_at_once(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace) as running, running.client("ann") as client:
        (workspace / "params" / "default.yaml").write_text("enabled: false\n", encoding="utf-8")
        answer = client.post(f"{API}/proposals", json={"service_type": "login"})
        assert reason(answer) == (409, "refused")
        assert "switched off" in answer.json()["message"]
        with running.client("bob") as other:  # one can still log in and look
            assert other.get(f"{API}/proposals").json() == []
        (workspace / "params" / "default.yaml").write_text("enabled: true\n", encoding="utf-8")
        assert client.post(f"{API}/proposals", json={"service_type": "login"}).status_code in (200, 201)


def test_settings_that_make_no_sense_stop_nobody_from_looking(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace) as running, running.client("ann") as client:
        (workspace / "params" / "default.yaml").write_text("objectve: 0.99\n", encoding="utf-8")
        answer = client.post(f"{API}/proposals", json={"service_type": "login"})
        assert reason(answer) == (400, "invalid")
        assert answer.json()["message"].startswith("params/default.yaml: unknown key `objectve`")
        for _ in range(4):
            assert client.get(f"{API}/proposals").status_code == 200
            time.sleep(0.4)
        assert "the settings from before hold" in running.said
