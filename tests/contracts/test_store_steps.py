"""From one version of the tables to the next, with rows in them, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.config import Config

from slaopt.errors import InputError
from slaopt.store import (
    current,
    downgrade,
    find_store,
    make_store,
    open_database,
    open_store,
    settle,
    upgrade,
)
from slaopt.store.schema import MIGRATIONS
from tests.store.builders import AT, BOOK, Place, names, new_run
from tests.store.decided import add_service, change, new_proposal

CONFIGURATIONS = """CREATE TABLE sla_configurations (id INTEGER PRIMARY KEY, service_type VARCHAR(100) NOT NULL UNIQUE,
    threshold_value DECIMAL(10,2) NOT NULL, owner TEXT DEFAULT 'eve')"""
MEASUREMENTS = """CREATE TABLE workflow_performance_metrics (service_type TEXT, timestamp TIMESTAMP,
    value DOUBLE PRECISION, note VARCHAR(9))"""
ROWS = (
    "INSERT INTO sla_configurations (id, service_type, threshold_value) VALUES (1, 'checkout', 2.00), (2, 'pay', 0.10)",
    "INSERT INTO workflow_performance_metrics VALUES ('checkout', '2026-11-01 10:00:00', 0.25, 'as is')",
)
REPORTED = ("sla_runs", "sla_performance_analysis", "sla_threshold_impact_predictions", "sla_threshold_history")
RENEWED = ("sla_proposals", "sla_approvals", "sla_audit_log")


def step(place: Place, revision: str, *, down: bool = False) -> None:
    """Bring the tables to a version of before, as the slaopt of that time did, or (`down`) back to it."""
    database = open_database(place.address)
    database.create()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.begin() as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, revision)


def fill(place: Place) -> None:
    """Rows as the slaopt of the first version wrote them."""
    place.run(
        "INSERT INTO sla_configurations (service_type, threshold_value, objective) VALUES ('checkout', 2, 0.99)",
        "INSERT INTO sla_threshold_history (service_type, threshold_value, implemented_at, implemented_by)"
        " VALUES ('checkout', 2, '2026-11-01 00:00:00', 'params')",
        "INSERT INTO sla_performance_analysis (service_type, analysis_timestamp, performance_statistics)"
        " VALUES ('checkout', '2026-11-01 00:00:00', '{\"mean\": 1.5}')",
        "INSERT INTO sla_threshold_impact_predictions (service_type, proposed_threshold) VALUES ('checkout', 2.5)",
        "INSERT INTO sla_runs (service_type, as_of, input_digest, identity, manifest_digest, report_path,"
        " slaopt_version, verdict, sentence, analysis_id, prediction_id) VALUES ('checkout', '2026-11-01 00:00:00',"
        " 'a', 'b', 'c', 'checkout/a', '0.3.0', 'raise', 'Raise it.', 1, 1)",
    )


def test_rows_of_the_version_before_are_kept(new: Place, kind: str) -> None:
    step(new, "0001")
    fill(new)
    before = {table: new.all_of(table) for table in ("sla_configurations", *REPORTED)}
    assert current(open_database(new.address)).state == "old"
    if kind == "sqlite":
        store = make_store(new.address)  # an own file brings itself up to date
    else:
        for way in (make_store, find_store, open_store):
            with pytest.raises(InputError, match="its tables are of schema 0001, not 0003; run slaopt db upgrade"):
                way(new.address)
        assert current(open_database(new.address)).state == "old"
        upgrade(open_database(new.address))
        store = open_store(new.address)
    assert {table: new.all_of(table) for table in before} == before
    with store.begin() as transaction:
        run = transaction.latest_runs()["checkout"]
        filed = new_proposal(run_id=run.id, prediction_id=run.prediction_id)
        transaction.proposals.add(filed, change_id="change-1", at=AT)
        transaction.audit.append("propose", actor="ann", details={}, at=AT)
    assert change(store).previous == 2.0


def test_one_who_only_looks_brings_an_own_file_up_to_date_too(new: Place, kind: str) -> None:
    step(new, "0001")
    if kind == "sqlite":
        assert find_store(new.address) is not None
        assert current(open_database(new.address)).state == "current"


def test_a_file_with_tables_of_others_waits_for_the_upgrade(new: Place) -> None:
    new.run(CONFIGURATIONS, MEASUREMENTS, *ROWS)
    step(new, "0001")
    own = ("id", "service_type", "threshold_value", "owner")
    before = (new.all_of("sla_configurations", own), new.content("workflow_performance_metrics"))
    with pytest.raises(InputError, match="schema 0001, not 0003; run slaopt db upgrade"):
        make_store(new.address)
    assert current(open_database(new.address)).state == "old"
    upgrade(open_database(new.address))
    assert (new.all_of("sla_configurations", own), new.content("workflow_performance_metrics")) == before
    assert change(open_store(new.address)).threshold == 2.5


def test_a_file_beside_which_others_made_a_table_waits_too(new: Place) -> None:
    step(new, "0001")
    new.run("CREATE TABLE theirs (x INTEGER)")
    with pytest.raises(InputError, match="run slaopt db upgrade"):
        make_store(new.address)


@pytest.mark.parametrize("table", RENEWED)
def test_rows_that_slaopt_did_not_write_are_not_thrown_away(new: Place, table: str) -> None:
    step(new, "0001")
    columns = {
        "sla_proposals": ("service_type, input_digest, proposed_threshold, state, proposed_by", "'a','b',1,'c','d'"),
        "sla_audit_log": ("actor, action, digest", "'a', 'b', 'c'"),
        "sla_approvals": ("proposal_id, approver, decision", "1, 'a', 'approved'"),
    }
    if table == "sla_approvals" and new.dialect == "postgresql":
        new.run("ALTER TABLE sla_approvals DISABLE TRIGGER ALL")
    names, values = columns[table]
    new.run(f"INSERT INTO {table} ({names}) VALUES ({values})")
    before = new.tables()
    with pytest.raises(InputError, match=f"table {table} holds rows, and nothing of slaopt has written any"):
        upgrade(open_database(new.address))
    assert (new.tables(), current(open_database(new.address)).revision) == (before, "0001")


def test_a_table_of_others_in_the_way_of_a_new_one_is_refused(new: Place) -> None:
    step(new, "0001")
    new.run("CREATE TABLE sla_users (x INTEGER)")
    before = new.tables()
    with pytest.raises(InputError, match="not made by slaopt: sla_users; rename that"):
        upgrade(open_database(new.address))
    assert (new.tables(), current(open_database(new.address)).revision) == (before, "0001")


def test_what_others_had_is_left_as_it_was_after_all_that_slaopt_did(new: Place) -> None:
    new.run(CONFIGURATIONS, MEASUREMENTS, *ROWS)
    both = ("sla_configurations", "workflow_performance_metrics")
    before, tables = new.content(*both), new.tables()
    step(new, "0001")
    upgrade(open_database(new.address))
    store = open_store(new.address)
    settle(store, BOOK, ["checkout"], at=AT)
    with store.begin() as transaction:
        transaction.record(new_run(), at=AT)
        run = transaction.latest_runs()["checkout"]
        proposal = transaction.proposals.add(
            new_proposal(run_id=run.id, prediction_id=run.prediction_id), change_id="change-1", at=AT
        )
        transaction.proposals.add_approval(
            proposal.id, approver="bob", decision="approved", comment=None, second_factor=False, at=AT
        )
        transaction.people.add("ann", role="admin", at=AT)
        transaction.people.begin_session("ann", token_digest="d", kind="web", expires_at=AT, at=AT)
        transaction.settings.set("solo", True, AT)
        transaction.requests.put("k", "approve", "b", {}, AT)
        transaction.answers.put(run.id, "analysis", "{}", {}, AT)
        transaction.audit.append("approve", actor="bob", details={}, at=AT)
    change(store, proposal_id=proposal.id)
    change(store, 2, threshold=2.0, expected=2.5, kind="rollback", undoes="change-1")
    downgrade(open_database(new.address), with_rows=True)
    assert new.content(*both) == before
    assert new.tables() == tables


def test_a_threshold_that_was_changed_stays_changed(new: Place) -> None:
    new.run(CONFIGURATIONS, MEASUREMENTS, *ROWS)
    upgrade(open_database(new.address))
    change(open_store(new.address))
    downgrade(open_database(new.address), with_rows=True)
    told = "SELECT service_type, threshold_value, owner FROM sla_configurations ORDER BY id"
    rows = [(service, float(value), owner) for service, value, owner in new.rows(told)]
    assert rows == [("checkout", 2.5, "eve"), ("pay", 0.1, "eve")]


def test_what_is_lost_is_told_first(new: Place) -> None:
    from slaopt.errors import RefusedError

    upgrade(open_database(new.address))
    store = open_store(new.address)
    add_service(store)
    with store.begin() as transaction:
        transaction.people.add("ann", role="admin", at=AT)
        transaction.audit.append("add user", actor="ann", details={}, at=AT)
    with pytest.raises(RefusedError, match=r"1 of sla_audit_log, .*1 of sla_users"):
        downgrade(open_database(new.address))
    assert current(open_database(new.address)).state == "current"


EXPERIMENTS = (
    "INSERT INTO sla_optimization_experiments (id, experiment_name, service_type, control_threshold, test_threshold,"
    " results, status, created_at) VALUES (7, 'by hand', 'checkout', 2, 0.123456, '{\"a\": [1, 2.5]}', 'running',"
    " '2026-11-01 00:00:00'), (9, 'another', 'checkout', 2, 3, NULL, 'planning', '2026-11-02 00:00:00')",
    "INSERT INTO sla_experiment_assignments (experiment_id, unit_hash, arm, first_seen)"
    " VALUES (7, 'a', 'test', '2026-11-01 10:00:00')",
)


def test_experiments_that_others_wrote_are_kept(new: Place) -> None:
    step(new, "0002")
    new.run(*EXPERIMENTS)
    before, assigned = new.all_of("sla_optimization_experiments"), new.all_of("sla_experiment_assignments")
    tables = new.tables()
    upgrade(open_database(new.address))
    with open_store(new.address).begin() as transaction:
        first = transaction.experiments.get("experiment-7")
        assert first is not None
        assert (first.name, first.test_threshold, first.results, first.unit, first.salt) == (
            "by hand", 0.123456, {"a": [1, 2.5]}, "request", None,
        )  # fmt: skip
        assert transaction.experiments.count_units(first) == {"control": 0, "test": 1}
        assert transaction.threshold_for("checkout", "a") is None  # without a salt nobody is assigned
    step(new, "0002", down=True)
    assert new.tables() == tables
    assert new.all_of("sla_experiment_assignments") == assigned
    assert new.all_of("sla_optimization_experiments") == before
    upgrade(open_database(new.address))
    assert names(new.rows("SELECT id FROM sla_optimization_experiments ORDER BY id")) == [7, 9]
    more = EXPERIMENTS[0].replace("(id, ", "(experiment_id, ").replace("checkout", "pay")
    new.run(more.replace("(7, ", "('x', ").replace("(9, ", "('y', "))
    assert names(new.rows("SELECT max(id) FROM sla_optimization_experiments")) == [11]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            EXPERIMENTS[0].replace("'planning'", "'running'"),
            "more than one experiment runs on checkout; end all but one",
        ),
        ("ALTER TABLE sla_optimization_experiments ADD COLUMN owner TEXT", "columns that slaopt did not make: owner"),
        ("CREATE TABLE sla_experiment_looks (x INTEGER)", "not made by slaopt: sla_experiment_looks; rename that"),
    ],
)
def test_what_others_did_to_experiments_is_not_thrown_away(new: Place, statement: str, said: str) -> None:
    step(new, "0002")
    new.run(statement)
    before = new.tables(), new.all_of("sla_optimization_experiments")
    with pytest.raises(InputError, match=said):
        upgrade(open_database(new.address))
    assert (new.tables(), new.all_of("sla_optimization_experiments")) == before
    assert current(open_database(new.address)).revision == "0002"
