"""What tests of approvals share: a store with people, a report that proposes something, and a ledger around both."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slaopt import samples
from slaopt.apply.actor import Actor
from slaopt.apply.deciding import approve
from slaopt.apply.filing import propose
from slaopt.apply.ledger import Ledger
from slaopt.errors import SlaoptError
from slaopt.params import ApprovalRules, ParamsBook
from slaopt.report.folders import is_whole
from slaopt.report.record import Recorder
from slaopt.report.verify import Verification
from slaopt.store import Store, open_database, open_store, upgrade
from slaopt.store.records import Proposal, Role
from tests.report.builders import END, NOTEBOOKS, measured
from tests.report.runs import handmade
from tests.store.builders import Place, place

AT = END + timedelta(hours=2)
SERVICE = "login"  # whose report raises 500 ms to 700 ms
NOW, THEN = 0.5, 0.7
PEOPLE: dict[str, Role] = {
    "vic": "viewer", "ann": "analyst", "bob": "approver", "cid": "approver", "dora": "admin",
}  # fmt: skip
VIC, ANN, BOB, CID, DORA = (Actor(name, role) for name, role in PEOPLE.items())
ONE_IS_ENOUGH = ApprovalRules(significant_change=0.5)
TWO_ARE_NEEDED = ApprovalRules(significant_change=0.2)
CRITICAL = ApprovalRules(significant_change=0.5, critical=True)


@dataclass(frozen=True, slots=True)
class Grounds:
    """A ledger, and a way into its database that does not go through slaopt."""

    ledger: Ledger
    place: Place

    @property
    def store(self) -> Store:
        return self.ledger.store

    @property
    def report(self) -> Path:
        """The folder of the service's report."""
        assert self.ledger.reports is not None
        (found,) = (self.ledger.reports).glob(f"{SERVICE}-*/20*")
        return found

    def proposed(self, *, actor: Actor = ANN, at: datetime = AT) -> Proposal:
        """What the report recommends, filed."""
        (filed,) = propose(self.ledger, [SERVICE], actor=actor, at=at)
        assert isinstance(filed, Proposal), filed
        return filed

    def with_rules(self, rules: ApprovalRules, **settings: Any) -> Grounds:
        book = book_of(rules, **settings)
        return replace(self, ledger=replace(self.ledger, book=book))

    def threshold(self, service: str = SERVICE) -> float | None:
        """What is in force, in seconds."""
        with self.store.reading() as transaction:
            record = transaction.service(service)
        return None if record is None else record.threshold

    def written(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that approvals write."""
        tables = (
            "sla_configurations", "sla_threshold_history", "sla_proposals", "sla_approvals", "sla_changes",
            "sla_audit_log", "sla_requests",
        )  # fmt: skip
        return {table: self.place.all_of(table) for table in tables}

    def actions(self) -> list[tuple[str, str]]:
        """Who did what, by the audit log."""
        with self.store.reading() as transaction:
            return [(entry.actor, entry.action) for entry in transaction.audit.entries()]


def book_of(rules: ApprovalRules, **settings: Any) -> ParamsBook:
    params = samples.service(SERVICE).params.model_copy(update={"approvals": rules, **settings})
    return ParamsBook(default=params, services={SERVICE: params})


def grounds(
    folder: Path,
    archive: Path,
    *,
    kind: str = "sqlite",
    server: str | None = None,
    rules: ApprovalRules = ONE_IS_ENOUGH,
    exactly: bool = False,
) -> Grounds:
    """A store with people and a recorded report of an archive.

    `exactly`: verification computes the report again each time.
    """
    there = place(kind, folder, server)
    upgrade(open_database(there.address))
    store = open_store(there.address)
    reports = folder / "reports"
    shutil.copytree(archive, reports)
    ledger = Ledger(
        store=store,
        book=book_of(rules),
        reports=reports,
        heads=folder / "audit-heads.jsonl",
        verify=None if exactly else by_digests,
    )
    made = Grounds(ledger, there)
    set_threshold(there, SERVICE, NOW)
    people(store)
    Recorder(store, AT).record(made.report)
    return made


def people(store: Store) -> None:
    with store.begin() as transaction:
        for name, role in PEOPLE.items():
            transaction.people.add(name, role=role, at=AT)


def set_threshold(there: Place, service: str, threshold: float) -> None:
    """Somebody's own row, or a change that somebody makes to it, without slaopt."""
    if there.rows(f"SELECT 1 FROM sla_configurations WHERE service_type = '{service}'"):
        there.run(f"UPDATE sla_configurations SET threshold_value = {threshold} WHERE service_type = '{service}'")
    else:
        there.run(
            "INSERT INTO sla_configurations (service_type, threshold_value, objective) "
            f"VALUES ('{service}', {threshold}, 0.99)"
        )


def make_archive(reports: Path) -> Path:
    """A folder with the service's report."""
    handmade(reports, measured(SERVICE), samples.service(SERVICE).params, NOTEBOOKS / "service_report.ipynb")
    return reports


def another_report(ground: Grounds, *, seed: int = 5) -> None:
    """A newer report that recommends the same: other settings, the same measurements."""
    assert ground.ledger.reports is not None
    params = samples.service(SERVICE).params.model_copy(update={"seed": seed})
    made = handmade(ground.ledger.reports, measured(SERVICE), params, NOTEBOOKS / "service_report.ipynb")
    Recorder(ground.store, AT).record(made)


def refused(ground: Grounds, error: type[SlaoptError], words: str, *, actor: Actor = BOB, **more: object) -> None:
    """An approval is refused in these words, and leaves every row as it was."""
    (proposal,) = ground.place.rows("SELECT max(id) FROM sla_proposals")
    before = ground.written()
    with pytest.raises(error, match=words):
        approve(ground.ledger, proposal[0], actor=actor, at=AT, **more)  # type: ignore[arg-type]
    assert ground.written() == before


def by_digests(folder: Path, store: Store) -> Verification:
    """Verify a report by the digests of its files alone, since what is tested is something else."""
    return Verification(directory=folder, status="same" if is_whole(folder) else "tampered", recorded=True)
