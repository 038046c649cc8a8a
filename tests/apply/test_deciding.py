"""Approving: who may, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import json
from datetime import timedelta

import pyotp
import pytest

from slaopt.apply import (
    WATCH,
    Actor,
    CodeError,
    ForbiddenError,
    UnknownError,
    approve,
    commit,
    reject,
    verify_audit,
    withdraw,
)
from slaopt.apply.actor import SOLO
from slaopt.apply.cases import read_case
from slaopt.errors import InputError, RefusedError, StaleError
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
    CID,
    CRITICAL,
    DORA,
    NOW,
    ONE_IS_ENOUGH,
    SERVICE,
    THEN,
    TWO_ARE_NEEDED,
    VIC,
    Grounds,
    refused,
    set_threshold,
)

LATER = AT + timedelta(hours=3)


def refused_code(ground: Grounds, code: str) -> None:
    """A wrong code leaves all as it was, and is in the audit log."""
    before = ground.written()
    with pytest.raises(CodeError, match="wrong or was used"):
        approve(ground.ledger, ground.proposed().id, actor=BOB, at=AT, code=code)
    assert {**ground.written(), "sla_audit_log": before["sla_audit_log"]} == before
    assert ("bob", "refuse code") in ground.actions()[len(before["sla_audit_log"]) :]


def test_an_approval_brings_the_threshold_into_force_with_all_that_belongs_to_it(either: Grounds) -> None:
    filed = either.proposed()
    outcome = approve(either.ledger, filed.id, actor=BOB, at=LATER, comment=" looks right ")
    assert outcome.proposal is not None
    assert outcome.change is not None
    assert (outcome.proposal.state, outcome.repeated) == ("committed", False)
    change = outcome.change
    assert (change.change_id, change.threshold, change.previous) == (filed.change_id, THEN, NOW)
    assert (change.implemented_by, change.implemented_at, change.in_force) == ("bob", LATER, True)
    assert change.performance_impact is not None
    assert change.performance_impact["predicted"]["then"]["threshold"] == THEN
    assert change.confidence == filed.assessment["confidence_score"]
    assert either.threshold() == THEN
    assert either.place.rows("SELECT approver, decision, comment FROM sla_approvals") == [
        ("bob", "approved", "looks right")
    ]
    with either.store.reading() as transaction:
        entries = list(transaction.audit.entries())
        assert filed.prediction_id is not None
        prediction = transaction.prediction(filed.prediction_id)
    assert prediction is not None
    assert prediction["implemented_at"] == LATER
    assert [(entry.actor, entry.action, entry.service) for entry in entries] == [
        ("ann", "propose", SERVICE), ("bob", "approve", SERVICE), ("bob", "commit", SERVICE),
    ]  # fmt: skip
    assert (entries[2].details["from"], entries[2].details["to"]) == (NOW, THEN)
    assert "solo" not in entries[2].details
    assert verify_audit(either.ledger).status == "intact"


def test_a_second_click_changes_nothing_and_shows_the_same_change(ground: Grounds) -> None:
    filed = ground.proposed()
    first = approve(ground.ledger, filed.id, actor=BOB, at=AT)
    before = ground.written()
    for actor in (BOB, CID):
        again = approve(ground.ledger, filed.id, actor=actor, at=LATER)
        assert again.repeated
        assert again.change == first.change
    assert ground.written() == before


def test_a_request_key_answers_the_same_request_and_refuses_another(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    first = approve(two.ledger, filed.id, actor=BOB, at=AT, key="k")
    before = two.written()
    again = approve(two.ledger, filed.id, actor=BOB, at=LATER, key="k")
    assert (again.repeated, again.sentence, again.proposal) == (True, first.sentence, first.proposal)
    with pytest.raises(RefusedError, match="use a new key"):
        approve(two.ledger, filed.id, actor=BOB, at=LATER, key="k", comment="another")
    with pytest.raises(RefusedError, match="use a new key"):
        reject(two.ledger, filed.id, actor=BOB, at=LATER, key="k", reason="no")
    assert two.written() == before
    assert approve(two.ledger, filed.id, actor=CID, at=LATER, key="k").change is not None  # everybody's own keys


@pytest.mark.parametrize("key", ["", " ", "k" * 201, "a\0b", "\ud800"])
def test_a_key_that_makes_no_sense_is_refused(ground: Grounds, key: str) -> None:
    ground.proposed()
    refused(ground, InputError, "request key", key=key)


@pytest.mark.parametrize("actor", [VIC, ANN, Actor("nobody", None)])
def test_who_has_not_the_right_cannot_approve(ground: Grounds, actor: Actor) -> None:
    ground.proposed(actor=BOB)
    refused(ground, ForbiddenError, "takes an approver", actor=actor)


@pytest.mark.parametrize("name", ["bob", "BOB", "Bob"])
def test_four_eyes_whatever_the_case_of_the_name(ground: Grounds, name: str) -> None:
    ground.proposed(actor=BOB)
    ground.place.run(f"UPDATE sla_proposals SET proposed_by = '{name}'")
    refused(ground, ForbiddenError, "four eyes")
    assert approve(ground.ledger, 1, actor=CID, at=AT).change is not None


def test_a_user_who_is_gone_disabled_or_demoted_meanwhile_cannot_approve(ground: Grounds) -> None:
    ground.proposed()
    refused(ground, ForbiddenError, "no active user", actor=Actor("eve", "admin"))
    with ground.store.begin() as transaction:
        transaction.people.set_role("bob", "analyst")
        transaction.people.set_active("cid", False)
    refused(ground, ForbiddenError, "takes an approver", actor=BOB)
    refused(ground, ForbiddenError, "no active user", actor=CID)


def test_a_significant_change_takes_two_and_not_the_same_one_twice(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    assert (filed.needs.approvals, filed.needs.significance) == (2, "significant")
    first = approve(two.ledger, filed.id, actor=BOB, at=AT)
    assert first.proposal is not None
    assert (first.change, first.proposal.state) == (None, "proposed")
    assert two.threshold() == NOW
    refused(two, ForbiddenError, "bob has decided")
    second = approve(two.ledger, filed.id, actor=CID, at=LATER)
    assert second.change is not None
    assert second.change.implemented_by == "cid"
    assert two.actions()[1:] == [("bob", "approve"), ("cid", "approve"), ("cid", "commit")]


def test_what_the_first_of_two_wants_held_the_second_brings_into_force_for_nobody(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    approve(two.ledger, filed.id, actor=BOB, at=AT, hold=True)
    second = approve(two.ledger, filed.id, actor=CID, at=LATER)
    assert second.proposal is not None
    assert (second.change, second.proposal.state, two.threshold()) == (None, "approved", NOW)
    assert commit(two.ledger, filed.id, actor=BOB, at=LATER).change is not None


@pytest.mark.parametrize("loss", ["disabled", "viewer", "analyst"])
def test_whoever_may_approve_no_more_is_not_one_of_the_two(ground: Grounds, loss: str) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    approve(two.ledger, filed.id, actor=BOB, at=AT)
    with two.store.begin() as transaction:
        if loss == "disabled":
            transaction.people.set_active("bob", False)
        else:
            transaction.people.set_role("bob", loss)  # type: ignore[arg-type]
    assert approve(two.ledger, filed.id, actor=CID, at=AT).change is None
    change = approve(two.ledger, filed.id, actor=DORA, at=AT).change
    assert change is not None
    with two.store.begin() as transaction:
        transaction.people.set_active("dora", False)
    with two.store.reading() as transaction:
        case = read_case(transaction, two.ledger, filed.id)
    assert ("dora" in case.approved_by, case.missing) == (True, 0)  # what was decided once stays decided


def test_what_was_held_waits_again_where_its_approver_is_disabled(ground: Grounds) -> None:
    filed = ground.proposed()
    approve(ground.ledger, filed.id, actor=BOB, at=AT, hold=True)
    with ground.store.begin() as transaction:
        transaction.people.set_active("bob", False)
    with pytest.raises(RefusedError, match="one more person"):
        commit(ground.ledger, filed.id, actor=CID, at=AT)
    with pytest.raises(RefusedError, match="one more person"):
        commit(ground.ledger, filed.id, actor=WATCH, at=AT)
    outcome = approve(ground.ledger, filed.id, actor=CID, at=AT)
    assert outcome.change is not None
    assert outcome.change.implemented_by == "cid"


def test_an_approval_without_a_code_does_not_count_where_a_change_has_become_critical(ground: Grounds) -> None:
    filed = ground.proposed()
    approve(ground.ledger, filed.id, actor=BOB, at=AT, hold=True)
    critical = ground.with_rules(CRITICAL)
    with pytest.raises(RefusedError, match="one more person"):
        commit(critical.ledger, filed.id, actor=DORA, at=AT)
    factor = enrolled(critical, "cid")
    assert approve(critical.ledger, filed.id, actor=CID, at=AT, code=factor.at(AT)).change is not None


def test_the_proposer_is_not_one_of_the_two(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed(actor=BOB)
    approve(two.ledger, filed.id, actor=CID, at=AT)
    refused(two, ForbiddenError, "four eyes")
    assert approve(two.ledger, filed.id, actor=DORA, at=AT).change is not None


def test_rules_that_became_stricter_hold_for_what_was_filed_before_and_never_looser(ground: Grounds) -> None:
    filed = ground.proposed()
    assert filed.needs.approvals == 1
    strict = ground.with_rules(TWO_ARE_NEEDED)
    assert approve(strict.ledger, filed.id, actor=BOB, at=AT).change is None
    loose = ground.with_rules(ONE_IS_ENOUGH)
    assert commit(loose.ledger, filed.id, actor=CID, at=AT).change is not None  # it was filed when one was enough


def test_rules_that_became_looser_do_not_hold_for_what_was_filed_before(ground: Grounds) -> None:
    filed = ground.with_rules(TWO_ARE_NEEDED).proposed()
    assert approve(ground.ledger, filed.id, actor=BOB, at=AT).change is None
    with pytest.raises(RefusedError, match="one more person"):
        commit(ground.ledger, filed.id, actor=CID, at=AT)


def test_a_request_key_is_of_one_action(ground: Grounds) -> None:
    filed = ground.proposed(actor=DORA)
    withdraw(ground.ledger, filed.id, actor=DORA, at=AT, reason="no", key="k")
    with pytest.raises(RefusedError, match="something else was asked for"):
        reject(ground.ledger, filed.id, actor=DORA, at=AT, reason="no", key="k")


def test_each_change_appends_the_head_of_the_audit_log_to_its_file(ground: Grounds) -> None:
    filed = ground.proposed()
    approve(ground.ledger, filed.id, actor=BOB, at=AT)
    assert ground.ledger.heads is not None
    lines = [json.loads(line) for line in ground.ledger.heads.read_text().splitlines()]
    assert [line["number"] for line in lines] == [1, 3]
    assert ground.ledger.heads.stat().st_mode & 0o777 == 0o600


def test_solo_one_proposes_and_approves_and_every_entry_says_so(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    alone = Actor("eve", "admin", os_user="eve", solo=True)
    filed = two.proposed()
    refused(two, ForbiddenError, "not in solo mode", actor=alone)
    with two.store.begin() as transaction:
        transaction.settings.set(SOLO, True, AT)
    reject(two.ledger, filed.id, actor=alone, at=AT, reason="to propose it myself")
    two.place.run("DELETE FROM sla_approvals", "DELETE FROM sla_proposals")
    mine = two.proposed(actor=alone)
    assert mine.needs.approvals == 0
    outcome = approve(two.ledger, mine.id, actor=alone, at=AT)
    assert outcome.change is not None
    assert outcome.change.implemented_by == "eve"
    with two.store.reading() as transaction:
        entries = list(transaction.audit.entries())
    assert all(entry.details["solo"] is True and entry.details["os_user"] == "eve" for entry in entries[1:])


def test_what_was_proposed_alone_needs_others_once_solo_mode_is_off(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    with two.store.begin() as transaction:
        transaction.settings.set(SOLO, True, AT)
    filed = two.proposed(actor=Actor("ann", "admin", solo=True))
    assert filed.needs.approvals == 0
    with two.store.begin() as transaction:
        transaction.settings.set(SOLO, None, AT)
        transaction.people.set_role("ann", "admin")
    refused(two, ForbiddenError, "four eyes", actor=Actor("ann", "admin"))
    assert approve(two.ledger, filed.id, actor=BOB, at=AT).change is None
    assert approve(two.ledger, filed.id, actor=CID, at=AT).change is not None


def enrolled(ground: Grounds, name: str) -> pyotp.TOTP:
    secret = pyotp.random_base32()
    with ground.store.begin() as transaction:
        transaction.people.set_second_factor(name, secret)
    return pyotp.TOTP(secret)


def test_a_critical_change_takes_a_code_that_works_once(ground: Grounds) -> None:
    critical = ground.with_rules(CRITICAL)
    filed = critical.proposed()
    assert (filed.needs.second_factor, filed.needs.approvals) == (True, 1)
    refused(critical, CodeError, "which bob has not")
    factor = enrolled(critical, "bob")
    code = factor.at(AT)
    refused(critical, CodeError, "give a code")
    wrong = "000000" if code != "000000" else "000001"
    refused_code(critical, wrong)
    assert critical.place.rows("SELECT failed_attempts FROM sla_users WHERE name = 'bob'") == [(1,)]  # it counts
    with critical.store.begin() as transaction:
        assert transaction.people.use_step("bob", int(AT.timestamp()) // 30)
    refused_code(critical, code)
    outcome = approve(critical.ledger, filed.id, actor=BOB, at=LATER, code=factor.at(LATER))
    assert outcome.change is not None
    assert [tuple(map(bool, row)) for row in critical.place.rows("SELECT second_factor FROM sla_approvals")] == [
        (True,)
    ]


def test_codes_cannot_be_guessed_without_end(ground: Grounds) -> None:
    critical = ground.with_rules(CRITICAL)
    critical.proposed()
    factor = enrolled(critical, "bob")
    wrong = "000000" if factor.at(AT) != "000000" else "000001"
    for _ in range(5):
        refused_code(critical, wrong)
    refused_code(critical, factor.at(AT))
    assert critical.actions()[1:] == [("bob", "refuse code")] * 5 + [("bob", "lock"), ("bob", "refuse code")]


def test_a_code_is_not_used_up_by_what_is_refused_anyway(ground: Grounds) -> None:
    critical = ground.with_rules(CRITICAL)
    filed = critical.proposed()
    code = enrolled(critical, "bob").at(AT)
    set_threshold(critical.place, SERVICE, 0.6)
    refused(critical, StaleError, "600 ms now", code=code)
    set_threshold(critical.place, SERVICE, NOW)
    assert approve(critical.ledger, filed.id, actor=BOB, at=AT, code=code).change is not None


def test_a_proposal_that_is_not_there(ground: Grounds) -> None:
    for call in (
        lambda: approve(ground.ledger, 77, actor=BOB, at=AT),
        lambda: commit(ground.ledger, 77, actor=BOB, at=AT),
        lambda: reject(ground.ledger, 77, actor=BOB, at=AT, reason="no"),
    ):
        with pytest.raises(UnknownError, match="no proposal 77"):
            call()


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "'; DROP TABLE sla_proposals; --", "zwei\nZeilen", "支付"]
)
def test_texts_are_kept_as_they_are(either: Grounds, text: str) -> None:
    filed = either.proposed()
    approve(either.ledger, filed.id, actor=BOB, at=AT, comment=text)
    assert either.place.rows("SELECT comment FROM sla_approvals") == [(text,)]
    assert verify_audit(either.ledger).status == "intact"


@pytest.mark.parametrize("text", ["a\0b", "\x1b[31m", "\ud800", "x" * 2001])
def test_texts_that_no_database_keeps_are_refused(ground: Grounds, text: str) -> None:
    ground.proposed()
    refused(ground, InputError, "the comment", comment=text)
