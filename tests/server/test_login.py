"""Who gets in at the approval server, and who does not."""

from __future__ import annotations

from tests.server.running import Running


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
