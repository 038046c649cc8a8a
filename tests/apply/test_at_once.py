"""Fifty approvals of one proposal at once, by processes of their own: one commit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from slaopt.apply import verify_audit
from tests.apply.builders import AT, BOB, SERVICE, THEN, TWO_ARE_NEEDED, Grounds
from tests.apply.crashing import Crashing, Done, Job

MANY = 50


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    started = Crashing(tmp_path_factory.mktemp("at-once"))
    yield started
    started.stop()


@pytest.fixture
def approvers(either: Grounds) -> list[str]:
    names = [f"p{number:02}" for number in range(MANY)]
    with either.store.begin() as transaction:
        for name in names:
            transaction.people.add(name, role="approver", at=AT)
    return names


def all_at_once(ground: Grounds, processes: Crashing, asked: list[tuple[str, str]]) -> list[Done]:
    """Let each actor approve under a key, all beginning at one moment."""
    assert ground.ledger.heads is not None
    job = Job(ground.place.address, str(ground.ledger.reports), str(ground.ledger.heads), "approve", 1)
    begin = time.time() + 1.0
    started = [processes.start(replace(job, actor=actor, key=key, begin=begin)) for actor, key in asked]
    return [processes.wait(pid) for pid in started]


def one_commit(ground: Grounds, done: list[Done]) -> None:
    assert [one.signal for one in done] == [0] * MANY
    answers = [one.answer for one in done]
    assert sorted(repeated for repeated, _ in answers) == [False] + [True] * (MANY - 1)
    (change,) = {change for _, change in answers}
    assert ground.threshold() == THEN
    assert ground.place.rows("SELECT change_id FROM sla_changes") == [(change,)]
    assert ground.place.rows("SELECT count(*) FROM sla_approvals") == [(1,)]
    assert ground.place.rows("SELECT count(*) FROM sla_threshold_history") == [(1,)]
    assert [action for _, action in ground.actions()] == ["propose", "approve", "commit"]
    assert verify_audit(ground.ledger).status == "intact"


def test_fifty_approvers_at_once(either: Grounds, processes: Crashing, approvers: list[str]) -> None:
    either.proposed()
    one_commit(either, all_at_once(either, processes, [(name, "k") for name in approvers]))


def test_fifty_clicks_of_one_approver_at_once(either: Grounds, processes: Crashing) -> None:
    either.proposed()
    one_commit(either, all_at_once(either, processes, [(BOB.name, "k")] * MANY))
    assert either.place.rows("SELECT count(*) FROM sla_requests") == [(1,)]


def test_of_fifty_at_once_two_are_enough_where_two_are_needed(
    either: Grounds, processes: Crashing, approvers: list[str]
) -> None:
    filed = either.with_rules(TWO_ARE_NEEDED).proposed()
    assert filed.needs.approvals == 2
    done = all_at_once(either, processes, [(name, "k") for name in approvers])
    assert [one.signal for one in done] == [0] * MANY
    assert [action for _, action in either.actions()] == ["propose", "approve", "approve", "commit"]
    assert either.place.rows("SELECT count(*) FROM sla_approvals") == [(2,)]
    assert either.place.rows(f"SELECT count(*) FROM sla_changes WHERE service_type = '{SERVICE}'") == [(1,)]
    assert verify_audit(either.ledger).status == "intact"
