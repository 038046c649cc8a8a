"""Several writers at once, and processes that are killed at their work: the store stays whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from slaopt.errors import UnreachableError
from slaopt.store import Store, current, open_database, open_store
from tests.store.builders import AT, Place, names, new_run
from tests.store.decided import add_service, change

ROOT = Path(__file__).parents[2]


def test_writers_wait_for_each_other(store: Store) -> None:
    entered, order = threading.Event(), []

    def first() -> None:
        with store.begin() as transaction:
            entered.set()
            time.sleep(0.3)
            transaction.record(new_run("a"), at=AT)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(10)
    with store.begin() as transaction:
        order.append("second")
        assert list(transaction.latest_runs()) == ["a"]
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_writers_wait_for_each_other_whatever_the_server_s_isolation_is(made: Place, level: str) -> None:
    """Whoever waited sees what the one before has written, though the database has transactions see but the past."""
    setting = f"-cdefault_transaction_isolation={level}".replace(" ", "\\ ")
    strict = sa.make_url(made.address)
    strict = strict.set(query={"options": f"{strict.query['options']} {setting}"})
    test_writers_wait_for_each_other(open_store(strict.render_as_string(hide_password=False)))


@pytest.mark.parametrize("kind", ["postgresql"])
def test_writers_of_one_schema_wait_for_each_other_however_they_find_it(made: Place) -> None:
    """A role may have a schema of its own before the one with slaopt's tables."""
    url = sa.make_url(made.address)
    schema = str(url.query["options"]).partition("=")[2]
    made.run(f"CREATE SCHEMA own_{schema}")
    other = url.set(query={"options": f"-csearch_path=own_{schema},{schema}"}).render_as_string(hide_password=False)
    late = threading.Event()

    def second() -> None:
        with open_store(other).begin():
            late.set()

    thread = threading.Thread(target=second)
    with open_store(made.address).begin():
        thread.start()
        assert not late.wait(1)
    thread.join()
    assert late.is_set()


def test_who_waits_too_long_is_told_why(store: Store, made: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    add_service(store)
    monkeypatch.setattr("slaopt.store.database.PATIENCE", 0.3)
    with made.connection() as other:
        if made.dialect == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        other.exec_driver_sql("UPDATE sla_configurations SET threshold_value = 3")
        with pytest.raises(UnreachableError, match="is kept locked by another program"):
            change(store)
        other.exec_driver_sql("ROLLBACK")
    assert change(store).previous == 2.0


WORK = """
import json, os, sys, traceback
import slaopt.store.migrations
from alembic import command
from slaopt.store import make_store, open_database, open_store, settle, upgrade
from tests.store.builders import AT, BOOK, new_run

def work(address, rounds):
    upgrade(open_database(address))
    store = open_store(address)
    for number in range(rounds):
        settle(store, BOOK, [f"s{number}"], at=AT)
        with store.begin() as transaction:
            transaction.record(new_run(f"s{number}"), at=AT)

for line in sys.stdin:
    asked = json.loads(line)
    if asked[0] == "wait":
        print(os.waitpid(asked[1], 0)[1], flush=True)
        continue
    child = os.fork()
    if not child:
        try:
            work(*asked[1:])
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(child, flush=True)
"""


class Workers:
    """Processes that make a store and fill it, forked from one that has imported all they need."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", WORK],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, place: Place, rounds: int) -> int:
        return self._ask("start", place.address, rounds)

    def wait(self, pid: int) -> int:
        return self._ask("wait", pid)

    def stop(self) -> None:
        self._parent.communicate()

    def _ask(self, *words: str | int) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps(words) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    started = Workers()
    yield started
    started.stop()


def whole(place: Place) -> None:
    """Nothing is there in part: each run with its rows, each service with its history."""
    if place.dialect == "sqlite":
        assert place.rows("PRAGMA integrity_check") == [("ok",)]
    if not place.tables():
        return
    assert current(open_database(place.address)).state == "current"
    told = "SELECT count(*) FROM {} GROUP BY service_type HAVING count(*) > 1"
    for table in ("sla_runs", "sla_configurations", "sla_performance_analysis", "sla_threshold_history"):
        assert place.rows(told.format(table)) == [], table
    services = [
        sorted(names(place.rows(f"SELECT service_type FROM {table}")))
        for table in ("sla_runs", "sla_performance_analysis", "sla_threshold_impact_predictions")
    ]
    assert services[0] == services[1] == services[2]
    decided, known = (
        set(names(place.rows(f"SELECT service_type FROM {table}")))
        for table in ("sla_configurations", "sla_threshold_history")
    )
    assert decided == known


def test_two_processes_make_and_fill_one_store(new: Place, workers: Workers) -> None:
    both = [workers.start(new, 15) for _ in range(2)]
    assert [workers.wait(pid) for pid in both] == [0, 0]
    whole(new)
    assert names(new.rows("SELECT count(*) FROM sla_runs")) == [15]


@pytest.mark.parametrize("number", range(8))
def test_a_killed_process_leaves_the_store_whole(new: Place, workers: Workers, number: int) -> None:
    pid = workers.start(new, 1000)
    time.sleep(0.03 + 0.05 * number)
    os.kill(pid, signal.SIGKILL)
    assert workers.wait(pid) == signal.SIGKILL
    whole(new)
    assert workers.wait(workers.start(new, 3)) == 0
    whole(new)
