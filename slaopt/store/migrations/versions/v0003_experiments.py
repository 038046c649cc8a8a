"""Experiments: what was designed, who started it, its looks, and in PostgreSQL which threshold holds for whom.

Frozen: what changes later is a step of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from slaopt.errors import InputError
from slaopt.store.migrations.versions import v0001_tables as first
from slaopt.store.types import Json, Moment

revision, down_revision = "0003", "0002"

metadata = sa.MetaData(naming_convention=first.metadata.naming_convention)


def _key() -> sa.Column[Any]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _created() -> sa.Column[Any]:
    return sa.Column("created_at", Moment(), nullable=False, server_default=sa.func.now())


def _one_of(name: str, *values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} IN ({', '.join(map(repr, values))})", name=name)


def _share(name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} BETWEEN 0 AND 1", name=name)


sa.Table("sla_proposals", metadata, _key())  # referred to

experiments = sa.Table(
    "sla_optimization_experiments", metadata,
    _key(),
    sa.Column("experiment_id", sa.String(20), nullable=False),
    sa.Column("experiment_name", sa.String(255), nullable=False),
    sa.Column("service_type", sa.String(255), nullable=False),
    sa.Column("control_threshold", sa.Double, nullable=False),  # in seconds, to the last digit, as of proposals
    sa.Column("test_threshold", sa.Double, nullable=False),
    sa.Column("hypothesis", sa.Text),
    sa.Column("expected_improvement", sa.Double),
    sa.Column("experiment_start", Moment()),
    sa.Column("experiment_end", Moment()),
    sa.Column("planned_end", Moment()),
    sa.Column("duration_days", sa.Integer, nullable=False, server_default="14"),
    sa.Column("traffic_split", sa.Double, nullable=False, server_default="0.5"),
    sa.Column("significance_level", sa.Double, nullable=False, server_default="0.05"),
    sa.Column("unit", sa.String(100), nullable=False, server_default="request"),
    sa.Column("salt", sa.String(64)),
    sa.Column("design", sa.JSON(none_as_null=True)),  # as text, which keeps the digits that its digest is of
    sa.Column("design_digest", sa.String(64)),
    sa.Column("amendments", Json()),
    sa.Column("results", Json()),
    sa.Column("statistical_significance", sa.Boolean),
    sa.Column("p_value", sa.Double),
    sa.Column("effect_size", sa.Double),
    sa.Column("confidence_interval", Json()),
    sa.Column("status", sa.String(20), nullable=False, server_default="planning"),
    sa.Column("early_stop_reason", sa.Text),
    sa.Column("recommendation", sa.String(20)),
    sa.Column("rollback_triggered", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("requested_by", sa.String(255)),
    sa.Column("started_by", sa.String(255)),
    sa.Column("stopped_by", sa.String(255)),
    sa.Column("proposal_id", sa.ForeignKey("sla_proposals.id")),
    sa.Column("adopted_by_proposal_id", sa.ForeignKey("sla_proposals.id")),
    _created(),
    sa.Column("updated_at", Moment(), nullable=False, server_default=sa.func.now()),
    sa.UniqueConstraint("experiment_id"),
    _one_of("status", "planning", "running", "completed", "stopped"),
    _one_of("recommendation", "adopt", "reject", "extend"),
    _share("traffic_split"), _share("significance_level"), _share("p_value"),
    sa.Index(None, "proposal_id"),
    sa.Index("ix_sla_optimization_experiments_one_runs", "service_type", unique=True,
             sqlite_where=sa.text("status = 'running'"), postgresql_where=sa.text("status = 'running'")),
)  # fmt: skip

assignments = sa.Table(
    "sla_experiment_assignments", metadata,
    _key(),
    sa.Column("experiment_id", sa.ForeignKey("sla_optimization_experiments.id"), nullable=False),
    sa.Column("unit_hash", sa.String(64), nullable=False),
    sa.Column("arm", sa.String(10), nullable=False),
    sa.Column("first_seen", Moment(), nullable=False),
    _created(),
    sa.UniqueConstraint("experiment_id", "unit_hash"),
    _one_of("arm", "control", "test"),
)  # fmt: skip

looks = sa.Table(
    "sla_experiment_looks", metadata,
    _key(),
    sa.Column("experiment_id", sa.ForeignKey("sla_optimization_experiments.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("looked_at", Moment(), nullable=False),
    sa.Column("as_of", Moment(), nullable=False),
    sa.Column("fraction", sa.Double),
    sa.Column("information", sa.Double),
    sa.Column("estimate", sa.Double),
    sa.Column("standard_error", sa.Double),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("look", Json(), nullable=False),
    _created(),
    sa.UniqueConstraint("experiment_id", "number"),
)  # fmt: skip

UNITS = {  # of a row's threshold_unit, in seconds
    "1": ("", "s", "sec", "secs", "second", "seconds"),
    "0.001": ("ms", "milli", "millis", "msec", "msecs", "millisec", "millisecs", "millisecond", "milliseconds"),
    "0.000001": ("us", "µs", "μs", "micro", "micros", "usec", "microsecond", "microseconds"),
    "0.000000001": ("ns", "nano", "nanos", "nsec", "nanosecond", "nanoseconds"),
    "60": ("min", "mins", "minute", "minutes"),
    "3600": ("h", "hr", "hrs", "hour", "hours"),
    "86400": ("d", "day", "days"),
}
THRESHOLD_FOR = r"""
CREATE FUNCTION slaopt_threshold_for(service text, unit text) RETURNS double precision
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    blanks CONSTANT text := E' \t\n\v\f\r';
    wanted CONSTANT text := btrim(normalize($1, NFC), blanks);
    named CONSTANT text := btrim(normalize($2, NFC), blanks);
    threshold double precision;
    rows bigint;
BEGIN
    IF length(named) BETWEEN 1 AND 200 AND named !~ '[\x01-\x1f\x7f-\x9f]' THEN
        SELECT e.test_threshold INTO threshold FROM sla_optimization_experiments e
        WHERE e.service_type = wanted AND e.status = 'running' AND
            CAST(CAST('x' || substr(encode(sha256(
                convert_to(e.salt, 'UTF8') || '\x00'::bytea || convert_to(named, 'UTF8')
            ), 'hex'), 1, 13) AS bit(52)) AS bigint) / 4503599627370496.0::double precision < e.traffic_split;
        IF FOUND THEN
            RETURN threshold;
        END IF;
    END IF;
    SELECT count(*), min({amount}) INTO rows, threshold FROM sla_configurations c WHERE c.service_type = wanted;
    IF rows = 0 THEN  -- the name may stand there with blanks around it, or in another form of Unicode
        SELECT count(*), min({amount}) INTO rows, threshold FROM sla_configurations c
        WHERE btrim(normalize(CAST(c.service_type AS text), NFC), blanks) = wanted;
    END IF;
    RETURN CASE WHEN rows = 1 AND threshold > 0 THEN threshold END;
END $$
"""


def upgrade() -> None:
    """Make the tables of experiments anew with the rows that they hold, and the table of looks."""
    bind = op.get_bind()
    if looks.name in sa.inspect(bind).get_table_names():
        raise InputError(
            f"the database holds already, not made by slaopt: {looks.name}; rename that, or give slaopt another "
            "database"
        )
    _refuse_two_running(bind)
    _renew(bind, (first.experiments, first.assignments), (experiments, assignments), IDENTIFIED)
    looks.create(bind)
    bind.execute(sa.insert(first.additions).values(table_name=looks.name))
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(THRESHOLD_FOR.replace("{amount}", _amount(bind)))


def downgrade() -> None:
    """Take looks and function away, and make the tables as they were before, with their rows."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS slaopt_threshold_for(text, text)")
    looks.drop(bind)
    bind.execute(sa.delete(first.additions).where(first.additions.c.table_name == looks.name))
    _renew(bind, (experiments, assignments), (first.experiments, first.assignments), {})


IDENTIFIED = {"experiment_id": "'experiment-' || id"}  # of rows that others wrote


def _renew(
    bind: sa.Connection, old: Sequence[sa.Table], new: Sequence[sa.Table], experiment: Mapping[str, str]
) -> None:
    """Make both tables anew and bring their rows over; `experiment`: SQL for columns that those had not."""
    for was in old:
        there = {column["name"] for column in sa.inspect(bind).get_columns(was.name)}
        if strange := sorted(there - set(was.c.keys())):
            raise InputError(
                f"table {was.name} has columns that slaopt did not make: {', '.join(strange)}; keep them elsewhere"
            )
        bind.exec_driver_sql(f"CREATE TABLE slaopt_kept_{was.name} AS SELECT * FROM {was.name}")
    for was in reversed(old):
        op.drop_table(was.name)
    for was, now in zip(old, new, strict=True):
        now.create(bind)
        names = [name for name, _ in now.c.items() if name in was.c]
        values, more = ", ".join(names), experiment if was is old[0] else {}
        into, told = ", ".join([*more, *names]), ", ".join([*more.values(), values])
        bind.exec_driver_sql(f"INSERT INTO {now.name} ({into}) SELECT {told} FROM slaopt_kept_{was.name}")
        if bind.dialect.name == "postgresql":  # the next id follows those that were brought over
            bind.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{now.name}', 'id'), max(id)) FROM {now.name} HAVING max(id) > 0"
            )
    for was in old:
        op.drop_table(f"slaopt_kept_{was.name}")


def _refuse_two_running(bind: sa.Connection) -> None:
    table = first.experiments
    query = sa.select(table.c.service_type).where(table.c.status == "running").group_by(table.c.service_type)
    for service in bind.scalars(query.having(sa.func.count() > 1).order_by(table.c.service_type)):
        raise InputError(f"table {table.name}: more than one experiment runs on {service}; end all but one first")


def _amount(bind: sa.Connection) -> str:
    """SQL for a row's threshold in seconds, in the table as it is here."""
    there = {column["name"] for column in sa.inspect(bind).get_columns("sla_configurations")}
    amount, unit = "CAST(c.threshold_value AS numeric)", "1"
    if "threshold_unit" in there:
        word = "lower(rtrim(btrim(coalesce(CAST(c.threshold_unit AS text), '')), '.'))"
        cases = " ".join(
            f"WHEN {word} IN ({', '.join(map(repr, words))}) THEN {factor}" for factor, words in UNITS.items()
        )
        unit = f"CASE {cases} END"
    return f"CAST({amount} * {unit} AS double precision)"
