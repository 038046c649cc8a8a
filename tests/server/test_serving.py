"""How the approval server is begun, reached and ended."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slaopt.errors import InputError
from slaopt.server.serving import Serving, config_of, refuse_in_the_clear
from tests.parts import chromium, require
from tests.server.running import PASSWORD, Running, approval_server, copied, log_into

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-quic")


@pytest.mark.parametrize("ip", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])
def test_passwords_do_not_cross_a_network_in_the_clear(tmp_path: Path, ip):
    with pytest.raises(InputError, match="in the clear; give --certfile"):
        refuse_in_the_clear(Serving(workspace=tmp_path, ip=ip))
    refuse_in_the_clear(Serving(workspace=tmp_path, ip=ip, certfile=tmp_path / "certificate.pem"))
    refuse_in_the_clear(Serving(workspace=tmp_path, ip=ip, insecure_http=True))


@pytest.mark.parametrize("ip", ["127.0.0.1", "localhost", "::1", "127.0.0.7"])
def test_this_machine_needs_no_certificate(tmp_path: Path, ip):
    refuse_in_the_clear(Serving(workspace=tmp_path, ip=ip))


def test_the_command_refuses_in_one_line(slaopt, made_workspace: Path):
    run = slaopt("serve", "--workspace", made_workspace, "--ip", "0.0.0.0")
    assert (run.status, run.refused_in_one_line) == (2, True)
    run = slaopt("serve", "--workspace", made_workspace, "--jupyterhub")
    assert (run.status, run.refused_in_one_line) == (2, True)


def test_outside_a_workspace_nothing_is_served(slaopt):
    run = slaopt("serve")
    assert (run.status, "slaopt init" in run.err) == (2, True)


def test_no_setting_of_the_server_can_be_turned_off(made_workspace: Path):
    server = config_of(Serving(workspace=made_workspace, insecure_http=True, ip="0.0.0.0"))["ServerApp"]
    assert not server["disable_check_xsrf"]
    assert not server["allow_unauthenticated_access"]


@pytest.mark.parametrize(("ip", "any_name"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_any_name_is_taken_only_where_others_reach_the_server_and_params_name_none(
    made_workspace: Path, tmp_path: Path, ip, any_name
):
    workspace = copied(made_workspace, tmp_path / "workspace")
    server = config_of(Serving(workspace=workspace, ip=ip))["ServerApp"]
    assert server["allow_remote_access"] is any_name
    (workspace / "params" / "default.yaml").write_text("server: https://slaopt.example.com\n", encoding="utf-8")
    server = config_of(Serving(workspace=workspace, ip=ip))["ServerApp"]
    assert server["allow_remote_access"] is False
    assert server["local_hostnames"] == ["localhost", "slaopt.example.com"]


def test_over_tls_cookies_are_for_tls_alone(made_workspace: Path, tmp_path: Path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl: install it")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate),
         "-days", "2", "-subj", "/CN=localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = ("--certfile", str(certificate), "--keyfile", str(key))
    with (
        approval_server(copied(made_workspace, tmp_path / "workspace"), *options) as running,
        running.client() as client,
    ):
        assert running.url.startswith("https:")
        answer = log_into(client, "bob")
        assert answer.status_code == 303
        assert all("secure" in kept.lower() for kept in answer.headers.get_list("set-cookie"))
        assert client.get("slaopt/ping").json()["role"] == "approver"
        assert "strict-transport-security" in client.get("slaopt/ping").headers
        assert not speaks(running, ssl.TLSVersion.TLSv1_1)
        assert speaks(running, ssl.TLSVersion.TLSv1_2)


def speaks(running: Running, version: ssl.TLSVersion) -> bool:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning) if version < ssl.TLSVersion.TLSv1_2 else contextlib.nullcontext():
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        with socket.create_connection(("127.0.0.1", int(running.url.rsplit(":", 1)[1].strip("/"))), timeout=20) as raw:
            context.wrap_socket(raw).close()
    except (ssl.SSLError, ConnectionError):
        return False
    return True


def test_everything_lies_below_the_base_url(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace"), base_url="/sla/x/") as running:
        root = running.url.removesuffix("sla/x/")
        with running.client("ann") as client:
            assert client.get("slaopt/ping").status_code == 200
            assert client.get("api/v1/sla-optimization/proposals").json() == []
            assert client.get("").headers["location"] == "/sla/x/slaopt/"
            assert {client.get(f"{root}{path}").status_code for path in ("slaopt/ping", "login", "lab", "")} == {404}
            assert {cookie.path for cookie in client.cookies.jar} == {"/sla/x/"}
        page = running.asked("login").text
        assert 'action="/sla/x/login"' in page


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_the_first_signal_and_leaves_no_process(made_workspace: Path, tmp_path: Path, sent):
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running:
        children = _children(running.process.pid)
        running.process.send_signal(sent)
        assert running.process.wait(timeout=30) == 0, running.said
        assert "Traceback" not in running.said
    for child in children:
        _gone(child)


def test_a_killed_server_leaves_no_process_and_starts_again(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace) as running, running.client("bob") as client:
        kept = dict(client.cookies)
        port = int(running.url.rsplit(":", 1)[1].strip("/"))
        children = _children(running.process.pid)
        running.kill()
    for child in children:
        _gone(child)
    with approval_server(workspace, port=port) as again:
        assert again.asked(cookies=kept).json()["name"] == "bob"  # whoever was logged in still is


def _children(process: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return [int(number) for number in found.stdout.split()]


def _gone(process: int) -> None:
    for _ in range(100):
        if not Path(f"/proc/{process}").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {process} is still there")


def test_a_port_that_is_taken_is_said(made_workspace: Path, tmp_path: Path):
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running:
        port = running.url.rsplit(":", 1)[1].strip("/")
        second = subprocess.run(
            [sys.executable, "-m", "slaopt", "serve", "--workspace", str(running.workspace), "--port", port],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert second.returncode != 0
        assert f"port {port}" in second.stderr
        assert "Traceback" not in second.stderr


def test_files_that_hold_secrets_are_their_owner_s_alone(approvals: Running):
    home = approvals.workspace.parent / f"{approvals.workspace.name}-home"
    secret = home / "runtime" / "slaopt_cookie_secret"
    for file in (secret, approvals.workspace / "slaopt.db", approvals.workspace / "audit-heads.jsonl"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert not list((home / "runtime").glob("jpserver-*"))


def test_a_link_in_a_report_file_leads_to_the_page_of_one_who_is_logged_in(made_workspace: Path, tmp_path: Path):
    """The cookie is strict, so a browser does not send it along with a link of another site: it is asked again."""
    require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with (
        approval_server(copied(made_workspace, tmp_path / "workspace")) as running,
        playwright.sync_playwright() as started,
    ):
        browser = started.chromium.launch(executable_path=chromium(), args=list(QUIET))
        page = browser.new_page()
        target = f"{running.pages}history"
        report = tmp_path / "report.html"
        report.write_text(f'<a href="{target}">approve</a>', encoding="utf-8")
        page.goto(report.as_uri())
        page.click("a")
        page.wait_for_url("**/login?**")
        page.fill("#name", "bob")
        page.fill("#password", PASSWORD.format("bob"))
        page.click("button[type=submit]")
        page.wait_for_url(target)
        page.goto(report.as_uri())
        page.click("a")
        page.wait_for_url(target)
        page.locator("text=bob").first.wait_for()
        browser.close()
