"""What pages tell of tests of thresholds, made from the store without a server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from slaopt.apply import Actor, reject
from slaopt.params import ExperimentRules
from slaopt.server.answers import Answers, Overview, summarised
from slaopt.server.experiment_models import DesignQuery
from slaopt.server.pages.experiment_views import watched_of
from slaopt.server.pages.experiments import Card, card
from slaopt.server.pages.looks import guarded, looks_chart, looks_rows
from slaopt.server.pages.rendering import fill
from slaopt.server.planning import Planned
from slaopt.store import ExperimentRecord
from slaopt.store.records import Needs
from tests.server.experimenting import ANN, BOB, begun, design_of, filed, found, ledger_of, watched
from tests.server.running import copied, now, store_of

VIC = Actor("vic", "viewer")


@dataclass
class Told:
    """A workspace with tests in it."""

    workspace: Path
    running: ExperimentRecord
    harmed: ExperimentRecord

    def card(self, record: ExperimentRecord, actor: Actor = BOB) -> Card:
        """A test as it is now, written for somebody."""
        with store_of(self.workspace).reading() as transaction:
            kept = found(self.workspace, record.experiment_id)
            return card(watched_of(transaction, kept, now()), actor, enabled=True)

    def overview(self) -> Overview:
        ledger = ledger_of(self.workspace)
        return Answers(lambda: ledger).overview(at=now())


@pytest.fixture(scope="module")
def told(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    workspace = copied(made_workspace, tmp_path_factory.mktemp("told") / "workspace")
    text = "objective: 0.99\napprovals: {significant_change: 0.9}\n"
    (workspace / "params" / "default.yaml").write_text(text, encoding="utf-8")
    running, harmed = begun(workspace, "login", days_ago=3), begun(workspace, "catalog", days_ago=5)
    watched(workspace, running)
    watched(workspace, harmed, test_rate=0.1)
    return Told(workspace, running, harmed)


def words(buttons: tuple[object, ...]) -> list[str]:
    return [button.words for button in buttons]  # type: ignore[attr-defined]


def test_one_that_runs_says_how_far_it_is_and_lets_who_approves_end_it(told: Told):
    shown = told.card(told.running)
    assert shown.claim == "Nothing is decided yet"
    assert re.match(r"3 of 7 looks; [\d,]+ executions under control, [\d,]+ under test; next look ", shown.progress)
    assert shown.percent == pytest.approx(300 / 7, abs=0.1)
    names = [pair.name for pair in shown.pairs]
    assert names == ["Threshold", "Violations of 1,000", "Difference of 1,000", "Better"]
    assert "valid at every look" in shown.pairs[2].note
    assert words(shown.buttons) == ["Stop", "Prolong"]
    assert words(told.card(told.running, ANN).buttons) == words(told.card(told.running, VIC).buttons) == []


def test_one_that_was_stopped_for_harm_says_so_and_offers_nothing(told: Told):
    shown = told.card(told.harmed)
    assert (shown.claim, shown.tone, shown.status) == ("Stopped for harm", "poor", "stopped")
    assert "does harm" in shown.rest
    assert shown.state.endswith("by watch")
    assert shown.buttons == ()


def test_the_chart_stays_in_its_box_and_its_title_is_the_finding(told: Told):
    with store_of(told.workspace).reading() as transaction:
        looks = transaction.experiments.looks(told.running)
        harmed = transaction.experiments.looks(told.harmed)
    chart = looks_chart(told.running, looks)
    assert chart is not None
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", chart.band + chart.line)]
    assert len(re.findall("[ML]", chart.line)) == len(looks) == 3
    assert all(0 <= x <= 1000 for x in numbers[::2])
    assert all(0 <= y <= 200 for y in numbers[1::2])
    low, high = looks[-1].look["interval"]["low"], looks[-1].look["interval"]["high"]
    assert (low < 0 < high) == chart.title.startswith("No difference is established")
    assert looks_chart(told.running, []) is None
    rows = looks_rows(told.running, looks)
    assert [row[0] for row in rows] == ["3", "2", "1"]
    standings = {row.metric: row.standing for row in guarded(harmed)}
    assert standings["Violation rate"] == "harmed"
    assert guarded([]) == []


def test_the_overview_counts_what_runs_and_offers_no_other_change_meanwhile(told: Told):
    seen = told.overview()
    assert [record.experiment_id for record in seen.experiments] == [told.running.experiment_id]
    lines = {line.service: line for line in seen.lines}
    assert lines["login"].experiment is not None
    assert not lines["login"].opportunity
    (one,) = summarised(seen).to_dict()["experiments"]
    assert (one["service_type"], one["test_threshold"]) == ("login", 0.6)
    assert "salt" not in one


def test_one_that_waits_names_whose_approval_it_takes_and_one_rejected_never_started(told: Told):
    record = filed(told.workspace, "catalog")
    shown = told.card(record)
    assert (shown.claim, shown.percent) == ("Test 1.2 s", None)
    assert shown.needs.startswith("It takes the approval of somebody other than ann.")
    assert words(shown.buttons) == ["Preview", "Approve", "Reject"]
    assert words(told.card(record, ANN).buttons) == ["Preview", "Withdraw"]
    assert record.proposal_id is not None
    reject(ledger_of(told.workspace), record.proposal_id, reason="not now", actor=BOB, at=now())
    ended = told.card(record)
    assert (ended.claim, ended.status, ended.buttons) == ("Never started", "stopped", ())
    assert "not now" in ended.rest


@pytest.mark.parametrize("purpose", ["stop", "amend", "adopt"])
def test_the_dialogs_ask_only_for_what_can_be_done(told: Told, purpose: str):
    def shown(record: ExperimentRecord, *, enabled: bool = True) -> str:
        return fill(
            "dialog_experiment.html", base_url="/", purpose=purpose, record=record, page="experiments/e1",
            to=f"experiments/e1/{purpose}", control="500 ms", test="600 ms", found="It is better.", enabled=enabled,
        )  # fmt: skip

    running = found(told.workspace, told.running.experiment_id)
    assert f'data-to="/api/v1/sla-optimization/experiments/e1/{purpose}"' in shown(running)
    assert "<form" not in shown(running, enabled=False)
    ended = shown(found(told.workspace, told.harmed.experiment_id))
    assert ("<form" in ended) == (purpose == "adopt"), "REST says whether it recommends that"


@pytest.mark.parametrize("solo", [True, False])
def test_a_design_that_cannot_answer_says_why_and_one_that_can_be_forced_asks_for_it(told: Told, solo: bool):
    planned = Planned(
        design=design_of("login", 0.5, 0.6), refusals=("3 days are too few.",), sentences=("For 3 days.", "It finds."),
        told={},
    )  # fmt: skip
    takes = Needs(approvals=0 if solo else 2, second_factor=True, significance="critical", why=("It is critical.",))

    def shown(made: Planned | None) -> str:
        return fill(
            "dialog_test.html", base_url="/", service="login", threshold="600 ms", control="500 ms", planned=made,
            why_not="login: nothing can be decided", pairs=(), who="Two people", takes=takes, solo=solo,
            asked=DesignQuery(days=3), rules=ExperimentRules(), to="proposals/1/test", again="dialogs/proposals/1/test",
            more={}, enabled=True,
        )  # fmt: skip

    text = shown(planned)
    assert 'name="force"' in text
    assert ('name="code"' in text) == solo
    assert ("Start the test" in text) == solo
    refused = shown(None)
    assert "login: nothing can be decided." in refused
    assert "data-to" not in refused
    assert "data-again" in refused
