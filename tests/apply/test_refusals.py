"""What forbids a change: the report behind it, the row of its service, the settings. Refusals leave nothing behind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from slaopt.apply import (
    ForbiddenError,
    TransitionError,
    approve,
    reject,
    schedule,
    withdraw,
)
from slaopt.errors import InputError, RefusedError, SlaoptError, StaleError
from slaopt.report.verify import Verification
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
    NOW,
    ONE_IS_ENOUGH,
    SERVICE,
    Grounds,
    by_digests,
    grounds,
    refused,
    set_threshold,
)

LATER = AT + timedelta(hours=3)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("result.json", lambda text: text.replace('"recommended_threshold": 0.7', '"recommended_threshold": 0.9')),
        ("report.html", lambda text: text + "<p>Raise it to 9 s.</p>"),
        ("manifest.json", lambda text: text.replace('"seed": 0', '"seed": 1')),
    ],
)
def test_a_tampered_report_is_refused(ground: Grounds, name: str, damage: object) -> None:
    ground.proposed()
    path = ground.report / name
    text = path.read_text()
    path.write_text(damage(text))  # type: ignore[operator]
    assert path.read_text() != text
    exact = replace(ground, ledger=replace(ground.ledger, verify=None))
    refused(exact, RefusedError, "tampered with")


def test_a_forged_report_that_agrees_with_itself_is_refused(ground: Grounds) -> None:
    from slaopt.report.manifest import Manifest

    ground.proposed()
    (ground.report / "report.html").write_text("<p>All is well.</p>")
    forged = Manifest.read(ground.report).complete(ground.report)
    forged.write(ground.report)
    exact = replace(ground, ledger=replace(ground.ledger, verify=None))
    refused(exact, RefusedError, "tampered with.*the store holds another digest")
    refused(ground, RefusedError, "was made again since")  # also where only digests are looked at


def test_a_report_that_is_verified_exactly_is_approved(tmp_path: Path, archive: Path) -> None:
    exact = grounds(tmp_path, archive, exactly=True)
    filed = exact.proposed()
    assert approve(exact.ledger, filed.id, actor=BOB, at=AT).change is not None


def test_a_report_that_the_store_does_not_know_is_refused(ground: Grounds) -> None:
    ground.proposed()
    stranger = Verification(directory=ground.report, status="same", recorded=False)
    strange = replace(ground, ledger=replace(ground.ledger, verify=lambda *_: stranger))
    refused(strange, RefusedError, "not the one that the store knows")


def test_a_report_of_another_version_is_refused_and_a_fresh_one_asked_for(
    ground: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.proposed()
    monkeypatch.setattr("slaopt.report.verify.__version__", "99.0")
    exact = replace(ground, ledger=replace(ground.ledger, verify=None))
    refused(exact, RefusedError, "another version.*fresh report")


def test_a_report_that_is_gone_is_refused(ground: Grounds) -> None:
    ground.proposed()
    shutil.rmtree(ground.report)
    exact = replace(ground, ledger=replace(ground.ledger, verify=None))
    refused(exact, RefusedError, "cannot be verified.*fresh report")
    refused(replace(ground, ledger=replace(ground.ledger, reports=None)), RefusedError, "without a workspace")


def test_a_threshold_that_was_changed_elsewhere_stays_and_both_values_are_shown(either: Grounds) -> None:
    either.proposed()
    set_threshold(either.place, SERVICE, 0.65)
    refused(either, StaleError, "650 ms now, and was at 500 ms")


def test_a_threshold_that_moves_between_the_look_and_the_transaction_is_refused(ground: Grounds) -> None:
    ground.proposed()

    def meanwhile(folder: Path, store: object) -> object:
        set_threshold(ground.place, SERVICE, 0.65)
        assert ground.ledger.verify is not None
        return ground.ledger.verify(folder, ground.store)

    slow = replace(ground, ledger=replace(ground.ledger, verify=meanwhile))  # type: ignore[arg-type]
    with pytest.raises(StaleError, match="650 ms now, and was at 500 ms"):
        approve(slow.ledger, 1, actor=BOB, at=AT)
    assert ground.threshold() == 0.65
    assert ground.place.all_of("sla_approvals") == []


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ("UPDATE sla_runs SET manifest_digest = 'another'", StaleError, "recorded anew meanwhile"),
        ("UPDATE sla_users SET is_active = 0 WHERE name = 'bob'", ForbiddenError, "no active user"),
        ("UPDATE sla_users SET role = 'analyst' WHERE name = 'bob'", ForbiddenError, "takes an approver"),
        ("UPDATE sla_proposals SET state = 'withdrawn'", TransitionError, "withdrawn cannot be approved"),
    ],
)
def test_what_moves_between_the_look_and_the_transaction_is_seen(
    ground: Grounds, change: str, error: type[SlaoptError], words: str
) -> None:
    ground.proposed()

    def meanwhile(folder: Path, store: object) -> Verification:
        ground.place.run(change)
        return by_digests(folder, ground.store)

    slow = replace(ground, ledger=replace(ground.ledger, verify=meanwhile))
    with pytest.raises(error, match=words):
        approve(slow.ledger, 1, actor=BOB, at=AT)
    assert ground.threshold() == NOW
    assert ground.place.all_of("sla_approvals") == []


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("max_threshold = 0.6", "greatest threshold allowed, 600 ms"),
        ("min_threshold = 0.8", "least threshold allowed, 800 ms"),
        ("optimization_enabled = false", "is disabled"),
        ("is_active = false", "not active"),
        ("threshold_unit = 'bananas'", "no unit of time"),
    ],
)
def test_what_the_row_of_the_service_forbids(ground: Grounds, column: str, words: str) -> None:
    ground.proposed()
    ground.place.run(f"UPDATE sla_configurations SET {column}")
    refused(ground, RefusedError, words)


def test_bounds_of_the_settings_hold_where_the_store_has_none(ground: Grounds) -> None:
    ground.proposed()
    refused(ground.with_rules(ONE_IS_ENOUGH, max_threshold=0.6), RefusedError, "greatest threshold allowed")


def test_a_running_experiment_is_not_disturbed(ground: Grounds) -> None:
    ground.proposed()
    ground.place.run(
        "INSERT INTO sla_optimization_experiments "
        "(experiment_id, experiment_name, service_type, control_threshold, test_threshold, status) "
        f"VALUES ('test-1', 'e', '{SERVICE}', 0.5, 0.6, 'running')"
    )
    refused(ground, RefusedError, "experiment test-1 is running")
    ground.place.run("UPDATE sla_optimization_experiments SET status = 'completed'")
    assert approve(ground.ledger, 1, actor=BOB, at=AT).change is not None


def test_a_report_is_good_for_some_days_only(ground: Grounds) -> None:
    filed = ground.proposed()
    short = ground.with_rules(ONE_IS_ENOUGH, report_valid_days=0.05)
    refused(short, RefusedError, "good for 0.05 days")
    with pytest.raises(RefusedError, match="good for 7 days"):
        approve(ground.ledger, filed.id, actor=BOB, at=AT + timedelta(days=7))
    assert approve(ground.ledger, filed.id, actor=BOB, at=AT + timedelta(days=6)).change is not None


def test_the_off_switch_holds_at_once_for_everything(ground: Grounds, tmp_path: Path) -> None:
    filed = ground.proposed()
    (tmp_path / "params").mkdir()
    settings = tmp_path / "params" / "default.yaml"
    settings.write_text("enabled: true\n")
    ledger = replace(ground.ledger, workspace=tmp_path)
    assert ledger.is_on
    settings.write_text("enabled: false\n")
    before = ground.written()
    for call in (
        lambda: approve(ledger, filed.id, actor=BOB, at=AT),
        lambda: schedule(ledger, filed.id, LATER, actor=BOB, at=AT),
        lambda: reject(ledger, filed.id, actor=BOB, at=AT, reason="no"),
        lambda: withdraw(ledger, filed.id, actor=ANN, at=AT),
    ):
        with pytest.raises(RefusedError, match="switched off"):
            call()
    assert ground.written() == before
    settings.write_text("enabled: true\n")
    assert approve(ledger, filed.id, actor=BOB, at=AT).change is not None


def test_slaopt_can_be_switched_off_for_one_service(ground: Grounds) -> None:
    ground.proposed()
    book = replace(ground.ledger.book, default=ground.ledger.book.default.model_copy(update={"enabled": True}))
    off = book.services[SERVICE].model_copy(update={"enabled": False})
    ledger = replace(ground.ledger, book=replace(book, services={SERVICE: off}))
    refused(replace(ground, ledger=ledger), RefusedError, f"switched off for {SERVICE}")


def test_a_file_for_heads_that_cannot_be_written_is_found_before_anything_happens(
    ground: Grounds, tmp_path: Path
) -> None:
    ground.proposed()
    ledger = replace(ground.ledger, heads=tmp_path / "no" / "such" / "heads.jsonl")
    refused(replace(ground, ledger=ledger), InputError, "audit_heads")
