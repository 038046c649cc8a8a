"""A PostgreSQL role that does not own the tables does all the work of the store, and cannot touch the audit log."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.store import Store, chain_faults, open_database, open_store, settle, upgrade
from tests.store.builders import AT, BOOK, Place, new_run, place
from tests.store.decided import change, new_proposal
from tests.store.tested import LOOK, running


@pytest.fixture
def narrow(postgresql_url: str, tmp_path: Path) -> Place:
    """A store whose owner has brought it up to date, as a role sees it that was granted what the page says."""
    owned = place("postgresql", tmp_path, postgresql_url)
    upgrade(open_database(owned.address))
    role = f"worker_{owned.address.rpartition('store_')[2]}"
    schema = f"store_{owned.address.rpartition('store_')[2]}"
    owned.run(
        f"CREATE ROLE {role} LOGIN PASSWORD 'narrow'",
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        f"REVOKE UPDATE, DELETE ON sla_audit_log FROM {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    )
    address = sa.make_url(owned.address).set(username=role, password="narrow")
    return Place(address.render_as_string(hide_password=False), "postgresql")


def test_a_role_that_owns_nothing_does_the_work(narrow: Place) -> None:
    store = open_store(narrow.address)
    settle(store, BOOK, ["checkout"], at=AT)
    with store.begin() as transaction:
        transaction.record(new_run(), at=AT)
        filed = transaction.proposals.add(new_proposal(), change_id="change-1", at=AT)
        transaction.proposals.move(filed, "committed", at=AT)
        transaction.people.add("ann", role="admin", at=AT)
        transaction.people.begin_session("ann", token_digest="d", kind="web", expires_at=AT, at=AT)
        transaction.audit.append("commit", actor="ann", details={}, at=AT)
    assert change(store, proposal_id=filed.id).in_force
    began = running(store)
    with store.begin() as transaction:
        transaction.experiments.note_units(began, ["a"], ["test"], [AT])
        transaction.experiments.add_look(began, **LOOK)
        transaction.experiments.end(began, status="stopped", at=AT, by="bob")
        transaction.purge(AT)
    assert narrow.rows("SELECT slaopt_threshold_for('checkout', 'tenant-1')") == [(2.5,)]
    assert _faults(store) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sla_audit_log SET actor = 'eve'",
        "DELETE FROM sla_audit_log",
        "TRUNCATE sla_audit_log",
        "DROP TRIGGER sla_audit_log_no_change ON sla_audit_log",
        "ALTER TABLE sla_audit_log DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "ALTER FUNCTION sla_audit_log_refuse() RENAME TO nothing",
        "DROP TABLE sla_audit_log",
    ],
)
def test_it_cannot_touch_the_audit_log_nor_its_guards(narrow: Place, statement: str) -> None:
    with open_store(narrow.address).begin() as transaction:
        transaction.audit.append("propose", actor="ann", details={}, at=AT)
    with pytest.raises(InputError, match=r"permission denied|must be owner"):  # noqa: SIM117
        with open_database(narrow.address).begin() as connection:
            connection.exec_driver_sql(statement)
    assert _faults(open_store(narrow.address)) == []


def _faults(store: Store) -> list[str]:
    with store.reading() as transaction:
        head = transaction.audit.head()
        assert head is not None
        return list(chain_faults(transaction.audit.entries(), [(head.number, head.digest)]))
