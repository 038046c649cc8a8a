"""What tests of the watch share: changes in force, made from real reports, and measurements of the days after them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from slaopt import samples
from slaopt.apply.actor import Actor
from slaopt.apply.deciding import approve
from slaopt.apply.filing import propose
from slaopt.apply.ledger import Ledger
from slaopt.apply.opening import ledger_around
from slaopt.apply.people import set_solo
from slaopt.params import load_params
from slaopt.profile import Profiles
from slaopt.report import Recorder
from slaopt.sources import Source, connect
from slaopt.store import default_store, find_store, first_record, make_store, open_database, upgrade
from slaopt.store.records import ChangeRecord, Proposal
from tests.commands import write_csv
from tests.report.builders import END, measured
from tests.report.runs import handmade, write_notebook

SERVICES = ("login", "catalog")  # whose thresholds are to be raised and lowered
AT = END + timedelta(minutes=32)  # of the changes: in the middle of five minutes
ANN = Actor("ann", "admin", solo=True)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Changed:
    """A workspace whose services have changed thresholds."""

    workspace: Path
    ledger: Ledger

    def change(self, service: str = "login") -> ChangeRecord:
        """The newest change of a service."""
        with self.ledger.store.reading() as transaction:
            found = transaction.changes.latest(service)
        assert found is not None
        return found

    def proposal(self, service: str = "login") -> Proposal:
        """The newest proposal of a service."""
        with self.ledger.store.reading() as transaction:
            return transaction.proposals.list(service=service, limit=1)[0]

    def threshold(self, service: str = "login") -> float | None:
        """The threshold in force."""
        with self.ledger.store.reading() as transaction:
            record = transaction.service(service)
        assert record is not None
        return record.threshold

    def actions(self) -> list[str]:
        """What the audit log holds, the earliest first."""
        with self.ledger.store.reading() as transaction:
            return [entry.action for entry in transaction.audit.entries()]


def template(folder: Path, end: datetime = END, address: str | None = None) -> Path:
    """A workspace with a report of each service up to a moment, and a store in which one works alone.

    The store is a file in the workspace, or a database at an address, with nothing in it.
    """
    workspace = folder / "workspace"
    (workspace / "params").mkdir(parents=True)
    (workspace / "params" / "default.yaml").write_text("watch_days: 5\n")
    write_notebook(workspace / "service_report.ipynb", "run", ())
    if address is not None:
        upgrade(open_database(address))
    store = make_store(address or default_store(workspace))
    for name in SERVICES:
        service = samples.service(name)
        report = handmade(workspace / "reports", _month(name, end), service.params, workspace / "service_report.ipynb")
        first = first_record(name, threshold=service.threshold, objective=service.objective)
        with store.begin() as transaction:
            transaction.add_service(first, by="ann", reason="the first", at=end - 60 * DAY)
        Recorder(store, end).record(report)
    set_solo(ledger_around(store, load_params(workspace), workspace), on=True, actor=None, os_user="ann", at=end)
    return workspace


def _month(name: str, end: datetime) -> Profiles:
    return measured(name) if end == END else samples.service(name).profiles(7, end, days=30)


def proposed(shared: Path, folder: Path, services: Sequence[str] = SERVICES, *, at: datetime = AT) -> Changed:
    """A copy of a template with a proposal for each service."""
    workspace = folder / "copy"
    shutil.copytree(shared, workspace)
    return _proposed(workspace, opened(workspace), services, at)


def _proposed(workspace: Path, ledger: Ledger, services: Sequence[str], at: datetime) -> Changed:
    filed = propose(ledger, list(services), actor=ANN, at=at)
    assert all(isinstance(one, Proposal) for one in filed), filed
    return Changed(workspace, ledger)


def changed(shared: Path, folder: Path, services: Sequence[str] = SERVICES, *, at: datetime = AT) -> Changed:
    """The same with each of them in force."""
    return _approved(proposed(shared, folder, services, at=at), services, at)


def changed_in(address: str, folder: Path, services: Sequence[str] = SERVICES, *, at: datetime = AT) -> Changed:
    """The same in a database of one's own."""
    workspace = template(folder, address=address)
    return _approved(_proposed(workspace, opened(workspace, address), services, at), services, at)


def _approved(made: Changed, services: Sequence[str], at: datetime) -> Changed:
    for service in services:
        approve(made.ledger, made.proposal(service).id, actor=ANN, at=at)
    return made


def opened(workspace: Path, address: str | None = None) -> Ledger:
    """The ledger of a workspace, opened anew as another process does it."""
    store = find_store(address or default_store(workspace))
    assert store is not None
    return ledger_around(store, load_params(workspace), workspace)


Rows = list[tuple[str, str, float]]


def rows(
    services: Iterable[str] = SERVICES,
    *,
    days: int = 2,
    slower: float = 1.0,
    since: datetime = AT + 3 * HOUR,
    end: datetime = END,
) -> Rows:
    """Executions of a day before the change and the days after; from some moment on they take longer."""
    found: Rows = []
    for number, name in enumerate(services):
        rng = np.random.default_rng(100 + number)
        times, durations = samples.service(name).simulate(rng, end + days * DAY, days=days + 1)
        late = times >= np.datetime64(since.replace(tzinfo=None))
        durations = np.where(late, durations * slower, durations)
        found += [(f"{time}Z", name, float(value)) for time, value in zip(times, durations, strict=True)]
    return found


def until(moment: datetime, measured: Rows) -> Rows:
    """What had been written by a moment."""
    return [row for row in measured if datetime.fromisoformat(row[0]) < moment]


def file_source(folder: Path, measured: Rows, ledger: Ledger, at: datetime) -> Source:
    """Measurements in one file."""
    path = write_csv(folder / "measured.csv", measured)
    return connect(str(path), book=ledger.book, now=at)


def folder_source(folder: Path, measured: Rows, ledger: Ledger, at: datetime) -> Source:
    """Measurements in a folder, a file for each service."""
    place = folder / "measured"
    place.mkdir(exist_ok=True)
    for name in {row[1] for row in measured}:
        write_csv(place / f"{name}.csv", [row for row in measured if row[1] == name])
    return connect(str(place), book=ledger.book, now=at)


def table_source(folder: Path, measured: Rows, ledger: Ledger, at: datetime) -> Source:
    """Measurements in a table of a database."""
    import sqlite3

    path = folder / "measured.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE workflow_performance_metrics (timestamp TEXT, service_type TEXT, value REAL)")
        database.executemany("INSERT INTO workflow_performance_metrics VALUES (?, ?, ?)", measured)
    database.close()
    return connect(f"sqlite:///{path}", book=ledger.book, now=at)


MakeSource = Callable[[Path, Rows, Ledger, datetime], Source]
