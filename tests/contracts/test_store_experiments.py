"""Experiments in the store, on SQLite and on PostgreSQL alike: planned, run, looked at, ended, never rewritten."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.experiment.assignment import arm_of, arm_sql, arms_of, hash_sql, register, unit_hash
from slaopt.experiment.design import Design
from slaopt.store import ExperimentRecord, NewExperiment, Store, open_database, upgrade
from tests.store.builders import AT, Place
from tests.store.decided import add_service, new_proposal
from tests.store.tested import DAY, DESIGN, LOOK, SALT, planned_one, running, start


def found(store: Store, number: int = 1) -> ExperimentRecord:
    with store.reading() as transaction:
        there = transaction.experiments.get(f"exp-{number}")
    assert there is not None
    return there


def test_an_experiment_is_planned_run_and_ended(store: Store) -> None:
    with store.begin() as transaction:
        filed = transaction.proposals.add(new_proposal(), change_id="change-1", at=AT)
        planned = transaction.experiments.add(planned_one(proposal_id=filed.id), at=AT)
        assert transaction.experiments.of_proposal(filed.id) == planned
        assert transaction.experiments.of_proposal(99) is None
    assert (planned.status, planned.salt, planned.amendments) == ("planning", None, ())
    assert {name: getattr(planned, name) for name in NewExperiment.__slots__} == {
        name: getattr(planned_one(proposal_id=filed.id), name) for name in NewExperiment.__slots__
    }
    began = start(store, planned)
    assert (began.status, began.salt, began.started_by, began.experiment_start) == ("running", SALT, "bob", AT)
    with store.begin() as transaction:
        ended = transaction.experiments.end(
            began, status="completed", at=AT + 14 * DAY, by="watch", recommendation="adopt", p_value=0.01,
            results={"verdict": "ship", "p": float("nan")}, effect_size=-0.01, confidence_interval={"low": -0.02},
            statistical_significance=True,
        )  # fmt: skip
        adopted = transaction.experiments.adopted(ended, filed.id)
    assert (ended.status, ended.stopped_by, ended.experiment_end) == ("completed", "watch", AT + 14 * DAY)
    assert (ended.results, ended.p_value, ended.effect_size) == ({"verdict": "ship", "p": None}, 0.01, -0.01)
    assert (ended.recommendation, ended.rollback_triggered, ended.early_stop_reason) == ("adopt", False, None)
    assert (adopted.adopted_by_proposal_id, adopted.confidence_interval) == (filed.id, {"low": -0.02})
    assert found(store) == adopted


def test_a_design_comes_back_to_the_last_digit(store: Store) -> None:
    there = running(store)
    assert Design.from_dict(there.design).digest == there.design_digest == DESIGN.digest
    assert there.test_threshold == 1 / 3


def test_the_salt_is_shown_nowhere(store: Store) -> None:
    there = running(store)
    for shown in (repr(there), str(there.to_dict()), there._repr_html_(), there.to_frame().to_csv()):
        assert SALT not in shown


def test_of_two_on_one_service_one_runs(store: Store) -> None:
    with store.begin() as transaction:
        other = transaction.experiments.add(planned_one(2), at=AT)
        elsewhere = transaction.experiments.add(planned_one(3, "pay"), at=AT)
    first = running(store)
    with pytest.raises(InputError, match="checkout: experiment exp-1 runs on it, and two at once"):
        start(store, other)
    start(store, elsewhere)
    with store.reading() as transaction:
        assert transaction.running_experiments("checkout") == ["exp-1"]
        assert [one.experiment_id for one in transaction.experiments.running()] == ["exp-1", "exp-3"]
    with store.begin() as transaction:
        transaction.experiments.end(first, status="stopped", at=AT, by="bob", reason="enough seen")
    assert start(store, other).status == "running"
    assert found(store).early_stop_reason == "enough seen"


def test_the_database_itself_holds_one_running_experiment_of_a_service(made: Place, store: Store) -> None:
    running(store)
    with store.begin() as transaction:
        transaction.experiments.add(planned_one(2), at=AT)
    with pytest.raises(sa.exc.IntegrityError):
        made.run("UPDATE sla_optimization_experiments SET status = 'running'")


def test_what_has_moved_on_since_it_was_read_is_told(store: Store) -> None:
    with store.begin() as transaction:
        planned = transaction.experiments.add(planned_one(), at=AT)
        with pytest.raises(InputError, match="there is an experiment exp-1 already"):
            transaction.experiments.add(planned_one(), at=AT)
        with pytest.raises(InputError, match="exp-1 is planning by now, not running"):
            transaction.experiments.end(planned, status="completed", at=AT, by="watch")
    began = start(store, planned)
    with pytest.raises(InputError, match="experiment exp-1 runs on it"):
        start(store, planned)
    with store.begin() as transaction:
        ended = transaction.experiments.end(began, status="stopped", at=AT, by="bob", rollback_triggered=True)
    assert ended.rollback_triggered
    with pytest.raises(InputError, match="exp-1 is stopped by now, not planning; look at it again"):
        start(store, planned)
    for stale in (began, ended):
        with pytest.raises(InputError, match="exp-1 is stopped by now"), store.begin() as transaction:
            transaction.experiments.end(stale, status="stopped", at=AT + DAY, by="eve")
    assert found(store) == ended


def test_one_that_is_only_planned_can_be_stopped(store: Store) -> None:
    with store.begin() as transaction:
        planned = transaction.experiments.add(planned_one(), at=AT)
        ended = transaction.experiments.end(planned, status="stopped", at=AT, by="bob", reason="rejected")
    assert (ended.status, ended.experiment_start, ended.early_stop_reason) == ("stopped", None, "rejected")


def test_amendments_pile_up_and_two_at_once_do_not_overwrite_each_other(store: Store) -> None:
    began = running(store)
    for days in (21, 28):
        with store.begin() as transaction:
            amended = transaction.experiments.amend(
                found(store), {"days": days, "by": "bob"}, design=DESIGN.to_dict() | {"days": days},
                design_digest=f"{days}", planned_end=AT + days * DAY,
            )  # fmt: skip
    assert [one["days"] for one in amended.amendments] == [21, 28]
    assert (amended.duration_days, amended.design["days"], amended.planned_end) == (28, 28, AT + 28 * DAY)
    with pytest.raises(InputError, match="exp-1 was amended since it was looked at"), store.begin() as transaction:
        transaction.experiments.amend(began, {}, design={}, design_digest="x", planned_end=AT)


def test_results_so_far_are_kept_and_others_stay(store: Store) -> None:
    began = running(store)
    with store.begin() as transaction:
        transaction.experiments.set_results(began, results={"look": 1}, p_value=0.5)
        now = transaction.experiments.set_results(began, results={"look": 2}, effect_size=0.1)
    assert (now.results, now.p_value, now.effect_size, now.status) == ({"look": 2}, 0.5, 0.1, "running")


def test_experiments_are_listed(store: Store) -> None:
    running(store, 1)
    with store.begin() as transaction:
        for number, service in [(2, "pay"), (3, "checkout")]:
            transaction.experiments.add(planned_one(number, service), at=AT)
        listed = transaction.experiments.list

        def ids(**wanted: Any) -> list[str]:
            return [one.experiment_id for one in listed(**wanted)]

        assert ids() == ["exp-3", "exp-2", "exp-1"]
        assert ids(limit=2) == ["exp-3", "exp-2"]
        assert ids(service="checkout") == ["exp-3", "exp-1"]
        assert ids(statuses=["planning"], service="checkout") == ["exp-3"]
        assert ids(statuses=[]) == []
        assert transaction.experiments.get("exp-9") is None


def test_looks_are_kept_as_they_were(store: Store) -> None:
    began = running(store)
    with store.reading() as transaction:
        before = transaction.version()
    with store.begin() as transaction:
        for look in (LOOK, LOOK, LOOK | {"looked_at": AT + 2 * DAY}, LOOK | {"number": 2, "estimate": float("nan")}):
            transaction.experiments.add_look(began, **look)
        assert [one.number for one in transaction.experiments.looks(began)] == [1, 2]
        first, second = transaction.experiments.looks(began)
        for other in ({"verdict": "ship"}, {"as_of": AT}, {"look": {}}):
            with pytest.raises(InputError, match="exp-1: look 1 is kept already and found something else"):
                transaction.experiments.add_look(began, **(LOOK | other))
    assert {name: getattr(first, name) for name in LOOK} == LOOK
    assert (second.estimate, second.standard_error) == (None, LOOK["standard_error"])
    with store.reading() as transaction:
        assert transaction.version() > before


def test_units_that_were_seen_are_kept_once(store: Store) -> None:
    began = running(store)
    hashes, is_test = arms_of(SALT, [f"tenant {number}" for number in range(2500)], traffic_split=0.5)
    arms = np.where(is_test, "test", "control")
    seen = np.full(len(hashes), np.datetime64("2026-11-03T10:00:00", "ns"))
    with store.begin() as transaction:
        experiments = transaction.experiments
        experiments.note_units(began, hashes[:1500], arms[:1500], seen[:1500])
        experiments.note_units(began, hashes, arms, [AT + DAY] * len(hashes))
        assert experiments.count_units(began) == {"control": int((~is_test).sum()), "test": int(is_test.sum())}
        early, late = experiments.unit(began, hashes[0]), experiments.unit(began, hashes[-1])
        assert experiments.unit(began, "0" * 64) is None
        with pytest.raises(InputError, match="a unit that was seen has no time"):
            experiments.note_units(began, hashes[:1], arms[:1], np.array(["NaT"], "datetime64[ns]"))
    assert early is not None and late is not None
    assert (early.arm, early.first_seen.isoformat()) == (arms[0], "2026-11-03T10:00:00+00:00")
    assert late.first_seen == AT + DAY
    with pytest.raises(InputError), store.begin() as transaction:
        transaction.experiments.note_units(began, ["a"], ["treatment"], [AT])


def test_units_of_ended_experiments_go_and_their_looks_stay(store: Store, made: Place) -> None:
    old, current = running(store, 1, "checkout"), running(store, 2, "pay")
    with store.begin() as transaction:
        for record in (old, current):
            transaction.experiments.note_units(record, ["a", "b"], ["control", "test"], [AT, AT])
            transaction.experiments.add_look(record, **LOOK)
        transaction.experiments.end(old, status="completed", at=AT + DAY, by="watch")
        assert transaction.purge(AT + DAY)["sla_experiment_assignments"] == 0
        assert transaction.purge(AT + 2 * DAY)["sla_experiment_assignments"] == 2
        assert transaction.experiments.count_units(old) == {"control": 0, "test": 0}
        assert transaction.experiments.count_units(current) == {"control": 1, "test": 1}
    assert made.rows("SELECT count(*) FROM sla_experiment_looks") == [(2,)]


UNITS = ["tenant-1", " tenant-1\t", "cafe\u0301", "café", "\u00a0x", "日本", "a" * 200, "x'y\"%:z", "10"]
NO_UNITS = ["", " \t", "a\x00b", "a\x1fb", "a\x85b", "a" * 201]


def test_a_threshold_holds_for_a_unit_while_a_test_runs(store: Store, made: Place) -> None:
    add_service(store, "checkout", 2.0)
    add_service(store, "pay", 0.3, unit="ms")
    began = running(store, traffic_split=0.4)
    expected = {unit: 1 / 3 if int(unit_hash(SALT, unit)[:13], 16) / 2**52 < 0.4 else 2.0 for unit in UNITS}
    assert set(expected.values()) == {1 / 3, 2.0}
    assert {unit: store.threshold_for("checkout", unit) for unit in UNITS} == expected
    assert store.threshold_for("checkout") == 2.0
    assert (store.threshold_for("pay", "tenant-1"), store.threshold_for("nobody", "tenant-1")) == (0.3, None)
    for unit in NO_UNITS:
        with pytest.raises(InputError, match="names no unit of assignment: give 1 to 200 characters"):
            store.threshold_for("checkout", unit)
    with store.begin() as transaction:
        transaction.experiments.end(began, status="stopped", at=AT, by="bob")
    assert {store.threshold_for("checkout", unit) for unit in UNITS} == {2.0}
    made.run("UPDATE sla_configurations SET threshold_unit = 'parsecs' WHERE service_type = 'pay'")
    with pytest.raises(InputError, match="pay: its row in sla_configurations: 'parsecs' is no unit"):
        store.threshold_for("pay", "tenant-1")


PAGE = (Path(__file__).parents[2] / "docs" / "experiments.md").read_text(encoding="utf-8")
VECTORS = json.loads((Path(__file__).parents[1] / "experiment" / "vectors.json").read_text(encoding="utf-8"))


def of_page(dialect: str, words: str) -> str:
    """SQL of the page, for one engine."""
    found = re.findall(rf"```sql\n-- {dialect}\n(.*?)```", PAGE, re.DOTALL)
    return next(block for block in found if words in block)


def test_checks_of_violations_read_each_units_threshold(store: Store, made: Place, kind: str) -> None:
    """As the page has it: the statement runs as it stands there, on executions between both thresholds."""
    add_service(store, "checkout", 2.0)
    add_service(store, "pay", 0.3)
    running(store, traffic_split=0.4)
    made.run("CREATE TABLE measured (service_type TEXT, unit TEXT, value DOUBLE PRECISION)")
    query = of_page(kind, "FROM measured")
    with made.connection() as connection:
        if kind == "sqlite":
            register(connection.connection.driver_connection)
        rows = [("checkout", unit, 1.0) for unit in UNITS] + [("pay", "tenant-1", 1.0), ("pay", "tenant-1", 0.1)]
        for row in rows:
            connection.execute(sa.text("INSERT INTO measured VALUES (:a, :b, :c)"), dict(zip("abc", row, strict=True)))
        told = dict(connection.exec_driver_sql(query).all())
    expected = sum(store.threshold_for("checkout", unit) == 1 / 3 for unit in UNITS)
    assert told == {"checkout": expected, "pay": 1}
    assert 0 < expected < len(UNITS)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_postgresql_comes_to_the_same_arm(new: Place) -> None:
    recipe = re.sub(r"(?<!:):(salt|unit|split)\b", r"%(\1)s", of_page("postgresql", ":salt"))
    placed = {"salt": "%(salt)s", "unit": "%(unit)s"}
    query = (
        f"SELECT {hash_sql('postgresql', **placed)}, {arm_sql('postgresql', **placed, split='%(split)s')}, ({recipe})"
    )
    more = [{"salt": "s'%", "unit": unit, "traffic_split": 0.37} for unit in (*UNITS, *NO_UNITS) if "\x00" not in unit]
    with new.connection() as connection:
        for one in [*VECTORS, *more]:
            split = one["traffic_split"]
            told = connection.exec_driver_sql(query, {"salt": one["salt"], "unit": one["unit"], "split": split}).one()
            if one["unit"] in NO_UNITS:
                assert told[:2] == (None, None)
            else:
                arm = arm_of(one["salt"], one["unit"], traffic_split=split)
                assert told == (unit_hash(one["salt"], one["unit"]), arm, arm)


@pytest.mark.parametrize("kind", ["postgresql"])
def test_postgresql_has_a_function(store: Store, made: Place) -> None:
    add_service(store, "checkout", 2.0)
    add_service(store, "pay", 0.3, unit="ms")
    running(store, traffic_split=0.4)
    call = "SELECT slaopt_threshold_for(%s, %s)"
    with made.connection() as connection:

        def told(service: str | None, unit: str | None) -> float | None:
            return connection.exec_driver_sql(call, (service, unit)).scalar_one()

        for unit in UNITS:
            assert told("checkout", unit) == store.threshold_for("checkout", unit), unit
        assert {told("checkout", unit) for unit in NO_UNITS if "\x00" not in unit} == {2.0}
        assert (told("checkout", None), told(" checkout\n", None), told("pay", "x")) == (2.0, 2.0, 0.3)
        assert (told("nobody", "x"), told(None, "x")) == (None, None)
        connection.exec_driver_sql("SET search_path TO public")  # it finds its tables wherever it is called from
        schema = made.address.rpartition("%3D")[2]
        assert connection.exec_driver_sql(f"SELECT {schema}.slaopt_threshold_for('pay', 'x')").scalar_one() == 0.3


OTHERS = {
    "(service_type TEXT, threshold_value DOUBLE PRECISION)": [("a", "'a', 0.003", 0.003)],
    "(service_type CHAR(9), threshold_value TEXT, threshold_unit TEXT)": [
        ("a", "'a', '1.5', 'Minutes.'", 90.0),
        ("b", "' b ', '2', ''", 2.0),
        ("c", "'c', '2', 'parsecs'", None),
        ("d", "'d', '2', 's'), ('d', '3', 's'", None),
        ("e", "'e', '0', NULL", None),
        ("café", "'cafe\u0301', '7', 'ms'", 0.007),
    ],
}


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.parametrize("columns", OTHERS, ids=["bare", "of other types"])
def test_the_function_reads_tables_of_others(new: Place, columns: str) -> None:
    new.run(f"CREATE TABLE sla_configurations {columns}")
    new.run(*(f"INSERT INTO sla_configurations VALUES ({row})" for _, row, _ in OTHERS[columns]))
    upgrade(open_database(new.address))
    for service, _, told in OTHERS[columns]:
        assert new.rows(f"SELECT slaopt_threshold_for('{service}', 'x')") == [(told,)], service
