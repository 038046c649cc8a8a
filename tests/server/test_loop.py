"""The event loop is never held: whatever is asked for, others are answered in between."""

from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.server.running import approval_server, copied, log_into

API = "api/v1/sla-optimization"
LONGEST = 0.050  # seconds of the loop's thread


def test_nothing_keeps_the_event_loop_busy(made_workspace: Path, tmp_path: Path):
    """Pages, logins, proposals, a recommendation that is not stored, and a report that is computed again."""
    busy = tmp_path / "busy.txt"
    with approval_server(
        copied(made_workspace, tmp_path / "workspace"), environment={"SLAOPT_TEST_BUSY": str(busy)},
        program="tests.server.watched",
    ) as running, running.client("ann") as ann, running.client("bob") as bob:  # fmt: skip
        bob.get("slaopt/")  # the first page reads templates
        busy.write_text("", encoding="utf-8")
        with ThreadPoolExecutor(8) as threads:
            asked = [threads.submit(ann.get, path) for path in ("slaopt/", f"{API}/recommendations", f"{API}/overview")]
            asked.append(threads.submit(log_into, ann, "vic"))
            wish = {"service_type": "login", "optimization_strategy": "aggressive", "business_priority": "cost"}
            asked.append(threads.submit(bob.post, f"{API}/recommendations", json=wish))
            asked += [threads.submit(bob.get, "slaopt/ping") for _ in range(200)]
            answers = [future.result() for future in asked]
        assert {answer.status_code for answer in answers} == {200, 303}
        with running.client("ann") as ann:
            filed = ann.post(f"{API}/proposals", json={"service_type": "login"})
            assert filed.status_code in (200, 201), filed.text
        (proposal,) = bob.get(f"{API}/proposals").json()
        assert bob.post(f"{API}/proposals/{proposal['id']}/approve", json={}).status_code == 200
        held = [line for line in busy.read_text(encoding="utf-8").splitlines() if float(line.split()[0]) > LONGEST]
        assert held == []


def test_whoever_waits_for_the_store_keeps_nobody_else_waiting(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace) as running, running.client("ann") as ann, running.client("bob") as bob:
        other = sqlite3.connect(workspace / "slaopt.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # another program writes, and takes its time
        done: list[int] = []
        writer = threading.Thread(
            target=lambda: done.append(ann.post(f"{API}/proposals", json={"service_type": "login"}).status_code)
        )
        writer.start()
        time.sleep(0.5)
        for _ in range(20):
            assert bob.get("slaopt/ping").status_code == 200
        assert done == []
        other.execute("ROLLBACK")
        other.close()
        writer.join(timeout=30)
        assert done[0] in (200, 201)


def test_logins_that_wait_for_the_store_keep_nobody_waiting_who_only_reads(made_workspace: Path, tmp_path: Path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    with approval_server(workspace) as running, running.client("bob") as bob, running.client() as nobody:
        other = sqlite3.connect(workspace / "slaopt.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(10) as threads:  # more than there are threads for those who read
            logins = [threads.submit(log_into, nobody, "ann") for _ in range(10)]
            time.sleep(3)
            assert not any(login.done() for login in logins)
            for _ in range(20):
                assert bob.get("slaopt/history", timeout=5).status_code == 200
            other.execute("ROLLBACK")
            other.close()
            assert {login.result().status_code for login in logins} == {303}
