"""What is old is taken away on demand; what was decided, and what a decision rests on, is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from slaopt.apply import ForbiddenError, approve, verify_audit
from slaopt.apply.retention import old_things, purge
from slaopt.errors import InputError, RefusedError
from slaopt.params import Params, ParamsBook
from tests.apply.builders import AT, BOB, DORA, Grounds

NOW = AT + timedelta(days=1)
EVERYTHING = AT + timedelta(hours=1)  # older than this is the only report
TABLES = ("sla_runs", "sla_performance_analysis", "sla_threshold_impact_predictions")


def rows(ground: Grounds, *tables: str) -> list[int]:
    return [len(ground.place.all_of(table)) for table in tables]


def test_a_report_goes_with_all_that_it_found(either):
    report = either.report
    gone = purge(either.ledger, EVERYTHING, actor=DORA, at=NOW)
    assert rows(either, *TABLES) == [0, 0, 0]
    assert [gone.rows[table] for table in TABLES] == [1, 1, 1]
    assert gone.reports == (f"{report.parent.name}/{report.name}",)
    assert not report.exists()
    with either.store.reading() as transaction:
        (entry,) = transaction.audit.entries()
    assert (entry.action, entry.actor, entry.details["reports"]) == ("purge", "dora", 1)
    assert purge(either.ledger, EVERYTHING, actor=DORA, at=NOW).is_empty


def test_looking_takes_nothing(either):
    before = {table: either.place.all_of(table) for table in (*TABLES, "sla_audit_log", "sla_answers")}
    old = old_things(either.ledger, EVERYTHING, at=NOW)
    assert (old.rows["sla_runs"], len(old.reports)) == (1, 1)
    assert {table: either.place.all_of(table) for table in before} == before
    assert either.report.exists()


def test_what_a_proposal_rests_on_stays_and_can_still_be_approved(either):
    proposal = either.proposed()
    assert purge(either.ledger, EVERYTHING, actor=DORA, at=NOW).reports == ()
    assert rows(either, *TABLES) == [1, 1, 1]
    assert approve(either.ledger, proposal.id, actor=BOB, at=NOW).change is not None
    decided = either.written()
    purge(either.ledger, NOW, actor=DORA, at=NOW + timedelta(days=400))
    after = either.written()
    for table in ("sla_configurations", "sla_threshold_history", "sla_proposals", "sla_approvals", "sla_changes"):
        assert after[table] == decided[table]
    assert len(after["sla_audit_log"]) == len(decided["sla_audit_log"]) + 1
    assert verify_audit(either.ledger).status == "intact"


def test_younger_reports_stay(ground):
    assert old_things(ground.ledger, AT - timedelta(days=1), at=NOW).is_empty


def test_only_folders_of_reports_go(ground, tmp_path):
    """A link, a file and a folder of another name are not slaopt's to remove."""
    report = ground.report
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = report.parent / "2020-01-01T0000Z-00000000"
    link.symlink_to(elsewhere)
    others = [report.parent / "notes", report.parent / "2020-01-01T0000Z-short", report.parents[1] / ".work-1"]
    for other in others:
        other.mkdir()
    file = report.parent / "2020-01-01T0000Z-11111111"
    file.write_text("no folder")
    unrecorded = shutil.copytree(report, report.parent / "2020-01-01T0000Z-22222222")
    gone = purge(ground.ledger, EVERYTHING, actor=DORA, at=NOW)
    assert sorted(gone.reports) == sorted(f"{r.parent.name}/{r.name}" for r in (report, unrecorded))
    assert all(path.exists() for path in (link, elsewhere, file, *others))


def test_who_may_purge_and_what_makes_no_sense(ground):
    with pytest.raises(ForbiddenError, match="takes an admin"):
        purge(ground.ledger, EVERYTHING, actor=BOB, at=NOW)
    for look in (
        lambda: old_things(ground.ledger, NOW + timedelta(seconds=1), at=NOW),
        lambda: purge(ground.ledger, NOW + timedelta(seconds=1), actor=DORA, at=NOW),
    ):
        with pytest.raises(InputError, match="lies ahead"):
            look()
    off = replace(ground.ledger, book=ParamsBook(default=Params(enabled=False), services={}))
    with pytest.raises(RefusedError, match="switched off"):
        purge(off, EVERYTHING, actor=DORA, at=NOW)
    assert ground.report.exists()
    assert ground.actions() == []
