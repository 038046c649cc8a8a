"""A process that acts on a store and dies at a given point, forked from one that has imported all that it takes.

Its points are: before each statement, before and after each COMMIT, and before and after the head of the audit log is
appended to its file. What it did, and how many points there were, is written to a file.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from slaopt.apply import Actor, Ledger, approve, rollback
from slaopt.apply import ledger as ledger_module
from slaopt.apply.watch import watch
from slaopt.params import Params, ParamsBook
from slaopt.profile import Profiles
from slaopt.store import Store, open_store
from tests.apply.builders import CID, ONE_IS_ENOUGH, by_digests
from tests.report.runs import Held, small
from tests.store.builders import AT

ROOT = Path(__file__).parents[2]
BOOK = ParamsBook(default=Params(watch_days=1, approvals=ONE_IS_ENOUGH), services={})
WATCHED_AT = AT + timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Job:
    """One act on a store, and the point at which it is killed (None: at none)."""

    address: str
    reports: str
    heads: str
    act: str
    what: Any
    actor: str = "bob"
    key: str | None = None
    die: int | None = None
    begin: float | None = None  # moment at which all begin that are to act at once


@dataclass(frozen=True, slots=True)
class Done:
    """How it ended: the signal, the points passed, and what the act answered."""

    signal: int
    points: int
    answer: Any


class Crashing:
    """The parent process; `start` and `wait`, or both in `run`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.apply.crashing", str(folder)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, job: Job) -> Done:
        return self.wait(self.start(job))

    def start(self, job: Job) -> int:
        return self._ask(asdict(job))

    def wait(self, pid: int) -> Done:
        status = self._ask(pid)
        told = self._folder / str(pid)
        points, answer = json.loads(told.read_text()) if told.exists() else (0, None)
        return Done(status, points, answer)

    def stop(self) -> None:
        self._parent.communicate()

    def _ask(self, asked: Any) -> int:
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps(asked) + "\n")
        self._parent.stdin.flush()
        return int(self._parent.stdout.readline())


def ledger_of(job: Job) -> Ledger:
    return Ledger(
        store=opened(job.address), book=BOOK, reports=Path(job.reports), heads=Path(job.heads), verify=by_digests
    )


@cache
def opened(address: str) -> Store:
    """A store that knows its tables already; between transactions it holds no connection, so forks can share it."""
    store = open_store(address)
    with store.reading() as transaction:
        transaction.services()
    return store


def measured(services: list[str]) -> Held:
    """Measurements of the days about the changes: those of services whose name begins with slow got slow."""
    import numpy as np

    from slaopt.profile import HOURS, STEPS, Profile

    start = AT.replace(minute=0) - timedelta(days=2)
    end = start + timedelta(days=5)
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.arange(0, 5 * 86_400, 600) * np.timedelta64(1, "s")
    late = times > np.datetime64(AT.replace(tzinfo=None))

    def profiles(name: str) -> Profiles:
        durations = np.where(late & name.startswith("slow"), 9.0, 1.0)
        hours, steps = (
            Profile.from_durations(times, durations, service=name, start=start, end=end, resolution=resolution)
            for resolution in (HOURS, STEPS)
        )
        return replace(SMALL, service=name, hours=hours, steps=steps, intake=replace(SMALL.intake, service=name))

    return Held([profiles(name) for name in services])


SMALL = small(days=2, a_day=20)


def _approve(ledger: Ledger, job: Job) -> Any:
    outcome = approve(ledger, job.what, actor=Actor(job.actor, "approver"), at=AT, key=job.key)
    return [outcome.repeated, outcome.change and outcome.change.change_id]


def _roll_back(ledger: Ledger, job: Job) -> Any:
    outcome = rollback(ledger, job.what, reason="too many pages", actor=CID, at=AT, key=job.key)
    return [outcome.repeated, outcome.change and outcome.change.change_id]


def _watch(ledger: Ledger, job: Job) -> Any:
    found = watch(ledger, measured(job.what), at=WATCHED_AT, services=job.what)
    return {one.service: one.state for one in found}


def _look(ledger: Ledger, job: Job) -> Any:
    """A pass over experiments; `what` is a file with measurements, the column of units in it, and the moment."""
    from slaopt.apply.experiments import experiment_watch
    from slaopt.sources import connect

    path, column, at = job.what
    moment = datetime.fromisoformat(at)
    source = connect(path, book=ledger.book, now=moment, columns={"assigned": column})
    return [one.state for one in experiment_watch(ledger, source, at=moment)]


ACTS: dict[str, Callable[[Ledger, Job], Any]] = {
    "approve": _approve, "rollback": _roll_back, "watch": _watch, "look": _look,
}  # fmt: skip


def _act(folder: Path, job: Job) -> None:
    passed = 0

    def point(*_: Any) -> None:
        nonlocal passed
        passed += 1
        if passed == job.die:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(done: Callable[..., None]) -> Callable[..., None]:
        def replaced(*arguments: Any) -> None:
            point()
            done(*arguments)
            point()

        return replaced

    ledger = ledger_of(job)
    sa.event.listen(sa.Engine, "before_cursor_execute", point)
    DefaultDialect.do_commit = around(DefaultDialect.do_commit)  # type: ignore[method-assign]
    ledger_module._append = around(ledger_module._append)
    if job.begin is not None:
        time.sleep(max(job.begin - time.time(), 0))
    answer = ACTS[job.act](ledger, job)
    (folder / str(os.getpid())).write_text(json.dumps([passed, answer]))


def _serve(folder: Path) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, int):
            print(os.waitpid(asked, 0)[1], flush=True)
            continue
        ledger_of(Job(**asked))
        child = os.fork()
        if not child:
            try:
                _act(folder, Job(**asked))
                os._exit(0)
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(1)
        print(child, flush=True)


if __name__ == "__main__":
    import slaopt.apply.judging
    import slaopt.report.verify  # noqa: F401

    gc.freeze()  # so that forks share what was imported
    _serve(Path(sys.argv[1]))
