"""Bringing into force: what was held, what was scheduled, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slaopt.apply import (
    WATCH,
    ForbiddenError,
    TransitionError,
    approve,
    commit,
    schedule,
)
from slaopt.errors import InputError, RefusedError
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
    CID,
    NOW,
    THEN,
    TWO_ARE_NEEDED,
    Grounds,
    refused,
)

LATER = AT + timedelta(hours=3)


def test_a_held_proposal_is_committed_later(ground: Grounds) -> None:
    filed = ground.proposed()
    held = approve(ground.ledger, filed.id, actor=BOB, at=AT, hold=True)
    assert held.proposal is not None
    assert (held.proposal.state, ground.threshold()) == ("approved", NOW)
    with pytest.raises(ForbiddenError, match="takes an approver"):
        commit(ground.ledger, filed.id, actor=ANN, at=AT)
    outcome = commit(ground.ledger, filed.id, actor=CID, at=LATER, key="k")
    assert outcome.change is not None
    assert (outcome.change.implemented_by, ground.threshold()) == ("bob", THEN)
    assert commit(ground.ledger, filed.id, actor=CID, at=LATER, key="k").repeated


def test_what_is_not_approved_is_not_committed(ground: Grounds) -> None:
    filed = ground.proposed()
    before = ground.written()
    for actor in (BOB, WATCH):
        with pytest.raises(RefusedError, match="not approved yet"):
            commit(ground.ledger, filed.id, actor=actor, at=AT)
    assert ground.written() == before


def test_a_scheduled_change_comes_when_it_is_due_and_not_before(ground: Grounds) -> None:
    filed = ground.proposed()
    planned = schedule(ground.ledger, filed.id, LATER, actor=BOB, at=AT)
    assert planned.proposal is not None
    assert (planned.proposal.state, planned.proposal.scheduled_at) == ("scheduled", LATER)
    assert ground.threshold() == NOW
    with pytest.raises(RefusedError, match="due on"):
        commit(ground.ledger, filed.id, actor=WATCH, at=LATER - timedelta(seconds=1))
    refused(ground, TransitionError, "is scheduled for", actor=CID)
    outcome = commit(ground.ledger, filed.id, actor=WATCH, at=LATER)
    assert outcome.change is not None
    assert outcome.change.implemented_by == "bob"
    assert ground.actions()[1:] == [("bob", "approve"), ("bob", "schedule"), ("watch", "commit")]


def test_the_time_that_the_first_approver_sets_holds_when_the_second_approves(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    assert schedule(two.ledger, filed.id, LATER, actor=BOB, at=AT).proposal.state == "proposed"  # type: ignore[union-attr]
    second = approve(two.ledger, filed.id, actor=CID, at=AT)
    assert second.proposal is not None
    assert (second.proposal.state, second.proposal.scheduled_at) == ("scheduled", LATER)


def test_a_time_that_has_come_before_the_last_approval_is_no_time_to_wait_for(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    schedule(two.ledger, filed.id, LATER, actor=BOB, at=AT)
    assert approve(two.ledger, filed.id, actor=CID, at=LATER).change is not None


def test_a_held_proposal_can_be_scheduled_by_the_same_approver(ground: Grounds) -> None:
    filed = ground.proposed()
    approve(ground.ledger, filed.id, actor=BOB, at=AT, hold=True)
    assert schedule(ground.ledger, filed.id, LATER, actor=BOB, at=AT).proposal.state == "scheduled"  # type: ignore[union-attr]


def test_whoever_sets_the_time_of_what_was_approved_has_not_approved_it(ground: Grounds) -> None:
    filed = ground.proposed(actor=BOB)
    approve(ground.ledger, filed.id, actor=CID, at=AT, hold=True)
    told = schedule(ground.ledger, filed.id, LATER, actor=BOB, at=AT, comment="at night").sentence
    assert told.startswith("Approved by cid, for ")
    assert ground.place.rows("SELECT approver FROM sla_approvals") == [("cid",)]
    assert ground.actions()[1:] == [("cid", "approve"), ("bob", "schedule")]
    change = commit(ground.ledger, filed.id, actor=WATCH, at=LATER).change
    assert change is not None
    assert change.implemented_by == "cid"


def test_a_time_that_has_passed_or_lies_beyond_the_report_is_refused(ground: Grounds) -> None:
    filed = ground.proposed()
    before = ground.written()
    with pytest.raises(InputError, match="has passed"):
        schedule(ground.ledger, filed.id, AT, actor=BOB, at=AT)
    with pytest.raises(RefusedError, match="will be too old"):
        schedule(ground.ledger, filed.id, AT + timedelta(days=8), actor=BOB, at=AT)
    assert ground.written() == before
