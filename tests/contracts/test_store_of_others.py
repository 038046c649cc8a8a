"""A store made around tables that were there before: their rows stay, and go by their own units and types."""

from __future__ import annotations

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from slaopt.errors import InputError
from slaopt.params import Params, ParamsBook
from slaopt.store import (
    downgrade,
    first_record,
    open_database,
    open_store,
    settle,
    settled,
    upgrade,
)
from tests.store.builders import AT, BOOK, Place, new_run, place

USERS_CONFIGURATIONS = {
    "seconds": """CREATE TABLE sla_configurations (id INTEGER PRIMARY KEY, service_type VARCHAR(100) NOT NULL UNIQUE,
        threshold_value DECIMAL(10,2) NOT NULL, threshold_unit VARCHAR(20) DEFAULT 'seconds',
        is_active BOOLEAN DEFAULT TRUE, owner TEXT)""",
    "bare": "CREATE TABLE sla_configurations (service_type TEXT, threshold_value DOUBLE PRECISION)",
    "old": """CREATE TABLE sla_configurations (id INTEGER PRIMARY KEY, service_type VARCHAR(100), objective REAL,
        threshold_value NUMERIC, is_active INTEGER, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP)""",
}
MEASUREMENTS = """CREATE TABLE workflow_performance_metrics (id INTEGER PRIMARY KEY, service_type TEXT,
    timestamp TIMESTAMP, value DOUBLE PRECISION, note VARCHAR(9))"""
MEASURED = "INSERT INTO workflow_performance_metrics VALUES (7, 'login', '2026-11-01 10:00:00', 0.25, 'as is')"


def users(new: Place, shape: str = "seconds", *rows: str) -> Place:
    """A database with an sla_configurations and measurements of its own, brought up to date."""
    new.run(USERS_CONFIGURATIONS[shape], MEASUREMENTS, MEASURED, *rows)
    upgrade(open_database(new.address))
    return new


@pytest.mark.parametrize("shape", USERS_CONFIGURATIONS)
def test_tables_that_were_there_are_left_as_they_were(new: Place, shape: str) -> None:
    new.run(USERS_CONFIGURATIONS[shape], MEASUREMENTS, MEASURED)
    new.run("INSERT INTO sla_configurations (service_type, threshold_value) VALUES ('login', 0.5), ('pay', 2.25)")
    both = ("sla_configurations", "workflow_performance_metrics")
    before, columns = new.content(*both), new.tables()
    own = columns["sla_configurations"]
    rows = new.all_of("sla_configurations", own)
    upgrade(open_database(new.address))
    assert new.all_of("sla_configurations", own) == rows
    assert new.content(both[1]) == [before[1], before[3]]
    assert set(new.tables()["sla_configurations"]) == set(columns["sla_configurations"]) | {
        "objective", "optimization_enabled", "auto_adjust", "min_threshold", "max_threshold", "optimization_frequency",
        "last_optimization_at",
    }  # fmt: skip
    settle(open_store(new.address), BOOK, ["login"], at=AT)
    with open_store(new.address).begin() as transaction:
        transaction.record(new_run("login"), at=AT)
    assert new.all_of("sla_configurations", own) == rows
    downgrade(open_database(new.address), with_rows=True)
    assert new.content(*both) == before
    assert new.tables() == columns


IDENTIFIERS = st.text("abcdefgh_", min_size=1, max_size=8).map("x_".__add__)
CELLS = st.one_of(st.none(), st.integers(-(10**6), 10**6), st.text("aé'\"% ", max_size=5))


@settings(max_examples=15)
@given(
    columns=st.dictionaries(IDENTIFIERS, st.lists(CELLS, min_size=3, max_size=3), max_size=3), scale=st.integers(0, 8)
)
def test_up_and_down_leave_any_table_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, columns: dict[str, tuple[object, ...]], scale: int
) -> None:
    there = place("sqlite", tmp_path_factory.mktemp("any"))
    extra = "".join(f", {name} TEXT" for name in columns)
    there.run(f"CREATE TABLE sla_configurations (service_type TEXT, threshold_value NUMERIC(18, {scale}){extra})")
    with there.connection() as connection:
        for row in range(3):
            cells = [f"service {row}", 1.5, *(values[row] for values in columns.values())]
            marks = ", ".join("?" for _ in cells)
            connection.exec_driver_sql(f"INSERT INTO sla_configurations VALUES ({marks})", tuple(cells))
    before = there.content("sla_configurations")
    upgrade(open_database(there.address))
    downgrade(open_database(there.address))
    assert there.content("sla_configurations") == before


@pytest.mark.parametrize(
    ("written", "threshold"),
    [("500, 'ms'", 0.5), ("0.5, 'seconds'", 0.5), ("1.5, 'Minutes'", 90.0), ("2, NULL", 2.0), ("3, ''", 3.0)],
)
def test_a_threshold_is_in_the_unit_of_its_row(new: Place, written: str, threshold: float) -> None:
    columns = "id, service_type, threshold_value, threshold_unit"
    place = users(new, "seconds", f"INSERT INTO sla_configurations ({columns}) VALUES (1, 'a', {written})")
    found = settled(open_store(place.address), BOOK, ["a"], at=AT)
    assert found.book.of("a").threshold == threshold


def test_without_a_unit_it_is_seconds(new: Place) -> None:
    place = users(new, "bare", "INSERT INTO sla_configurations VALUES ('a', 0.003)")
    found = settled(open_store(place.address), BOOK, ["a"], at=AT)
    assert found.book.of("a").threshold == 0.003
    assert found.warnings == ("threshold of the store holds, where params have another: a 3 ms (params: 2 s)",)


def test_thresholds_are_compared_at_the_scale_of_the_column(new: Place) -> None:
    place = users(
        new, "seconds", "INSERT INTO sla_configurations (id, service_type, threshold_value) VALUES (1, 'a', 0.33)"
    )
    store = open_store(place.address)

    def warned(threshold: float) -> bool:
        return bool(settled(store, ParamsBook(default=Params(threshold=threshold), services={}), ["a"], at=AT).warnings)

    assert [warned(0.33), warned(1 / 3), warned(0.334), warned(0.34)] == [False, False, False, True]


def test_what_the_column_cannot_hold_is_refused_with_the_remedy(new: Place) -> None:
    place = users(new)
    store = open_store(place.address)
    told = (
        r"3 ms is 0\.003 s, which column threshold_value \((DECIMAL|NUMERIC)\(10, 2\)\) cannot hold; widen the column"
    )
    record = first_record("a", threshold=0.003, objective=0.99)
    with pytest.raises(InputError, match=told), store.begin() as transaction:
        transaction.add_service(record, by="ann", reason="", at=AT)
    found = settle(store, ParamsBook(default=Params(threshold=0.003), services={}), ["a"], at=AT)
    assert "a: no row was made in the store, and params hold: 3 ms is" in found.warnings[0]
    assert found.book.of("a").threshold == 0.003
    assert place.rows("SELECT count(*) FROM sla_configurations") == [(0,)]
    with store.begin() as transaction:
        added = transaction.add_service(record, unit="ms", by="ann", reason="", at=AT)
    assert (added.threshold, added.unit, added.amount) == (0.003, "ms", Decimal(3))


def test_a_row_that_wants_what_slaopt_does_not_know_is_told_and_the_others_go_on(new: Place) -> None:
    new.run("CREATE TABLE sla_configurations (service_type TEXT, threshold_value NUMERIC, owner TEXT NOT NULL)")
    upgrade(open_database(new.address))
    found = settle(open_store(new.address), BOOK, ["a", "b"], at=AT)
    assert [warning.split(":")[0] for warning in found.warnings] == ["a", "b"]
    assert all("owner" in warning for warning in found.warnings)
    assert found.book.of("a").threshold == 2.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("1, 'a', 0, 'seconds'", "it must be more than 0"),
        ("1, 'a', 2, 'parsecs'", "'parsecs' is no unit of time"),
        ("1, 'a', -1, 'ms'", "it must be more than 0"),
    ],
)
def test_a_row_that_makes_no_sense_skips_its_service_alone(new: Place, values: str, said: str) -> None:
    columns = "id, service_type, threshold_value, threshold_unit"
    place = users(
        new, "seconds", f"INSERT INTO sla_configurations ({columns}) VALUES ({values}), (2, 'b', 3, 'seconds')"
    )
    found = settle(open_store(place.address), BOOK, ["a", "b"], at=AT)
    (skipped,) = found.unusable
    assert (skipped.service, said in skipped.reason) == ("a", True)
    assert found.select(None, ["a", "b", "c"]) == (["b", "c"], [skipped])
    assert found.book.of("b").threshold == 3.0


def test_a_service_with_two_rows_is_skipped_since_either_may_be_meant(new: Place) -> None:
    rows = "INSERT INTO sla_configurations VALUES ('a', 2), ('a ', 3), ('b', 4)"
    store = open_store(users(new, "bare", rows).address)
    found = settle(store, BOOK, ["a", "b"], at=AT)
    (skipped,) = found.unusable
    assert skipped.reason == "sla_configurations has 2 rows for it: keep one"
    assert found.select(None, ["a", "b"]) == (["b"], [skipped])
    with store.reading() as transaction:
        assert list(transaction.thresholds()) == ["b"]


def test_a_name_that_differs_in_case_is_told(new: Place) -> None:
    store = open_store(users(new, "bare", "INSERT INTO sla_configurations VALUES ('LOGIN', 3)").address)
    found = settled(store, BOOK, ["login", "pay"], at=AT)
    assert found.book.of("login").threshold == 2.0
    assert found.warnings == ("names that differ in case are different services: login (LOGIN in the store)",)
    with store.begin() as transaction, pytest.raises(InputError, match=r"did you mean LOGIN\?"):
        transaction.configure("login", optimization_enabled=False)


def test_a_view_in_place_of_the_table_is_refused(new: Place) -> None:
    new.run("CREATE TABLE x (service_type TEXT)", "CREATE VIEW sla_configurations AS SELECT * FROM x")
    with pytest.raises(InputError, match="a view of a name that slaopt needs: sla_configurations; rename it"):
        upgrade(open_database(new.address))
    assert list(new.tables()) == ["x"]


def test_names_are_read_as_measurements_have_them(new: Place) -> None:
    new.run("CREATE TABLE sla_configurations (service_type CHAR(12), threshold_value NUMERIC)")
    new.run("INSERT INTO sla_configurations VALUES (' cafe\u0301 ', 3)")
    upgrade(open_database(new.address))
    store = open_store(new.address)
    assert settle(store, BOOK, ["café"], at=AT).book.of("café").threshold == 3.0
    with store.begin() as transaction:
        assert transaction.configure("café", optimization_enabled=False).state == "disabled"
        assert transaction.record(new_run("café"), at=AT)
    assert new.rows("SELECT count(*) FROM sla_configurations WHERE last_optimization_at IS NOT NULL") == [(1,)]


@pytest.mark.parametrize(("value", "state"), [("TRUE", "enabled"), ("FALSE", "not active"), ("NULL", "enabled")])
def test_an_inactive_row_is_left_out(new: Place, value: str, state: str) -> None:
    columns = "id, service_type, threshold_value, is_active"
    place = users(new, "seconds", f"INSERT INTO sla_configurations ({columns}) VALUES (1, 'a', 1, {value})")
    found = settled(open_store(place.address), BOOK, ["a"], at=AT)
    assert (list(found.left_out) == ["a"]) == (state == "not active")
    assert found.select(["a"], ["a"])[0] == ["a"]  # who names it gets it
    assert found.select(None, ["a"])[0] == ([] if state == "not active" else None)


def test_a_row_that_is_there_already_begins_the_history(new: Place) -> None:
    place = users(new, "bare", "INSERT INTO sla_configurations VALUES ('a', 0.1234567891)")
    store = open_store(place.address)
    for _ in range(2):
        settle(store, BOOK, [], at=AT)
    with store.reading() as transaction:
        (row,) = transaction.thresholds("a")["a"]
    assert (row.implemented_by, row.previous, row.threshold) == (
        "outside slaopt",
        None,
        pytest.approx(0.1234567891, rel=1e-5),
    )
