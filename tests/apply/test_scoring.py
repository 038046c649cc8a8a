"""A threshold that nobody recommended: assessed as a report would, from the newest one; else refused."""

from __future__ import annotations

import json

import pytest

from slaopt.apply.judging import usual_of
from slaopt.apply.scoring import assessment_of, rules_of, score, watch_of
from slaopt.errors import InputError, RefusedError
from slaopt.report.verify import verify_report
from tests.apply.changed import AT, DAY, END, Changed, opened, proposed, template


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Changed:
    return proposed(template(tmp_path_factory.mktemp("template")), tmp_path_factory.mktemp("scoring"))


def result(here, service="login"):
    with here.ledger.store.reading() as transaction:
        run = transaction.latest_runs([service])[service]
    found = json.loads((here.ledger.reports / run.report_path / "result.json").read_text())
    return run, found["recommendation"]


def test_the_recommended_threshold_is_assessed_as_the_report_does(here):
    run, recommendation = result(here)
    scored = score(here.ledger, "login", recommendation["recommended_threshold"], at=AT)
    told = assessment_of(recommendation, as_of=run.as_of, report_path=run.report_path)
    for name in ("now", "then", "predicted_outcomes", "watch", "rollback_criteria", "impact", "as_of", "objective"):
        assert scored.assessment[name] == told[name], name
    assert scored.rollback_rules == rules_of(recommendation)
    assert scored.watch == watch_of(recommendation)
    assert scored.run == run
    assert scored.prediction["predicted_violation_rate_change"] < 0
    assert json.loads(json.dumps(scored.to_dict()))["proposed_threshold"] == 0.7


def test_a_threshold_beyond_what_may_be_recommended_is_assessed_too(here):
    scored = score(here.ledger, "login", 1.4, at=AT)
    assert scored.assessment["then"]["threshold"] == 1.4
    assert scored.assessment["then"]["achievability"] > 0.99
    assert scored.assessment["sentence"].startswith("Raise 500 ms to 1.4 s: ")
    assert "the size of the change" in {f["name"] for f in scored.assessment["risk_factors"] if f["level"] == "high"}


def test_a_tighter_one_says_what_it_costs(here):
    scored = score(here.ledger, "login", 0.4, at=AT)
    assert scored.assessment["sentence"].startswith("Lower 500 ms to 400 ms: ")
    assert scored.assessment["confidence_score"] < 0.5
    assert scored.assessment["predicted_outcomes"]["violation_rate_change"] > 0


def test_the_threshold_in_force_now_is_what_it_is_compared_with(here, tmp_path):
    with here.ledger.store.begin() as transaction:
        transaction.changes.set_threshold(
            "catalog", threshold=0.8, expected=1.0, change_id="by hand", kind="commit", by="bob", at=AT, reason=None
        )
    scored = score(here.ledger, "catalog", 0.5, at=AT)
    assert scored.current_threshold == 0.8
    assert scored.assessment["now"]["threshold"] == 0.8


def test_rules_that_are_asked_for_take_the_place_of_those_made(here):
    scored = score(
        here.ledger, "login", 0.65, at=AT,
        rules=["burn_rate >= 5 over 1h", {"metric": "watch_z", "operator": ">", "value": 5.0, "window": "24h"}],
    )  # fmt: skip
    assert [rule["value"] for rule in scored.rollback_rules] == [5.0, 5.0]
    assert scored.assessment["rollback_criteria"] == [
        "The error budget burns too fast (burn_rate >= 5 over 1h), as asked for.",
        "The watch rises over its bound (watch_z > 5 over 24h), as asked for.",
    ]
    assert usual_of(scored.watch).threshold == 0.63  # counted; 650 ms lies between two that were
    with pytest.raises(InputError, match="is unknown"):
        score(here.ledger, "login", 0.65, at=AT, rules=["cpu > 5 over 1h"])


def test_an_old_report_assesses_nothing(here):
    with pytest.raises(RefusedError, match=r"one is good for 7 days; make a fresh one with `slaopt report login`"):
        score(here.ledger, "login", 0.65, at=END + 7 * DAY + DAY / 24)


def test_without_a_report_nothing_is_assessed(here):
    with pytest.raises(InputError, match="no report to assess"):
        score(here.ledger, "checkout", 0.65, at=AT)


def test_a_watch_that_there_is_not_judges_no_rule(here):
    _, recommendation = result(here)
    without = recommendation | {"watch": recommendation["watch"] | {"usual": None}}
    assert watch_of(without) is None
    assert watch_of(recommendation | {"watch": None}) is None


def test_what_a_watch_learned_stands_in_the_report_and_is_verified(here):
    run, recommendation = result(here)
    assert recommendation["watch"]["usual"]["threshold"] == recommendation["recommended_threshold"]
    assert verify_report(here.ledger.reports / run.report_path, opened(here.workspace).store).status == "same"
