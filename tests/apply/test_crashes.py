"""Killed at every statement: afterwards all of a change is there or nothing, and asked again it is done once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
import sqlalchemy as sa

from slaopt.apply import Ledger, note_head, verify_audit
from slaopt.apply.ledger import note
from slaopt.apply.needs import needs_of
from slaopt.params import ApprovalRules
from slaopt.report.manifest import Manifest
from slaopt.store import Transaction, open_database, open_store, upgrade
from slaopt.store.records import NewProposal, Proposal
from tests.apply.builders import ANN, BOB, people
from tests.apply.crashing import AT, WATCHED_AT, Crashing, Done, Job, ledger_of
from tests.store.builders import Place, new_run, place

NOW, THEN = 2.0, 2.2
RULE = {"metric": "burn_rate", "operator": ">=", "value": 6.0, "window": "6h"}
ASSESSMENT: dict[str, Any] = {
    "sentence": "Raise 2 s to 2.2 s.", "confidence_score": 0.9, "implementation_risk": "low", "objective": 0.99,
}  # fmt: skip
MOST, FEW = 300, 60  # points of one act, and those at which it has happened: more would be a loop without end


@dataclass(frozen=True, slots=True)
class Field:
    """A store, a process that acts on it, and a connection that looks on."""

    place: Place
    job: Job  # the store, and nothing to do yet
    crashing: Crashing
    report: Path
    looking: sa.Connection

    @property
    def ledger(self) -> Ledger:
        return ledger_of(self.job)

    def run(self, act: str, what: Any, **more: Any) -> Done:
        return self.crashing.run(replace(self.job, act=act, what=what, **more))

    def add(self, transaction: Transaction, service: str, *, by: str = "ann", **assessment: Any) -> Proposal:
        """A service at 2 s with a proposal of 2.2 s."""
        run = replace(
            new_run(service, current_threshold=NOW, recommended_threshold=THEN),
            manifest_digest=Manifest.read(self.report).digest,
            report_path=f"{self.report.parent.name}/{self.report.name}",
        )
        transaction.record(run, at=AT)
        recorded = transaction.run(service, run.input_digest)
        assert recorded is not None
        filed = transaction.proposals.add(
            NewProposal(
                service=service, origin="report", input_digest=run.input_digest, run_id=recorded.id,
                prediction_id=recorded.prediction_id, current_threshold=NOW, proposed_threshold=THEN, proposed_by=by,
                needs=needs_of(NOW, THEN, risk="low", rules=ApprovalRules(), solo=False),
                assessment=ASSESSMENT | {"as_of": AT.isoformat(), "report_path": run.report_path} | assessment,
                rollback_rules=(RULE,),
            ),
            change_id=f"c-{service}",
            at=AT,
        )  # fmt: skip
        note(transaction, "propose", actor=ANN, at=AT, service=service, proposal=filed.id)
        return filed

    def committed(self, transaction: Transaction, service: str) -> str:
        """A service whose change is in force."""
        proposal = self.add(transaction, service)
        transaction.changes.set_threshold(
            service, threshold=THEN, expected=NOW, change_id=proposal.change_id, kind="commit", by="bob", at=AT,
            reason=None, proposal_id=proposal.id,
        )  # fmt: skip
        transaction.proposals.move(proposal, "committed", at=AT)
        note(transaction, "commit", actor=BOB, at=AT, service=service, change_id=proposal.change_id)
        return proposal.change_id

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.looking.exec_driver_sql(query)]

    def rows_of(self, service: str) -> dict[str, list[tuple[Any, ...]]]:
        """All that is decided about a service."""
        own = f"WHERE service_type = '{service}'"
        told = {
            "configuration": f"SELECT threshold_value FROM sla_configurations {own}",
            "history": "SELECT threshold_value, is_active, implemented_by "
            f"FROM sla_threshold_history {own} ORDER BY id",
            "proposals": f"SELECT state FROM sla_proposals {own}",
            "changes": f"SELECT change_id, kind, undoes FROM sla_changes {own} ORDER BY id",
            "implemented": f"SELECT implemented_at IS NULL FROM sla_threshold_impact_predictions {own}",
            "approvals": "SELECT approver FROM sla_approvals WHERE proposal_id IN "
            f"(SELECT id FROM sla_proposals {own})",
            "audit": f"SELECT actor, action FROM sla_audit_log {own} ORDER BY number",
        }
        return {name: self.rows(query) for name, query in told.items()}

    def whole(self, service: str) -> None:
        """Nothing of a service is there in part, and the audit log is whole and holds every head that was kept."""
        if self.place.dialect == "sqlite":
            assert self.rows("PRAGMA integrity_check") == [("ok",)]
        rows = self.rows_of(service)
        ((threshold,),) = rows["configuration"]
        active = [value for value, is_active, _ in rows["history"] if is_active]
        assert [float(value) for value in active] == [float(threshold)]
        assert len(rows["history"]) == len(rows["changes"]) + 1
        done = [action for _, action in rows["audit"] if action in ("commit", "roll back")]
        assert done == ["commit" if kind == "commit" else "roll back" for _, kind, _ in rows["changes"]]
        ((state,),) = rows["proposals"]
        in_force = {"committed": THEN, "kept": THEN}.get(state, NOW)
        assert float(threshold) == in_force, state
        assert bool(rows["approvals"]) == any(action == "approve" for _, action in rows["audit"])
        audit = verify_audit(self.ledger)
        assert audit.faults == ()
        assert audit.heads


@pytest.fixture(scope="module")
def crashing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    started = Crashing(tmp_path_factory.mktemp("crashing"))
    yield started
    started.stop()


@pytest.fixture
def field(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, archive: Path, crashing: Crashing
) -> Iterator[Field]:
    """A store with people and without services."""
    server = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    there = place(kind, tmp_path, server)
    upgrade(open_database(there.address))
    people(open_store(there.address))
    (report,) = archive.glob("*-*/20*")
    job = Job(there.address, str(archive), str(tmp_path / "heads.jsonl"), "", None)
    engine = sa.create_engine(there.address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as looking:
        yield Field(there, job, crashing, report, looking)


def services(field: Field, *names: str) -> None:
    """Services at 2 s, without a proposal."""
    told = ", ".join(f"('{name}', {NOW}, 0.99)" for name in names)
    field.place.run(f"INSERT INTO sla_configurations (service_type, threshold_value, objective) VALUES {told}")
    with field.ledger.store.begin() as transaction:
        for name in names:
            record = transaction.service(name)
            assert record is not None
            transaction.note_threshold(record, previous=None, by="ann", reason="first", at=AT - timedelta(days=1))


Prepare = Callable[[Transaction, str], Any]  # brings a service to where the act begins; gives what the act is about


def killed_everywhere(
    field: Field, act: str, prepare: Prepare, expected: Sequence[str], *, keyed: bool = True, name: str = "service"
) -> int:
    """Kill an act at each of its points in turn, and look each time; give how often it was killed.

    As long as nothing has happened, the next point is tried on the same service, under the same request key. Once it
    has, the act is asked for again and changes nothing; the point after is tried on another service.
    """
    kills, ends = 0, set()
    for service in (f"{name}-{number}" for number in range(FEW)):
        services(field, service)
        with field.ledger.store.begin() as transaction:
            what = prepare(transaction, service)
        note_head(field.ledger, at=AT)
        key = service if keyed else None
        before = field.rows_of(service)
        happened = False
        while not happened:
            done = field.run(act, what, key=key, die=kills + 1)
            field.whole(service)
            rows = field.rows_of(service)
            happened = rows != before
            assert not happened or [action for _, action in rows["audit"]] == list(expected), kills
            if done.signal == 0:  # it has no more points
                assert happened
                assert ends == {False, True}
                return kills
            assert done.signal == SIGKILL
            kills += 1
            assert kills < MOST
            ends.add(happened)
        again = field.run(act, what, key=key)
        assert again.signal == 0
        assert again.answer[0] if keyed else again.answer.get(service) in (None, "quiet", "blind")
        assert field.rows_of(service) == rows
    raise AssertionError("something happens at too many points")


def proposed(field: Field) -> Prepare:
    return lambda transaction, service: field.add(transaction, service).id


def in_force(field: Field) -> Prepare:
    return lambda transaction, service: field.committed(transaction, service)


def watched(prepare: Callable[[Transaction, str], Any]) -> Prepare:
    def prepared(transaction: Transaction, service: str) -> list[str]:
        prepare(transaction, service)
        return [service]

    return prepared


def test_an_approval_is_done_once_or_not_at_all(field: Field) -> None:
    kills = killed_everywhere(field, "approve", proposed(field), ["propose", "approve", "commit"])
    assert kills >= 50


def test_a_rollback_is_done_once_or_not_at_all(field: Field) -> None:
    kills = killed_everywhere(field, "rollback", in_force(field), ["propose", "commit", "roll back"])
    assert kills >= 30


def due(field: Field) -> Prepare:
    """A proposal that is approved, and scheduled for now."""

    def prepare(transaction: Transaction, service: str) -> list[str]:
        proposal = field.add(transaction, service)
        transaction.proposals.add_approval(
            proposal.id, approver="bob", decision="approved", comment=None, second_factor=False, at=AT
        )
        note(transaction, "approve", actor=BOB, at=AT, service=service, proposal=proposal.id)
        transaction.proposals.move(
            proposal, "scheduled", at=AT, scheduled_at=WATCHED_AT, implementation_type="scheduled"
        )
        return [service]

    return prepare


def old(field: Field) -> Prepare:
    """A proposal whose report is too old by now."""
    return watched(lambda transaction, service: field.add(
        transaction, service, as_of=(AT - timedelta(days=9)).isoformat()
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("name", "prepare", "expected"),
    [
        ("due", due, ["propose", "approve", "commit"]),
        ("old", old, ["propose", "expire"]),
        ("over", lambda field: watched(field.committed), ["propose", "commit", "keep"]),
        ("slow", lambda field: watched(field.committed), ["propose", "commit", "roll back"]),
    ],
)
def test_what_the_watch_does_is_done_once_or_not_at_all(
    field: Field, name: str, prepare: Callable[[Field], Prepare], expected: list[str]
) -> None:
    kills = killed_everywhere(field, "watch", prepare(field), expected, keyed=False, name=name)
    assert kills >= 25
