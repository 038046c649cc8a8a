"""The tables of the store as they are now. How they came to be is in `migrations`; a test holds both together."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from slaopt.store.types import Exact, Json, Moment

__all__ = [
    "ADDITIONS",
    "VERSION",
    "analyses",
    "answers",
    "approvals",
    "assignments",
    "audit_log",
    "changes",
    "configurations",
    "experiments",
    "history",
    "looks",
    "measurements",
    "metadata",
    "models",
    "predictions",
    "proposals",
    "requests",
    "runs",
    "sessions",
    "settings",
    "users",
]

VERSION = "slaopt_version"  # Alembic's table; of its own name, since the database may be under another Alembic too
ADDITIONS = "slaopt_additions"  # what slaopt added to the database: all that `db downgrade` takes away

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


def _share(name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} BETWEEN 0 AND 1", name=name)


def _one_of(name: str, *values: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} IN ({', '.join(map(repr, values))})", name=name)


configurations = sa.Table(
    "sla_configurations", metadata,
    _key(), _service(),
    sa.Column("threshold_value", Exact(), nullable=False),
    sa.Column("threshold_unit", sa.String(20), nullable=False, server_default="seconds"),
    _flag("is_active", True),
    sa.Column("objective", Exact(9, 8)),
    _flag("optimization_enabled", True),
    _flag("auto_adjust", False),
    sa.Column("min_threshold", Exact()),
    sa.Column("max_threshold", Exact()),
    sa.Column("optimization_frequency", sa.String(20), nullable=False, server_default="weekly"),
    sa.Column("last_optimization_at", Moment()),
    _created(), _updated(),
    sa.UniqueConstraint("service_type"),
    sa.CheckConstraint("threshold_value > 0", name="threshold_value"),
    sa.CheckConstraint("objective > 0 AND objective < 1", name="objective"),
    sa.CheckConstraint("min_threshold > 0 AND min_threshold <= max_threshold", name="bounds"),
)  # fmt: skip

measurements = sa.Table(
    "workflow_performance_metrics", metadata,
    _key(), _service(),
    sa.Column("timestamp", Moment(), nullable=False),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("unit", sa.String(20)),
    sa.Column("status", sa.String(50)),
    sa.Column("load", sa.Double),
    _created(),
    sa.Index(None, "service_type", "timestamp"),
)  # fmt: skip

history = sa.Table(
    "sla_threshold_history", metadata,
    _key(), _service(),
    sa.Column("threshold_value", Exact(), nullable=False),
    sa.Column("threshold_unit", sa.String(20), nullable=False, server_default="seconds"),
    sa.Column("previous_value", Exact()),
    sa.Column("optimization_reason", sa.Text),
    sa.Column("optimization_confidence", sa.Double),
    sa.Column("business_justification", sa.Text),
    sa.Column("implemented_at", Moment(), nullable=False),
    sa.Column("implemented_by", sa.String(255), nullable=False),
    sa.Column("rollback_criteria", Json()),
    sa.Column("performance_impact", Json()),
    _flag("is_active", True),
    _created(), _updated(),
    _share("optimization_confidence"),
    sa.Index(None, "service_type", "implemented_at"),
)  # fmt: skip

analyses = sa.Table(
    "sla_performance_analysis", metadata,
    _key(), _service(),
    sa.Column("analysis_period_days", sa.Integer, nullable=False, server_default="30"),
    sa.Column("analysis_timestamp", Moment(), nullable=False),
    sa.Column("performance_statistics", Json(), nullable=False),
    sa.Column("trend_analysis", Json()),
    sa.Column("baseline_performance", Json()),
    sa.Column("data_quality_score", sa.Double),
    sa.Column("sample_size", sa.BigInteger),
    sa.Column("confidence_level", sa.Double, nullable=False, server_default="0.95"),
    _created(),
    _share("data_quality_score"),
    sa.Index(None, "service_type", "analysis_timestamp"),
)  # fmt: skip

experiments = sa.Table(
    "sla_optimization_experiments", metadata,
    _key(),
    sa.Column("experiment_id", sa.String(20), nullable=False),
    sa.Column("experiment_name", sa.String(255), nullable=False),
    _service(),
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
    sa.Column("unit", sa.String(100), nullable=False, server_default="request"),  # of assignment
    sa.Column("salt", sa.String(64)),  # who has it can choose an arm; drawn at the start
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
    _flag("rollback_triggered", False),
    sa.Column("requested_by", sa.String(255)),
    sa.Column("started_by", sa.String(255)),
    sa.Column("stopped_by", sa.String(255)),
    sa.Column("proposal_id", sa.ForeignKey("sla_proposals.id")),  # whose approval starts it
    sa.Column("adopted_by_proposal_id", sa.ForeignKey("sla_proposals.id")),
    _created(), _updated(),
    sa.UniqueConstraint("experiment_id"),
    _one_of("status", "planning", "running", "completed", "stopped"),
    _one_of("recommendation", "adopt", "reject", "extend"),
    _share("traffic_split"), _share("significance_level"), _share("p_value"),
    sa.Index(None, "proposal_id"),
    sa.Index("ix_sla_optimization_experiments_one_runs", "service_type", unique=True,
             sqlite_where=sa.text("status = 'running'"), postgresql_where=sa.text("status = 'running'")),
)  # fmt: skip

models = sa.Table(
    "sla_ml_model_performance", metadata,
    _key(),
    sa.Column("model_type", sa.String(50), nullable=False),
    sa.Column("model_version", sa.String(50), nullable=False),
    sa.Column("training_timestamp", Moment(), nullable=False),
    *(sa.Column(name, sa.Double) for name in
      ("accuracy_score", "precision_score", "recall_score", "f1_score", "mse", "mae")),
    *(sa.Column(name, sa.BigInteger) for name in ("training_data_size", "validation_data_size", "feature_count")),
    sa.Column("hyperparameters", Json()),
    sa.Column("cross_validation_scores", Json()),
    sa.Column("model_path", sa.Text),
    sa.Column("feature_importance", Json()),
    _flag("is_active", True),
    _created(),
    _one_of("model_type", "threshold_optimizer", "impact_predictor"),
)  # fmt: skip

predictions = sa.Table(
    "sla_threshold_impact_predictions", metadata,
    _key(), _service(),
    sa.Column("current_threshold", Exact()),
    sa.Column("proposed_threshold", Exact(), nullable=False),
    sa.Column("predicted_violation_rate_change", sa.Double),
    sa.Column("predicted_reliability_impact", sa.Double),
    sa.Column("predicted_team_stress_change", sa.Double),
    sa.Column("confidence_score", sa.Double),
    sa.Column("implementation_risk", sa.String(10)),
    sa.Column("risk_factors", Json()),
    sa.Column("mitigation_strategies", Json()),
    sa.Column("actual_violation_rate_change", sa.Double),
    sa.Column("actual_reliability_impact", sa.Double),
    sa.Column("prediction_accuracy", sa.Double),
    sa.Column("implemented_at", Moment()),
    sa.Column("evaluated_at", Moment()),
    _created(),
    _share("confidence_score"),
    _one_of("implementation_risk", "low", "medium", "high"),
    sa.Index(None, "service_type"),
)  # fmt: skip

runs = sa.Table(
    "sla_runs", metadata,
    _key(), _service(),
    sa.Column("as_of", Moment(), nullable=False),
    sa.Column("input_digest", sa.String(64), nullable=False),
    sa.Column("identity", sa.String(64), nullable=False),
    sa.Column("manifest_digest", sa.String(64), nullable=False),
    sa.Column("report_path", sa.Text, nullable=False),
    sa.Column("slaopt_version", sa.String(50), nullable=False),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("sentence", sa.Text, nullable=False),
    sa.Column("analysis_id", sa.ForeignKey("sla_performance_analysis.id"), nullable=False),
    sa.Column("prediction_id", sa.ForeignKey("sla_threshold_impact_predictions.id")),
    _created(),
    sa.UniqueConstraint("service_type", "input_digest"),
    sa.Index(None, "service_type", "as_of"),
    sa.Index(None, "report_path"),
    sa.Index(None, "analysis_id"),  # without one, each analysis that is taken away is sought among all runs
    sa.Index(None, "prediction_id"),
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
    sa.Column("number", sa.Integer, nullable=False),  # 1, 2, 3, …
    sa.Column("looked_at", Moment(), nullable=False),
    sa.Column("as_of", Moment(), nullable=False),  # end of the measurements it saw
    sa.Column("fraction", sa.Double),
    sa.Column("information", sa.Double),
    sa.Column("estimate", sa.Double),
    sa.Column("standard_error", sa.Double),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("look", Json(), nullable=False),
    _created(),
    sa.UniqueConstraint("experiment_id", "number"),
)  # fmt: skip
