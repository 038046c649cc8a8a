"""Rollbacks: the value before comes back, and nobody's newer decision is overwritten."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slaopt.apply import (
    WATCH,
    Actor,
    ForbiddenError,
    TransitionError,
    UnknownError,
    approve,
    commit,
    rollback,
    verify_audit,
)
from slaopt.errors import InputError, RefusedError, StaleError
from slaopt.store import settle
from slaopt.store.records import ChangeRecord
from tests.apply.builders import ANN, AT, BOB, CID, CRITICAL, NOW, SERVICE, THEN, Grounds, book_of, set_threshold

LATER = AT + timedelta(hours=3)


def committed(ground: Grounds) -> ChangeRecord:
    change = approve(ground.ledger, ground.proposed().id, actor=BOB, at=AT).change
    assert change is not None
    return change


def back(ground: Grounds, change_id: str, *, actor: Actor = CID, reason: str = "too many pages") -> ChangeRecord:
    outcome = rollback(ground.ledger, change_id, reason=reason, actor=actor, at=LATER)
    assert outcome.change is not None
    return outcome.change


def test_a_rollback_restores_the_value_before(either: Grounds) -> None:
    change = committed(either)
    fired = [{"rule": "burn_rate >= 6 over 6h", "value": 7.5}]
    outcome = rollback(either.ledger, change.change_id, reason="burning", actor=WATCH, at=LATER, fired=fired)
    assert outcome.change is not None
    assert outcome.proposal is not None
    assert (outcome.change.kind, outcome.change.threshold, outcome.change.previous) == ("rollback", NOW, THEN)
    assert (outcome.change.undoes, outcome.change.implemented_by) == (change.change_id, "watch")
    assert (outcome.proposal.state, either.threshold()) == ("rolled_back", NOW)
    with either.store.reading() as transaction:
        head = transaction.audit.head()
        undone = transaction.changes.get(change.change_id)
    assert head is not None
    assert (head.action, head.details["reason"], head.details["fired"]) == ("roll back", "burning", fired)
    assert undone is not None
    assert (undone.undone_by, undone.in_force) == (outcome.change.change_id, False)
    assert verify_audit(either.ledger).status == "intact"


def test_a_rollback_can_be_rolled_back_and_that_again(ground: Grounds) -> None:
    change = committed(ground)
    first = back(ground, change.change_id)
    second = back(ground, first.change_id)
    assert (second.threshold, second.undoes, ground.threshold()) == (THEN, first.change_id, THEN)
    with ground.store.reading() as transaction:
        assert transaction.proposals.list()[0].state == "committed"
    with pytest.raises(StaleError, match=f"{second.change_id} by cid is newer"):
        back(ground, change.change_id)  # it is in force again, but by another change
    third = back(ground, second.change_id)
    assert (third.threshold, ground.threshold()) == (NOW, NOW)
    with ground.store.reading() as transaction:
        assert transaction.proposals.list()[0].state == "rolled_back"


def test_what_could_not_be_approved_now_is_not_brought_back(ground: Grounds) -> None:
    change = committed(ground)
    first = back(ground, change.change_id)
    with ground.store.begin() as transaction:
        transaction.configure(SERVICE, max_threshold=0.6)
    before = ground.written()
    with pytest.raises(RefusedError, match="more than the greatest threshold allowed, 600 ms"):
        back(ground, first.change_id)
    with ground.store.begin() as transaction:
        transaction.configure(SERVICE, max_threshold=5.0)
    with pytest.raises(RefusedError, match="was critical, so it is not brought back by one person: slaopt update-thr"):
        back(ground.with_rules(CRITICAL), first.change_id)
    after = ground.written()
    assert {name: after[name] for name in after if name != "sla_configurations"} == {
        name: before[name] for name in before if name != "sla_configurations"
    }


def test_a_second_click_rolls_back_once(ground: Grounds) -> None:
    change = committed(ground)
    first = back(ground, change.change_id)
    before = ground.written()
    again = rollback(ground.ledger, change.change_id, reason="again", actor=BOB, at=LATER)
    assert (again.repeated, again.change) == (True, first)
    assert ground.written() == before


def test_a_request_key_rolls_back_once_even_where_the_rollback_was_rolled_back(ground: Grounds) -> None:
    change = committed(ground)
    first = rollback(ground.ledger, change.change_id, reason="r", actor=CID, at=LATER, key="k")
    assert first.change is not None
    back(ground, first.change.change_id)
    again = rollback(ground.ledger, change.change_id, reason="r", actor=CID, at=LATER, key="k")
    assert again.repeated
    assert again.change is not None
    assert (again.change.change_id, ground.threshold()) == (first.change.change_id, THEN)


@pytest.mark.parametrize("noticed", [False, True])
def test_a_newer_manual_change_stays_and_is_shown(either: Grounds, noticed: bool) -> None:
    change = committed(either)
    set_threshold(either.place, SERVICE, 0.8)
    if noticed:
        settle(either.store, either.ledger.book, [SERVICE], at=LATER)
    with pytest.raises(StaleError, match=r"set to 800 ms.*outside slaopt.*700 ms.*stays"):
        back(either, change.change_id, actor=WATCH)
    assert either.threshold() == 0.8
    assert either.actions()[-1] == ("watch", "refuse rollback")
    count = len(either.actions())
    with pytest.raises(StaleError):
        back(either, change.change_id, actor=WATCH)
    assert len(either.actions()) == count  # said once, however often the watch looks


def test_a_manual_change_to_the_same_value_is_a_newer_decision_too(ground: Grounds) -> None:
    change = committed(ground)
    for threshold in (0.8, THEN):
        set_threshold(ground.place, SERVICE, threshold)
        settle(ground.store, book_of(ground.ledger.book.default.approvals), [SERVICE], at=LATER)
    with pytest.raises(StaleError, match="newer and stays"):
        back(ground, change.change_id)
    assert ground.threshold() == THEN


def test_who_may_roll_back(ground: Grounds) -> None:
    change = committed(ground)
    with pytest.raises(ForbiddenError, match="takes an approver"):
        back(ground, change.change_id, actor=ANN)
    with pytest.raises(InputError, match="reason"):
        back(ground, change.change_id, reason="  ")
    with pytest.raises(UnknownError, match="no change c-nothing"):
        back(ground, "c-nothing")
    assert ground.threshold() == THEN


def test_a_rollback_goes_back_also_where_bounds_or_the_service_were_changed_since(ground: Grounds) -> None:
    change = committed(ground)
    ground.place.run("UPDATE sla_configurations SET min_threshold = 0.6, optimization_enabled = false")
    assert back(ground, change.change_id).threshold == NOW


def test_the_off_switch_holds_for_rollbacks_too(ground: Grounds) -> None:
    change = committed(ground)
    off = ground.with_rules(ground.ledger.book.default.approvals, enabled=False)
    for actor in (CID, WATCH):
        with pytest.raises(RefusedError, match="switched off"):
            back(off, change.change_id, actor=actor)
    assert ground.threshold() == THEN


def test_what_was_rolled_back_cannot_be_approved_or_committed_again(ground: Grounds) -> None:
    change = committed(ground)
    back(ground, change.change_id)
    assert change.proposal_id is not None
    for call in (approve, commit):
        with pytest.raises(TransitionError, match="rolled back cannot be"):
            call(ground.ledger, change.proposal_id, actor=CID, at=LATER)
    assert ground.threshold() == NOW


def test_a_kept_change_can_still_be_rolled_back(ground: Grounds) -> None:
    change = committed(ground)
    with ground.store.begin() as transaction:
        (proposal,) = transaction.proposals.list()
        transaction.proposals.move(proposal, "kept", at=LATER)
    assert back(ground, change.change_id).threshold == NOW


def test_a_first_threshold_has_nothing_before_it(ground: Grounds) -> None:
    with ground.store.begin() as transaction:
        transaction.changes.set_threshold(
            "new", threshold=1.0, expected=None, change_id="c-first", kind="commit", by="bob", at=AT, reason=None,
            objective=0.99,
        )  # fmt: skip
    with pytest.raises(RefusedError, match="no threshold before"):
        back(ground, "c-first")
