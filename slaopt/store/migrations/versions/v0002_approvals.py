"""Changes on approval: users, proposals, the changes they make, an audit log that only grows, and stored answers.

Frozen: what changes later is a step of its own.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from slaopt.errors import InputError
from slaopt.store.types import Json, Moment

revision, down_revision = "0002", "0001"

RENEWED = ("sla_approvals", "sla_proposals", "sla_audit_log")  # made by the step before, and never written until now
REFERRED = ("sla_runs", "sla_threshold_impact_predictions", "sla_threshold_history")

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _key() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _service() -> sa.Column[Any]:
    return sa.Column("service_type", sa.String(255), nullable=False)


def _created() -> sa.Column[Any]:
    return sa.Column("created_at", Moment(), nullable=False, server_default=sa.func.now())


def _updated() -> sa.Column[Any]:
    return sa.Column("updated_at", Moment(), nullable=False, server_default=sa.func.now(), onupdate=sa.func.now())


def _flag(name: str, default: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def _one_of(name: str, *values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} IN ({', '.join(map(repr, values))})", name=name)


for _name in REFERRED:
    sa.Table(_name, metadata, _key())

users = sa.Table(
    "sla_users", metadata,
    _key(),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("role", sa.String(10), nullable=False),
    sa.Column("password_hash", sa.Text),  # None: no login with a password
    sa.Column("totp_secret", sa.Text),
    sa.Column("totp_step", sa.BigInteger),  # of the last code that was used
    _flag("is_active", True),
    sa.Column("failed_attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", Moment()),
    _created(), _updated(),
    sa.UniqueConstraint("name"),
    _one_of("role", "viewer", "analyst", "approver", "admin"),
)  # fmt: skip

sessions = sa.Table(
    "sla_sessions", metadata,
    _key(),
    sa.Column("token_digest", sa.String(64), nullable=False),  # SHA-256: who reads the table cannot use it
    sa.Column("user_id", sa.ForeignKey("sla_users.id"), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("expires_at", Moment(), nullable=False),
    _created(),
    sa.UniqueConstraint("token_digest"),
    _one_of("kind", "web", "terminal"),
)  # fmt: skip

settings = sa.Table(
    "sla_settings", metadata,
    _key(),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("value", Json(), nullable=False),
    _created(), _updated(),
    sa.UniqueConstraint("name"),
)  # fmt: skip

proposals = sa.Table(
    "sla_proposals", metadata,
    _key(), _service(),
    sa.Column("change_id", sa.String(20), nullable=False),  # of the change that it would make; known from the start
    sa.Column("run_id", sa.ForeignKey("sla_runs.id")),
    sa.Column("prediction_id", sa.ForeignKey("sla_threshold_impact_predictions.id")),
    sa.Column("input_digest", sa.String(64), nullable=False),
    sa.Column("origin", sa.String(10), nullable=False),
    sa.Column("current_threshold", sa.Double),  # in seconds, to the last digit: it is compared with what is in force
    sa.Column("proposed_threshold", sa.Double, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("proposed_by", sa.String(255), nullable=False),
    sa.Column("implementation_type", sa.String(10), nullable=False, server_default="immediate"),
    sa.Column("scheduled_at", Moment()),
    _flag("held", False),  # not to be brought into force by its last approval
    sa.Column("reason", sa.Text),
    sa.Column("needs", Json(), nullable=False),  # whose approval it takes
    sa.Column("assessment", Json(), nullable=False),  # what is expected of it
    sa.Column("rollback_rules", Json(), nullable=False),
    sa.Column("watch", Json()),  # what is usual at the proposed threshold
    _created(), _updated(),
    sa.UniqueConstraint("service_type", "input_digest"),
    sa.UniqueConstraint("change_id"),
    _one_of("origin", "report", "request"),
    _one_of("state", "draft", "proposed", "approved", "scheduled", "committed", "kept", "rolled_back", "rejected",
            "withdrawn", "expired", "superseded"),
    _one_of("implementation_type", "immediate", "scheduled", "ab_test"),
    sa.Index(None, "state"),
    sa.Index(None, "run_id"),
    sa.Index(None, "prediction_id"),
)  # fmt: skip

approvals = sa.Table(
    "sla_approvals", metadata,
    _key(),
    sa.Column("proposal_id", sa.ForeignKey("sla_proposals.id"), nullable=False),
    sa.Column("approver", sa.String(255), nullable=False),
    sa.Column("decision", sa.String(20), nullable=False),
    sa.Column("comment", sa.Text),
    _flag("second_factor", False),
    _created(),
    sa.UniqueConstraint("proposal_id", "approver"),
    _one_of("decision", "approved", "rejected"),
)  # fmt: skip

changes = sa.Table(
    "sla_changes", metadata,
    _key(), _service(),
    sa.Column("change_id", sa.String(20), nullable=False),
    sa.Column("kind", sa.String(10), nullable=False),
    sa.Column("history_id", sa.ForeignKey("sla_threshold_history.id"), nullable=False),
    sa.Column("threshold", sa.Double, nullable=False),  # in seconds, with digits that the history has no room for
    sa.Column("previous", sa.Double),
    sa.Column("proposal_id", sa.ForeignKey("sla_proposals.id")),
    sa.Column("undoes", sa.String(20)),  # the change that a rollback took back
    sa.Column("reason", sa.Text),
    _created(),
    sa.UniqueConstraint("change_id"),
    sa.UniqueConstraint("history_id"),
    sa.UniqueConstraint("undoes"),
    _one_of("kind", "commit", "rollback"),
)  # fmt: skip

requests = sa.Table(
    "sla_requests", metadata,
    _key(),
    sa.Column("request_key", sa.String(64), nullable=False),  # SHA-256 of actor and key
    sa.Column("action", sa.String(50), nullable=False),
    sa.Column("body_digest", sa.String(64), nullable=False),
    sa.Column("answer", Json(), nullable=False),
    _created(),
    sa.UniqueConstraint("request_key"),
)  # fmt: skip

answers = sa.Table(
    "sla_answers", metadata,
    _key(),
    sa.Column("run_id", sa.ForeignKey("sla_runs.id"), nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("settings", sa.String(200), nullable=False),  # that the answer was computed with, in one form
    sa.Column("answer", Json(), nullable=False),
    _created(),
    sa.UniqueConstraint("run_id", "kind", "settings"),
    _one_of("kind", "analysis", "recommendation"),
)  # fmt: skip

audit_log = sa.Table(
    "sla_audit_log", metadata,
    _key(),
    sa.Column("number", sa.Integer, nullable=False),  # 1, 2, 3, … without a gap
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("action", sa.String(50), nullable=False),
    sa.Column("service_type", sa.String(255)),
    sa.Column("details", Json(), nullable=False),
    sa.Column("entry", sa.Text, nullable=False),  # all of it in one form: what the digest is of
    sa.Column("previous_digest", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    _created(),
    sa.UniqueConstraint("number"),
    sa.UniqueConstraint("previous_digest"),
    sa.UniqueConstraint("digest"),
    sa.CheckConstraint("number > 0", name="number"),
)  # fmt: skip

additions = sa.Table(
    "slaopt_additions", metadata,
    _key(),
    sa.Column("table_name", sa.String(63), nullable=False),
    sa.Column("column_name", sa.String(63)),
    _created(),
)  # fmt: skip

MADE = (users, sessions, settings, proposals, approvals, changes, requests, answers, audit_log)  # in this order
SOUGHT = ("analysis_id", "prediction_id")  # of runs: without an index, each row taken away is sought among all runs
REFUSAL = "the audit log only grows: its entries are neither changed nor removed"
GUARDS = {
    "sqlite": (
        f"""CREATE TRIGGER sla_audit_log_no_update BEFORE UPDATE ON sla_audit_log
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
        f"""CREATE TRIGGER sla_audit_log_no_delete BEFORE DELETE ON sla_audit_log
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
        # INSERT OR REPLACE removes the old row without asking the trigger above
        f"""CREATE TRIGGER sla_audit_log_no_replace BEFORE INSERT ON sla_audit_log
        WHEN EXISTS (SELECT 1 FROM sla_audit_log WHERE id = NEW.id OR number = NEW.number OR digest = NEW.digest
                     OR previous_digest = NEW.previous_digest)
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END""",
    ),
    "postgresql": (
        f"""CREATE FUNCTION sla_audit_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$""",
        """CREATE TRIGGER sla_audit_log_no_change BEFORE UPDATE OR DELETE ON sla_audit_log
        FOR EACH ROW EXECUTE FUNCTION sla_audit_log_refuse()""",
        """CREATE TRIGGER sla_audit_log_no_truncate BEFORE TRUNCATE ON sla_audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION sla_audit_log_refuse()""",
    ),
}


def upgrade() -> None:
    """Make the tables, those of the step before that were never written anew, and the guards of the audit log."""
    bind = op.get_bind()
    there = set(sa.inspect(bind).get_table_names())
    if strangers := sorted({table.name for table in MADE} & there - set(RENEWED)):
        raise InputError(
            f"the database holds already, not made by slaopt: {', '.join(strangers)}; rename that, or give slaopt "
            "another database"
        )
    for name in RENEWED:
        if bind.scalar(sa.select(sa.func.count()).select_from(sa.table(name))):
            raise InputError(f"table {name} holds rows, and nothing of slaopt has written any; move them away first")
        op.drop_table(name)
    for table in MADE:
        table.create(bind)
        if table.name not in RENEWED:
            bind.execute(sa.insert(additions).values(table_name=table.name))
    for column in SOUGHT:
        op.create_index(op.f(f"ix_sla_runs_{column}"), "sla_runs", [column])
    for guard in GUARDS[bind.dialect.name]:
        op.execute(guard)


def downgrade() -> None:
    """Take the tables away; the step before takes away what it noted itself."""
    bind = op.get_bind()
    for table in reversed(MADE):
        if table.name not in RENEWED:
            table.drop(bind)
            bind.execute(sa.delete(additions).where(additions.c.table_name == table.name))
    for column in SOUGHT:
        op.drop_index(op.f(f"ix_sla_runs_{column}"), "sla_runs", if_exists=True)
    if bind.dialect.name == "postgresql":
        op.execute("DROP FUNCTION sla_audit_log_refuse() CASCADE")
