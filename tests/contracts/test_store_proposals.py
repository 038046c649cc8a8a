"""Proposals, requests, settings and answers of the store, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import pytest

from slaopt.errors import InputError
from slaopt.store import RequestRecord, Store
from tests.store.builders import AS_OF, AT, Place, new_run
from tests.store.decided import NEEDS, add_service, new_proposal

LATER = AT + timedelta(hours=1)


def test_a_proposal_comes_back_as_it_was_filed(store: Store) -> None:
    new = new_proposal(
        current_threshold=1 / 3, proposed_threshold=0.1 + 0.2, scheduled_at=LATER, reason="it's \"time\"",
        implementation_type="scheduled", watch={"rate": 0.1 + 0.2, "unrest": None},
    )  # fmt: skip
    with store.begin() as transaction:
        filed = transaction.proposals.add(new, change_id="c1", at=AT)
    with store.reading() as transaction:
        proposals = transaction.proposals
        assert proposals.get(filed.id) == proposals.of_change("c1") == filed
        assert proposals.of_input("checkout", "a" * 64) == filed
        assert (proposals.get(99), proposals.of_change("c2"), proposals.of_input("pay", "a" * 64)) == (None, None, None)
    assert {name: value for name, value in asdict(filed).items() if name in asdict(new)} == asdict(new)
    assert filed.needs == NEEDS
    assert (filed.state, filed.change_id, filed.proposed_at, filed.updated_at) == ("proposed", "c1", AT, AT)


def test_what_is_no_number_is_kept_as_nothing(store: Store) -> None:
    new = new_proposal(assessment={"rate": float("nan"), "at": AT}, current_threshold=None)
    with store.begin() as transaction:
        filed = transaction.proposals.add(new, change_id="c1", at=AT)
    assert (filed.assessment, filed.current_threshold) == ({"rate": None, "at": AT.isoformat()}, None)


def test_one_proposal_for_a_service_and_input(store: Store) -> None:
    with store.begin() as transaction:
        first = transaction.proposals.add(new_proposal(), change_id="c1", at=AT)
        transaction.proposals.add(new_proposal("pay"), change_id="c2", at=AT)
        with pytest.raises(InputError, match=f"checkout: proposal {first.id} was made of the same input"):
            transaction.proposals.add(new_proposal(), change_id="c3", at=AT)


def test_proposals_are_listed_the_newest_first(store: Store) -> None:
    with store.begin() as transaction:
        filed = [
            transaction.proposals.add(new_proposal(service, digest=digest), change_id=f"c{number}", at=AT)
            for number, (service, digest) in enumerate([("a", "1"), ("b", "1"), ("a", "2")])
        ]
        moved = transaction.proposals.move(filed[1], "rejected", at=AT)
        proposals = transaction.proposals
        assert proposals.list() == [filed[2], moved, filed[0]]
        assert proposals.list(states={"proposed", "approved"}) == [filed[2], filed[0]]
        assert proposals.list(service="a", limit=1) == [filed[2]]
        assert proposals.list(service="a", states=["rejected"]) == proposals.list(states=[]) == []


def test_of_two_who_move_a_proposal_one_does(store: Store) -> None:
    with store.begin() as transaction:
        filed = transaction.proposals.add(new_proposal(), change_id="c1", at=AT)
        moved = transaction.proposals.move(
            filed, "scheduled", at=LATER, scheduled_at=LATER, implementation_type="scheduled", reason="at night"
        )
        assert (moved.state, moved.scheduled_at, moved.reason, moved.updated_at) == (
            "scheduled", LATER, "at night", LATER,
        )  # fmt: skip
        told = f"proposal {filed.id} is scheduled by now, no longer proposed"
        with pytest.raises(InputError, match=told):
            transaction.proposals.move(filed, "rejected", at=LATER)
        assert transaction.proposals.get(filed.id) == moved
        assert transaction.proposals.move(moved, "committed", at=LATER).state == "committed"


def test_a_state_that_is_none_is_refused_by_the_database(store: Store) -> None:
    with store.begin() as transaction:
        filed = transaction.proposals.add(new_proposal(), change_id="c1", at=AT)
    with pytest.raises(InputError), store.begin() as transaction:
        transaction.proposals.move(filed, "agreed", at=AT)


def test_each_person_decides_once_on_a_proposal(store: Store) -> None:
    with store.begin() as transaction:
        filed = transaction.proposals.add(new_proposal(), change_id="c1", at=AT)
        proposals = transaction.proposals
        assert proposals.approvals(filed.id) == []
        told = {"comment": None, "second_factor": True}
        proposals.add_approval(filed.id, approver="bob", decision="approved", at=AT, **told)
        proposals.add_approval(
            filed.id, approver="cid", decision="rejected", at=LATER, comment="no", second_factor=False
        )
        with pytest.raises(InputError, match="bob has decided on proposal 1 already"):
            proposals.add_approval(filed.id, approver="bob", decision="rejected", at=LATER, **told)
        found = [tuple(asdict(approval).values()) for approval in proposals.approvals(filed.id)]
    assert found == [("bob", "approved", None, True, AT), ("cid", "rejected", "no", False, LATER)]


def test_a_request_is_found_again_by_its_key(store: Store) -> None:
    with store.begin() as transaction:
        transaction.requests.put("k" * 64, "approve", "b" * 64, {"change_id": "c1", "rate": float("inf")}, AT)
        assert transaction.requests.find("x" * 64) is None
    with store.reading() as transaction:
        found = transaction.requests.find("k" * 64)
    assert found == RequestRecord(action="approve", body_digest="b" * 64, answer={"change_id": "c1", "rate": None})
    with pytest.raises(InputError), store.begin() as transaction:
        transaction.requests.put("k" * 64, "reject", "c" * 64, {}, AT)


def test_a_setting_is_set_and_taken_away(store: Store) -> None:
    with store.begin() as transaction:
        assert transaction.settings.get("solo") is None
        for value in (True, False, {"a": [1, "é"]}, "text", 0):
            transaction.settings.set("solo", value, AT)
            assert transaction.settings.get("solo") == value
        transaction.settings.set("other", 1, AT)
        transaction.settings.set("solo", None, AT)
        assert (transaction.settings.get("solo"), transaction.settings.get("other")) == (None, 1)


def _run(store: Store, service: str, digest: str, days: int = 0) -> int:
    from dataclasses import replace

    run = replace(new_run(service, digest=digest), as_of=AS_OF + timedelta(days=days))
    with store.begin() as transaction:
        transaction.record(run, at=AT)
        found = transaction.run(service, run.input_digest)
    assert found is not None
    return found.id


def test_the_first_answer_stays(store: Store) -> None:
    run = _run(store, "a", "1")
    with store.begin() as transaction:
        answers = transaction.answers
        answers.put(run, "analysis", "{}", {"rate": 0.1 + 0.2}, AT)
        answers.put(run, "analysis", "{}", {"rate": 1}, AT)
        assert answers.get(run, "analysis", "{}") == {"rate": 0.1 + 0.2}
        assert answers.get(run, "recommendation", "{}") is answers.get(run, "analysis", "{x}") is None


def test_the_answer_of_each_services_latest_period(store: Store) -> None:
    old, new, other = _run(store, "a", "2", days=1), _run(store, "a", "1", days=0), _run(store, "b", "1")
    bare = _run(store, "b", "2", days=9)
    with store.begin() as transaction:
        answers = transaction.answers
        for run in (new, old, other):
            answers.put(run, "recommendation", "balanced", {"run": run}, AT)
        answers.put(old, "recommendation", "bold", {"run": "bold"}, AT)
        answers.put(bare, "analysis", "balanced", {"run": bare}, AT)
        found = answers.latest("recommendation")
        assert {service: answer["run"] for service, (_, answer) in found.items()} == {"a": old, "b": other}
        assert found["a"][0] == transaction.latest_runs()["a"]
        assert found["b"][0] != transaction.latest_runs()["b"]  # which has no such answer
        assert {key: answer for key, (_, answer) in answers.latest("recommendation", "bold").items()} == {
            "a": {"run": "bold"}
        }
        assert answers.latest("analysis", "bold") == {}


def test_a_prediction_that_rests_on_no_report(store: Store, made: Place) -> None:
    values = {
        "service_type": "a", "current_threshold": None, "proposed_threshold": 0.0015, "confidence_score": 0.9,
        "implementation_risk": "low", "risk_factors": [{"name": "thin data"}], "mitigation_strategies": ("wait",),
    }  # fmt: skip
    with store.begin() as transaction:
        number = transaction.add_prediction(values)
        transaction.changes.mark_implemented(number, LATER)
    with store.reading() as transaction:
        found = transaction.prediction(number)
        assert transaction.prediction(99) is None
    told = {name: found[name] for name in values}
    assert told == values | {"mitigation_strategies": ["wait"]}
    assert (found["implemented_at"], found["evaluated_at"]) == (LATER, None)


def test_experiments_that_run_are_told(store: Store, made: Place) -> None:
    for number, (status, service) in enumerate([("running", "a"), ("planning", "a"), ("running", "b")]):
        made.run(
            "INSERT INTO sla_optimization_experiments (experiment_id, experiment_name, service_type,"
            " control_threshold, test_threshold, status)"
            f" VALUES ('test-{number}', 'x', '{service}', 1, 2, '{status}')"
        )
    with store.reading() as transaction:
        assert transaction.running_experiments("a") == ["test-0"]
        assert transaction.running_experiments("c") == []


def test_the_version_tells_that_something_happened(store: Store) -> None:
    def version() -> tuple[int, ...]:
        with store.reading() as transaction:
            return transaction.version()

    assert version() == (0, 0, 0)
    run = _run(store, "a", "1")
    assert version() == (0, run, 0)
    with store.begin() as transaction:
        transaction.audit.append("propose", actor="ann", details={}, at=AT)
    assert version() == (1, run, 0)


def test_a_service_is_configured(store: Store) -> None:
    add_service(store, "a", 0.3, unit="ms")
    with store.begin() as transaction:
        found = transaction.configure("a", auto_adjust=True, optimization_enabled=False, min_threshold=0.1)
        assert (found.auto_adjust, found.state, found.min_threshold, found.unit) == (True, "disabled", 0.1, "ms")
        found = transaction.configure("a", max_threshold=2.5)
        assert (found.min_threshold, found.max_threshold, found.threshold) == (0.1, 2.5, 0.3)
        found = transaction.configure("a", min_threshold=None, auto_adjust=False)
        assert (found.min_threshold, found.max_threshold, found.auto_adjust) == (None, 2.5, False)
        assert transaction.configure("a") == found
        with pytest.raises(InputError, match=r"the least threshold, 3 s, exceeds the greatest, 2\.5 s"):
            transaction.configure("a", min_threshold=3)
        with pytest.raises(InputError, match="cannot hold; widen the column"):
            transaction.configure("a", min_threshold=1e-12)
        with pytest.raises(InputError, match="x is not in the store; slaopt services add"):
            transaction.configure("x", auto_adjust=True)


def test_text_that_is_none_is_refused_and_not_a_bug(store: Store, kind: str) -> None:
    with pytest.raises(InputError, match="holds what is no character"), store.begin() as transaction:
        transaction.proposals.add(new_proposal(reason="\ud800"), change_id="c1", at=AT)
    with pytest.raises(InputError, match="holds what is no character"), store.begin() as transaction:
        transaction.audit.append("propose", actor="ann", details={"comment": "\udfff"}, at=AT)
    if kind == "postgresql":
        for text in ({"reason": "a\x00b"}, {"assessment": {"a": "\x00"}}):
            with pytest.raises(InputError, match="the database says"), store.begin() as transaction:
                transaction.proposals.add(new_proposal(**text), change_id="c1", at=AT)
