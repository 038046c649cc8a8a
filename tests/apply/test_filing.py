"""Proposals from reports: what is filed, what is not and why, and what becomes of older ones."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from slaopt.apply import SCHEDULER, Actor, ForbiddenError, approve, propose, schedule, verify_audit
from slaopt.result import Skipped
from slaopt.store.records import Proposal
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
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
from tests.store.builders import new_run


def one(ground: Grounds, service: str = SERVICE, *, actor: Actor = ANN, at: datetime = AT) -> Proposal | Skipped:
    (found,) = propose(ground.ledger, [service], actor=actor, at=at)
    return found


def reason(ground: Grounds, service: str = SERVICE, *, at: datetime = AT) -> str:
    """Why nothing is filed; and nothing is."""
    before = ground.written()
    found = one(ground, service, at=at)
    assert isinstance(found, Skipped), found
    assert ground.written() == before
    return found.reason


def states(ground: Grounds) -> list[str]:
    return [row[0] for row in ground.place.rows("SELECT state FROM sla_proposals ORDER BY id")]


def test_what_a_report_recommends_is_filed_with_all_that_a_reviewer_sees(either: Grounds) -> None:
    filed = one(either)
    assert isinstance(filed, Proposal)
    assert (filed.current_threshold, filed.proposed_threshold, filed.state) == (NOW, THEN, "proposed")
    assert (filed.proposed_by, filed.origin, filed.change_id[0]) == ("ann", "report", "c")
    archived = json.loads((either.report / "result.json").read_text())["recommendation"]
    assert filed.assessment["sentence"] == archived["sentence"]
    assert filed.assessment["then"] == archived["then"]
    assert list(filed.rollback_rules) == archived["rollback_rules"]
    assert filed.watch is not None
    assert filed.watch["usual"] == archived["watch"]["usual"]
    assert either.threshold() == NOW
    assert verify_audit(either.ledger).status == "intact"


def test_a_report_is_filed_once(ground: Grounds) -> None:
    first = one(ground)
    before = ground.written()
    assert one(ground, actor=SCHEDULER) == first
    assert ground.written() == before


def test_the_scheduler_files_and_approves_nothing(ground: Grounds) -> None:
    (filed,) = propose(ground.ledger, actor=SCHEDULER, at=AT)
    assert isinstance(filed, Proposal)
    assert filed.proposed_by == "scheduler"
    with pytest.raises(ForbiddenError, match="takes an approver"):
        approve(ground.ledger, filed.id, actor=SCHEDULER, at=AT)
    assert approve(ground.ledger, filed.id, actor=BOB, at=AT).change is not None


def test_who_may_not_propose(ground: Grounds) -> None:
    for actor in (VIC, Actor("eve", "analyst")):
        with pytest.raises(ForbiddenError):
            one(ground, actor=actor)


def test_where_nothing_is_to_be_changed_the_sentence_of_the_report_says_so(ground: Grounds) -> None:
    with ground.store.begin() as transaction:
        transaction.record(new_run("steady", verdict="keep", sentence="Keep 2 s."), at=AT)
    assert reason(ground, "steady") == "Keep 2 s."
    assert [type(item) for item in propose(ground.ledger, actor=ANN, at=AT)] == [Skipped, Proposal]


def test_without_a_report_nothing_is_proposed(ground: Grounds) -> None:
    assert "slaopt report nobody" in reason(ground, "nobody")


@pytest.mark.parametrize("name", ["result.json", "report.html", "manifest.json"])
def test_a_changed_report_is_not_filed(ground: Grounds, name: str) -> None:
    path = ground.report / name
    path.write_text(path.read_text().replace("0.7", "0.9") + " ")
    assert "is not what its run wrote" in reason(ground) or "cannot be read" in reason(ground)


def test_a_forged_report_is_not_filed(ground: Grounds) -> None:
    from slaopt.report.manifest import Manifest

    path = ground.report / "result.json"
    path.write_text(path.read_text().replace('"recommended_threshold": 0.7', '"recommended_threshold": 0.9'))
    Manifest.read(ground.report).complete(ground.report).write(ground.report)
    assert "is not what its run wrote" in reason(ground)


def test_a_report_of_another_version_is_not_filed(ground: Grounds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slaopt.__version__", "99.0")
    assert "fresh report" in reason(ground)


def test_what_could_not_be_committed_is_not_filed(ground: Grounds) -> None:
    assert "good for 7 days" in reason(ground, at=AT + timedelta(days=8))
    set_threshold(ground.place, SERVICE, 0.6)
    assert "600 ms now, and was at 500 ms" in reason(ground)
    set_threshold(ground.place, SERVICE, NOW)
    ground.place.run("UPDATE sla_configurations SET max_threshold = 0.6")
    assert "greatest threshold allowed" in reason(ground)
    ground.place.run("UPDATE sla_configurations SET max_threshold = NULL, optimization_enabled = false")
    assert "is disabled" in reason(ground)


def test_a_newer_report_replaces_what_was_open(ground: Grounds) -> None:
    first = one(ground)
    another_report(ground)
    second = one(ground)
    assert isinstance(first, Proposal)
    assert isinstance(second, Proposal)
    assert second.id != first.id
    assert states(ground) == ["superseded", "proposed"]
    assert ground.actions() == [("ann", "propose"), ("ann", "propose"), ("ann", "supersede")]


def test_a_report_that_is_recorded_while_an_older_one_is_read_is_not_passed_over(
    ground: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    from slaopt.apply import filing

    read = filing._recommendation

    def meanwhile(*arguments: Any) -> Any:
        another_report(ground)
        return read(*arguments)

    monkeypatch.setattr(filing, "_recommendation", meanwhile)
    assert "a newer report was recorded meanwhile" in reason(ground)


def test_what_somebody_has_approved_of_is_not_lost_to_the_next_report_that_says_the_same(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    first = one(two)
    assert isinstance(first, Proposal)
    approve(two.ledger, first.id, actor=BOB, at=AT)
    another_report(two)
    kept = one(two, actor=SCHEDULER)
    assert isinstance(kept, Proposal)
    assert kept.id == first.id
    assert states(two) == ["proposed"]


def test_a_decision_that_waits_for_its_time_is_not_undone_by_another_recommendation(ground: Grounds) -> None:
    first = one(ground)
    assert isinstance(first, Proposal)
    schedule(ground.ledger, first.id, AT + timedelta(days=1), actor=BOB, at=AT)
    ground.place.run("UPDATE sla_proposals SET proposed_threshold = 0.65")
    another_report(ground)
    assert "is scheduled for" in reason(ground)
    assert states(ground) == ["scheduled"]


def test_what_a_proposal_needs_is_told_when_it_is_filed(ground: Grounds) -> None:
    filed = one(ground.with_rules(TWO_ARE_NEEDED))
    assert isinstance(filed, Proposal)
    assert filed.needs.why == ("It changes the threshold by 40 %.",)


def test_nothing_is_filed_while_slaopt_is_switched_off(ground: Grounds) -> None:
    assert "switched off" in reason(ground.with_rules(ONE_IS_ENOUGH, enabled=False))
