"""A threshold that somebody asks for: assessed first, proposed, or an approval of what was proposed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from slaopt.apply import (
    Actor,
    CodeError,
    ForbiddenError,
    Outcome,
    Wish,
    approve,
    reject,
    request,
    rollback,
    schedule,
    verify_audit,
)
from slaopt.apply.actor import SOLO
from slaopt.errors import InputError, RefusedError, StaleError
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
    another_report,
    set_threshold,
)

LATER = AT + timedelta(hours=3)
EVE = Actor("eve", "admin", os_user="eve", solo=True)


def ask(ground: Grounds, threshold: float = 0.6, *, actor: Actor = ANN, key: str | None = None, **more: Any) -> Outcome:
    return request(
        ground.ledger, Wish(service=SERVICE, threshold=threshold, **more), actor=actor, at=AT, key=key
    )  # fmt: skip


def alone(ground: Grounds) -> Grounds:
    with ground.store.begin() as transaction:
        transaction.settings.set(SOLO, True, AT)
    return ground


def test_what_is_asked_for_is_assessed_and_waits_for_somebody_else(either: Grounds) -> None:
    outcome = ask(either, actor=BOB, reason="customers accept it")
    filed = outcome.proposal
    assert filed is not None
    assert (filed.origin, filed.state, filed.proposed_threshold, filed.proposed_by) == (
        "request", "proposed", 0.6, "bob",
    )  # fmt: skip
    assert (either.threshold(), outcome.change) == (NOW, None)
    assert filed.assessment["then"]["threshold"] == 0.6
    assert filed.assessment["implementation_risk"] in ("low", "medium", "high")
    assert filed.prediction_id is not None
    with either.store.reading() as transaction:
        prediction = transaction.prediction(filed.prediction_id)
    assert prediction is not None
    assert (prediction["current_threshold"], prediction["proposed_threshold"]) == (NOW, 0.6)
    with pytest.raises(ForbiddenError, match="four eyes"):
        approve(either.ledger, filed.id, actor=BOB, at=AT)
    committed = approve(either.ledger, filed.id, actor=CID, at=AT).change
    assert committed is not None
    assert (committed.change_id, committed.reason) == (filed.change_id, "customers accept it")
    assert verify_audit(either.ledger).status == "intact"


def test_asking_for_what_another_has_proposed_is_the_approval(ground: Grounds) -> None:
    filed = ground.proposed()
    outcome = ask(ground, THEN, actor=BOB, key="k")
    assert outcome.change is not None
    assert (outcome.change.change_id, ground.threshold()) == (filed.change_id, THEN)
    again = ask(ground, THEN, actor=BOB, key="k")
    assert (again.repeated, again.change) == (True, outcome.change)
    assert ground.actions() == [("ann", "propose"), ("bob", "approve"), ("bob", "commit")]


def test_asking_for_one_s_own_proposal_again_or_without_the_right_changes_nothing(ground: Grounds) -> None:
    filed = ground.proposed(actor=BOB)
    before = ground.written()
    for actor in (BOB, ANN):
        outcome = ask(ground, THEN, actor=actor)
        assert outcome.repeated
        assert outcome.proposal == filed
    assert ground.written() == before


def test_other_rollback_criteria_make_another_proposal(ground: Grounds) -> None:
    first = ground.proposed()
    rules = ({"metric": "burn_rate", "operator": ">=", "value": 20.0, "window": "6h"},)
    outcome = ask(ground, THEN, actor=BOB, rollback_rules=rules)
    assert outcome.proposal is not None
    assert outcome.proposal.id != first.id
    assert outcome.proposal.rollback_rules == rules
    assert ground.threshold() == NOW


def test_a_request_replaces_an_open_proposal_but_no_decision(ground: Grounds) -> None:
    first = ground.proposed()
    second = ask(ground, 0.6).proposal
    assert second is not None
    assert ground.place.rows("SELECT state FROM sla_proposals ORDER BY id") == [("superseded",), ("proposed",)]
    schedule(ground.ledger, second.id, LATER, actor=BOB, at=AT)
    with pytest.raises(RefusedError, match=f"proposal {second.id} .* is scheduled for"):
        ask(ground, 0.65)
    with pytest.raises(RefusedError, match="superseded cannot be approved"):
        approve(ground.ledger, first.id, actor=BOB, at=AT)


@pytest.mark.parametrize("hold", [True, False])
def test_other_rollback_criteria_replace_no_decision_either(ground: Grounds, hold: bool) -> None:
    filed = ground.proposed()
    if hold:
        approve(ground.ledger, filed.id, actor=BOB, at=AT, hold=True)
    else:
        schedule(ground.ledger, filed.id, LATER, actor=BOB, at=AT)
    before = ground.written()
    with pytest.raises(RefusedError, match=f"proposal {filed.id} .* is (approved|scheduled)"):
        ask(ground, THEN, rollback_rules=("burn_rate >= 20 over 6h",))
    assert ground.written() == before


def test_asking_for_a_threshold_approves_no_rollback_criteria_of_somebody_s_own(ground: Grounds) -> None:
    blind = ask(ground, rollback_rules=("burn_rate >= 9999 over 6h",)).proposal
    assert blind is not None
    before = ground.written()
    with pytest.raises(RefusedError, match=f"ann has proposed .* rules of their own: slaopt approve {blind.id} takes"):
        ask(ground, actor=BOB)
    assert ground.written() == before
    outcome = ask(ground)  # ann herself takes them back
    assert outcome.proposal is not None
    assert (outcome.change, ground.threshold()) == (None, NOW)
    assert outcome.proposal.rollback_rules != blind.rollback_rules
    assert ask(ground, actor=CID).change is not None  # slaopt's own criteria


def test_the_same_may_be_asked_for_again_once_it_came_to_nothing(ground: Grounds) -> None:
    first = ask(ground).proposal
    assert first is not None
    reject(ground.ledger, first.id, actor=BOB, at=AT, reason="not now")
    second = ask(ground).proposal
    assert second is not None
    change = approve(ground.ledger, second.id, actor=BOB, at=AT).change
    assert change is not None
    rollback(ground.ledger, change.change_id, reason="r", actor=BOB, at=AT)
    third = ask(ground).proposal
    assert third is not None
    assert len({first.id, second.id, third.id}) == 3


def test_a_request_key_files_once(ground: Grounds) -> None:
    first = ask(ground, key="k")
    before = ground.written()
    again = ask(ground, key="k")
    assert (again.repeated, again.proposal, again.sentence) == (True, first.proposal, first.sentence)
    with pytest.raises(RefusedError, match="use a new key"):
        ask(ground, 0.61, key="k")
    assert ground.written() == before


def test_alone_it_is_in_force_at_once_with_its_assessment(ground: Grounds) -> None:
    two = alone(ground.with_rules(TWO_ARE_NEEDED))
    outcome = ask(two, 0.9, actor=EVE, key="k")
    assert outcome.change is not None
    assert (outcome.change.implemented_by, two.threshold()) == ("eve", 0.9)
    assert outcome.change.performance_impact is not None
    assert outcome.change.performance_impact["predicted"]["then"]["threshold"] == 0.9
    with two.store.reading() as transaction:
        entries = list(transaction.audit.entries())
    assert [entry.action for entry in entries] == ["propose", "approve", "commit"]
    assert all(entry.details["solo"] is True for entry in entries)
    assert ask(two, 0.9, actor=EVE, key="k").change == outcome.change


def test_solo_mode_gives_nobody_a_right_that_their_role_has_not(ground: Grounds) -> None:
    alone(ground)
    outcome = ask(ground, actor=Actor("ann", "analyst", solo=True))
    assert outcome.proposal is not None
    assert (outcome.change, outcome.proposal.state, ground.threshold()) == (None, "proposed", NOW)
    assert outcome.sentence.endswith("one person has to approve it.")
    assert ask(ground, actor=Actor("bob", "approver", solo=True)).change is not None


def test_alone_it_can_be_scheduled(ground: Grounds) -> None:
    outcome = ask(alone(ground), actor=EVE, implementation_type="scheduled", scheduled_at=LATER)
    assert outcome.proposal is not None
    assert (outcome.proposal.state, ground.threshold()) == ("scheduled", NOW)


def test_alone_what_was_proposed_by_a_machine_or_oneself_is_approved_by_asking(ground: Grounds) -> None:
    alone(ground).proposed(actor=EVE)
    assert ask(ground, THEN, actor=EVE).change is not None


def test_asked_for_at_a_time_it_is_scheduled_once_another_approves(ground: Grounds) -> None:
    outcome = ask(ground, actor=BOB, implementation_type="scheduled", scheduled_at=LATER)
    assert outcome.proposal is not None
    assert outcome.proposal.state == "proposed"
    assert approve(ground.ledger, outcome.proposal.id, actor=CID, at=AT).proposal.state == "scheduled"  # type: ignore[union-attr]


def test_a_critical_request_that_is_an_approval_takes_a_code(ground: Grounds) -> None:
    critical = ground.with_rules(CRITICAL)
    critical.proposed()
    before = critical.written()
    with pytest.raises(CodeError, match="second factor"):
        ask(critical, THEN, actor=BOB)
    assert critical.written() == before


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ({"threshold": 0.0}, InputError, "no positive number"),
        ({"threshold": float("nan")}, InputError, "no positive number"),
        ({"threshold": float("inf")}, InputError, "no positive number"),
        (
            {"implementation_type": "ab_test", "rollback_rules": ["burn_rate >= 6 over 6h"]},
            InputError,
            "boundary of its own",
        ),
        ({"implementation_type": "scheduled"}, InputError, "needs one"),
        ({"scheduled_at": LATER}, InputError, "goes with a scheduled change"),
        ({"implementation_type": "scheduled", "scheduled_at": AT}, InputError, "has passed"),
        ({"rollback_rules": ("roll it back",)}, InputError, "rollback rule"),
        ({"reason": "\x00"}, InputError, "reason"),
        ({"service": "nobody"}, InputError, "no report"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    ground: Grounds, wish: dict[str, Any], error: type[Exception], words: str
) -> None:
    before = ground.written()
    with pytest.raises(error, match=words):
        request(ground.ledger, Wish(**{"service": SERVICE, "threshold": 0.6} | wish), actor=ANN, at=AT)
    assert ground.written() == before


def test_a_viewer_asks_for_nothing(ground: Grounds) -> None:
    with pytest.raises(ForbiddenError, match="takes an analyst"):
        ask(ground, actor=VIC)


def test_requests_are_refused_for_the_same_reasons_as_reports(ground: Grounds) -> None:
    before = ground.written()
    with pytest.raises(RefusedError, match="greatest threshold allowed"):
        ask(ground.with_rules(ONE_IS_ENOUGH, max_threshold=0.55))
    with pytest.raises(RefusedError, match="good for"):
        ask(ground.with_rules(ONE_IS_ENOUGH, report_valid_days=0.01))
    assert ground.written() == before
    (ground.report / "report.html").write_text("other")
    with pytest.raises(RefusedError, match="tampered with"):
        ask(ground)
    assert ground.written() == before


def test_a_threshold_that_moves_while_it_is_assessed_is_refused(
    ground: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slaopt.apply import scoring

    score = scoring.score

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        scored = score(*arguments, **named)
        set_threshold(ground.place, SERVICE, 0.55)
        return scored

    monkeypatch.setattr(scoring, "score", meanwhile)
    with pytest.raises(StaleError, match="550 ms now, and was at 500 ms"):
        ask(ground)
    assert ground.place.all_of("sla_proposals") == []


def test_a_report_that_is_recorded_before_it_is_assessed_was_not_verified(
    ground: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slaopt.apply import scoring

    score = scoring.score

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        another_report(ground)
        return score(*arguments, **named)

    monkeypatch.setattr(scoring, "score", meanwhile)
    with pytest.raises(StaleError, match="a newer report was recorded meanwhile"):
        ask(ground)
    assert ground.place.all_of("sla_proposals") == []


def test_two_clicks_at_once_file_one_proposal(ground: Grounds, monkeypatch: pytest.MonkeyPatch) -> None:
    from slaopt.apply import scoring

    score, entered = scoring.score, []

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        if not entered:
            entered.append(True)
            ask(ground)
        return score(*arguments, **named)

    monkeypatch.setattr(scoring, "score", meanwhile)
    assert ask(replace(ground)).repeated
    assert len(ground.place.all_of("sla_proposals")) == 1
