"""Where roles hold: an approval server has nothing that runs code, and inside Jupyter one may only view and propose."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from jupyter_server.auth.identity import User
from jupyter_server.base.handlers import JupyterHandler

from slaopt.apply.actor import Actor, ForbiddenError
from slaopt.apply.opening import ledger_around
from slaopt.apply.people import disable_user, os_user, set_solo
from slaopt.params import load_params
from slaopt.server.authorizer import SlaoptAuthorizer
from slaopt.server.base import SlaoptHandler
from slaopt.store.records import Role
from tests.server.running import Running, approval_server, copied, lab_server, log_in_at_terminal, store_of

API = "api/v1/sla-optimization"
JUPYTER = (
    "api", "api/status", "api/me", "api/contents", "api/contents/slaopt.db", "api/kernels", "api/kernelspecs",
    "api/sessions", "api/terminals", "api/config/x", "api/nbconvert", "api/shutdown", "api/events", "api/spec.yaml",
    "api/security/csp-report", "files/slaopt.db", "files/params/default.yaml", "view/x", "nbconvert/html/x", "lab",
    "lab/api/settings", "tree", "notebooks/x", "edit/x", "terminals/1", "terminals/websocket/1", "metrics", "static/x",
    "kernelspecs/python3/logo-64x64.png", "lsp/status", "api/kernels/1/channels",
)  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_approval_server_has_nothing_of_jupyter(approvals: Running, method):
    with approvals.client("bob") as client:
        found = {path: client.request(method, path).status_code for path in JUPYTER}
        assert set(found.values()) == {404}, found


def test_no_kernel_or_terminal_is_opened_by_a_websocket(approvals: Running):
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    with approvals.client("bob") as client:
        for path in ("api/kernels/1/channels", "terminals/websocket/1", "api/events/subscribe"):
            assert client.get(path, headers=upgrade).status_code == 404


def test_settings_of_jupyter_open_nothing_at_the_approval_server(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    settings = tmp_path / "workspace-home" / ".jupyter"
    settings.mkdir(parents=True)
    (settings / "jupyter_server_config.py").write_text(
        "c.ServerApp.jpserver_extensions = {'jupyter_server_terminals': True, 'jupyterlab': True}\n"
        "c.ServerApp.disable_check_xsrf = True\nc.ServerApp.allow_origin = '*'\nc.IdentityProvider.token = 'open'\n"
        "c.ServerApp.authorizer_class = 'jupyter_server.auth.AllowAllAuthorizer'\nc.ServerApp.ip = '0.0.0.0'\n"
        "c.ServerApp.extra_services = ['jupyter_server.services.contents.handlers']\n",
        encoding="utf-8",
    )
    with approval_server(workspace) as running, running.client("bob") as client:
        assert {client.get(path).status_code for path in JUPYTER} == {404}
        assert running.asked(params={"token": "open"}).status_code == 401
        assert client.post("logout", headers={"X-XSRFToken": ""}).status_code == 403
        assert client.get("slaopt/ping", headers={"Origin": "https://evil.example"}).status_code == 403


ASKED = (  # of nothing that is there: whoever may ask is told so, the others are told which role it takes
    ("GET", "proposals", None, "viewer"),
    ("POST", "proposals", {"service_type": "nothing of that name"}, "analyst"),
    ("POST", "proposals/999/approve", {}, "approver"),
    ("POST", "rollback-threshold", {"change_id": "nothing", "reason": "to see"}, "approver"),
    ("PATCH", "services/nothing", {"auto_adjust": True}, "admin"),
)


@pytest.mark.parametrize(("name", "most"), [("vic", 1), ("ann", 2), ("bob", 4), ("dora", 5)])
def test_each_role_may_what_it_may(approvals: Running, name, most):
    with approvals.client(name) as client:
        for number, (method, path, body, needed) in enumerate(ASKED, start=1):
            answer = client.request(method, f"{API}/{path}", json=body)
            assert (answer.status_code == 403) == (number > most), (path, answer.text)
            if number > most:
                assert needed in answer.json()["message"]


def test_the_authorizer_allows_what_slaopt_serves_by_role_and_nothing_else():
    """No handler of Jupyter is there to be reached; were one, nobody could use it."""

    def allowed(role: Role, action: str, *, resource: str = "slaopt", kind: type[JupyterHandler] = SlaoptHandler):
        handler = kind.__new__(kind)
        handler._actor = Actor("somebody", role)  # type: ignore[attr-defined]
        return asyncio.run(SlaoptAuthorizer().is_authorized(handler, User("somebody"), action, resource))

    assert allowed("viewer", "read")
    assert allowed("admin", "administer")
    for role, action in (("viewer", "propose"), ("analyst", "approve"), ("approver", "administer")):
        with pytest.raises(ForbiddenError, match=f"to {action} takes"):
            allowed(cast("Role", role), action)
    for resource in ("contents", "kernels", "terminals", "server", "csp"):
        assert not allowed("admin", "read", resource=resource)
    for action in ("write", "execute"):
        assert not allowed("admin", action)
    assert not allowed("admin", "read", kind=JupyterHandler)


@pytest.fixture(scope="module")
def lab(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with lab_server(copied(made_workspace, tmp_path_factory.mktemp("lab") / "workspace")) as running:
        yield running


def test_in_jupyter_one_who_is_not_logged_in_at_the_terminal_may_look(lab: Running):
    with lab.in_jupyter() as client:
        assert client.get("slaopt/ping").json() == {
            "name": os_user(), "role": "viewer", "solo": False, "server": "lab",
        }  # fmt: skip
        assert client.get(f"{API}/proposals").status_code == 200
        refused = client.post(f"{API}/proposals", json={"service_type": "login"})
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")


def test_in_jupyter_nobody_looks_without_its_login(lab: Running):
    assert lab.asked().status_code == 401
    assert lab.asked(f"{API}/proposals").status_code == 401


@pytest.mark.parametrize("path", [f"{API}/nothing", "slaopt/nothing"])
def test_in_jupyter_an_address_below_ours_with_nothing_there_is_said_so_by_us(lab: Running, path):
    answer = lab.asked(path)
    assert answer.status_code == 404
    assert answer.json() == {"message": "there is nothing at this address", "reason": "not found"}


def test_in_jupyter_a_token_is_no_way_past_the_checks(lab: Running):
    """Jupyter takes requests with a token from any page; what slaopt serves is checked all the same."""
    headers = {"Authorization": f"token {lab.token}"}
    assert lab.asked(headers=headers).status_code == 200
    body = {"service_type": "login"}
    forged = lab.asked(f"{API}/proposals", method="POST", json=body, headers=headers)
    assert forged.status_code == 403
    assert "_xsrf" in forged.json()["message"]  # not for the role of whoever asks
    foreign = headers | {"Origin": "https://evil.example"}
    assert lab.asked(headers=foreign).status_code == 403


def test_in_jupyter_an_approver_only_proposes(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    log_in_at_terminal(workspace, "bob", tmp_path / "workspace-home" / ".config")
    with lab_server(workspace) as running, running.in_jupyter() as client:
        assert client.get("slaopt/ping").json() == {"name": "bob", "role": "analyst", "solo": False, "server": "lab"}
        filed = client.post(f"{API}/proposals", json={"service_type": "login"})
        assert filed.status_code in (200, 201), filed.text
        (proposal,) = client.get(f"{API}/proposals").json()
        assert proposal["proposed_by"] == "bob"
        refused = client.post(f"{API}/proposals/{proposal['id']}/approve", json={})
        assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")
        assert refused.json()["message"].startswith("inside Jupyter one views and proposes only: to approve, bob uses")


def test_in_jupyter_one_who_works_alone_approves(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    ledger = ledger_around(store_of(workspace), load_params(workspace), workspace)
    set_solo(ledger, True, actor=Actor("dora", "admin"), os_user=os_user(), at=datetime.now(UTC))
    with lab_server(workspace) as running, running.in_jupyter() as client:
        assert client.get("slaopt/ping").json() == {"name": os_user(), "role": "admin", "solo": True, "server": "lab"}
        client.post(f"{API}/proposals", json={"service_type": "login"})
        (proposal,) = client.get(f"{API}/proposals").json()
        approved = client.post(f"{API}/proposals/{proposal['id']}/approve", json={})
        assert approved.status_code == 200, approved.text
        assert client.get(f"{API}/proposals/{proposal['id']}").json()["state"] == "committed"


def test_a_user_of_jupyterhub_is_the_user_of_that_name(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    ledger = ledger_around(store_of(workspace), load_params(workspace), workspace)
    disable_user(ledger, "cid", actor=Actor("dora", "admin"), at=datetime.now(UTC))
    provider = "--ServerApp.identity_provider_class=tests.server.hub.HubIdentityProvider"
    with lab_server(workspace, provider) as running:

        def known(name: str) -> tuple[int, str | None]:
            answer = running.asked(headers={"X-Hub-User": name})
            return answer.status_code, answer.json().get("role")

        assert known("bob") == (200, "analyst")  # an approver: capped
        assert known("dora") == (200, "analyst")  # so is an admin
        assert known("vic") == (200, "viewer")
        assert known("cid") == (403, None)  # disabled
        assert known("stranger") == (403, None)  # known to the hub, not to the store
        assert running.asked().status_code == 401


def test_where_there_is_no_workspace_jupyter_works_and_the_pages_say_what_to_do(tmp_path: Path):
    place = tmp_path / "folder"
    place.mkdir()
    with lab_server(place) as running, running.in_jupyter() as client:
        assert client.get("api/contents").status_code == 200
        answer = client.get(f"{API}/proposals")
        assert answer.status_code == 503
        assert "slaopt init" in answer.json()["message"]
        assert not list(place.glob("*.db"))


def test_a_workspace_that_is_made_later_is_found(tmp_path: Path, made_workspace: Path):
    place = tmp_path / "workspace"
    (place / "params").mkdir(parents=True)
    (place / "params" / "default.yaml").write_text("objective: 0.99\n", encoding="utf-8")
    with lab_server(place) as running, running.in_jupyter() as client:
        assert client.get(f"{API}/proposals").status_code == 503
        assert not list(place.glob("*.db"))  # looking makes nothing
        store_of(place)
        assert client.get(f"{API}/proposals").json() == []
