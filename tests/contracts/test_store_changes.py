"""The one place that changes a threshold in force, on both engines, beside writers that are not ours."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from slaopt.errors import InputError, StaleError
from slaopt.params import ParamsBook
from slaopt.store import Store, open_database, open_store, settle, settled, upgrade
from tests.store.builders import AT, BOOK, Place
from tests.store.decided import add_service, change, new_proposal

LATER = AT + timedelta(hours=1)
NOTHING = ParamsBook(default=BOOK.default.model_copy(update={"threshold": None}), services={})


def in_force(store: Store, service: str = "checkout") -> float | None:
    with store.reading() as transaction:
        record = transaction.service(service)
        return None if record is None else record.threshold


def written(place: Place) -> list[int]:
    counts = [place.rows(f"SELECT count(*) FROM {table}") for table in ("sla_threshold_history", "sla_changes")]
    return [int(rows[0][0]) for rows in counts]


def test_a_change_is_made_and_noted(store: Store, made: Place) -> None:
    add_service(store)
    with store.begin() as transaction:
        proposal = transaction.proposals.add(new_proposal(), change_id="change-1", at=AT)
    done = change(
        store, at=LATER, proposal_id=proposal.id, confidence=0.91, justification="It costs 3 pages a week.",
        rollback_criteria=("Roll back if more than 2 % are slow.",), performance_impact={"predicted": {"rate": 0.006}},
    )  # fmt: skip
    assert in_force(store) == done.threshold == 2.5
    assert (done.previous, done.implemented_at, done.implemented_by, done.reason) == (
        2.0, LATER, "bob", "fewer false alarms",
    )  # fmt: skip
    assert (done.kind, done.change_id, done.proposal_id, done.in_force) == ("commit", "change-1", proposal.id, True)
    assert (done.undoes, done.undone_by, done.confidence) == (None, None, 0.91)
    assert done.rollback_criteria == ("Roll back if more than 2 % are slow.",)
    assert done.performance_impact == {"predicted": {"rate": 0.006}}
    (first, second) = made.rows(
        "SELECT threshold_value, previous_value, optimization_reason, business_justification, is_active"
        " FROM sla_threshold_history ORDER BY id"
    )
    assert (float(first[0]), bool(first[4])) == (2.0, False)
    assert (float(second[0]), float(second[1]), bool(second[4])) == (2.5, 2.0, True)
    assert second[2:4] == ("fewer false alarms", "It costs 3 pages a week.")
    zone = " AT TIME ZONE 'UTC'" if made.dialect == "postgresql" else ""
    ((value, touched),) = made.rows(f"SELECT threshold_value, updated_at{zone} FROM sla_configurations")
    assert (float(value), str(touched)[:16]) == (2.5, f"{LATER:%Y-%m-%d %H:%M}")
    assert settled(store, NOTHING, ["checkout"], at=LATER).book.of("checkout").threshold == 2.5


def test_what_slaopt_changed_is_not_taken_for_a_change_of_others(store: Store, made: Place) -> None:
    add_service(store)
    change(store, threshold=0.333333, at=LATER)
    settle(store, NOTHING, ["checkout"], at=LATER)
    with store.reading() as transaction:
        assert [row.implemented_by for row in transaction.thresholds()["checkout"]] == ["ann", "bob"]


def test_a_threshold_that_is_not_the_expected_one_stays(store: Store, made: Place) -> None:
    add_service(store)
    before = written(made)
    told = r"checkout: its threshold is now 2 s, not 3 s: it was changed since; look at it again"
    with pytest.raises(StaleError, match=told):
        change(store, expected=3.0)
    with pytest.raises(StaleError, match="is now 2 s, not none"):
        change(store, expected=None)
    with pytest.raises(StaleError, match="is now none, not 2 s"):
        change(store, service="nobody")
    with pytest.raises(InputError, match=r"2 s is in force already; nothing is to be changed"):
        change(store, threshold=2.0)
    assert (in_force(store), in_force(store, "nobody"), written(made)) == (2.0, None, before)


def test_a_service_without_a_row_gets_one(store: Store) -> None:
    first = change(store, service="new", expected=None, threshold=0.3, objective=0.995)
    assert (first.threshold, first.previous, first.in_force) == (0.3, None, True)
    with store.reading() as transaction:
        record = transaction.service("new")
    assert (record.threshold, record.objective, record.unit, record.state) == (0.3, 0.995, "s", "enabled")
    with pytest.raises(StaleError, match="is now 300 ms, not none"):
        change(store, 2, service="new", expected=None, threshold=0.4)


def test_a_rollback_and_its_own_rollback_restore_what_was(store: Store) -> None:
    add_service(store, threshold=0.1 + 0.2)
    before = in_force(store)
    first = change(store, expected=0.1 + 0.2)
    second = change(store, 2, threshold=first.previous, expected=2.5, kind="rollback", undoes="change-1", at=LATER)
    assert (in_force(store), second.undoes) == (before, "change-1")
    third = change(store, 3, threshold=second.previous, expected=before, kind="rollback", undoes="change-2", at=LATER)
    with store.reading() as transaction:
        changes = transaction.changes
        assert [found.change_id for found in changes.list()] == ["change-3", "change-2", "change-1"]
        assert [found.undone_by for found in changes.list()] == [None, "change-3", "change-2"]
        assert [found.in_force for found in changes.list()] == [True, False, False]
        assert changes.latest("checkout") == changes.get("change-3") == third
        assert (changes.get("change-9"), changes.latest("pay"), changes.list(service="pay")) == (None, None, [])
        assert changes.list(service="checkout", limit=1) == [third]


def test_nothing_is_taken_back_twice_or_made_twice(store: Store, made: Place) -> None:
    add_service(store)
    change(store)
    change(store, 2, threshold=2.0, expected=2.5, kind="rollback", undoes="change-1")
    before = written(made)
    with pytest.raises(InputError):
        change(store, 3, threshold=1.0, kind="rollback", undoes="change-1")
    with pytest.raises(InputError):
        change(store, 1, threshold=1.0)
    assert (in_force(store), written(made)) == (2.0, before)


def test_what_is_observed_stands_beside_what_was_predicted(store: Store) -> None:
    add_service(store)
    change(store, performance_impact={"predicted": {"rate": 0.006}})
    with store.begin() as transaction:
        transaction.changes.observe("change-1", {"rate": 0.01, "pages": float("nan")})
        transaction.changes.observe("change-1", {"pages": 2})
        told = transaction.changes.get("change-1").performance_impact
        assert told == {"predicted": {"rate": 0.006}, "observed": {"rate": 0.01, "pages": 2}}
        with pytest.raises(InputError, match="there is no change x; slaopt history lists them"):
            transaction.changes.observe("x", {})


def test_a_clock_that_runs_behind_does_not_turn_the_history_round(store: Store) -> None:
    add_service(store)
    change(store, at=LATER)
    behind = change(store, 2, threshold=3.0, expected=2.5, at=AT)
    assert behind.implemented_at == LATER
    with store.reading() as transaction:
        assert [row.threshold for row in transaction.thresholds()["checkout"]] == [2, 2.5, 3]


def test_a_change_is_no_longer_in_force_once_others_changed_the_row(store: Store, made: Place) -> None:
    add_service(store)
    change(store)
    made.run("UPDATE sla_configurations SET threshold_value = 4")
    with store.reading() as transaction:
        assert not transaction.changes.get("change-1").in_force
    with pytest.raises(StaleError, match=r"is now 4 s, not 2\.5 s"):
        change(store, 2, threshold=2.0, expected=2.5)


COLUMNS = {
    "numeric": ("NUMERIC", "NULL"),
    "cents": ("DECIMAL(10,2)", "'seconds'"),
    "milliseconds": ("DECIMAL(10,2)", "'ms'"),
    "whole": ("INTEGER", "'ms'"),
    "double": ("DOUBLE PRECISION", "'seconds'"),
    "single": ("REAL", "'seconds'"),
    "minutes": ("NUMERIC(18, 6)", "'Minutes'"),
    "text": ("VARCHAR(20)", "'s'"),
    "none": ("", "'s'"),  # of no type: SQLite knows that
}


@pytest.mark.parametrize("shape", COLUMNS)
def test_any_column_of_others_is_changed_and_changed_back(new: Place, shape: str) -> None:
    kind, unit = COLUMNS[shape]
    if new.dialect == "postgresql":
        kind = kind or "NUMERIC"
    new.run(
        f"CREATE TABLE sla_configurations (service_type TEXT, threshold_value {kind}, threshold_unit CHAR(12),"
        " updated_at TEXT, owner TEXT)",
        f"INSERT INTO sla_configurations VALUES ('checkout', 30, {unit}, 'x', 'eve'), ('pay', 30, {unit}, 'y', 'eve')",
        "UPDATE sla_configurations SET threshold_value = 0.1" if kind in ("DOUBLE PRECISION", "REAL") else "SELECT 1",
    )
    upgrade(open_database(new.address))
    store = open_store(new.address)
    before, others = in_force(store), new.rows("SELECT * FROM sla_configurations WHERE service_type = 'pay'")
    told = "SELECT threshold_value, threshold_unit, owner FROM sla_configurations WHERE service_type = 'checkout'"
    was = new.rows(told)
    first = change(store, expected=before, threshold=3.3)
    assert in_force(store) == first.threshold == 3.3
    change(store, 2, expected=3.3, threshold=first.previous)
    assert new.rows(told) == was
    assert in_force(store) == before
    assert new.rows("SELECT * FROM sla_configurations WHERE service_type = 'pay'") == others


def test_what_the_column_cannot_hold_changes_nothing(new: Place) -> None:
    new.run("CREATE TABLE sla_configurations (service_type TEXT, threshold_value DECIMAL(10,2))")
    new.run("INSERT INTO sla_configurations VALUES ('checkout', 2)")
    upgrade(open_database(new.address))
    store = open_store(new.address)
    with pytest.raises(InputError, match=r"0\.003 s, which column threshold_value .* widen the column"):
        change(store, threshold=0.003)
    assert (in_force(store), written(new)) == (2.0, [0, 0])
    assert change(store, expected=2.004, threshold=2.5).previous == 2.0  # the same at the column's own scale


@pytest.mark.parametrize(
    ("rows", "told"),
    [("('checkout', 0)", "must be more than 0"), ("('checkout', 2), ('checkout ', 2)", "has 2 rows for it: keep one")],
)
def test_a_row_that_makes_no_sense_is_not_changed(new: Place, rows: str, told: str) -> None:
    new.run("CREATE TABLE sla_configurations (service_type TEXT, threshold_value NUMERIC)")
    new.run(f"INSERT INTO sla_configurations VALUES {rows}")
    upgrade(open_database(new.address))
    with pytest.raises(InputError, match=told):
        change(open_store(new.address))
    assert written(new) == [0, 0]


def test_a_row_without_a_threshold_gets_one(new: Place) -> None:
    new.run("CREATE TABLE sla_configurations (service_type TEXT, threshold_value NUMERIC)")
    new.run("INSERT INTO sla_configurations VALUES ('checkout', NULL)")
    upgrade(open_database(new.address))
    store = open_store(new.address)
    assert change(store, expected=None).previous is None
    assert in_force(store) == 2.5


SILENT = {
    "sqlite": ("CREATE TRIGGER quiet BEFORE UPDATE ON sla_configurations BEGIN SELECT RAISE(IGNORE); END",),
    "postgresql": (
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER quiet BEFORE UPDATE ON sla_configurations FOR EACH ROW EXECUTE FUNCTION quiet()",
    ),
}
ROUNDING = {
    "sqlite": (
        "CREATE TRIGGER whole AFTER UPDATE ON sla_configurations BEGIN"
        " UPDATE sla_configurations SET threshold_value = 3 WHERE threshold_value <> 3; END",
    ),
    "postgresql": (
        "CREATE FUNCTION whole() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.threshold_value := round(NEW.threshold_value); RETURN NEW; END $$",
        "CREATE TRIGGER whole BEFORE UPDATE ON sla_configurations FOR EACH ROW EXECUTE FUNCTION whole()",
    ),
}


@pytest.mark.parametrize(
    ("triggers", "told"), [(SILENT, "leaves its row in sla_configurations as it is"), (ROUNDING, "3 s read back")]
)
def test_a_database_that_does_otherwise_is_found_out(
    store: Store, made: Place, triggers: dict[str, tuple[str, ...]], told: str
) -> None:
    add_service(store)
    before = written(made)
    made.run(*triggers[made.dialect])
    with pytest.raises(InputError, match=told):
        change(store)
    assert (in_force(store), written(made)) == (2.0, before)


@pytest.mark.parametrize(
    ("others", "ends", "now"),
    [
        ("threshold_value = 3", "commit", "is now 3 s, not 2 s"),
        ("threshold_unit = 'ms'", "commit", "is now 2 ms, not 2 s"),
        ("threshold_value = 3", "rollback", None),
        ("objective = 0.5", "commit", None),  # what is not decided here disturbs nobody
    ],
)
def test_who_writes_at_the_same_time_loses_nothing(
    store: Store, made: Place, others: str, ends: str, now: str | None
) -> None:
    add_service(store)
    outcome: list[object] = []

    def ours() -> None:
        try:
            outcome.append(change(store))
        except StaleError as error:
            outcome.append(error)

    thread = threading.Thread(target=ours)
    with made.connection() as other:
        if made.dialect == "sqlite":
            other.exec_driver_sql("BEGIN IMMEDIATE")
        other.exec_driver_sql(f"UPDATE sla_configurations SET {others}")
        thread.start()
        _await_lock(made)
        other.exec_driver_sql(ends)
    thread.join(20)
    (done,) = outcome
    if now is None:
        assert in_force(store) == done.threshold == 2.5
    else:
        assert now in str(done)
        assert written(made) == [1, 0]
        assert in_force(store) != 2.5


def _await_lock(place: Place) -> None:
    """Wait until somebody waits: in PostgreSQL for the row that another has changed, after reading the old one."""
    if place.dialect == "sqlite":
        time.sleep(0.3)
        return
    deadline = time.monotonic() + 10
    while place.rows("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_of_many_who_change_at_once_one_does(store: Store, made: Place) -> None:
    add_service(store)
    outcome: list[str] = []

    def ours(number: int) -> None:
        try:
            outcome.append(change(store, number, threshold=3.0 + number).change_id)
        except StaleError:
            outcome.append("stale")

    threads = [threading.Thread(target=ours, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcome)[1:] == ["stale"] * 11
    assert written(made) == [2, 1]
    assert in_force(store) == 3.0 + int(sorted(outcome)[0].removeprefix("change-"))
