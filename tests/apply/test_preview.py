"""What a reviewer is shown, and what is adjusted without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slaopt.apply import Actor, ForbiddenError, Outcome, Preview, UnknownError, Wish, adjust, approve, request, schedule
from slaopt.apply.preview import preview
from slaopt.result import Skipped
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
    CID,
    CRITICAL,
    NOW,
    ONE_IS_ENOUGH,
    SERVICE,
    THEN,
    TWO_ARE_NEEDED,
    VIC,
    Grounds,
    set_threshold,
)


def shown(ground: Grounds, *, actor: Actor = BOB, number: int = 1, **later: Any) -> Preview:
    return preview(ground.ledger, number, actor=actor, at=AT + timedelta(**later))


def test_a_preview_shows_what_changes_and_what_is_foretold(ground: Grounds) -> None:
    filed = ground.proposed()
    found = shown(ground)
    told = filed.assessment
    assert found.headline == "login: raise the threshold from 500 ms to 700 ms"
    assert found.sentence == told["sentence"]
    rows = {row.name: row for row in found.rows}
    rate = rows["violation_rate"]
    assert rate.now is not None
    assert (rate.now.value, rate.then.value) == (told["now"]["violation_rate"], told["then"]["violation_rate"])
    assert rate.then.low is not None
    assert rate.then.high is not None
    assert rate.then.low <= rate.then.value <= rate.then.high
    assert rows["pages_per_week"].then.value == told["then"]["pages_per_week"]
    assert {"violations", "pages"} <= set(rows)
    assert found.rollback_criteria == tuple(told["rollback_criteria"])
    assert found.watch == told["watch"]["sentence"]
    assert [factor["name"] for factor in found.risk_factors]
    assert found.valid_until is not None
    assert (found.you_can, found.why_not, found.refusals) == (True, None, ())
    assert found.commands[0] == "slaopt approve 1"
    assert found.to_dict()["service_type"] == SERVICE


def test_a_preview_says_who_must_approve_and_whether_you_can(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    two.proposed(actor=BOB)
    assert shown(two).who_must == "2 people, other than bob, have to approve it."
    assert "four eyes" in str(shown(two).why_not)
    assert "takes an approver" in str(shown(two, actor=VIC).why_not)
    approve(two.ledger, 1, actor=CID, at=AT)
    found = shown(two, actor=CID)
    assert (found.who_must, found.approved_by, found.missing) == (
        "One person more, other than bob, has to approve it.", ("cid",), 1,
    )  # fmt: skip
    assert "cid has decided" in str(found.why_not)


def test_a_preview_says_that_a_second_factor_is_missing(ground: Grounds) -> None:
    critical = ground.with_rules(CRITICAL)
    critical.proposed()
    assert "second factor, which bob has not" in str(shown(critical).why_not)
    assert "with a second factor" in shown(critical).who_must


def test_a_preview_tells_all_that_stands_against_it(ground: Grounds) -> None:
    ground.proposed()
    set_threshold(ground.place, SERVICE, 0.65)
    ground.place.run("UPDATE sla_configurations SET max_threshold = 0.69")
    (ground.report / "report.html").write_text("other")
    found = shown(ground, days=8)
    for words in ("650 ms now", "greatest threshold", "good for 7 days", "tampered with"):
        assert any(words in refusal for refusal in found.refusals), words
    assert found.why_not == found.refusals[0]
    off = shown(ground.with_rules(ONE_IS_ENOUGH, enabled=False))
    assert off.refusals[0] == "slaopt is switched off: nothing can be changed."


def test_a_preview_of_what_is_decided_says_so(ground: Grounds) -> None:
    filed = ground.proposed()
    schedule(ground.ledger, filed.id, AT + timedelta(hours=1), actor=BOB, at=AT)
    assert str(shown(ground, actor=CID).why_not).startswith("It is scheduled for ")
    ground.place.run("UPDATE sla_proposals SET state = 'rejected'")
    assert (shown(ground).why_not, shown(ground).commands) == ("It is rejected.", ())


def test_a_preview_names_only_commands_that_would_not_be_refused(ground: Grounds) -> None:
    filed = ground.proposed()
    assert shown(ground).commands == (
        "slaopt approve 1", "slaopt approve 1 --at TIME", "slaopt reject 1 --reason TEXT",
    )  # fmt: skip
    assert shown(ground, actor=VIC).commands == ()
    assert shown(ground, actor=ANN).commands == ("slaopt withdraw 1",)
    schedule(ground.ledger, filed.id, AT + timedelta(hours=1), actor=BOB, at=AT)
    assert shown(ground).commands == ("slaopt reject 1 --reason TEXT",)
    assert shown(ground, hours=2).commands == ("slaopt commit 1", "slaopt reject 1 --reason TEXT")


def test_who_may_look(ground: Grounds) -> None:
    ground.proposed()
    assert not shown(ground, actor=VIC).you_can
    with pytest.raises(ForbiddenError):
        shown(ground, actor=Actor("eve", "admin"))
    with pytest.raises(UnknownError):
        shown(ground, number=7)


def test_a_preview_writes_nothing(ground: Grounds) -> None:
    ground.proposed()
    before = ground.written()
    shown(ground)
    assert ground.written() == before


def low_risk(ground: Grounds, *, auto_adjust: bool = True) -> Grounds:
    """A proposal of low risk, of a service that adjusts by itself."""
    ground.proposed()
    ground.place.run(
        f"UPDATE sla_configurations SET auto_adjust = {str(auto_adjust).lower()}",
        'UPDATE sla_proposals SET assessment = replace(assessment, \'"implementation_risk": "medium"\', '
        '\'"implementation_risk": "low"\')',
    )
    return ground


def test_a_service_that_adjusts_itself_commits_what_is_routine_and_of_low_risk(ground: Grounds) -> None:
    (outcome,) = adjust(low_risk(ground).ledger, at=AT)
    assert isinstance(outcome, Outcome)
    assert outcome.change is not None
    assert (outcome.change.implemented_by, ground.threshold()) == ("auto", THEN)
    assert ground.actions()[1:] == [("auto", "approve"), ("auto", "commit")]
    assert adjust(ground.ledger, at=AT) == []


def test_what_is_not_marked_or_not_routine_waits_for_people(ground: Grounds) -> None:
    low_risk(ground, auto_adjust=False)
    assert adjust(ground.ledger, at=AT) == []
    ground.place.run("UPDATE sla_configurations SET auto_adjust = true")
    for rules in (TWO_ARE_NEEDED, CRITICAL):
        assert adjust(ground.with_rules(rules).ledger, at=AT) == []
    ground.place.run("UPDATE sla_proposals SET assessment = replace(assessment, '\"low\"', '\"medium\"')")
    assert adjust(ground.ledger, at=AT) == []
    assert ground.threshold() == NOW


def test_the_same_rules_hold_for_what_adjusts_itself(ground: Grounds) -> None:
    low_risk(ground)
    set_threshold(ground.place, SERVICE, 0.65)
    (found,) = adjust(ground.ledger, at=AT)
    assert isinstance(found, Skipped)
    assert "650 ms now" in found.reason
    set_threshold(ground.place, SERVICE, NOW)
    (ground.report / "report.html").write_text("other")
    (found,) = adjust(replace(ground.ledger, verify=None), at=AT)
    assert isinstance(found, Skipped)
    assert "tampered with" in found.reason
    assert ground.threshold() == NOW


def test_what_a_person_asks_for_always_takes_another_person(ground: Grounds) -> None:
    request(ground.ledger, Wish(service=SERVICE, threshold=0.52), actor=ANN, at=AT)
    ground.place.run(
        "UPDATE sla_configurations SET auto_adjust = true",
        "UPDATE sla_proposals SET assessment = replace(assessment, '\"medium\"', '\"low\"')",
    )
    assert adjust(ground.ledger, at=AT) == []
