"""The start of a test is a change for part of the traffic: proposed, approved, within bounds, and in the audit log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slaopt.apply import (
    Actor,
    CodeError,
    ForbiddenError,
    UnknownError,
    Wish,
    approve,
    propose,
    reject,
    request,
    rollback,
    schedule,
    verify_audit,
    withdraw,
)
from slaopt.apply.actor import SOLO
from slaopt.apply.experiments import design_now, propose_experiment
from slaopt.apply.experiments import test_first as first_test
from slaopt.apply.preview import preview
from slaopt.apply.watch import watch
from slaopt.errors import InputError, RefusedError, StaleError
from slaopt.experiment import arm_of
from slaopt.params import ApprovalRules
from slaopt.printing import preview_lines
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
    CID,
    CRITICAL,
    NOW,
    SERVICE,
    THEN,
    TWO_ARE_NEEDED,
    VIC,
    Grounds,
    set_threshold,
)
from tests.apply.experiments.builders import begun, design, found, planned

SAM = Actor("sam", "admin", solo=True)


def test_an_approved_test_runs_and_each_unit_has_the_threshold_of_its_arm(either: Grounds) -> None:
    filed = planned(either)
    assert (filed.experiment.status, filed.experiment.salt) == ("planning", None)
    assert filed.proposal is not None
    assert (filed.proposal.state, filed.proposal.implementation_type) == ("proposed", "ab_test")
    assert either.store.threshold_for(SERVICE, "tenant-1") == NOW

    outcome = approve(either.ledger, filed.proposal.id, actor=BOB, at=AT)
    record = found(either, filed.experiment.experiment_id)
    assert (record.status, record.started_by, record.design_digest) == ("running", "bob", design().digest)
    assert outcome.change is None
    assert outcome.proposal is not None
    assert outcome.proposal.state == "committed"
    assert "50 % of the units" in outcome.sentence
    assert either.threshold() == NOW  # of all but the test arm
    assert record.salt is not None
    for unit in ("tenant-1", "tenant-2", "tenant-3", "tenant-4"):
        wanted = THEN if arm_of(record.salt, unit, traffic_split=0.5) == "test" else NOW
        assert either.store.threshold_for(SERVICE, unit) == wanted
    assert either.actions() == [
        ("ann", "propose"), ("ann", "plan experiment"), ("bob", "approve"), ("bob", "start experiment")
    ]  # fmt: skip
    assert verify_audit(either.ledger).status == "intact"
    assert record.salt not in str(record.to_dict()) + repr(record)
    assert either.place.rows("SELECT count(*) FROM sla_changes") == [(0,)]


def test_each_test_has_a_salt_of_its_own(ground: Grounds) -> None:
    from slaopt.apply.experiments import stop

    first = begun(ground, salt=None)
    stop(ground.ledger, first.experiment_id, reason="enough", actor=BOB, at=AT)
    second = begun(ground, salt=None)
    assert first.salt != second.salt
    assert first.salt is not None
    assert len(first.salt) >= 32


def test_a_second_click_starts_nothing_twice(ground: Grounds) -> None:
    record = begun(ground)
    assert record.proposal_id is not None
    again = approve(ground.ledger, record.proposal_id, actor=CID, at=AT)
    assert again.repeated
    assert "started already" in again.sentence
    assert planned_once(ground) == 1


def planned_once(ground: Grounds) -> int:
    ((number,),) = ground.place.rows("SELECT count(*) FROM sla_optimization_experiments")
    return int(number)


def test_the_same_request_under_one_key_is_answered_once(ground: Grounds) -> None:
    first, second = (propose_experiment(ground.ledger, SERVICE, design(), actor=ANN, at=AT, key="k") for _ in range(2))
    assert (first.repeated, second.repeated) == (False, True)
    assert first.experiment == second.experiment
    same = propose_experiment(ground.ledger, SERVICE, design(), actor=BOB, at=AT)
    assert same.repeated
    assert "proposed this test already" in same.sentence
    assert planned_once(ground) == 1


def test_the_size_of_the_change_says_whose_approval_it_takes(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = planned(two)
    assert filed.proposal is not None
    assert filed.proposal.needs.approvals == 2
    with pytest.raises(ForbiddenError, match="takes an approver"):
        approve(two.ledger, filed.proposal.id, actor=ANN, at=AT)
    approve(two.ledger, filed.proposal.id, actor=BOB, at=AT)
    assert found(two, filed.experiment.experiment_id).status == "planning"
    approve(two.ledger, filed.proposal.id, actor=CID, at=AT)
    assert found(two, filed.experiment.experiment_id).status == "running"


def test_four_eyes_and_codes_hold_for_tests_too(ground: Grounds) -> None:
    own = planned(ground, actor=BOB)
    assert own.proposal is not None
    with pytest.raises(ForbiddenError, match="four eyes"):
        approve(ground.ledger, own.proposal.id, actor=BOB, at=AT)
    critical = ground.with_rules(CRITICAL)
    with pytest.raises(CodeError):
        approve(critical.ledger, own.proposal.id, actor=CID, at=AT)
    with pytest.raises(ForbiddenError):
        planned(ground, actor=VIC)


def test_who_works_alone_starts_at_once(ground: Grounds) -> None:
    with ground.store.begin() as transaction:
        transaction.settings.set(SOLO, True, AT)
    filed = planned(ground, actor=SAM)
    assert filed.experiment.status == "running"
    assert filed.proposal is not None
    assert filed.proposal.state == "committed"


def test_a_test_can_be_scheduled_and_the_watch_starts_it(ground: Grounds) -> None:
    filed = planned(ground)
    assert filed.proposal is not None
    outcome = schedule(ground.ledger, filed.proposal.id, AT + timedelta(hours=3), actor=BOB, at=AT)
    assert outcome.proposal is not None
    assert (outcome.proposal.state, outcome.proposal.implementation_type) == ("scheduled", "ab_test")
    (told,) = watch(ground.ledger, None, at=AT + timedelta(hours=4))
    assert told.state == "committed"
    assert found(ground, filed.experiment.experiment_id).status == "running"
    assert watch(ground.ledger, None, at=AT + timedelta(hours=5)) == []  # no change that it could watch


def test_what_stands_against_a_change_stands_against_its_test(ground: Grounds) -> None:
    begun(ground)
    with pytest.raises(RefusedError, match="is running; stop it"):
        planned(ground, test_threshold=0.6)
    with pytest.raises(RefusedError, match="is running; stop it"):
        request(ground.ledger, Wish(service=SERVICE, threshold=0.6), actor=ANN, at=AT)


def test_bounds_and_thresholds_of_now_are_kept(ground: Grounds) -> None:
    ground.place.run("UPDATE sla_configurations SET max_threshold = 0.65")
    with pytest.raises(RefusedError, match="greatest threshold allowed"):
        planned(ground)
    ground.place.run("UPDATE sla_configurations SET max_threshold = NULL")
    filed = planned(ground)
    assert filed.proposal is not None
    set_threshold(ground.place, SERVICE, 0.55)
    before = ground.written()
    with pytest.raises(StaleError, match="550 ms"):
        approve(ground.ledger, filed.proposal.id, actor=BOB, at=AT)
    assert ground.written() == before
    assert found(ground, filed.experiment.experiment_id).status == "planning"
    ground.place.run("DELETE FROM sla_configurations")
    with pytest.raises(InputError, match="no threshold in the store"):
        planned(ground)
    with pytest.raises(InputError, match="of other, not of login"):
        propose_experiment(ground.ledger, SERVICE, design(service="other"), actor=ANN, at=AT)


def test_a_design_that_was_changed_past_slaopt_is_not_started(ground: Grounds) -> None:
    filed = planned(ground)
    assert filed.proposal is not None
    ground.place.run(
        "UPDATE sla_optimization_experiments "
        "SET design = replace(design, '\"harm_level\": 0.05', '\"harm_level\": 0.01')"
    )
    with pytest.raises(RefusedError, match="not the one that was proposed"):
        approve(ground.ledger, filed.proposal.id, actor=BOB, at=AT)


def test_an_old_design_is_made_again(ground: Grounds) -> None:
    filed = planned(ground)
    assert filed.proposal is not None
    late = AT + timedelta(days=ground.ledger.params(SERVICE).report_valid_days + 1)
    with pytest.raises(RefusedError, match="design it again"):
        approve(ground.ledger, filed.proposal.id, actor=BOB, at=late)
    (told,) = watch(ground.ledger, None, at=late)
    assert told.state == "expired"
    record = found(ground, filed.experiment.experiment_id)
    assert record.status == "stopped"
    assert "has expired" in (record.early_stop_reason or "")


@pytest.mark.parametrize("how", ["reject", "withdraw", "supersede"])
def test_a_test_whose_proposal_comes_to_nothing_never_begins(ground: Grounds, how: str) -> None:
    filed = planned(ground)
    assert filed.proposal is not None
    if how == "reject":
        reject(ground.ledger, filed.proposal.id, actor=BOB, at=AT, reason="not this week")
    elif how == "withdraw":
        withdraw(ground.ledger, filed.proposal.id, actor=ANN, at=AT)
    else:
        request(ground.ledger, Wish(service=SERVICE, threshold=0.6), actor=ANN, at=AT)
    record = found(ground, filed.experiment.experiment_id)
    assert (record.status, record.salt, record.rollback_triggered) == ("stopped", None, False)
    assert {"reject": "not this week", "withdraw": "withdrawn by ann", "supersede": "superseded"}[how] in (
        record.early_stop_reason or ""
    )


def test_testing_a_proposal_first_takes_its_place(ground: Grounds) -> None:
    change = ground.proposed()
    filed = first_test(ground.ledger, change.id, design(), actor=BOB, at=AT)
    with ground.store.reading() as transaction:
        before = transaction.proposals.get(change.id)
    assert before is not None
    assert before.state == "superseded"
    assert filed.proposal is not None
    assert f"before proposal {change.id}" in (filed.proposal.reason or "")
    with pytest.raises(RefusedError, match="superseded"):
        first_test(ground.ledger, change.id, design(days=5), actor=ANN, at=AT)
    with pytest.raises(UnknownError):
        first_test(ground.ledger, 99, design(), actor=ANN, at=AT)
    with pytest.raises(InputError, match="design a test of the former"):
        first_test(ground.ledger, change.id, design(test_threshold=0.6), actor=ANN, at=AT)
    assert propose(ground.ledger, [SERVICE], actor=ANN, at=AT)[0].service == SERVICE
    assert found(ground, filed.experiment.experiment_id).status == "planning"  # a night's report replaces no test


def test_an_update_can_ask_for_a_test_designed_from_the_report(ground: Grounds) -> None:
    params = ground.ledger.params(SERVICE)
    rules = params.experiments.model_copy(update={"smallest_effect": 0.5, "guardrail_margin": 0.5})
    ground = ground.with_rules(ApprovalRules(significant_change=0.5), experiments=rules)
    wish = Wish(service=SERVICE, threshold=THEN, implementation_type="ab_test", reason="fewer pages")
    wanted = design_now(ground.ledger, SERVICE, THEN, at=AT).design
    outcome = request(ground.ledger, wish, actor=ANN, at=AT)
    assert outcome.proposal is not None
    assert outcome.proposal.implementation_type == "ab_test"
    with ground.store.reading() as transaction:
        record = transaction.experiments.of_proposal(outcome.proposal.id)
    assert record is not None
    assert record.design == wanted.to_dict()
    again = request(ground.ledger, wish, actor=BOB, at=AT)
    assert again.repeated


def test_a_change_is_not_taken_for_its_test(ground: Grounds) -> None:
    test = planned(ground)
    outcome = request(ground.ledger, Wish(service=SERVICE, threshold=THEN), actor=BOB, at=AT)
    assert outcome.proposal is not None
    assert test.proposal is not None
    assert outcome.proposal.id != test.proposal.id
    assert outcome.proposal.implementation_type == "immediate"


def test_a_preview_says_what_a_test_would_do(ground: Grounds) -> None:
    filed = planned(ground, forced=("Too few units.",))
    assert filed.proposal is not None
    shown = preview(ground.ledger, filed.proposal.id, actor=BOB, at=AT)
    assert shown.headline == "login: test 700 ms against 500 ms"
    assert "50 % of the units (tenant)" in shown.sentence
    assert "Overruled: Too few units." in shown.sentence
    assert shown.you_can
    assert shown.refusals == ()
    approve(ground.ledger, filed.proposal.id, actor=BOB, at=AT)
    after = preview(ground.ledger, filed.proposal.id, actor=BOB, at=AT)
    assert f"slaopt experiment stop {filed.experiment.experiment_id} --reason TEXT" in after.commands
    assert any("test 700 ms against 500 ms" in line for line in preview_lines(after))
    with pytest.raises(UnknownError):
        rollback(ground.ledger, filed.proposal.change_id, reason="no", actor=BOB, at=AT)


def test_nothing_is_proposed_while_slaopt_is_off(ground: Grounds) -> None:
    off = ground.with_rules(ApprovalRules(), enabled=False)
    with pytest.raises(RefusedError, match="switched off"):
        planned(off)
