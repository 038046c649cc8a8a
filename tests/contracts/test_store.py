"""What the store decides and records, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from slaopt.errors import InputError, UnreachableError
from slaopt.params import Params, ParamsBook, ThresholdChange
from slaopt.store import (
    Store,
    first_record,
    make_store,
    settle,
    settled,
)
from tests.store.builders import AT, BOOK, Place, names, new_run


def test_params_seed_a_row_once_and_then_the_store_holds(store: Store) -> None:
    first = ParamsBook(
        default=BOOK.default, services={"login": Params(service="login", threshold=0.5, max_threshold=1)}
    )
    assert settle(store, first, ["login", "pay"], at=AT).warnings == ()
    with store.reading() as transaction:
        records, history = transaction.services(), transaction.thresholds()
    assert (records["login"].threshold, records["login"].max_threshold, records["pay"].threshold) == (0.5, 1, 2)
    assert [(row.threshold, row.previous, row.implemented_by) for row in history["login"]] == [(0.5, None, "params")]
    later = ParamsBook(default=BOOK.default, services={"login": Params(service="login", threshold=0.7, objective=0.9)})
    found = settle(store, later, ["login", "pay"], at=AT)
    assert found.warnings == (
        "threshold of the store holds, where params have another: login 500 ms (params: 700 ms)",
        "objective of the store holds, where params have another: login 99 % (params: 90 %)",
    )
    own = found.book.of("login")
    assert (own.threshold, own.objective, own.max_threshold, own.threshold_history) == (0.5, 0.99, 1, ())


def test_a_service_without_a_threshold_gets_no_row(store: Store) -> None:
    found = settle(store, ParamsBook(default=Params(), services={}), ["a"], at=AT)
    assert (found.warnings, found.book.of("a").threshold) == ((), None)
    with store.reading() as transaction:
        assert transaction.services() == {}


def test_many_differences_are_one_line(store: Store) -> None:
    services = [f"service {number}" for number in range(9)]
    settle(store, BOOK, services, at=AT)
    (line,) = settled(store, ParamsBook(default=Params(threshold=1.0), services={}), services, at=AT).warnings
    assert line.endswith("service 4 2 s (params: 1 s) and 4 more")


def test_a_change_made_elsewhere_is_noticed_once(made: Place, store: Store) -> None:
    settle(store, BOOK, ["a", "b"], at=AT)
    made.run("UPDATE sla_configurations SET threshold_value = 1500, threshold_unit = 'ms' WHERE service_type = 'a'")
    made.run("UPDATE sla_configurations SET threshold_value = 2000, threshold_unit = 'ms' WHERE service_type = 'b'")
    later = AT + timedelta(hours=1)
    looked = settled(store, BOOK, ["a"], at=later)
    for _ in range(2):
        found = settle(store, BOOK, ["a", "b"], at=later)
        later += timedelta(hours=1)
    noticed = AT + timedelta(hours=1)
    expected = (ThresholdChange(since=AT, threshold=2), ThresholdChange(since=noticed, threshold=1.5))
    assert looked.book.of("a").threshold_history == found.book.of("a").threshold_history == expected
    assert found.book.of("a").threshold == 1.5
    assert Params.model_validate(found.book.of("a").published()).threshold_history == expected
    assert found.book.of("b").threshold_history == ()
    with store.reading() as transaction:
        history = transaction.thresholds()
    assert [(row.previous, row.threshold, row.implemented_by) for row in history["a"]] == [
        (None, 2, "params"), (2, 1.5, "outside slaopt"),
    ]  # fmt: skip
    assert len(history["b"]) == 1  # the same in another unit is no change
    told = "SELECT threshold_unit, is_active FROM sla_threshold_history WHERE service_type = 'a' ORDER BY id"
    assert [(unit, bool(active)) for unit, active in made.rows(told)] == [("seconds", False), ("ms", True)]


def test_what_params_tell_of_former_thresholds_goes_before(made: Place, store: Store) -> None:
    former = (ThresholdChange(since=AT - timedelta(days=60), threshold=4), ThresholdChange(since=AT, threshold=9))
    book = ParamsBook(default=Params(threshold=2.0, threshold_history=former), services={})
    assert settle(store, book, ["a"], at=AT).book.of("a").threshold_history == former
    made.run("UPDATE sla_configurations SET threshold_value = 3")
    told = settle(store, book, ["a"], at=AT + timedelta(days=1)).book.of("a").threshold_history
    assert [change.threshold for change in told] == [4, 2, 3]


def test_a_service_is_added_once(store: Store) -> None:
    record = first_record("a", threshold=2, objective=0.99, least=1, most=4)
    with store.begin() as transaction:
        added = transaction.add_service(record, unit="ms", by="ann", reason="", at=AT)
    assert (added.threshold, added.unit, added.min_threshold, added.max_threshold) == (2, "ms", 1, 4)
    told = "a is in the store already, with threshold 2 s"
    with pytest.raises(InputError, match=told), store.begin() as transaction:
        transaction.add_service(record, by="ann", reason="", at=AT)
    with pytest.raises(InputError, match="x is not in the store"), store.begin() as transaction:
        transaction.configure("x", optimization_enabled=True)


def test_a_run_is_recorded_once(made: Place, store: Store) -> None:
    settle(store, BOOK, ["checkout"], at=AT)
    with store.begin() as transaction:
        assert transaction.record(new_run(), at=AT)
        assert not transaction.record(new_run(), at=AT + timedelta(days=1))
        assert transaction.record(new_run(digest="b"), at=AT)
    assert names(made.rows("SELECT count(*) FROM sla_runs")) == [2]
    assert names(made.rows("SELECT count(*) FROM sla_performance_analysis")) == [2]
    with store.reading() as transaction:
        run = transaction.latest_runs()["checkout"]
        assert transaction.run("checkout", "a" * 64) != run
        assert transaction.run("checkout", "c" * 64) is None
        assert transaction.service("checkout").last_optimization_at == AT
    assert (run.verdict, run.recorded_at, run.report_path) == ("raise", AT, "checkout/b")
    (found,) = made.rows(
        "SELECT current_threshold, proposed_threshold, predicted_violation_rate_change, predicted_reliability_impact,"
        " predicted_team_stress_change, confidence_score, implementation_risk, risk_factors"
        f" FROM sla_threshold_impact_predictions WHERE id = {run.prediction_id}"
    )
    assert [float(value) for value in found[:6]] == pytest.approx([2, 2.5, -40, 0.004, -25, 0.91])
    assert found[6] == "low"
    assert (json.loads(found[7]) if isinstance(found[7], str) else found[7])[0]["name"] == "thin data"


def test_without_a_recommendation_there_is_no_prediction(made: Place, store: Store) -> None:
    nothing = {"recommended_threshold": None, "predicted_outcomes": None, "verdict": "not_suited"}
    with store.begin() as transaction:
        transaction.record(new_run(**nothing), at=AT)
        outcomes = dict.fromkeys(("reliability_score_change", "team_stress_reduction")) | {
            "expected_violation_rate": 0.01
        }
        transaction.record(new_run(digest="b", current_threshold=None, predicted_outcomes=outcomes), at=AT)
    assert names(made.rows("SELECT prediction_id FROM sla_runs ORDER BY id"))[0] is None
    assert made.rows(
        "SELECT current_threshold, predicted_violation_rate_change FROM sla_threshold_impact_predictions"
    ) == [(None, None)]


def test_all_of_a_run_is_recorded_or_nothing(made: Place, store: Store) -> None:
    with pytest.raises(InputError), store.begin() as transaction:
        transaction.record(new_run(implementation_risk="immense"), at=AT)
    with pytest.raises(ZeroDivisionError), store.begin() as transaction:
        transaction.record(new_run(), at=AT)
        _ = 1 / 0
    for table in ("sla_performance_analysis", "sla_threshold_impact_predictions", "sla_runs"):
        assert names(made.rows(f"SELECT count(*) FROM {table}")) == [0]


HOSTILE = ["'; DROP TABLE sla_runs; --", "支付", "a\\b%s:x", 'quo"ted', "x" * 100]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_text(store: Store, name: str) -> None:
    settle(store, BOOK, [name], at=AT)
    with store.begin() as transaction:
        transaction.record(new_run(name), at=AT)
    with store.reading() as transaction:
        assert list(transaction.services()) == list(transaction.latest_runs([name])) == [name]


def test_no_error_tells_the_password(postgresql_url: str) -> None:
    for address in (
        postgresql_url.replace("127.0.0.1", "127.0.0.2"),
        postgresql_url.rpartition("/")[0] + "/nowhere",
        postgresql_url.replace("correct-horse-battery", "s3cret-word"),
    ):
        with pytest.raises(UnreachableError) as caught:
            make_store(address)
        assert "correct-horse-battery" not in str(caught.value)
        assert "s3cret-word" not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("logged", [False, True])
def test_a_store_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: bool
) -> None:
    address = f"sqlite:///{tmp_path / 'a store #1?.db'}"
    settle(make_store(address), BOOK, ["login"], at=AT)
    other = sqlite3.connect(tmp_path / "a store #1?.db") if logged else None  # keeps a write-ahead log open
    if other is not None:
        other.execute("SELECT count(*) FROM sla_runs").fetchone()
    monkeypatch.setattr("slaopt.store.database.os.access", lambda *_: False)
    readable = make_store(address)
    assert settled(readable, BOOK, ["login"], at=AT).book.of("login").threshold == 2.0
    told = "cannot be written: the file or its folder is read-only"
    with pytest.raises(InputError, match=told), readable.begin() as transaction:
        transaction.configure("login", optimization_enabled=False)
    (warning,) = settle(readable, BOOK, ["pay"], at=AT).warnings
    assert told in warning
    if other is not None:
        other.close()
