"""The watch, pass by pass, on real reports, stores and measurements: what it rolls back, keeps, and cannot see."""

from __future__ import annotations

import logging
import sqlite3
from datetime import timedelta
from threading import Thread

import pytest

from slaopt import samples
from slaopt.apply.asking import Wish, request
from slaopt.apply.deciding import approve, schedule
from slaopt.apply.filing import propose
from slaopt.apply.undoing import rollback
from slaopt.apply.watch import watch
from slaopt.errors import InputError, RefusedError
from slaopt.printing import history_lines
from slaopt.report import Recorder
from slaopt.server.answers.history import history
from tests.apply.changed import (
    ANN,
    AT,
    DAY,
    END,
    HOUR,
    changed,
    changed_in,
    file_source,
    folder_source,
    opened,
    proposed,
    rows,
    table_source,
    template,
    until,
)
from tests.report.builders import measured as month_of
from tests.report.runs import handmade
from tests.store.builders import place

STEP = timedelta(minutes=5)


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def here(shared, tmp_path):
    return changed(shared, tmp_path)


def states(results):
    return {result.service: result.state for result in results}


@pytest.mark.parametrize("source", [file_source, folder_source, table_source])
def test_a_slowdown_after_a_change_takes_it_back_with_the_reason(here, tmp_path, caplog, source):
    change, before = here.change(), here.threshold("catalog")
    measured = rows(["login"], slower=1.6) + rows(["catalog"])
    at = AT + 12 * HOUR
    with caplog.at_level(logging.INFO, "slaopt.watch"):
        results = watch(here.ledger, source(tmp_path, until(at, measured), here.ledger, at), at=at)

    assert states(results) == {"login": "rolled back", "catalog": "quiet"}
    assert here.threshold() == change.previous == 0.5
    assert here.threshold("catalog") == before
    assert here.proposal().state == "rolled_back"
    (told,) = [one for one in results if one.service == "login"]
    back = here.change()
    assert (back.kind, back.undoes, back.implemented_by) == ("rollback", change.change_id, "watch")
    assert "executions took longer than 700 ms" in back.reason
    assert back.reason in told.sentence
    assert told.fired[0]["rule"]["metric"] == "watch_z"
    with here.ledger.store.reading() as transaction:
        (entry,) = [one for one in transaction.audit.entries() if one.action == "roll back"]
    assert (entry.actor, entry.service) == ("watch", "login")
    assert entry.details["reason"] == back.reason
    assert entry.details["fired"][0]["value"] > entry.details["fired"][0]["rule"]["value"]
    warned = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert warned == [f"login: rolled back: {told.sentence}"]


def test_a_quiet_change_is_kept_when_its_watch_is_over(here, tmp_path):
    measured = rows(days=6)
    for days in (1, 2, 3, 4):
        at = AT + days * DAY
        results = watch(opened(here.workspace), file_source(tmp_path, until(at, measured), here.ledger, at), at=at)
        assert states(results) == {"login": "quiet", "catalog": "quiet"}
    at = AT + 5 * DAY
    results = watch(here.ledger, file_source(tmp_path, until(at, measured), here.ledger, at), at=at)
    assert states(results) == {"login": "kept", "catalog": "kept"}
    assert here.proposal().state == "kept"
    assert here.actions().count("keep") == 2
    observed = here.change().performance_impact["observed"]
    after = [row for row in measured if row[1] == "login" and AT.isoformat() <= row[0] < at.isoformat()]
    threshold = here.threshold()
    slow = sum(value > threshold for _, _, value in after)
    assert observed["executions"] == pytest.approx(len(after), abs=60)  # ten minutes have not settled yet
    assert observed["violations"] == pytest.approx(slow, abs=3)
    assert len(observed["days"]) == 6
    assert watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at + STEP) == []


def test_nothing_measured_is_blind_and_never_taken_for_quiet(here, tmp_path):
    measured = [row for row in rows() if row[1] == "catalog" or row[0] < AT.isoformat()]
    at = AT + 6 * HOUR
    results = {one.service: one for one in watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)}
    assert results["catalog"].state == "quiet"
    assert results["login"].state == "blind"
    assert results["login"].sentence == "nothing was measured since 24 Nov 2026, 14:35 UTC."
    results = watch(here.ledger, None, at=at)
    assert states(results) == {"login": "blind", "catalog": "blind"}
    assert "no source of measurements is named" in results[0].sentence
    late = AT + 7 * DAY
    (blind, _) = sorted(
        watch(here.ledger, file_source(tmp_path, measured, here.ledger, late), at=late), key=lambda one: one.state
    )
    assert blind.sentence.endswith("Its watch ended on 29 Nov 2026, 14:32 UTC, unseen.")
    assert here.proposal().state == "committed"


def test_a_first_threshold_is_not_watched_as_there_is_nothing_to_go_back_to(shared, tmp_path):
    here = with_first(shared, tmp_path)
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"]) + rows(["catalog"], slower=20))
    results = {one.service: one for one in watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)}
    assert {name: one.state for name, one in results.items()} == {"login": "quiet", "catalog": "unwatched"}
    assert results["catalog"].sentence.endswith("It is a first threshold, so there is nothing to go back to.")
    observed = here.change("catalog").performance_impact["observed"]
    assert observed["violation_rate"] > 0.5
    assert states(watch(here.ledger, None, at=at))["catalog"] == "unwatched"
    with here.ledger.store.reading() as transaction:
        told = {one.service: one for one in history(transaction, here.ledger.book) if one.kind == "commit"}
    assert told["catalog"].watched_until is None
    assert told["login"].watched_until == AT + 5 * DAY
    (line,) = [line for line in history_lines([told["catalog"]]) if "change" in line]
    assert line.endswith("in force, not watched: there is nothing to go back to")

    late = AT + 6 * DAY
    measured = until(late, rows(["catalog"], days=7))
    results = watch(here.ledger, file_source(tmp_path, measured, here.ledger, late), at=late)
    (kept,) = [one for one in results if one.service == "catalog"]
    assert kept.state == "kept"
    assert kept.sentence.endswith("were foretold.")


def with_first(shared, tmp_path):
    """Two changes in force: that of login, and the first threshold that catalog has."""
    here = changed(shared, tmp_path, ["login"])
    with sqlite3.connect(here.workspace / "slaopt.db") as database:
        for table in ("sla_configurations", "sla_threshold_history"):
            database.execute(f"DELETE FROM {table} WHERE service_type = 'catalog'")
    database.close()
    params = samples.service("catalog").params.model_copy(update={"threshold": None})
    report = handmade(here.workspace / "reports", month_of("catalog"), params, here.workspace / "service_report.ipynb")
    Recorder(here.ledger.store, END).record(report)
    (filed,) = propose(here.ledger, ["catalog"], actor=ANN, at=AT)
    approve(here.ledger, filed.id, actor=ANN, at=AT)
    return here


def test_a_change_that_was_brought_back_is_watched_again_and_the_history_says_so(here, tmp_path):
    change = here.change()
    back = rollback(here.ledger, change.change_id, reason="too lax", actor=ANN, at=AT + HOUR)
    again = rollback(here.ledger, back.change.change_id, reason="it was not", actor=ANN, at=AT + 2 * HOUR)
    with here.ledger.store.reading() as transaction:
        told = {one.change_id: one for one in history(transaction, here.ledger.book, service="login")}
    assert told[again.change.change_id].watched_until == AT + 2 * HOUR + 5 * DAY
    assert told[back.change.change_id].watched_until is told[change.change_id].watched_until is None
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6, since=AT + 3 * HOUR) + rows(["catalog"]))
    results = watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)
    assert states(results)["login"] == "rolled back"


def test_minutes_after_the_change_nothing_has_settled(here, tmp_path):
    at = AT + 2 * STEP
    results = watch(here.ledger, file_source(tmp_path, until(at, rows()), here.ledger, at), at=at)
    assert states(results) == {"login": "blind", "catalog": "blind"}
    assert "has settled yet" in results[0].sentence


def test_what_came_late_is_judged_all_the_same(here, tmp_path):
    measured = rows(["login"], slower=1.6, since=AT + 2 * HOUR) + rows(["catalog"])
    first = AT + 9 * HOUR
    there = until(AT + 2 * HOUR, [row for row in measured if row[1] == "login"])
    there += until(first, rows(["catalog"]))
    results = watch(here.ledger, file_source(tmp_path, there, here.ledger, first), at=first)
    assert states(results) == {"login": "quiet", "catalog": "quiet"}
    at = first + 10 * HOUR  # the slow hours have been written, and all has been well since
    mended = [row for row in rows() if row[0] >= first.isoformat()] + [
        row for row in measured if row[0] < first.isoformat()
    ]
    results = watch(here.ledger, file_source(tmp_path, until(at, mended), here.ledger, at), at=at)
    assert states(results) == {"login": "rolled back", "catalog": "quiet"}


def test_trouble_before_the_change_is_not_its_doing(here, tmp_path):
    at = AT + 12 * HOUR
    measured = rows(["login"], slower=3.0, since=END - DAY)
    mended = [row for row in measured if row[0] < END.isoformat()] + [
        row for row in rows() if row[0] >= END.isoformat() or row[1] == "catalog"
    ]
    results = watch(here.ledger, file_source(tmp_path, until(at, mended), here.ledger, at), at=at)
    assert states(results) == {"login": "quiet", "catalog": "quiet"}


def test_one_service_that_cannot_be_read_stops_no_other(here, tmp_path):
    class Broken:
        def __init__(self, source):
            self.source = source

        def inspect(self):
            return self.source.inspect()

        def profiles(self, services, start, end, *, thresholds=None):
            for name in services:
                if name == "catalog":
                    raise InputError("catalog: row 7 is torn")
                yield from self.source.profiles([name], start, end, thresholds=thresholds)

    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6) + rows(["catalog"]))
    results = watch(here.ledger, Broken(file_source(tmp_path, measured, here.ledger, at)), at=at)
    assert states(results) == {"login": "rolled back", "catalog": "blind"}
    assert "row 7 is torn" in next(one.sentence for one in results if one.service == "catalog")


def test_a_service_gone_from_the_source_is_said(here, tmp_path):
    at = AT + 6 * HOUR
    results = watch(here.ledger, file_source(tmp_path, until(at, rows(["catalog"])), here.ledger, at), at=at)
    assert states(results) == {"login": "blind", "catalog": "quiet"}
    assert next(one.sentence for one in results if one.service == "login").startswith("measurements cannot be read: ")


def test_a_newer_threshold_is_left_alone(here, tmp_path):
    with here.ledger.store.begin() as transaction:
        transaction.changes.set_threshold(
            "login", threshold=0.9, expected=here.proposal().proposed_threshold, change_id="elsewhere", kind="commit",
            by="bob", at=AT + HOUR, reason="by hand",
        )  # fmt: skip
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6) + rows(["catalog"]))
    results = watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)
    assert states(results) == {"login": "overtaken", "catalog": "quiet"}
    assert "change elsewhere has followed" in next(one.sentence for one in results if one.service == "login")
    assert here.threshold() == 0.9


def test_a_rollback_that_was_rolled_back_is_watched_again(here, tmp_path):
    back = rollback(here.ledger, here.change().change_id, reason="too soon", actor=ANN, at=AT + HOUR).change
    again = rollback(here.ledger, back.change_id, reason="it was right", actor=ANN, at=AT + 2 * HOUR).change
    assert here.proposal().state == "committed"
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6) + rows(["catalog"]))
    results = watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)
    assert states(results) == {"login": "rolled back", "catalog": "quiet"}
    assert here.change().undoes == again.change_id
    assert here.threshold() == 0.5


def test_a_second_pass_does_nothing_more(here, tmp_path):
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6) + rows(["catalog"]))
    watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)
    before = here.actions()
    results = watch(opened(here.workspace), file_source(tmp_path, measured, here.ledger, at), at=at)
    assert states(results) == {"catalog": "quiet"}
    assert here.actions() == before


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_two_passes_at_once_roll_back_once(engine, request, tmp_path):
    server = request.getfixturevalue("postgresql_url") if engine == "postgresql" else None
    address = place(engine, tmp_path, server).address
    here = changed_in(address, tmp_path)
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6) + rows(["catalog"]))
    results, sources = [], [file_source(tmp_path, measured, here.ledger, at) for _ in range(4)]

    def one_pass(source):
        results.extend(watch(opened(here.workspace, address), source, at=at))

    threads = [Thread(target=one_pass, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.state for one in results if one.service == "login"].count("rolled back") == 1
    assert "refused" not in states(results).values()
    assert here.actions().count("roll back") == 1
    assert here.threshold() == 0.5


def test_what_is_due_comes_into_force(shared, tmp_path):
    here = proposed(shared, tmp_path)
    schedule(here.ledger, here.proposal().id, AT + HOUR, actor=ANN, at=AT)
    assert watch(here.ledger, None, at=AT + HOUR - STEP) == []
    assert here.threshold() == 0.5
    results = watch(here.ledger, None, at=AT + HOUR + STEP)
    assert [(one.service, one.state) for one in results] == [("login", "committed"), ("login", "blind")]
    assert here.threshold() == 0.7
    assert here.change().implemented_by == "ann"


def test_what_is_due_and_refused_is_said(shared, tmp_path, caplog):
    here = proposed(shared, tmp_path, ["login"])
    schedule(here.ledger, here.proposal().id, AT + HOUR, actor=ANN, at=AT)
    with here.ledger.store.begin() as transaction:
        transaction.configure("login", optimization_enabled=False)
    results = watch(here.ledger, None, at=AT + HOUR)
    assert [(one.service, one.state) for one in results] == [("login", "refused")]
    assert "disabled" in results[0].sentence
    assert here.threshold() == 0.5


def test_old_proposals_expire(shared, tmp_path):
    here = proposed(shared, tmp_path)
    assert watch(here.ledger, None, at=END + 7 * DAY, services=["login"]) == []
    results = watch(here.ledger, None, at=END + 7 * DAY + STEP, services=["login"])
    assert states(results) == {"login": "expired"}
    assert here.proposal().state == "expired"
    assert here.proposal("catalog").state == "proposed"
    assert here.actions()[-1] == "expire"
    with pytest.raises(RefusedError, match="expired"):
        approve(here.ledger, here.proposal().id, actor=ANN, at=AT)


def test_only_the_services_that_are_named(here, tmp_path):
    at = AT + 12 * HOUR
    source = file_source(tmp_path, until(at, rows(slower=1.6)), here.ledger, at)
    assert states(watch(here.ledger, source, at=at, services=["catalog"])).keys() == {"catalog"}
    assert here.threshold() == 0.7


def test_switched_off_nothing_happens(here):
    (here.workspace / "params" / "default.yaml").write_text("enabled: false\n")
    before = here.actions()
    with pytest.raises(RefusedError, match="switched off"):
        watch(opened(here.workspace), None, at=AT + DAY)
    assert here.actions() == before


def test_a_bug_stays_loud_once_the_others_had_their_turn(here, tmp_path, monkeypatch):
    at = AT + 12 * HOUR
    with here.ledger.store.begin() as transaction:
        proposal = here.proposal("catalog")
        transaction.proposals.move(proposal, proposal.state, at=AT, watch={"usual": {"threshold": "none"}})
    source = file_source(tmp_path, until(at, rows(["login"], slower=1.6) + rows(["catalog"])), here.ledger, at)
    with pytest.raises(KeyError):
        watch(here.ledger, source, at=at)
    assert here.threshold() == 0.5


def test_a_request_is_assessed_and_watched_by_the_rules_it_asks_for(here, tmp_path):
    wish = Wish(service="login", threshold=0.65, rollback_rules=["burn_rate >= 1.5 over 1h"], reason="pages at night")
    outcome = request(here.ledger, wish, actor=ANN, at=AT + HOUR)
    assert here.threshold() == 0.65, outcome
    proposal = here.proposal()
    assert proposal.assessment["then"]["threshold"] == 0.65
    assert proposal.assessment["rollback_criteria"] == [
        "The error budget burns too fast (burn_rate >= 1.5 over 1h), as asked for."
    ]
    at = AT + 12 * HOUR
    measured = until(at, rows(["login"], slower=1.6) + rows(["catalog"]))
    results = watch(here.ledger, file_source(tmp_path, measured, here.ledger, at), at=at)
    assert ("login", "rolled back") in [(one.service, one.state) for one in results]
    assert "(burn_rate >= 1.5 over 1h)" in here.change().reason
    assert here.threshold() == 0.7  # the one before


def test_a_pass_reads_no_more_than_it_needs(here, tmp_path):
    asked = []

    class Noting:
        def __init__(self, source):
            self.source = source

        def profiles(self, services, start, end, *, thresholds=None):
            asked.append((tuple(services), (end - start) / HOUR, thresholds["login"]))
            return self.source.profiles(services, start, end, thresholds=thresholds)

    measured = rows(days=4)
    for hours in (6, 60, 61):
        at = AT + hours * HOUR
        source = Noting(file_source(tmp_path, until(at, measured), here.ledger, at))
        assert states(watch(opened(here.workspace), source, at=at)) == {"login": "quiet", "catalog": "quiet"}
    both = ("catalog", "login")
    assert asked == [
        (both, 6 + 26, (0.7,)),  # a day before the change
        (both, 54 + 26, (0.7,)),  # a day before the last look
        (both, 24 + 26, (0.7,)),  # what comes late is judged for a day
    ]
