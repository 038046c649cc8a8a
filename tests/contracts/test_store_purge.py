"""What has become old is taken away, and what was decided stays, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from slaopt.store import Store, make_store, open_database, open_store, upgrade
from tests.store.builders import AS_OF, AT, Place, names, new_run, place
from tests.store.decided import add_service, change, new_proposal

DAY = timedelta(days=1)
KEPT = ("sla_configurations", "sla_threshold_history", "sla_proposals", "sla_approvals", "sla_changes", "sla_audit_log",
        "sla_users", "sla_settings")  # fmt: skip


def run(store: Store, digest: str, as_of: datetime) -> int:
    """A run with an answer."""
    with store.begin() as transaction:
        transaction.record(replace(new_run(digest=digest), as_of=as_of), at=AT)
        found = transaction.run("checkout", digest * 64)
        assert found is not None
        transaction.answers.put(found.id, "analysis", "{}", {"digest": digest}, AT)
        transaction.answers.put(found.id, "recommendation", "{}", {"digest": digest}, AT)
        return found.id


def test_old_analyses_go_and_what_a_proposal_rests_on_stays(store: Store, made: Place) -> None:
    add_service(store)
    runs = {digest: run(store, digest, AS_OF - age * DAY) for digest, age in [("1", 9), ("2", 8), ("3", 7), ("4", 0)]}
    with store.begin() as transaction:
        rested = transaction.run("checkout", "2" * 64)
        proposals = transaction.proposals
        proposals.add(new_proposal(run_id=runs["1"], digest="1"), change_id="change-1", at=AT)
        by_prediction = new_proposal("pay", prediction_id=rested.prediction_id, digest="2")
        proposals.add(by_prediction, change_id="change-2", at=AT)
        proposals.add_approval(1, approver="bob", decision="approved", comment=None, second_factor=False, at=AT)
        transaction.people.add("ann", role="admin", at=AT)
        transaction.audit.append("propose", actor="ann", details={}, at=AT - 99 * DAY)
    change(store, proposal_id=1)
    before = {table: made.all_of(table) for table in KEPT}
    with store.begin() as transaction:
        gone = transaction.purge(AS_OF)
    assert {table: count for table, count in gone.items() if count} == {
        "sla_answers": 2, "sla_runs": 1, "sla_performance_analysis": 1, "sla_threshold_impact_predictions": 1,
    }  # fmt: skip
    assert sorted(names(made.rows("SELECT id FROM sla_runs"))) == [runs["1"], runs["2"], runs["4"]]
    assert names(made.rows("SELECT count(*) FROM sla_answers")) == [6]
    assert {table: made.all_of(table) for table in KEPT} == before
    with store.begin() as transaction:
        assert set(transaction.purge(AS_OF).values()) == {0}


def test_requests_and_sessions_go_by_their_own_time(store: Store, made: Place) -> None:
    with store.begin() as transaction:
        transaction.people.add("ann", role="admin", at=AT)
        for name, time in [("old", AT - DAY), ("new", AT)]:
            transaction.requests.put(name, "approve", "b", {}, time)
            transaction.people.begin_session("ann", token_digest=name, kind="web", expires_at=time, at=AT - 9 * DAY)
        gone = transaction.purge(AT)
    assert (gone["sla_requests"], gone["sla_sessions"]) == (1, 1)
    assert made.rows("SELECT request_key FROM sla_requests") == [("new",)]
    assert made.rows("SELECT token_digest FROM sla_sessions") == [("new",)]


MEASURED = """INSERT INTO workflow_performance_metrics (service_type, timestamp, value)
    VALUES ('a', '2026-11-01 23:59:59', 1), ('a', '2026-11-02 00:00:00', 2)"""


def test_measurements_go_where_the_table_is_slaopts(store: Store, made: Place) -> None:
    zone = "SET TIME ZONE 'UTC'" if made.dialect == "postgresql" else "SELECT 1"
    made.run(zone, MEASURED)
    with store.begin() as transaction:
        gone = transaction.purge(datetime.fromisoformat("2026-11-02T00:00:00+00:00"))
    assert gone["workflow_performance_metrics"] == 1
    assert made.rows("SELECT value FROM workflow_performance_metrics") == [(2,)]


def test_measurements_are_old_in_whichever_form_their_time_is_written(tmp_path: Path) -> None:
    made = place("sqlite", tmp_path)
    store = make_store(made.address)
    old = ("2026-11-01T23:59:59Z", "2026-11-02 05:29:00+05:30", "2026-11-01 23:59:59.999000", "2026-10-31")
    new = ("2026-11-02", "2026-11-02T00:00:00.000Z", "2026-11-01T23:59:59-01:00", "2026-11-02 00:00:00.000000", "soon")
    for time in (*old, *new):
        made.run(f"INSERT INTO workflow_performance_metrics (service_type, timestamp, value) VALUES ('a', '{time}', 1)")
    with store.begin() as transaction:
        transaction.purge(datetime.fromisoformat("2026-11-02T01:00:00+01:00"))
    assert sorted(names(made.rows("SELECT timestamp FROM workflow_performance_metrics"))) == sorted(new)


def test_measurements_of_others_stay(new: Place) -> None:
    new.run("CREATE TABLE workflow_performance_metrics (service_type TEXT, timestamp TIMESTAMP, value REAL)", MEASURED)
    upgrade(open_database(new.address))
    with open_store(new.address).begin() as transaction:
        assert "workflow_performance_metrics" not in transaction.purge(AT)
    assert len(new.rows("SELECT * FROM workflow_performance_metrics")) == 2


def test_nothing_goes_where_the_transaction_fails(store: Store, made: Place) -> None:
    run(store, "1", AS_OF - DAY)
    try:
        with store.begin() as transaction:
            assert transaction.purge(AS_OF)["sla_runs"] == 1
            raise KeyError
    except KeyError:
        pass
    assert names(made.rows("SELECT count(*) FROM sla_runs")) == [1]
