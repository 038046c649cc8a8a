"""Tests of thresholds over REST, against a server that really runs, on simulated traffic of tenants."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from slaopt.experiment import arm_of
from slaopt.server.experiment_published import (
    AdoptAnswer,
    AmendAnswer,
    AssignmentAnswer,
    AssignmentsAnswer,
    DetailedExperiment,
    StartAnswer,
    StopAnswer,
    WatchedExperiment,
)
from slaopt.server.planning import margins_of
from slaopt.server.published import UpdateAnswer
from slaopt.store import ExperimentRecord
from tests.server.experimenting import UNITS, begun, found, watched
from tests.server.running import ROLES, Running, approval_server, copied, store_of

API = "api/v1/sla-optimization/"
HARM, BETTER = 0.10, 0.02
ONE_APPROVAL = "objective: 0.99\napprovals: {significant_change: 0.9, significant_risk: high}\n"


@dataclass
class People:
    """A server, and a browser of each person before it; whatever test is begun is ended again."""

    workspace: Path
    running: Running
    ann: httpx.Client
    bob: httpx.Client
    cid: httpx.Client
    vic: httpx.Client
    dora: httpx.Client


@pytest.fixture(scope="module")
def people(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """A server at which one person's approval starts a test."""
    workspace = copied(made_workspace, tmp_path_factory.mktemp("tested") / "workspace")
    (workspace / "params" / "default.yaml").write_text(ONE_APPROVAL, encoding="utf-8")
    with contextlib.ExitStack() as opened:
        running = opened.enter_context(approval_server(workspace))
        clients = {name: opened.enter_context(running.client(name)) for name in ROLES}
        yield People(workspace, running, **clients)


def asked(client: httpx.Client, method: str, path: str, body: Any = None, *, status: int = 200, **more: Any) -> Any:
    answer = client.request(method, API + path, json=body, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_test_is_designed_proposed_approved_assigned_prolonged_and_stopped(people: People):
    wish = {"service_type": "login", "proposed_threshold": 0.6, "guardrails": ["p95=0.2", "mean"], "hypothesis": "calm"}
    key = {"Idempotency-Key": "one"}
    told = asked(people.ann, "POST", "experiments", wish, status=202, headers=key)
    filed = StartAnswer.model_validate(told)
    assert asked(people.ann, "POST", "experiments", wish, status=202, headers=key)["repeated"]
    assert (filed.experiment.control_threshold, filed.experiment.test_threshold) == (0.5, 0.6)
    assert filed.experiment.estimated_duration_days == 14
    assert filed.experiment.power_analysis["power"] > 0.8
    margins = {one["metric"]: one["margin"] for one in filed.experiment.experiment_config["guardrails"]}
    assert margins == {"p95": 0.2, "mean": 0.1}
    assert (filed.start_result.started, filed.start_result.state) == (False, "proposed")
    assert told["start_result"]["needs"]["approvals"] == 1
    number, name = filed.start_result.proposal_id, filed.experiment.experiment_id
    assert asked(people.ann, "GET", "experiments/active") == []
    assert asked(people.ann, "GET", f"experiments/{name}/assignment?unit=a")["arm"] is None

    asked(people.ann, "POST", f"experiments/{name}/stop", {"reason": "mine"}, status=403)
    asked(people.bob, "POST", f"proposals/{number}/approve", {})
    (active,) = asked(people.ann, "GET", "experiments/active")
    assert WatchedExperiment.model_validate(active).status == "running"
    assert active["preliminary_results"] is None
    asked(people.ann, "POST", "experiments", wish, status=409)

    later = asked(
        people.bob, "POST", f"experiments/{name}/amend", {"experiment_duration_days": 21, "reason": "holidays"}
    )
    assert AmendAnswer.model_validate(later).estimated_duration_days == 21
    shorter = {"experiment_duration_days": 7, "reason": "enough seen"}
    assert "spoil its answer" in asked(people.bob, "POST", f"experiments/{name}/amend", shorter, status=409)["message"]

    ended = StopAnswer.model_validate(asked(people.bob, "POST", f"experiments/{name}/stop", {"reason": "a release"}))
    assert (ended.stop_result.status, ended.stop_result.threshold) == ("stopped", 0.5)
    detailed = DetailedExperiment.model_validate(asked(people.ann, "GET", f"experiments/{name}"))
    assert (detailed.status, detailed.early_stopping_reason) == ("stopped", "a release")
    assert asked(people.bob, "POST", f"experiments/{name}/stop", {"reason": "again"})["repeated"]
    assert [one["experiment_id"] for one in asked(people.ann, "GET", "experiments?status=stopped")] == [name]
    assert asked(people.ann, "GET", "experiments?status=running") == []
    asked(people.ann, "GET", "experiments/nobody", status=404)
    asked(people.ann, "POST", f"experiments/{name}/adopt", {}, status=409)


def test_a_test_that_cannot_answer_is_refused_in_words_and_what_can_be_overruled_is(people: People):
    wish = {"service_type": "login", "proposed_threshold": 0.6, "experiment_duration_days": 3}
    refused = asked(people.ann, "POST", "experiments", wish, status=409)
    assert "less than a weekly cycle" in refused["message"]
    few = wish | {"unit": "tenant", "units": 8, "force": True}
    assert "nothing can be decided" in asked(people.ann, "POST", "experiments", few, status=409)["message"]
    unknown = wish | {"unit": "tenant"}
    assert "how many units" in asked(people.ann, "POST", "experiments", unknown, status=400)["message"]
    same = wish | {"proposed_threshold": 0.5}
    assert "both arms" in asked(people.ann, "POST", "experiments", same, status=400)["message"]
    asked(people.ann, "POST", "experiments", wish | {"service_type": "nobody"}, status=404)
    forced = asked(people.ann, "POST", "experiments", wish | {"force": True}, status=202)
    assert "less than a weekly cycle" in forced["experiment"]["experiment_config"]["forced"][0]


def test_a_threshold_that_is_asked_for_and_one_that_is_proposed_are_tested_first(people: People):
    wish = {"service_type": "login", "new_threshold": 0.6, "implementation_type": "ab_test", "reason": "calm"}
    told = asked(people.ann, "POST", "update-threshold", wish, status=202)
    waiting = UpdateAnswer.model_validate(told)
    assert (waiting.implementation_type, waiting.state) == ("ab_test", "proposed")
    assert told["experiment_id"] in {one["experiment_id"] for one in asked(people.bob, "GET", "experiments")}
    asked(people.bob, "POST", f"proposals/{told['proposal_id']}/reject", {"reason": "rather the report's"})

    change = asked(people.ann, "POST", "proposals", {"service_type": "login"})["proposal"]
    filed = asked(people.bob, "POST", f"proposals/{change['id']}/test", {"experiment_duration_days": 21}, status=202)
    assert filed["experiment"]["test_threshold"] == change["proposed_threshold"]
    assert asked(people.ann, "GET", f"proposals/{change['id']}")["state"] == "superseded"
    asked(people.bob, "POST", f"proposals/{change['id']}/test", {}, status=409)
    asked(people.bob, "POST", "proposals/999/test", {}, status=404)


@pytest.fixture
def split(people: People) -> Iterator[ExperimentRecord]:
    """A test of login that runs."""
    record = begun(people.workspace, "login", days_ago=1)
    yield record
    asked(people.bob, "POST", f"experiments/{record.experiment_id}/stop", {"reason": "the test is over"})


def test_a_unit_has_the_arm_that_its_hash_says_and_its_name_stays_nowhere(people: People, split: ExperimentRecord):
    record = split
    units = [f"tenant-{number}" for number in range(300)]
    many = AssignmentsAnswer.model_validate(
        asked(people.ann, "POST", f"experiments/{record.experiment_id}/assignments", {"units": units})
    ).assignments
    assert [one.unit for one in many] == units
    for one in many:
        assert one.arm == arm_of(str(record.salt), one.unit, traffic_split=0.5)
        assert one.threshold == {"control": 0.5, "test": 0.6}[one.arm]
    again = asked(people.ann, "POST", f"experiments/{record.experiment_id}/assignments", {"units": [*units, "new"]})
    assert [one["first_seen"] for one in again["assignments"][:-1]] == [
        one.first_seen.isoformat() for one in many if one.first_seen
    ]
    alone = asked(people.vic, "GET", f"experiments/{record.experiment_id}/assignment", params={"unit": " tenant-7\t"})
    assert AssignmentAnswer.model_validate(alone).arm == many[7].arm
    with store_of(people.workspace).reading() as transaction:
        assert sum(transaction.experiments.count_units(record).values()) == len(units) + 1
    for unit in ("", " ", "x" * 201, "a\nb"):
        answer = people.vic.get(f"{API}experiments/{record.experiment_id}/assignment", params={"unit": unit})
        assert answer.status_code == 400, unit
    secret = {"unit": "somebody-secret"}
    assert people.vic.get(f"{API}experiments/nobody/assignment", params=secret).status_code == 404
    asked(people.vic, "POST", f"experiments/{record.experiment_id}/assignments", {"units": ["a"]}, status=403)
    asked(people.ann, "POST", f"experiments/{record.experiment_id}/assignments", {"units": []}, status=400)
    asked(people.ann, "POST", f"experiments/{record.experiment_id}/assignments", {"units": ["a"] * 1001}, status=400)
    assert "somebody-secret" not in people.running.said
    assert "nobody/assignment" in people.running.said


def test_the_salt_is_in_no_answer(people: People, split: ExperimentRecord):
    record = split
    places = (
        "experiments", "experiments/active", f"experiments/{record.experiment_id}", "overview", "proposals?state=any",
        f"experiments/{record.experiment_id}/assignment?unit=a", f"proposals/{record.proposal_id}",
    )  # fmt: skip
    pages = ("experiments", f"experiments/{record.experiment_id}", "", "history")
    for place in (*(API + place for place in places), *(f"slaopt/{page}" for page in pages)):
        answer = people.dora.get(place)
        assert answer.status_code == 200, place
        assert str(record.salt) not in answer.text, place


def test_harm_stops_a_test_and_the_control_holds_for_all_again(people: People):
    record = begun(people.workspace, "catalog", days_ago=5)
    inside = f"experiments/{record.experiment_id}/assignment"
    arms = {asked(people.vic, "GET", inside, params={"unit": f"tenant-{number}"})["threshold"] for number in range(12)}
    assert arms == {1.0, 1.2}
    (told,) = watched(people.workspace, record, test_rate=HARM)
    assert told.verdict == "stop_harm"

    detailed = asked(people.vic, "GET", f"experiments/{record.experiment_id}")
    assert (detailed["status"], detailed["rollback_triggered"]) == ("stopped", True)
    assert (detailed["early_stopping_triggered"], detailed["recommendation"]) == (True, "reject")
    assert "harm" in detailed["early_stopping_reason"]
    assert detailed["preliminary_results"]["effect_size"] > 0.02
    assert sum(detailed["units_seen"].values()) == UNITS
    for number in range(12):
        assigned = asked(people.vic, "GET", inside, params={"unit": f"tenant-{number}"})
        assert (assigned["arm"], assigned["threshold"]) == (None, 1.0)
    assert asked(people.vic, "GET", "services/catalog")["threshold"] == 1.0


def test_a_better_threshold_is_adopted_as_a_proposal_and_comes_into_force_for_all(people: People):
    record = begun(people.workspace, "catalog", days_ago=6)
    looks = [one for one in watched(people.workspace, record, test_rate=BETTER) if one.look is not None]
    assert looks[-1].recommendation == "adopt"
    (listed,) = asked(people.ann, "GET", "experiments?service_type=catalog&status=completed")
    assert (listed["status"], listed["recommendation"], listed["verdict"]) == ("completed", "adopt", "ship")
    results = listed["preliminary_results"]
    assert results["is_significant"]
    assert results["p_value"] < 0.05
    assert results["confidence_interval"]["high"] < 0
    told = asked(people.ann, "POST", f"experiments/{record.experiment_id}/adopt", {})
    adopted = AdoptAnswer.model_validate(told)
    assert (adopted.state, told["repeated"]) == ("proposed", True), "the watch has proposed it"
    proposal = asked(people.ann, "GET", f"proposals/{adopted.proposal_id}")
    assert (proposal["proposed_threshold"], proposal["proposed_by"]) == (1.2, "watch")
    assert found(people.workspace, record.experiment_id).adopted_by_proposal_id == adopted.proposal_id
    assert asked(people.ann, "GET", "services/catalog")["threshold"] == 1.0
    for approver in (people.bob, people.cid)[: proposal["needs"]["approvals"]]:
        asked(approver, "POST", f"proposals/{adopted.proposal_id}/approve", {})
    assert asked(people.ann, "GET", "services/catalog")["threshold"] == 1.2


def test_guardrails_are_read_with_or_without_a_margin():
    assert margins_of(["p99=.5", "other_rate"]) == (("p99", 0.5), ("other_rate", None))
