"""Servers that really run, for tests: a workspace with two reports and four people, and clients that log in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pyotp

from slaopt import samples
from slaopt.apply.actor import Actor
from slaopt.apply.opening import ledger_around
from slaopt.apply.people import add_user, confirm_enrollment, enroll, log_in
from slaopt.assess import Assessment, assess
from slaopt.params import load_params
from slaopt.report.archive import write_profiles
from slaopt.report.folders import report_folder
from slaopt.report.manifest import PROFILES, RESULT, Manifest
from slaopt.report.record import Recorder
from slaopt.store import Store, default_store, first_record, make_store
from tests.report.builders import NOTEBOOKS, Made, page_of

SERVICES = ("login", "catalog")  # one whose threshold is to be raised, one whose is to be lowered
ROLES = {"dora": "admin", "ann": "analyst", "bob": "approver", "cid": "approver", "vic": "viewer"}
PASSWORD = "correct horse of {}"
SECRET_FILE = "second-factor.txt"  # of dora; beside the store of the test, not of slaopt
PATIENCE = 60.0  # seconds until a server answers: JupyterLab takes some while others test too
ARGON2_IS_SLOW = 30.0
MOST_WAITS = 20


@dataclass
class Running:
    """A server that answers."""

    url: str  # with the base URL, ends in a slash
    workspace: Path
    process: subprocess.Popen[bytes]
    log: Path
    token: str | None = None  # of Jupyter

    @property
    def pages(self) -> str:
        """Address of the pages."""
        return f"{self.url}slaopt/"

    @property
    def api(self) -> str:
        """Address of the REST interface."""
        return f"{self.url}api/v1/sla-optimization/"

    @property
    def said(self) -> str:
        """What the server has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @contextlib.contextmanager
    def client(self, name: str | None = None) -> Iterator[httpx.Client]:
        """A browser without pictures: it keeps cookies, and sends the XSRF token along; logged in as that user."""
        with httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False) as client:
            client.headers["X-XSRFToken"] = xsrf(client)
            if name is not None:
                answer = log_into(client, name, code=code_of(self.workspace) if name == "dora" else None)
                assert answer.status_code == 303, answer.text
            yield client

    @contextlib.contextmanager
    def in_jupyter(self) -> Iterator[httpx.Client]:
        """A browser in which Jupyter was opened with its token."""
        with httpx.Client(base_url=self.url, timeout=PATIENCE) as client:
            client.get("login", params={"token": self.token}, follow_redirects=True)
            client.headers["X-XSRFToken"] = client.cookies.get("_xsrf") or ""
            yield client

    def asked(self, path: str = "slaopt/ping", **given: Any) -> httpx.Response:
        """Ask once, from a browser that holds nothing but what is given."""
        with httpx.Client(base_url=self.url, timeout=PATIENCE, cookies=given.pop("cookies", None)) as client:
            return client.request(given.pop("method", "GET"), path, **given)

    def kill(self) -> None:
        """End it at once, as a machine that loses its power does."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE)


def xsrf(client: httpx.Client) -> str:
    """Ask for a page, and give the token that its cookie holds."""
    client.get("login")
    return str(client.cookies.get("_xsrf") or "")


def log_into(
    client: httpx.Client,
    name: str,
    *,
    password: str | None = None,
    code: str | None = None,
    wanted: str | None = None,
) -> httpx.Response:
    """Post the form of the login page; where so many tests did before that the server asks to wait, wait."""
    form = {"name": name, "password": PASSWORD.format(name) if password is None else password, "code": code or ""}
    form |= {"_xsrf": xsrf(client)} | ({} if wanted is None else {"next": wanted})
    for _ in range(MOST_WAITS):
        answer = client.post("login", data=form, timeout=ARGON2_IS_SLOW)
        if answer.status_code != 429:
            break
        time.sleep(float(answer.headers["Retry-After"]))
    return answer


def code_of(workspace: Path) -> str:
    """Give a code of dora's second factor that was not used before; it may take half a minute until there is one."""
    place = workspace / SECRET_FILE
    secret, _, last = place.read_text(encoding="utf-8").partition(" ")
    totp = pyotp.TOTP(secret)
    step = int(time.time()) // totp.interval
    fresh = next(step + ahead for ahead in (-1, 0, 1, 2) if step + ahead > int(last or 0))
    while fresh > int(time.time()) // totp.interval + 1:
        time.sleep(0.5)
    place.write_text(f"{secret} {fresh}", encoding="utf-8")
    return totp.generate_otp(fresh)


@cache
def now() -> datetime:
    """The last full hour: servers know no other time than the real one, and refuse reports that are too old."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@cache
def case(name: str) -> Made:
    """A sample service, assessed as of now."""
    service = samples.service(name)
    profiles = service.profiles(7, now(), days=30)
    params = service.params.model_copy(update={"max_change": 0.45})  # half would be critical, at some hours of the day
    found = assess(profiles, params)
    assert isinstance(found, Assessment)
    return Made(profiles=profiles, params=params, assessment=found)


def store_of(workspace: Path) -> Store:
    """The store of a workspace."""
    return make_store(default_store(workspace))


def make_workspace(directory: Path, *, people: Mapping[str, str] = ROLES, services: tuple[str, ...] = SERVICES) -> Path:
    """Make a workspace with a report of each service and those people, each with a password; dora has more."""
    for folder in ("params/services", "reports"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    (directory / "params" / "default.yaml").write_text("objective: 0.99\n", encoding="utf-8")
    store = store_of(directory)
    for name in services:
        add_report(directory, store, case(name))
    add_people(directory, store, people)
    return directory


def add_report(workspace: Path, store: Store, made: Made) -> Path:
    """Add a report as a run makes it, and record it; the service's threshold is decided before."""
    service, at = made.profiles.service, now() + timedelta(minutes=1)
    record = first_record(service, threshold=made.params.threshold, objective=made.params.objective)
    with store.begin() as transaction:
        transaction.add_service(record, by="params", reason="as params say", at=at - timedelta(days=40))
    manifest = Manifest.of(made.profiles, made.params, NOTEBOOKS / "service_report.ipynb")
    folder = report_folder(workspace / "reports", manifest)
    write_profiles(made.profiles, folder / PROFILES)
    result = json.dumps(made.assessment.to_dict(), indent=1, ensure_ascii=False)
    (folder / RESULT).write_text(result, encoding="utf-8")
    (folder / "report.html").write_text(page_of(made), encoding="utf-8")
    manifest.complete(folder).write(folder)
    Recorder(store, at).record(folder)
    return folder


def add_people(workspace: Path, store: Store, people: Mapping[str, str] = ROLES) -> None:
    """Add users with passwords, the first an admin; dora gets a second factor, whose secret is kept for tests."""
    ledger, at = ledger_around(store, load_params(workspace), workspace), datetime.now(UTC)
    admin = None
    for name, role in people.items():
        add_user(ledger, name, role=role, password=PASSWORD.format(name), actor=admin, at=at)
        admin = admin or Actor(name=name, role="admin")
    if "dora" in people:
        uri = enroll("dora")
        totp = pyotp.parse_uri(uri)
        confirm_enrollment(
            ledger, "dora", uri, totp.at(at - timedelta(seconds=30)), actor=Actor("dora", "admin"), at=at
        )
        step = int(at.timestamp()) // 30 - 1
        (workspace / SECRET_FILE).write_text(f"{totp.secret} {step}", encoding="utf-8")


def log_in_at_terminal(workspace: Path, name: str, config: Path) -> None:
    """Log the user of the operating system in, as `slaopt login` does; `config` is their XDG_CONFIG_HOME."""
    from slaopt.apply.people import keep_terminal_session

    store, at = store_of(workspace), datetime.now(UTC)
    session = log_in(
        ledger_around(store, load_params(workspace), workspace), name, PASSWORD.format(name), kind="terminal", at=at,
        code=code_of(workspace) if name == "dora" else None,
    )  # fmt: skip
    kept = os.environ.get("XDG_CONFIG_HOME")
    os.environ["XDG_CONFIG_HOME"] = str(config)
    try:
        keep_terminal_session(store.label, session)
    finally:
        os.environ.pop("XDG_CONFIG_HOME")
        if kept is not None:
            os.environ["XDG_CONFIG_HOME"] = kept


def copied(workspace: Path, to: Path) -> Path:
    """A workspace of one's own, made in no time from one that is not being written to."""
    return Path(shutil.copytree(workspace, to))


@contextlib.contextmanager
def approval_server(
    workspace: Path, *options: str, base_url: str = "/", environment: Mapping[str, str] | None = None, port: int = 0,
    program: str = "slaopt",
) -> Iterator[Running]:  # fmt: skip
    """Run `slaopt serve` until the block ends; port 0: a free one. Another program runs the same command around it."""
    port = port or free_port()
    command = [
        sys.executable, "-m", program, "serve", "--workspace", str(workspace), "--port", str(port),
        "--base-url", base_url, *options,
    ]  # fmt: skip
    scheme = "https" if "--certfile" in options else "http"
    with _started(command, workspace, f"{scheme}://127.0.0.1:{port}{base_url}", environment) as running:
        _wait(running, "login")
        yield running


@contextlib.contextmanager
def lab_server(
    workspace: Path, *options: str, lab: bool = False, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run Jupyter Server with the extension, JupyterLab's too where `lab`, until the block ends."""
    port, token = free_port(), "0123456789abcdef0123456789abcdef"
    command = [
        sys.executable, "-m", "jupyterlab" if lab else "jupyter_server", f"--ServerApp.root_dir={workspace}",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1", "--allow-root",
        "--no-browser", f"--IdentityProvider.token={token}", *options,
    ]  # fmt: skip
    with _started(command, workspace, f"http://127.0.0.1:{port}/", environment) as running:
        running.token = token
        _wait(running, "api")
        yield running


@contextlib.contextmanager
def _started(command: list[str], workspace: Path, url: str, environment: Mapping[str, str] | None) -> Iterator[Running]:
    home = workspace.parent / f"{workspace.name}-home"
    home.mkdir(exist_ok=True)
    own = {
        "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"), "JUPYTER_DATA_DIR": str(home / "data"),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }  # fmt: skip
    log = home / "server.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, cwd=workspace, env={**os.environ, **own, **(environment or {})}, stdout=written, stderr=written,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        yield Running(url=url, workspace=workspace, process=process, log=log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(running: Running, path: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert running.process.poll() is None, running.said
        with contextlib.suppress(httpx.TransportError):
            httpx.get(running.url + path, timeout=5, verify=False)
            return
        time.sleep(0.1)
    raise AssertionError(f"the server did not answer\n{running.said}")


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
