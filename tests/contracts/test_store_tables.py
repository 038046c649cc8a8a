"""The store's tables on SQLite and PostgreSQL: made from nothing, taken away, kept from harm."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from slaopt.errors import InputError, RefusedError
from slaopt.store import (
    current,
    downgrade,
    find_store,
    first_record,
    make_store,
    open_database,
    open_store,
    upgrade,
)
from slaopt.store.tables import VERSION, metadata
from tests.store.builders import AT, Place

TABLES = {  # as published, beside id and created_at
    "sla_configurations": "service_type threshold_value threshold_unit is_active objective optimization_enabled"
    " auto_adjust min_threshold max_threshold optimization_frequency last_optimization_at updated_at",
    "workflow_performance_metrics": "service_type timestamp value unit status load",
    "sla_threshold_history": "service_type threshold_value threshold_unit previous_value optimization_reason"
    " optimization_confidence business_justification implemented_at implemented_by rollback_criteria"
    " performance_impact is_active updated_at",
    "sla_performance_analysis": "service_type analysis_period_days analysis_timestamp performance_statistics"
    " trend_analysis baseline_performance data_quality_score sample_size confidence_level",
    "sla_optimization_experiments": "experiment_name service_type control_threshold test_threshold hypothesis"
    " expected_improvement experiment_start experiment_end duration_days traffic_split significance_level results"
    " statistical_significance p_value effect_size confidence_interval status early_stop_reason recommendation"
    " rollback_triggered updated_at experiment_id planned_end unit salt design design_digest amendments requested_by"
    " started_by stopped_by proposal_id adopted_by_proposal_id",
    "sla_ml_model_performance": "model_type model_version training_timestamp accuracy_score precision_score"
    " recall_score f1_score mse mae training_data_size validation_data_size feature_count hyperparameters"
    " cross_validation_scores model_path feature_importance is_active",
    "sla_threshold_impact_predictions": "service_type current_threshold proposed_threshold"
    " predicted_violation_rate_change predicted_reliability_impact predicted_team_stress_change confidence_score"
    " implementation_risk risk_factors mitigation_strategies actual_violation_rate_change actual_reliability_impact"
    " prediction_accuracy implemented_at evaluated_at",
}
OWN = {"sla_proposals", "sla_approvals", "sla_audit_log", "sla_experiment_assignments", "sla_experiment_looks",
       "sla_runs",
       "sla_users", "sla_sessions", "sla_settings", "sla_changes", "sla_requests", "sla_answers",
       "slaopt_version", "slaopt_additions"}  # fmt: skip


def test_the_tables_are_those_that_are_published(made: Place) -> None:
    there = made.tables()
    assert set(there) == set(TABLES) | OWN
    for table, columns in TABLES.items():
        assert set(there[table]) == {"id", "created_at", *columns.split()}, table


def test_the_steps_lead_to_the_tables_that_the_code_speaks_of(made: Place) -> None:
    with made.connection() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION,
                "include_object": lambda item, name, kind, *_: name != "slaopt_additions",
            },
        )
        assert compare_metadata(context, metadata) == []


def test_the_newest_step_is_the_one_that_the_code_knows() -> None:
    from alembic.script import ScriptDirectory

    from slaopt.store.schema import MIGRATIONS, REVISIONS

    steps = [step.revision for step in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert steps[::-1] == list(REVISIONS)


def test_up_down_and_up_again(new: Place) -> None:
    database = open_database(new.address)
    assert current(database).state == "none"
    assert upgrade(database).state == upgrade(database).state == "current"
    assert downgrade(database).state == "none"
    assert new.tables() == {}
    assert downgrade(database).state == "none"
    assert upgrade(database).revision == "0003"
    assert set(new.tables()) == set(TABLES) | OWN


def test_rows_are_not_lost_by_accident(made: Place) -> None:
    with open_store(made.address).begin() as transaction:
        transaction.add_service(
            first_record("login", threshold=1, objective=0.9), by="ann", reason="a first value", at=AT
        )
    with pytest.raises(RefusedError, match=r"rows would be lost \(1 of sla_configurations, 1 of sla_threshold_history"):
        downgrade(open_database(made.address))
    assert set(made.tables()) == set(TABLES) | OWN
    assert downgrade(open_database(made.address), with_rows=True).state == "none"


def test_measurements_stay_though_slaopt_made_their_table(made: Place) -> None:
    made.run("INSERT INTO workflow_performance_metrics (service_type, timestamp, value) VALUES ('a', '2026-11-01', 1)")
    downgrade(open_database(made.address))
    assert set(made.tables()) == {"workflow_performance_metrics"}
    upgrade(open_database(made.address))
    assert len(made.rows("SELECT * FROM workflow_performance_metrics")) == 1


def test_a_strangers_table_in_the_way_is_refused_and_nothing_is_done(new: Place) -> None:
    new.run("CREATE TABLE sla_runs (x INTEGER)")
    with pytest.raises(InputError, match="not made by slaopt: sla_runs; rename that"):
        upgrade(open_database(new.address))
    assert set(new.tables()) == {"sla_runs"}


def test_configurations_without_a_needed_column_are_refused(new: Place) -> None:
    new.run("CREATE TABLE sla_configurations (service_type TEXT, target REAL)")
    with pytest.raises(InputError, match="has no column 'threshold_value'"):
        upgrade(open_database(new.address))
    assert new.tables() == {"sla_configurations": ["service_type", "target"]}


def test_a_store_of_a_newer_slaopt_is_refused(made: Place) -> None:
    made.run(f"UPDATE {VERSION} SET version_num = '9999'")
    assert current(open_database(made.address)).state == "newer"
    for call in (lambda: open_store(made.address), lambda: upgrade(open_database(made.address))):
        with pytest.raises(InputError, match=r"newer slaopt \(schema 9999; this one knows 0003\); install that"):
            call()
    with pytest.raises(InputError, match="newer slaopt"):
        downgrade(open_database(made.address))


def test_only_an_own_file_is_made_unasked(new: Place, kind: str) -> None:
    if kind == "sqlite":
        assert find_store(new.address) is None
        with pytest.raises(InputError, match="slaopt db upgrade makes one"):
            open_store(new.address)
        make_store(new.address)
        assert find_store(new.address) is not None
        assert Path(new.address.removeprefix("sqlite:///")).stat().st_mode & 0o077 == 0
    else:
        with pytest.raises(InputError, match="run slaopt db upgrade"):
            make_store(new.address)


def test_a_database_of_others_asks_for_the_upgrade(new: Place) -> None:
    new.run("CREATE TABLE workflow_performance_metrics (service_type TEXT, value REAL)")
    with pytest.raises(InputError, match="holds no tables of slaopt yet; run slaopt db upgrade"):
        make_store(new.address)
    assert set(new.tables()) == {"workflow_performance_metrics"}


def test_numbers_out_of_their_bounds_are_refused_by_the_database(made: Place) -> None:
    for table, columns, values in [
        ("sla_configurations", "service_type, threshold_value", "'a', 0"),
        ("sla_configurations", "service_type, threshold_value, objective", "'a', 1, 1"),
        ("sla_configurations", "service_type, threshold_value, min_threshold, max_threshold", "'a', 1, 3, 2"),
        ("sla_optimization_experiments", "experiment_id, experiment_name, service_type, control_threshold,"
         " test_threshold, status", "'a', 'a', 'a', 1, 2, 'paused'"),
        ("sla_runs", "service_type, as_of, input_digest, identity, manifest_digest, report_path, slaopt_version,"
         " verdict, sentence, analysis_id", "'a', '2026-11-01', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 99"),
    ]:  # fmt: skip
        on = "PRAGMA foreign_keys = ON" if made.dialect == "sqlite" else "SELECT 1"
        with pytest.raises(sa.exc.IntegrityError):
            made.run(on, f"INSERT INTO {table} ({columns}) VALUES ({values})")
