"""A test that has ended is reported as its looks were taken, from the measurements that they saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slaopt.cli.experiment.reporting import kept_run
from slaopt.errors import InputError
from slaopt.report import open_experiment
from slaopt.workspace import init_workspace
from tests.apply.builders import SERVICE, Grounds
from tests.apply.experiments.builders import begun, found, looked_at, passed, traffic

HARM = 0.10


def test_a_stopped_test_is_reported_up_to_its_last_look(ground: Grounds, tmp_path: Path) -> None:
    init_workspace(tmp_path / "workspace")
    record = begun(ground)
    source = traffic(ground, tmp_path, record, test_rate=HARM)
    place, reading = ground.place.address, {"columns": {"assigned": "tenant"}}
    measured = str(tmp_path / "measured.csv")
    with pytest.raises(InputError, match="no look has been taken yet"):
        kept_run(record.experiment_id, tmp_path / "workspace", place, measured, reading)

    assert passed(ground, source, looked_at(1)).verdict == "stop_harm"
    run = kept_run(record.experiment_id, tmp_path / "workspace", place, measured, reading)
    ended = found(ground, record.experiment_id)
    evaluation = run.evaluate()
    assert (run.status, run.planned, run.design.service) == ("stopped", True, SERVICE)
    assert evaluation.look.decision.verdict == "stop_harm"
    assert evaluation.sentence == ended.early_stop_reason or evaluation.sentence in str(ended.early_stop_reason)
    assert evaluation.look.sample_sizes == (
        evaluation.observed.control.executions, evaluation.observed.test.executions,
    )  # fmt: skip
    assert evaluation.to_dict()["p_value"] == ended.p_value

    run.write(tmp_path / "run")
    assert open_experiment(tmp_path / "run").evaluate().to_dict() == evaluation.to_dict()
    archived = "".join(path.read_text() for path in (tmp_path / "run").rglob("*.json"))
    assert json.loads((tmp_path / "run" / "experiment.json").read_text())["experiment_id"] == record.experiment_id
    assert "tenant-" not in archived
    assert not set(open_experiment(tmp_path / "run").observed.test.unit_hashes) & set(run.observed.test.unit_hashes)
    assert str(record.salt) not in archived


def test_a_test_that_no_store_knows_is_refused(ground: Grounds, tmp_path: Path) -> None:
    init_workspace(tmp_path / "workspace")
    with pytest.raises(InputError, match="neither a file nor a test in the store"):
        kept_run("e0000000000", tmp_path / "workspace", ground.place.address, None, {})
