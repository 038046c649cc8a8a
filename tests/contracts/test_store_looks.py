"""What pages and answers look up in the store at once, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from slaopt.store import Store
from tests.store.builders import AS_OF, AT, new_run
from tests.store.decided import add_service, change, new_proposal

LATER = AT + timedelta(hours=1)


def decided(store: Store) -> None:
    """Two services, three changes, three proposals."""
    for service in ("a", "b", "c"):
        add_service(store, service)
    with store.begin() as transaction:
        for number, (service, told) in enumerate(
            [("a", {"strategy": "bold", "confidence_score": 0.75}), ("b", {"confidence_score": None}), ("a", {})], 1
        ):
            new = new_proposal(service, digest=str(number), assessment=told)
            transaction.proposals.add(new, change_id=f"change-{number}", at=AT)
        transaction.proposals.move(transaction.proposals.get(2), "rejected", at=AT)
    change(store, 1, service="a", at=LATER)
    change(store, 2, service="b", at=LATER)
    change(store, 3, service="a", threshold=2.0, expected=2.5, kind="rollback", undoes="change-1", at=LATER)


def test_the_newest_change_of_each_service(store: Store) -> None:
    decided(store)
    with store.reading() as transaction:
        newest = transaction.changes.newest()
        assert {service: found.change_id for service, found in newest.items()} == {"a": "change-3", "b": "change-2"}
        assert newest["a"] == transaction.changes.latest("a")


def test_the_last_thresholds_with_the_changes_that_made_them(store: Store) -> None:
    decided(store)
    with store.reading() as transaction:
        rows = transaction.recent_thresholds(limit=4)
        assert [(row.service, row.threshold, row.is_active) for row in rows] == [
            ("a", 2, True), ("b", 2.5, True), ("a", 2.5, False), ("c", 2, True),
        ]  # fmt: skip
        found = transaction.changes.of_history([row.id for row in rows])
        assert [found[row.id].change_id for row in rows if row.id in found] == ["change-3", "change-2", "change-1"]
        assert found[rows[2].id].undone_by == "change-3"
        assert [row.service for row in transaction.recent_thresholds("b", limit=9)] == ["b", "b"]
        assert transaction.changes.of_history([]) == {}


def test_what_became_of_proposals(store: Store) -> None:
    decided(store)
    with store.reading() as transaction:
        fates = transaction.proposals.fates()
        assert [(fate.service, fate.state, fate.strategy, fate.confidence_score) for fate in fates] == [
            ("a", "proposed", "bold", 0.75), ("b", "rejected", None, None), ("a", "proposed", None, None),
        ]  # fmt: skip
        assert transaction.proposals.states([1, 2, 99]) == {1: "proposed", 2: "rejected"}


def test_answers_of_some_services_and_as_they_are_stored(store: Store) -> None:
    answer = {"rate": 0.1 + 0.2, "text": "é"}
    with store.begin() as transaction:
        for service in ("a", "b"):
            transaction.record(new_run(service), at=AT)
            run = transaction.run(service, "a" * 64)
            transaction.answers.put(run.id, "analysis", "{}", answer, AT)
            assert transaction.run_by_id(run.id) == run
        answers = transaction.answers
        assert list(answers.latest("analysis", services=["b"])) == ["b"]
        assert answers.latest("analysis", services=[]) == answers.latest_texts("recommendation") == {}
        texts = answers.latest_texts("analysis", services=["a"])
        assert {service: (run, settings, json.loads(text)) for service, (run, settings, text) in texts.items()} == {
            "a": (transaction.run("a", "a" * 64), "{}", answer)
        }
        assert transaction.run_by_id(99) is None


def test_the_latest_run_is_that_of_the_latest_period_and_of_those_the_last(store: Store) -> None:
    with store.begin() as transaction:
        for digest, days in [("1", 0), ("2", 1), ("3", 1), ("4", -1)]:
            transaction.record(replace(new_run(digest=digest), as_of=AS_OF + timedelta(days=days)), at=AT)
        transaction.record(new_run("pay"), at=AT)
        found = transaction.latest_runs()
        assert {service: run.report_path for service, run in found.items()} == {
            "checkout": "checkout/3",
            "pay": "pay/a",
        }
        assert transaction.latest_runs(["pay"]) == {"pay": found["pay"]}
        assert transaction.latest_runs([]) == {}


def test_rows_are_counted(store: Store) -> None:
    decided(store)
    with store.reading() as transaction:
        counts = transaction.row_counts()
    assert (counts["sla_changes"], counts["sla_proposals"], counts["sla_threshold_history"]) == (3, 3, 6)
    assert "sla_configurations" not in counts
    assert counts["sla_audit_log"] == 0
