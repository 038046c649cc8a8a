"""Passes over a test that runs, on simulated traffic: what they find, end, restore and put forward."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from slaopt.apply import ForbiddenError, UnknownError, approve, verify_audit
from slaopt.apply.experiments import adopt, amend, details, experiment_watch, looks_of, progress, stop
from slaopt.apply.experiments.schedule import due, next_look
from slaopt.apply.watch import watch
from slaopt.errors import InputError, RefusedError
from slaopt.experiment import Design, unit_hash
from slaopt.params import ApprovalRules
from slaopt.store import ExperimentRecord
from tests.apply.builders import ANN, AT, BOB, CID, NOW, ONE_IS_ENOUGH, SERVICE, THEN, Grounds, set_threshold
from tests.apply.experiments.builders import BEGIN, DAY, HOUR, UNITS, begun, design, found, looked_at, passed, traffic

HARM, BETTER = 0.10, 0.025


def test_harm_stops_the_test_and_the_control_holds_for_all_again(either: Grounds, tmp_path: Path) -> None:
    record = begun(either)
    source = traffic(either, tmp_path, record, test_rate=HARM)
    assert record.salt is not None
    waits = passed(either, source, BEGIN + HOUR)
    assert (waits.state, waits.look) == ("waiting", None)

    told = passed(either, source, looked_at(1))
    assert (told.state, told.look, told.verdict, told.recommendation) == ("stopped", 1, "stop_harm", "reject")
    ended = found(either, record.experiment_id)
    assert (ended.status, ended.rollback_triggered, ended.stopped_by) == ("stopped", True, "watch")
    assert ended.recommendation == "reject"
    assert ended.early_stop_reason in told.sentence
    assert ended.effect_size is not None
    assert ended.effect_size > 0.02
    for unit in range(8):
        assert either.store.threshold_for(SERVICE, f"tenant-{unit}") == NOW
    with either.store.reading() as transaction:
        assert record.proposal_id is not None
        proposal = transaction.proposals.get(record.proposal_id)
        entry = list(transaction.audit.entries())[-1]
        units = transaction.experiments.count_units(ended)
        shown = progress(transaction, ended, at=looked_at(2))
    assert proposal is not None
    assert proposal.state == "rolled_back"
    assert (entry.actor, entry.action, entry.service) == ("watch", "stop experiment", SERVICE)
    assert entry.details["harm"]["verdict"] == "stop_harm"
    assert sum(units.values()) == UNITS
    assert (shown["early_stopping_triggered"], shown["early_stopping_reason"]) == (True, ended.early_stop_reason)
    assert experiment_watch(either.ledger, source, at=looked_at(2)) == []
    assert verify_audit(either.ledger).status == "intact"


def test_a_better_test_arm_leads_to_a_proposal_that_takes_the_usual_way(either: Grounds, tmp_path: Path) -> None:
    record = begun(either)
    source = traffic(either, tmp_path, record, test_rate=BETTER)
    day, states = 0, []
    while not states or states[-1] != "completed":
        day += 1
        results = experiment_watch(either.ledger, source, at=looked_at(day))
        states.append(results[0].state)
    assert results[0].recommendation == "adopt"
    assert results[1].state == "adopted"
    ended = found(either, record.experiment_id)
    assert (ended.status, ended.recommendation, ended.rollback_triggered) == ("completed", "adopt", False)
    assert either.threshold() == NOW
    assert ended.adopted_by_proposal_id is not None
    with either.store.reading() as transaction:
        proposal = transaction.proposals.get(ended.adopted_by_proposal_id)
    assert proposal is not None
    assert (proposal.proposed_by, proposal.state, proposal.proposed_threshold) == ("watch", "proposed", THEN)
    assert ended.results is not None
    assert ended.results["sentence"] in (proposal.reason or "")
    assert proposal.assessment["experiment"]["experiment_id"] == record.experiment_id
    assert adopt(either.ledger, record.experiment_id, actor=ANN, at=looked_at(day)).repeated
    assert experiment_watch(either.ledger, source, at=looked_at(day)) == []

    approve(either.ledger, proposal.id, actor=BOB, at=looked_at(day))
    assert either.threshold() == THEN
    done = ["complete experiment", "propose", "adopt experiment", "approve", "commit"]
    assert [action for _, action in either.actions()][-5:] == done
    assert verify_audit(either.ledger).status == "intact"


def test_without_an_effect_it_runs_to_its_end_and_each_look_is_kept_once(ground: Grounds, tmp_path: Path) -> None:
    record = begun(ground)
    source = traffic(ground, tmp_path, record)
    for day in (1, 3):  # the watch was down on the second day
        assert passed(ground, source, looked_at(day)).state == "looked"
        before = ground.written(), ground.place.all_of("sla_experiment_looks")
        again = passed(ground, source, looked_at(day) + HOUR)
        assert again.state == "waiting"
        assert (ground.written(), ground.place.all_of("sla_experiment_looks")) == before
    with ground.store.reading() as transaction:
        shown = progress(transaction, found(ground, record.experiment_id), at=looked_at(3))
    assert (shown["status"], shown["looks_made"], shown["looks_planned"]) == ("running", 2, 4)
    assert shown["progress_percentage"] == pytest.approx(75.8, abs=1.5)
    assert shown["current_unit_sizes"] == {
        "control": shown["units_seen"]["control"],
        "test": shown["units_seen"]["test"],
    }
    assert abs(shown["preliminary_results"]["effect_size"]) < 0.02

    told, *_ = experiment_watch(ground.ledger, source, at=looked_at(4))
    ended = found(ground, record.experiment_id)
    assert told.state == ended.status == "completed"
    assert ended.early_stop_reason is None
    with ground.store.reading() as transaction:
        looks = looks_of(transaction, ended)
        everything = details(transaction, ended, at=looked_at(4))
    assert [(look.number, look.last) for look in looks] == [(1, False), (3, False), (4, True)]
    assert looks[-1].fraction == 1
    assert ended.statistical_significance is looks[-1].is_significant
    assert everything["progress"]["progress_percentage"] == 100
    assert record.salt is not None
    assert record.salt not in str(everything)


def test_arms_of_the_wrong_sizes_stop_the_test_without_an_answer(ground: Grounds, tmp_path: Path) -> None:
    record = begun(ground, unit="request", units=24_000.0)
    from slaopt.experiment.simulating import simulate
    from slaopt.sources import connect

    rows = simulate(seed=3, units=60, per_unit=400, days=4, start=BEGIN, threshold=NOW, traffic_split=0.4)
    rows.drop(columns="tenant").assign(service=SERVICE).to_csv(tmp_path / "rows.csv", index=False)
    source = connect(str(tmp_path / "rows.csv"), book=ground.ledger.book, now=looked_at(5), columns={"arm": "arm"})
    told = passed(ground, source, looked_at(1))
    assert (told.state, told.verdict, told.recommendation) == ("stopped", "invalid", None)
    ended = found(ground, record.experiment_id)
    assert (ended.status, ended.rollback_triggered, ended.recommendation) == ("stopped", False, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("threshold_value = 0.55", "550 ms now"),
        ("max_threshold = 0.65", "greatest threshold allowed"),
        ("optimization_enabled = false", "is disabled"),
    ],
)
def test_what_is_changed_beside_it_stops_a_test(ground: Grounds, change: str, words: str) -> None:
    record = begun(ground)
    ground.place.run(f"UPDATE sla_configurations SET {change}")
    told = passed(ground, None, AT + HOUR)
    assert told.state == "stopped"
    assert words in told.sentence
    assert words in (found(ground, record.experiment_id).early_stop_reason or "")


def test_a_design_that_was_changed_past_slaopt_stops_the_test(ground: Grounds) -> None:
    begun(ground)
    ground.place.run("UPDATE sla_optimization_experiments SET design_digest = 'x'")
    assert "changed past slaopt" in passed(ground, None, AT + HOUR).sentence


def test_a_row_of_another_program_is_refused_and_told_as_far_as_it_goes(ground: Grounds) -> None:
    record = begun(ground)
    ground.place.run("UPDATE sla_optimization_experiments SET design = '{\"days\": 4}'")
    assert passed(ground, None, looked_at(1)).state == "refused"
    with pytest.raises(RefusedError, match="no design that can be read"):
        amend(ground.ledger, record.experiment_id, days=9, reason="r", actor=BOB, at=AT)
    with ground.store.reading() as transaction:
        assert progress(transaction, found(ground, record.experiment_id), at=AT)["looks_planned"] is None


def test_blind_passes_say_so_and_a_test_does_not_outlast_its_end_unseen(ground: Grounds) -> None:
    record = begun(ground)
    told = passed(ground, None, looked_at(1))
    assert (told.state, found(ground, record.experiment_id).status) == ("blind", "running")
    assert "no source" in told.sentence
    assert passed(ground, None, looked_at(5)).state == "blind"
    told = passed(ground, None, looked_at(6) + HOUR)
    assert (told.state, found(ground, record.experiment_id).status) == ("stopped", "stopped")


def test_a_service_that_is_switched_off_is_left_alone_and_stops_no_other(ground: Grounds) -> None:
    begun(ground)
    off = ground.with_rules(ONE_IS_ENOUGH, enabled=False)
    with pytest.raises(RefusedError, match="switched off"):
        experiment_watch(off.ledger, None, at=looked_at(1))
    assert experiment_watch(ground.ledger, None, at=looked_at(1), services=["other"]) == []


def test_people_stop_with_a_reason_and_only_once(ground: Grounds) -> None:
    record = begun(ground)
    with pytest.raises(ForbiddenError, match="takes an approver"):
        stop(ground.ledger, record.experiment_id, reason="enough", actor=ANN, at=AT)
    with pytest.raises(InputError, match="reason"):
        stop(ground.ledger, record.experiment_id, reason=" ", actor=BOB, at=AT)
    first, same, late = (
        stop(ground.ledger, record.experiment_id, reason="enough", actor=actor, at=AT, key=key)
        for actor, key in ((BOB, "k"), (BOB, "k"), (CID, None))
    )
    assert (first.repeated, same.repeated, late.repeated) == (False, True, True)
    ended = found(ground, record.experiment_id)
    assert (ended.stopped_by, ended.early_stop_reason, ended.rollback_triggered) == ("bob", "enough", False)
    with pytest.raises(UnknownError):
        stop(ground.ledger, "e0", reason="enough", actor=BOB, at=AT)


def test_only_the_length_can_be_amended_and_only_upwards(ground: Grounds, tmp_path: Path) -> None:
    record = begun(ground)
    longer = amend(ground.ledger, record.experiment_id, days=6, reason="less traffic", actor=BOB, at=AT).experiment
    assert (longer.duration_days, len(longer.amendments)) == (6, 1)
    assert longer.planned_end == BEGIN + 6 * DAY
    (change,) = longer.amendments
    assert change["design_digest"] == {"from": record.design_digest, "to": longer.design_digest}
    after = Design.from_dict(longer.design)
    assert (after.looks, after.information, after.digest) == (6, design().information, longer.design_digest)
    for days, error in ((6, RefusedError), (3, RefusedError), (61, InputError)):
        with pytest.raises(error):
            amend(ground.ledger, record.experiment_id, days=days, reason="r", actor=BOB, at=AT)
    with pytest.raises(ForbiddenError):
        amend(ground.ledger, record.experiment_id, days=9, reason="r", actor=ANN, at=AT)
    with pytest.raises(RefusedError, match="reached its end"):
        amend(ground.ledger, record.experiment_id, days=9, reason="r", actor=BOB, at=BEGIN + 6 * DAY)
    source = traffic(ground, tmp_path, record)
    assert passed(ground, source, looked_at(4)).state == "looked"
    assert ("bob", "amend experiment") in ground.actions()


def test_only_what_an_experiment_recommends_is_adopted(ground: Grounds) -> None:
    record = begun(ground)
    with pytest.raises(RefusedError, match="wait for its end"):
        adopt(ground.ledger, record.experiment_id, actor=ANN, at=AT)
    stop(ground.ledger, record.experiment_id, reason="enough", actor=BOB, at=AT)
    with pytest.raises(RefusedError, match="makes no recommendation"):
        adopt(ground.ledger, record.experiment_id, actor=ANN, at=AT)


def test_an_adoption_that_is_refused_is_said_and_tried_again(ground: Grounds, tmp_path: Path) -> None:
    record = begun(ground)
    source = traffic(ground, tmp_path, record, test_rate=BETTER)
    late = looked_at(4)
    old = ground.with_rules(ApprovalRules(significant_change=0.5), report_valid_days=2)
    results = experiment_watch(old.ledger, source, at=late)
    assert [one.state for one in results] == ["completed", "refused"]
    assert "make a fresh one" in results[1].sentence
    assert [one.state for one in experiment_watch(ground.ledger, None, at=late)] == ["adopted"]
    set_threshold(ground.place, SERVICE, 0.55)
    assert experiment_watch(ground.ledger, None, at=late) == []
    assert found(ground, record.experiment_id).status == "completed"


def test_looks_are_due_when_their_measurements_have_settled(ground: Grounds) -> None:
    record: ExperimentRecord = begun(ground)
    plan = design()
    assert due(record, plan, at=BEGIN + DAY + timedelta(minutes=29)) is None
    first = due(record, plan, at=BEGIN + DAY + timedelta(minutes=30))
    assert first is not None
    assert (first.number, first.until, first.last) == (1, BEGIN + DAY, False)
    assert next_look(record, plan, after=0) == BEGIN + DAY + timedelta(minutes=30)
    last = due(record, plan, at=BEGIN + 30 * DAY)
    assert last is not None
    assert (last.number, last.until, last.last) == (4, record.planned_end, True)
    assert next_look(record, plan, after=4) is None


def test_units_are_kept_by_their_hash_alone(ground: Grounds, tmp_path: Path) -> None:
    record = begun(ground)
    passed(ground, traffic(ground, tmp_path, record), looked_at(1))
    assert record.salt is not None
    with ground.store.reading() as transaction:
        seen = transaction.experiments.unit(record, unit_hash(record.salt, "tenant-3"))
    assert seen is not None
    assert seen.first_seen >= BEGIN
    assert "tenant-3" not in str(ground.place.all_of("sla_experiment_assignments"))
    assert "tenant-3" not in str(ground.place.all_of("sla_experiment_looks"))


def test_the_watch_of_changes_says_which_test_nobody_looks_at(ground: Grounds) -> None:
    record = begun(ground)
    assert watch(ground.ledger, None, at=looked_at(2)) == []
    (told,) = watch(ground.ledger, None, at=looked_at(3))
    assert (told.service, told.state) == (SERVICE, "blind")
    assert record.experiment_id in told.sentence
