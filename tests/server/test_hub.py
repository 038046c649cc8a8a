"""Login at a JupyterHub: the hub says who somebody is, the store what they may."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from slaopt.errors import InputError
from slaopt.server.hub import Hub
from tests.server.running import Running, approval_server, copied, free_port

SCOPE = "access:services!service=slaopt"


class FakeHub(BaseHTTPRequestHandler):
    """The two answers of a hub's API that a login takes: a token for a code, and whose token it is."""

    users: ClassVar[dict[str, str]] = {"code-of-bob": "bob", "code-of-stranger": "stranger", "code-of-ann": "ann"}
    asked: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        self.asked.append(form)
        right = form.get("client_secret") == "the hub's secret" and form.get("code") in self.users
        self.answer(200 if right else 400, {"access_token": form["code"]} if right else {"error": "invalid_grant"})

    def do_GET(self) -> None:
        name = self.users.get(self.headers["Authorization"].removeprefix("token "))
        scopes = [] if name == "ann" else [SCOPE, "read:users:name!user"]
        self.answer(200 if name else 403, {"name": name, "scopes": scopes})

    def answer(self, status: int, value: dict[str, object]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def served(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    hub = ThreadingHTTPServer(("127.0.0.1", 0), FakeHub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    port = free_port()
    environment = {
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub.server_port}/hub/api", "JUPYTERHUB_API_TOKEN": "the hub's secret",
        "JUPYTERHUB_SERVICE_NAME": "slaopt", "JUPYTERHUB_SERVICE_PREFIX": "/services/slaopt/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}", "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE, "access:services"]),
    }  # fmt: skip
    workspace = copied(made_workspace, tmp_path_factory.mktemp("hub") / "workspace")
    with approval_server(
        workspace, "--jupyterhub", base_url="/services/slaopt/", environment=environment, port=port
    ) as running:
        yield running
    hub.shutdown()
    hub.server_close()


def begun(client: httpx.Client, path: str = "slaopt/ping") -> str:
    """Begin a login, as a page does; give the state."""
    answer = client.get("login", params={"next": f"/services/slaopt/{path}"})
    assert answer.status_code == 302
    sent = urlsplit(answer.headers["location"])
    query = parse_qs(sent.query)
    assert (sent.netloc, sent.path) == ("", "/hub/api/oauth2/authorize")
    assert query["client_id"] == ["service-slaopt"]
    assert query["redirect_uri"] == ["/services/slaopt/oauth_callback"]
    return query["state"][0]


def test_a_user_of_the_hub_gets_the_role_that_the_store_gives(served: Running):
    with httpx.Client(base_url=served.url, timeout=30) as client:
        state = begun(client, "slaopt/history")
        back = client.get("oauth_callback", params={"code": "code-of-bob", "state": state})
        assert (back.status_code, back.headers["location"]) == (302, "/services/slaopt/slaopt/history")
        assert client.get("slaopt/ping").json() == {
            "name": "bob", "role": "approver", "solo": False, "server": "approval server",
        }  # fmt: skip
        kept = next(value for value in back.headers.get_list("set-cookie") if value.startswith("slaopt-127"))
        assert "HttpOnly" in kept
        assert "SameSite=Strict" in kept
        assert client.get("oauth_callback", params={"code": "code-of-bob", "state": state}).status_code == 403  # once


@pytest.mark.parametrize(
    ("code", "status"), [("code-of-stranger", 403), ("code-of-ann", 403), ("made up", 403), ("", 403)]
)
def test_who_is_no_user_here_or_may_not_use_the_service_stays_out(served: Running, code, status):
    with httpx.Client(base_url=served.url, timeout=30) as client:
        answer = client.get("oauth_callback", params={"code": code, "state": begun(client)})
        assert answer.status_code == status
        assert client.get("slaopt/ping").status_code == 401


def test_a_login_that_was_begun_elsewhere_is_refused(served: Running):
    """Nobody can be logged in as somebody else by a link."""
    with httpx.Client(base_url=served.url, timeout=30) as client:
        before = len(FakeHub.asked)
        assert client.get("oauth_callback", params={"code": "code-of-bob", "state": "made up"}).status_code == 403
        begun(client)
        assert client.get("oauth_callback", params={"code": "code-of-bob", "state": "made up"}).status_code == 403
        begun(client)
        assert client.get("oauth_callback", params={"code": "code-of-bob", "state": "é"}).status_code == 403
        assert len(FakeHub.asked) == before  # the code was not even shown to the hub


def test_without_a_hub_nothing_begins():
    with pytest.raises(InputError, match="JUPYTERHUB_API_TOKEN is not set; let JupyterHub start slaopt serve"):
        Hub.of({"JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api"})


def test_where_the_hub_lies_below_a_path_browsers_are_sent_there():
    names = {
        "API_URL": "http://127.0.0.1:8081/h/hub/api", "API_TOKEN": "x", "SERVICE_NAME": "sla", "BASE_URL": "/h/",
        "SERVICE_PREFIX": "/h/services/sla/", "SERVICE_URL": "http://127.0.0.1:8890", "HOST": "https://hub.example.com",
    }  # fmt: skip
    hub = Hub.of({f"JUPYTERHUB_{name}": value for name, value in names.items()})
    assert hub.authorize == "https://hub.example.com/h/hub/api/oauth2/authorize"
    assert (hub.ip, hub.port, hub.base_url) == ("127.0.0.1", 8890, "/h/services/sla/")
    assert "secret" not in repr(hub)
