"""The REST interface as other systems use it, against the approval server that really runs."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from slaopt.server.published import (
    AnalysisAnswer,
    HealthAnswer,
    RecommendationAnswer,
    RollbackAnswer,
    SessionAnswer,
    UpdateAnswer,
)
from tests.server.running import PASSWORD, Running, approval_server, copied, store_of

API = "api/v1/sla-optimization/"


@pytest.fixture
def own(made_workspace: Path, tmp_path: Path) -> Iterator[Running]:
    """A server of the test's own."""
    with approval_server(copied(made_workspace, tmp_path / "workspace")) as running:
        yield running


def kept(workspace: Path) -> int:
    with sqlite3.connect(workspace / "slaopt.db") as connection:
        return int(connection.execute("SELECT count(*) FROM sla_answers").fetchone()[0])


def test_the_lists_have_the_published_fields_of_every_service(approvals: Running):
    with approvals.client("vic") as client:
        analyses = client.get(f"{API}performance-analysis").json()
        recommendations = client.get(f"{API}recommendations").json()
    assert [AnalysisAnswer.model_validate(one).service_type for one in analyses] == ["catalog", "login"]
    assert [RecommendationAnswer.model_validate(one).service_type for one in recommendations] == ["catalog", "login"]
    assert all(one["valid"] and one["why_not"] is None for one in recommendations)


def test_an_analysis_is_that_of_the_report_unless_other_settings_are_asked_for(approvals: Running):
    with approvals.client("vic") as client:
        (listed,) = (one for one in client.get(f"{API}performance-analysis").json() if one["service_type"] == "login")
        same = client.post(f"{API}performance-analysis", json={"service_type": "login"}).json()
        other = client.post(
            f"{API}performance-analysis",
            json={
                "service_type": "login", "analysis_period_days": 14, "confidence_level": 0.8,
                "include_seasonal_patterns": False,
            },
        ).json()  # fmt: skip
    assert {name: same[name] for name in listed} == listed
    AnalysisAnswer.model_validate(other)
    assert (other["analysis_period"], other["confidence_level"]) == (14, 0.8)
    assert listed["trend_analysis"]["seasonal_patterns"]
    assert not other["trend_analysis"]["seasonal_patterns"]
    wide, narrow = (one["baseline_performance"] for one in (listed, other))
    assert narrow["confidence_interval_upper"] != wide["confidence_interval_upper"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("performance-analysis", {"analysis_period_days": 6}, "analysis_period_days"),
        ("performance-analysis", {"analysis_period_days": 366}, "analysis_period_days"),
        ("performance-analysis", {"analysis_period_days": "30"}, "analysis_period_days"),
        ("performance-analysis", {"confidence_level": 0.79}, "confidence_level"),
        ("performance-analysis", {"confidence_level": 1}, "confidence_level"),
        ("performance-analysis", {"include_seasonal_patterns": 1}, "include_seasonal_patterns"),
        ("recommendations", {"optimization_strategy": "bold"}, "optimization_strategy"),
        ("recommendations", {"business_priority": "speed"}, "business_priority"),
        ("update-threshold", {"new_threshold": 0}, "new_threshold"),
        ("update-threshold", {"new_threshold": -1}, "new_threshold"),
        ("update-threshold", {"new_threshold": 1, "implementation_type": "soon"}, "implementation_type"),
        ("update-threshold", {"new_threshold": 1, "implementation_type": "scheduled"}, "scheduled_time"),
        ("update-threshold", {"new_threshold": 1, "scheduled_time": "2026-11-03T14:00:00Z"}, "scheduled_time"),
        ("update-threshold", {"new_threshold": 1, "rollback_criteria": ["when it hurts"]}, "rollback rule"),
        ("update-threshold", {"new_threshold": 1, "rollback_criteria": [{"metric": "mood"}]}, "metric"),
        ("experiments", {"proposed_threshold": 0}, "proposed_threshold"),
        ("experiments", {"proposed_threshold": 1, "experiment_duration_days": 2}, "experiment_duration_days"),
        ("experiments", {"proposed_threshold": 1, "traffic_split": 0.95}, "traffic_split"),
        ("experiments", {"proposed_threshold": 1, "significance_level": 0.2}, "significance_level"),
        ("experiments", {"proposed_threshold": 1, "guardrails": ["p95=2"]}, "guardrails"),
        ("experiments", {"proposed_threshold": 1, "guardrails": ["mood"]}, "guardrails"),
        ("experiments", {"proposed_threshold": 1, "units": 1}, "units"),
        (
            "update-threshold",
            {"new_threshold": 1, "implementation_type": "ab_test", "rollback_criteria": ["burn_rate >= 6 over 6h"]},
            "harm boundary",
        ),
        ("performance-analysis", {"more": 1}, "more"),
    ],
)
def test_what_lies_outside_the_bounds_is_refused_and_named(
    approvals: Running, path: str, body: dict[str, Any], field: str
):
    with approvals.client("ann") as client:
        answer = client.post(API + path, json={"service_type": "login"} | body)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid"), answer.text
    assert field in answer.json()["message"]


def test_where_measurements_are_too_few_the_answer_says_why(own: Running):
    skipped = [{"service_type": "rare", "reason": "3 executions are too few", "source": "x"}]
    (own.workspace / "reports" / "skipped.json").write_text(json.dumps(skipped))
    with own.client("vic") as client:
        for path in ("performance-analysis", "recommendations"):
            answer = client.post(API + path, json={"service_type": "rare"})
            assert (answer.status_code, answer.json()["message"]) == (400, "rare: 3 executions are too few")
            assert client.post(API + path, json={"service_type": "nobody"}).status_code == 404


def test_a_recommendation_is_computed_once_and_then_comes_from_the_store(own: Running):
    asked = {"service_type": "login", "optimization_strategy": "aggressive", "business_priority": "reliability"}
    before = kept(own.workspace)
    with own.client("vic") as client:
        listed = next(one for one in client.get(f"{API}recommendations").json() if one["service_type"] == "login")
        own_settings = client.post(f"{API}recommendations", json={"service_type": "login"}).json()
        named = client.post(
            f"{API}recommendations", json={"service_type": "login", "optimization_strategy": "balanced"}
        ).json()
        assert kept(own.workspace) == before, "the report's own answer is there already"
        first = client.post(f"{API}recommendations", json=asked).json()
        assert kept(own.workspace) == before + 1
        again = client.post(f"{API}recommendations", json=asked).json()
        assert kept(own.workspace) == before + 1
    own.kill()
    with approval_server(own.workspace) as another, another.client("vic") as client:
        later = client.post(f"{API}recommendations", json=asked).json()
    assert kept(own.workspace) == before + 1
    assert first == again == later
    assert own_settings == named == {name: value for name, value in listed.items() if name != "proposal"}
    assert (first["strategy"], first["business_priority"]) == ("aggressive", "reliability")
    assert first["then"] is not None
    RecommendationAnswer.model_validate(first)


def test_an_archive_that_was_changed_answers_nothing(own: Running):
    (folder,) = (own.workspace / "reports").glob("login-*/2*")
    with (folder / "profiles" / "hours.parquet").open("ab") as file:
        file.write(b"x")
    with own.client("vic") as client:
        answer = client.post(f"{API}recommendations", json={"service_type": "login", "business_priority": "cost"})
    assert (answer.status_code, answer.json()["reason"]) == (409, "refused")
    assert "not as it was recorded" in answer.json()["message"]
    assert str(own.workspace) not in answer.text


def test_a_threshold_that_is_asked_for_waits_is_approved_and_taken_back(own: Running):
    wish = {"service_type": "login", "new_threshold": 0.55, "reason": "asked by the team"}
    with own.client("ann") as ann, own.client("bob") as bob:
        asked = ann.post(f"{API}update-threshold", json=wish)
        assert asked.status_code == 202
        waiting = UpdateAnswer.model_validate(asked.json())
        assert (waiting.success, waiting.state, waiting.implementation_type) == (True, "proposed", "immediate")
        assert waiting.impact_assessment["then"]["threshold"] == 0.55
        assert waiting.rollback_capability["previous_threshold"] == 0.5
        assert waiting.rollback_capability["rollback_criteria"]

        done = bob.post(f"{API}update-threshold", json={"service_type": "login", "new_threshold": 0.55})
        assert (done.status_code, done.json()["state"]) == (200, "committed"), done.text
        assert done.json()["change_id"] == waiting.change_id
        assert bob.get(f"{API}services/login").json()["threshold"] == 0.55

        newest, before = bob.get(f"{API}history/threshold-changes", params={"service_type": "login"}).json()
        assert (newest["threshold_value"], newest["previous_value"], newest["implemented_by"]) == (0.55, 0.5, "bob")
        assert (newest["change_id"], newest["state"], newest["is_active"]) == (waiting.change_id, "committed", True)
        assert (newest["predicted"]["then"]["threshold"], newest["observed"]) == (0.55, None)
        assert (before["kind"], before["implemented_by"], before["is_active"]) == ("noted", "params", False)

        back = {"change_id": waiting.change_id, "reason": "it was worse"}
        taken = RollbackAnswer.model_validate(bob.post(f"{API}rollback-threshold", json=back).json())
        assert (taken.success, taken.previous_threshold) == (True, 0.5)
        again = bob.post(f"{API}rollback-threshold", json=back).json()
        assert (again["rollback_id"], again["repeated"]) == (taken.rollback_id, True)
        assert bob.get(f"{API}services/login").json()["threshold"] == 0.5


def test_a_proposal_goes_from_report_to_history(own: Running):
    with own.client("ann") as ann, own.client("bob") as bob, own.client("cid") as cid:
        filed = ann.post(f"{API}proposals", json={"service_type": "login"}).json()
        number = filed["proposal"]["id"]
        assert ann.post(f"{API}proposals", json={"service_type": "login"}).json()["repeated"]
        assert [one["id"] for one in ann.get(f"{API}proposals").json()] == [number]
        assert [one["proposal"] for one in ann.get(f"{API}recommendations").json()][-1] == {
            "id": number, "state": "proposed",
        }  # fmt: skip
        preview = bob.get(f"{API}proposals/{number}/preview").json()
        assert (preview["missing"], preview["you_can"], preview["refusals"]) == (2, True, [])
        first = bob.post(f"{API}proposals/{number}/approve", json={"comment": "yes"}).json()
        assert (first["proposal"]["state"], first["change"]) == ("proposed", None)
        key = {"Idempotency-Key": "one-click"}
        second = cid.post(f"{API}proposals/{number}/approve", json={}, headers=key).json()
        assert (second["proposal"]["state"], second["change"]["implemented_by"]) == ("committed", "cid")
        repeated = cid.post(f"{API}proposals/{number}/approve", json={}, headers=key).json()
        assert (repeated["repeated"], repeated["change"]["change_id"]) == (True, second["change"]["change_id"])
        other = cid.post(f"{API}proposals/{number}/approve", json={"comment": "other"}, headers=key)
        assert (other.status_code, other.json()["reason"]) == (409, "refused")
        one = cid.get(f"{API}proposals/{number}").json()
        assert [decision["approver"] for decision in one["decisions"]] == ["bob", "cid"]
        assert cid.get(f"{API}proposals").json() == []
        assert [one["id"] for one in cid.get(f"{API}proposals", params={"state": "committed"}).json()] == [number]
        told = cid.get(f"{API}overview").json()
        (login,) = (one for one in told["services"] if one["service_type"] == "login")
        assert (told["watched"], login["change_id"]) == (1, second["change"]["change_id"])
        assert login["watched_until"] is not None
        assert not login["valid"], "the report speaks of the threshold before"
        made = cid.get(f"{API}metrics/optimization-effectiveness").json()["overall"]
        assert (made["recommendations_made"], made["recommendations_accepted"], made["observed_changes"]) == (1, 1, 0)


def test_a_recommendation_after_a_change_speaks_of_the_new_threshold(own: Running):
    asked = {"service_type": "login"}
    with own.client("vic") as client:
        before = client.post(f"{API}recommendations", json=asked).json()
        with store_of(own.workspace).begin() as transaction:
            transaction.changes.set_threshold(
                "login", threshold=0.7, expected=0.5, change_id="c1", kind="commit", by="bob", at=_now(client),
                reason=None,
            )  # fmt: skip
        until = time.monotonic() + 15  # what is written past slaopt has no version of ours, and shows after seconds
        while time.monotonic() < until:
            after = client.post(f"{API}recommendations", json=asked).json()
            listed = next(one for one in client.get(f"{API}recommendations").json() if one["service_type"] == "login")
            if after["current_threshold"] == 0.7 and not listed["valid"]:
                break
            time.sleep(0.5)
    assert (before["current_threshold"], before["recommended_threshold"]) == (0.5, 0.7)
    assert (after["current_threshold"], after["valid"]) == (0.7, True)
    assert (listed["current_threshold"], listed["valid"]) == (0.5, False)
    assert "700 ms now" in listed["why_not"]


def _now(client: httpx.Client) -> Any:
    return datetime.fromisoformat(client.get(f"{API}health").json()["timestamp"])


def test_four_eyes_hold_for_requests_too(own: Running):
    with own.client("bob") as bob:
        number = bob.post(f"{API}proposals", json={"service_type": "login"}).json()["proposal"]["id"]
        answer = bob.post(f"{API}proposals/{number}/approve", json={})
        assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")
        assert "four eyes" in answer.json()["message"]
        withdrawn = bob.post(f"{API}proposals/{number}/withdraw", json={"reason": "a mistake"}).json()
        assert withdrawn["proposal"]["state"] == "withdrawn"
        assert bob.post(f"{API}proposals/{number}/commit", json={}).status_code == 409


def test_proposals_are_scheduled_and_rejected(own: Running):
    with own.client("ann") as ann, own.client("bob") as bob, own.client("cid") as cid:
        number = ann.post(f"{API}proposals", json={"service_type": "login"}).json()["proposal"]["id"]
        past = bob.post(f"{API}proposals/{number}/schedule", json={"scheduled_time": "2020-01-01T00:00:00Z"})
        assert past.status_code == 400
        later = (_now(bob) + timedelta(hours=5)).isoformat()
        bob.post(f"{API}proposals/{number}/approve", json={})
        scheduled = cid.post(f"{API}proposals/{number}/schedule", json={"scheduled_time": later}).json()
        assert scheduled["proposal"]["state"] == "scheduled"
        assert datetime.fromisoformat(scheduled["proposal"]["scheduled_at"]) == datetime.fromisoformat(later)
        rejected = bob.post(f"{API}proposals/{number}/reject", json={"reason": "not now"}).json()
        assert rejected["proposal"]["state"] == "rejected"


def test_an_admin_configures_services_and_nobody_else(own: Running):
    with own.client("bob") as bob, own.client("dora") as dora:
        assert bob.patch(f"{API}services/login", json={"auto_adjust": True}).status_code == 403
        changed = dora.patch(f"{API}services/login", json={"auto_adjust": True, "max_threshold": 3})
        assert (changed.json()["auto_adjust"], changed.json()["max_threshold"]) == (True, 3)
        assert dora.get(f"{API}overview").json()["auto_adjusted"] == 1
        for nothing in ({}, {"auto_adjust": None}, {"threshold": 1}, {"auto_adjust": "yes"}):
            assert dora.patch(f"{API}services/login", json=nothing).status_code == 400
        assert dora.patch(f"{API}services/nobody", json={"auto_adjust": True}).status_code == 404


def test_one_logs_in_and_out_without_a_page(own: Running):
    with own.client() as client:
        assert client.get(f"{API}session").status_code == 401
        wrong = client.post(f"{API}session", json={"name": "bob", "password": "wrong"})
        assert (wrong.status_code, wrong.json()["reason"]) == (401, "login")
        unknown = client.post(f"{API}session", json={"name": "nobody", "password": "wrong"})
        assert unknown.json() == wrong.json()
        who = client.post(f"{API}session", json={"name": "bob", "password": PASSWORD.format("bob")})
        assert SessionAnswer.model_validate(who.json()).role == "approver"
        assert "HttpOnly" in who.headers["set-cookie"]
        assert client.get(f"{API}session").json()["name"] == "bob"
        cookies = dict(client.cookies)
        assert client.delete(f"{API}session").status_code == 200
        assert client.get(f"{API}session").status_code == 401
        client.cookies.update(cookies)
        assert client.get(f"{API}session").status_code == 401, "the session has ended in the store, not in the browser"


def test_whether_the_server_works_is_told_to_all(approvals: Running):
    with approvals.client() as client:
        answer = client.get(f"{API}health")
    assert answer.status_code == 200
    told = HealthAnswer.model_validate(answer.json())
    assert (told.status, told.service) == ("healthy", "slaopt")


def test_what_has_not_changed_is_not_sent_again(approvals: Running):
    with approvals.client("vic") as client:
        for path in ("overview", "performance-analysis", "recommendations"):
            first = client.get(API + path)
            again = client.get(API + path, headers={"If-None-Match": first.headers["ETag"]})
            assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path


def test_who_only_reads_does_not_stand_behind_those_who_wait_for_a_report(own: Running):
    with own.client("ann") as ann, own.client("vic") as vic, ThreadPoolExecutor(14) as threads:
        number = ann.post(f"{API}proposals", json={"service_type": "login"}).json()["proposal"]["id"]
        waiting = [threads.submit(ann.get, f"{API}proposals/{number}/preview") for _ in range(14)]
        wait(waiting, return_when="FIRST_COMPLETED")
        assert vic.get(f"{API}services/login").status_code == 200
        assert sum(not one.done() for one in waiting) > 3
        assert {one.result().status_code for one in waiting} == {200}


def test_switched_off_it_still_answers_and_writes_nothing(own: Running):
    (own.workspace / "params" / "default.yaml").write_text("objective: 0.99\nenabled: false\n")
    before = kept(own.workspace)
    with own.client("bob") as client:
        asked = {"service_type": "login", "business_priority": "cost"}
        assert client.post(f"{API}recommendations", json=asked).status_code == 200
        assert kept(own.workspace) == before
        for path, body in (
            ("proposals", {"service_type": "login"}),
            ("update-threshold", {"service_type": "login", "new_threshold": 0.6}),
        ):
            answer = client.post(API + path, json=body)
            assert (answer.status_code, answer.json()["reason"]) == (409, "refused"), answer.text
            assert "switched off" in answer.json()["message"]
        assert client.get(f"{API}overview").json()["enabled"] is False
