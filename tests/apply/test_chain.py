"""The audit log against those who have the database in their hands, and the file of its heads."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slaopt.apply import approve, export, note_head, propose, read_heads, verify_audit
from slaopt.apply.chain import AuditVerification
from slaopt.errors import InputError
from slaopt.printing import verification_lines
from tests.apply.builders import ANN, AT, BOB, SERVICE, Grounds


@pytest.fixture
def written(either: Grounds) -> Grounds:
    """Three entries, with the heads of the first and the last."""
    approve(either.ledger, either.proposed().id, actor=BOB, at=AT)
    assert verify_audit(either.ledger).status == "intact"
    return either


def unguarded(ground: Grounds, statement: str) -> AuditVerification:
    """Do something that the database refuses as long as its triggers are there, and verify."""
    with pytest.raises(Exception, match=r"only grows|audit"):
        ground.place.run(statement)
    if ground.place.dialect == "sqlite":
        names = ground.place.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        ground.place.run(*(f"DROP TRIGGER {name}" for (name,) in names))
    else:
        ground.place.run("ALTER TABLE sla_audit_log DISABLE TRIGGER USER")
    ground.place.run(statement)
    return verify_audit(ground.ledger)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE sla_audit_log SET actor = 'eve' WHERE number = 2", "entry 2 was changed"),
        ("UPDATE sla_audit_log SET entry = replace(entry, 'bob', 'eve') WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM sla_audit_log WHERE number = 2", "entry 2 is missing"),
        ("DELETE FROM sla_audit_log WHERE number = 1", "entry 1 is missing"),
        ("DELETE FROM sla_audit_log WHERE number = 3", "the end was cut off: entry 3"),
        ("DELETE FROM sla_audit_log", "the end was cut off: entries 1 to 3"),
    ],
)
def test_what_is_done_to_the_log_is_found(written: Grounds, statement: str, words: str) -> None:
    found = unguarded(written, statement)
    assert found.status == "broken"
    assert any(words in fault for fault in found.faults), found.faults
    assert any("lacks its guard sla_audit_log_no_" in fault for fault in found.faults)


def test_an_entry_that_fits_and_was_put_at_the_end_is_newer_than_the_heads(written: Grounds) -> None:
    assert verify_audit(written.ledger).newer == 0
    with written.store.begin() as transaction:  # past the ledger, which keeps the head
        transaction.audit.append("approve", actor="eve", details={}, at=AT)
    found = verify_audit(written.ledger)
    assert (found.status, found.newer) == ("intact", 1)
    assert any("1 entries" in line or "1 entry" in line for line in verification_lines(found))


def test_a_log_rewritten_from_the_start_is_found_by_its_heads(written: Grounds) -> None:
    """Somebody makes the chain anew, each digest right, with another name in it."""
    with written.store.reading() as transaction:
        entries = list(transaction.audit.entries())
    statements, previous = [], "0" * 64
    for entry in entries:
        told = json.loads(entry.entry) | {"previous_digest": previous, "actor": "eve"}
        text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        quoted = text.replace("'", "''").replace("%", "%%")
        statements.append(
            f"UPDATE sla_audit_log SET actor = 'eve', entry = '{quoted}', previous_digest = '{previous}', "
            f"digest = '{digest}' WHERE number = {entry.number}"
        )
        previous = digest
    for statement in statements[:1]:
        unguarded(written, statement)
    written.place.run(*statements[1:])
    found = verify_audit(written.ledger)
    assert [fault for fault in found.faults if "guard" not in fault] == [
        f"entry {number} is another one than the head that was kept of it" for number in (1, 3)
    ]


def test_an_export_can_be_checked_without_slaopt(written: Grounds) -> None:
    previous = "0" * 64
    lines = [json.loads(line) for line in export(written.ledger)]
    for number, line in enumerate(lines, 1):
        assert line["digest"] == hashlib.sha256(line["entry"].encode()).hexdigest()
        assert (line["number"], line["previous_digest"]) == (number, previous)
        assert json.loads(line["entry"])["actor"] == line["actor"]
        previous = line["digest"]
    assert len(lines) == 3


def test_a_head_is_noted_on_request(ground: Grounds) -> None:
    assert note_head(ground.ledger, at=AT) is None
    approve(ground.ledger, ground.proposed().id, actor=BOB, at=AT)
    head = note_head(ground.ledger, at=AT)
    assert head is not None
    assert ground.ledger.heads is not None
    assert read_heads(ground.ledger.heads) == [(1, read_heads(ground.ledger.heads)[0][1]), *[(3, head.digest)] * 2]
    assert verify_audit(ground.ledger).heads == 3


@pytest.mark.parametrize("damage", [lambda line: line[: len(line) // 2], lambda line: line + "{", lambda line: ""])
def test_a_line_that_was_never_finished_harms_no_other(ground: Grounds, damage: Callable[[str], str]) -> None:
    filed = ground.proposed()
    heads = ground.ledger.heads
    assert heads is not None
    heads.write_text(damage(heads.read_text()))
    approve(ground.ledger, filed.id, actor=BOB, at=AT)
    assert read_heads(heads)[-1][0] == 3
    assert verify_audit(ground.ledger).status == "intact"


def test_heads_that_cannot_be_read_are_an_error(ground: Grounds, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_heads(tmp_path)
    assert read_heads(tmp_path / "none") == []
    assert verify_audit(ground.ledger) == AuditVerification(
        status="intact", entries=0, head=None, heads=None, newer=0, faults=()
    )  # fmt: skip


def test_a_full_disk_after_the_commit_does_not_call_it_failed(
    ground: Grounds, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    filed = ground.proposed()
    real = os.write

    def full(file: int, content: bytes) -> int:
        if content.startswith((b"\n", b"{")):
            raise OSError(28, "No space left on device")
        return real(file, content)

    monkeypatch.setattr("slaopt.apply.ledger.os.write", full)
    assert approve(ground.ledger, filed.id, actor=BOB, at=AT).change is not None
    assert "No space left" in caplog.text
    monkeypatch.undo()
    assert verify_audit(ground.ledger).status == "intact"


def test_nothing_is_appended_where_nothing_was_written(ground: Grounds) -> None:
    ground.proposed()
    assert ground.ledger.heads is not None
    before = ground.ledger.heads.read_text()
    propose(ground.ledger, [SERVICE], actor=ANN, at=AT)
    assert ground.ledger.heads.read_text() == before
