"""The audit log on SQLite and on PostgreSQL: it only grows, and what is done to it all the same is found."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from slaopt.errors import InputError
from slaopt.store import FIRST, AuditEntry, Store, chain_faults, make_store, open_database, upgrade
from slaopt.store.audit import GUARDS
from tests.store.builders import AT, Place, place

DETAILS = {
    "rate": 0.1 + 0.2, "tiny": 1e-7, "whole": 2.0, "count": 3, "none": None, "nan": float("nan"),
    "nested": {"b": [1, "é \" \\ \n ' – 支付 😀"], "a": True},
}  # fmt: skip
REFUSED = "the audit log only grows: its entries are neither changed nor removed"


def filled(store: Store, entries: int = 4) -> list[AuditEntry]:
    with store.begin() as transaction:
        return [
            transaction.audit.append(
                "propose", actor=f"ann {number}", service=None if number % 2 else "checkout",
                details=DETAILS | {"number": number}, at=AT + timedelta(microseconds=number),
            )
            for number in range(entries)
        ]  # fmt: skip


def entries(store: Store) -> list[AuditEntry]:
    with store.reading() as transaction:
        return list(transaction.audit.entries())


def faults(store: Store, heads: Sequence[tuple[int, str]] = ()) -> list[str]:
    with store.reading() as transaction:
        return list(chain_faults(transaction.audit.entries(), heads))


def disarm(place: Place) -> None:
    """What only somebody with rights over the whole database can do."""
    for guard in GUARDS[place.dialect]:
        place.run(f"DROP TRIGGER {guard}{' ON sla_audit_log' if place.dialect == 'postgresql' else ''}")


def test_each_entry_holds_the_digest_of_the_one_before(store: Store) -> None:
    written = filled(store)
    assert entries(store) == written
    assert [entry.number for entry in written] == [1, 2, 3, 4]
    assert [entry.previous_digest for entry in written] == [FIRST, *(entry.digest for entry in written[:-1])]
    for entry in written:
        assert hashlib.sha256(entry.entry.encode()).hexdigest() == entry.digest
        told = json.loads(entry.entry)
        assert list(told) == sorted(told)
        assert told["details"]["nested"] == DETAILS["nested"]
        assert (told["details"]["rate"], told["details"]["nan"]) == (0.1 + 0.2, None)
    assert '"at":"2026-11-03T14:30:00.000003+00:00"' in written[3].entry
    assert ", " not in written[0].entry
    assert "支付" in written[0].entry
    assert faults(store) == []


def test_a_number_that_the_database_writes_in_full_is_no_change(store: Store) -> None:
    with store.begin() as transaction:
        for number in (1e16, 1e23, 123456789.0, -0.0, 2**80, 5e-324):
            transaction.audit.append("propose", actor="ann", details={"number": number}, at=AT)
    assert faults(store) == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=9)
NUMBERS = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers())
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(details=st.dictionaries(TEXTS, VALUES, max_size=4), actor=TEXTS, service=st.none() | TEXTS)
def test_whatever_is_told_comes_back_unbroken(
    store: Store, details: dict[str, object], actor: str, service: str | None
) -> None:
    with store.begin() as transaction:
        written = transaction.audit.append("propose", actor=actor, service=service, details=details, at=AT)
        head = transaction.audit.head()
    assert (head.digest, head.actor, head.service) == (written.digest, actor, service)
    assert faults(store) == []


def test_the_time_is_told_in_utc(store: Store) -> None:
    with store.begin() as transaction:
        elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
        entry = transaction.audit.append("propose", actor="ann", details={}, at=elsewhere)
    assert '"at":"2026-11-03T14:30:00.000000+00:00"' in entry.entry
    assert faults(store) == []


def test_the_head_and_parts_of_the_chain(store: Store) -> None:
    with store.reading() as transaction:
        assert transaction.audit.head() is None
    written = filled(store)
    with store.reading() as transaction:
        assert transaction.audit.head() == written[-1]
        assert list(transaction.audit.entries(after=2)) == written[2:]
        assert list(transaction.audit.entries(after=1, limit=2)) == written[1:3]
        assert list(transaction.audit.entries(limit=1)) == written[:1]


def test_a_transaction_that_fails_leaves_no_entry(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.begin() as transaction:
        transaction.audit.append("propose", actor="ann", details={}, at=AT)
        _ = 1 / 0
    assert entries(store) == []
    assert [entry.number for entry in filled(store, 2)] == [1, 2]


FORBIDDEN = {
    "update": "UPDATE sla_audit_log SET actor = 'eve'",
    "update of one": "UPDATE sla_audit_log SET digest = digest WHERE number = 2",
    "delete": "DELETE FROM sla_audit_log WHERE number = 4",
    "delete all": "DELETE FROM sla_audit_log",
}
FORBIDDEN_HERE = {
    "sqlite": {
        "replace": "INSERT OR REPLACE INTO sla_audit_log SELECT id, number, 'eve', action, service_type, details,"
        " entry, previous_digest, digest, created_at FROM sla_audit_log WHERE number = 2",
        "replace under another id": "REPLACE INTO sla_audit_log SELECT 99, number, 'eve', action, service_type,"
        " details, entry, 'x', 'x', created_at FROM sla_audit_log WHERE number = 2",
        "replace by digest": "REPLACE INTO sla_audit_log SELECT 99, 99, 'eve', action, service_type, details, entry,"
        " 'x', digest, created_at FROM sla_audit_log WHERE number = 2",
        "update or replace": "UPDATE OR REPLACE sla_audit_log SET number = 1 WHERE number = 2",
        "upsert": "INSERT INTO sla_audit_log SELECT id, number, 'eve', action, service_type, details, entry,"
        " previous_digest, digest, created_at FROM sla_audit_log WHERE number = 2"
        " ON CONFLICT (number) DO UPDATE SET actor = 'eve'",
    },
    "postgresql": {
        "truncate": "TRUNCATE sla_audit_log",
        "truncate with others": "TRUNCATE sla_audit_log, sla_settings CASCADE",
        "upsert": "INSERT INTO sla_audit_log (number, actor, action, details, entry, previous_digest, digest)"
        " SELECT number, 'eve', action, details, entry, previous_digest, digest FROM sla_audit_log WHERE number = 2"
        " ON CONFLICT (number) DO UPDATE SET actor = 'eve'",
        "move": "WITH gone AS (DELETE FROM sla_audit_log RETURNING *) SELECT count(*) FROM gone",
    },
}


def test_the_database_refuses_to_change_or_remove_an_entry(store: Store, made: Place) -> None:
    written = filled(store)
    before = made.content("sla_audit_log")
    for name, statement in (FORBIDDEN | FORBIDDEN_HERE[made.dialect]).items():
        with pytest.raises(sa.exc.DBAPIError) as caught:
            made.run(statement)
        assert REFUSED in str(caught.value.orig), name
        assert made.content("sla_audit_log") == before, name
    assert entries(store) == written


def test_the_refusal_comes_out_as_an_error_of_ours(store: Store, made: Place) -> None:
    from slaopt.store.tables import audit_log

    filled(store)
    with pytest.raises(InputError, match=REFUSED), open_database(made.address).begin() as connection:
        connection.execute(sa.delete(audit_log))
    with pytest.raises(InputError, match=REFUSED), open_database(made.address).begin() as connection:
        connection.execute(sa.update(audit_log).values(actor="eve"))


def test_no_number_below_one_can_be_put_before_the_first(store: Store, made: Place) -> None:
    filled(store)
    for number in (0, -3):
        with pytest.raises(sa.exc.IntegrityError):
            made.run(_forged(number))


def _forged(number: int, *, previous: str = "x", digest: str = "y") -> str:
    return (
        "INSERT INTO sla_audit_log (number, actor, action, details, entry, previous_digest, digest)"
        f" VALUES ({number}, 'eve', 'approve', '{{}}', '{{}}', '{previous}', '{digest}')"
    )


CHANGES = [
    ("actor = 'eve'", "entry 2 was changed: its columns"),
    ("action = 'approve'", "entry 2 was changed: its columns"),
    ("service_type = 'pay'", "entry 2 was changed: its columns"),
    ("service_type = NULL", None),
    ("details = '{}'", "entry 2 was changed: its columns"),
    ("created_at = '2026-11-03 14:30:00'", "entry 2 was changed: its columns"),
    ("entry = entry || ' '", "entry 2 was changed: its digest"),
    ("entry = ''", "entry 2 was changed: its digest"),
    ("digest = 'x'", "entry 2 was changed: its digest"),
    ("previous_digest = 'x'", "entry 2 does not follow"),
    ("number = 9", "entry 2 is missing"),
]


@pytest.mark.parametrize(("written", "told"), CHANGES)
def test_a_changed_entry_is_found(store: Store, made: Place, written: str, told: str | None) -> None:
    filled(store)
    disarm(made)
    made.run(f"UPDATE sla_audit_log SET {written} WHERE number = 2")
    found = faults(store)
    assert (found == []) == (told is None)  # the service of the second is none already
    assert told is None or any(fault.startswith(told) for fault in found), found


def test_an_entry_that_was_written_anew_with_its_digest_is_found(store: Store, made: Place) -> None:
    written = filled(store)
    disarm(made)
    text = written[1].entry.replace('"ann 1"', '"eve"')
    digest = hashlib.sha256(text.encode()).hexdigest()
    with made.connection() as connection:
        statement = sa.text("UPDATE sla_audit_log SET actor = 'eve', entry = :text, digest = :digest WHERE number = 2")
        connection.execute(statement, {"text": text, "digest": digest})
    assert faults(store) == ["entry 3 does not follow the one before it: either was changed or put in"]
    heads = [(2, written[1].digest)]
    assert faults(store, heads)[0] == "entry 2 is another one than the head that was kept of it"


@pytest.mark.parametrize(
    ("gone", "told"),
    [("1", "entry 1 is missing"), ("2", "entry 2 is missing"), ("2, 3", "entries 2 to 3 are missing")],
)
def test_a_removed_entry_is_found(store: Store, made: Place, gone: str, told: str) -> None:
    filled(store)
    disarm(made)
    made.run(f"DELETE FROM sla_audit_log WHERE number IN ({gone})")
    assert faults(store) == [told]


def test_an_entry_that_was_put_in_is_found(store: Store, made: Place) -> None:
    last = filled(store)[-1]
    made.run(_forged(5, previous=last.digest, digest=hashlib.sha256(b"{}").hexdigest()))
    assert faults(store) == ["entry 5 was changed: its columns tell something else than the text that was signed"]


def test_a_cut_tail_is_found_where_a_head_was_kept(store: Store, made: Place) -> None:
    written = filled(store)
    heads = [(entry.number, entry.digest) for entry in written]
    assert faults(store, heads) == []
    disarm(made)
    made.run("DELETE FROM sla_audit_log WHERE number = 4")
    assert faults(store) == []
    assert faults(store, heads) == ["the end was cut off: entry 4 is known from the heads that were kept, and gone"]
    made.run("DELETE FROM sla_audit_log WHERE number = 2")
    gap, cut = faults(store, heads)
    assert (gap, cut.partition(":")[2][:11]) == ("entry 2 is missing", " entry 4 is")
    made.run("DELETE FROM sla_audit_log")
    (told,) = faults(store, heads)
    assert told.startswith("the end was cut off: entries 1 to 4 are known")


def test_entries_that_follow_a_cut_do_not_hide_it(store: Store, made: Place) -> None:
    heads = [(entry.number, entry.digest) for entry in filled(store)]
    disarm(made)
    made.run("DELETE FROM sla_audit_log WHERE number > 2")
    with store.begin() as transaction:
        for _ in range(3):
            transaction.audit.append("approve", actor="eve", details={}, at=AT)
    assert faults(store) == []
    assert faults(store, heads) == [
        "entry 3 is another one than the head that was kept of it",
        "entry 4 is another one than the head that was kept of it",
    ]


RUBBISH = {
    "sqlite": "details = 'no JSON', created_at = 'no time', entry = x'ff'",
    "postgresql": "details = '[1]', created_at = '-infinity', entry = chr(1)",
}


def test_rubbish_in_the_log_is_told_and_stops_no_reader(store: Store, made: Place) -> None:
    filled(store)
    disarm(made)
    made.run(f"UPDATE sla_audit_log SET {RUBBISH[made.dialect]} WHERE number = 2")
    assert [fault[:20] for fault in faults(store)] == ["entry 2 was changed:"]


def test_nothing_is_added_after_a_number_that_is_none(tmp_path: Path) -> None:
    made = place("sqlite", tmp_path)  # PostgreSQL's column holds numbers alone
    store = make_store(made.address)
    filled(store)
    disarm(made)
    made.run("UPDATE sla_audit_log SET number = 'a number' WHERE number = 4")
    assert any("entry a number was put in" in fault for fault in faults(store))
    with pytest.raises(InputError, match="the audit log was tampered with"):
        filled(store, 1)


def test_writers_at_once_make_one_chain(made: Place) -> None:
    from slaopt.store import open_store

    def work() -> None:
        store = open_store(made.address)
        for _ in range(5):
            filled(store, 2)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    store = open_store(made.address)
    assert len(entries(store)) == 60
    assert faults(store) == []


def test_the_guards_come_with_the_tables_and_go_with_them(new: Place) -> None:
    from slaopt.store import downgrade, open_store

    database = open_database(new.address)
    upgrade(database)
    filled(open_store(new.address))
    downgrade(database, with_rows=True)
    assert new.tables() == {}
    left = {
        "sqlite": "SELECT name FROM sqlite_master",
        "postgresql": "SELECT proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname = current_schema()",
    }
    assert [row for row in new.rows(left[new.dialect]) if not row[0].startswith("sqlite_")] == []
    upgrade(database)
    with pytest.raises(sa.exc.DBAPIError, match=REFUSED):
        filled(open_store(new.address))
        new.run("DELETE FROM sla_audit_log")
