"""Verification tells the same, the tampered, the different and the report of another version apart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from slaopt.cli import app
from slaopt.errors import InputError
from slaopt.params import Params
from slaopt.report import verify_report
from slaopt.report.archive import write_profiles
from slaopt.report.manifest import MANIFEST, PROFILES, RESULT, Manifest
from tests.report.runs import contents, handmade, read_json, small, write_notebook


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("original")
    write_notebook(directory / "notebook.ipynb", "run", [])
    return handmade(directory / "reports", small(), Params(threshold=2.0), directory / "notebook.ipynb")


@pytest.fixture
def report(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / original.name))


def forge(report: Path, change: Callable[[Any], None]) -> None:
    """Change the result and make every digest agree with it."""
    result = read_json(report / RESULT)
    change(result)
    (report / RESULT).write_text(json.dumps(result))
    Manifest.read(report).complete(report).write(report)


def test_an_untouched_report_is_the_same(report: Path) -> None:
    assert verify_report(report).status == "same"
    (report / "notes.txt").write_text("a remark beside it changes nothing")
    assert verify_report(report).status == "same"


def test_a_report_under_another_name_is_the_same(report: Path) -> None:
    assert verify_report(report.rename(report.with_name("sent by mail"))).status == "same"


def test_a_changed_digit_of_the_result_is_found(report: Path) -> None:
    text = (report / RESULT).read_text()
    place = text.index("recommended_threshold") + text[text.index("recommended_threshold") :].index("2")
    (report / RESULT).write_text(text[:place] + "3" + text[place + 1 :])
    found = verify_report(report)
    assert found.status == "tampered"
    assert [detail.split()[0] for detail in found.details] == [RESULT]


def test_a_changed_byte_of_any_file_is_found(report: Path, rng: np.random.Generator) -> None:
    for name, data in contents(report).items():
        for place in rng.integers(0, len(data), 5):
            changed = bytearray(data)
            changed[place] ^= 1
            (report / name).write_bytes(changed)
            found = verify_report(report)
            assert found.status == "tampered"
            assert name in " ".join(found.details)
        (report / name).write_bytes(data)
    assert verify_report(report).status == "same"


def test_missing_files_are_named(report: Path) -> None:
    (report / PROFILES / "steps.parquet").unlink()
    (report / "report.html").unlink()
    found = verify_report(report)
    assert found.status == "tampered"
    assert found.details == ("profiles/steps.parquet is missing", "report.html is missing")


def test_a_manifest_that_is_missing_or_unreadable_is_named(report: Path) -> None:
    for content in (None, "", "[]", "{}", '{"service_type": 3}'):
        (report / MANIFEST).unlink(missing_ok=True)
        if content is not None:
            (report / MANIFEST).write_text(content)
        found = verify_report(report)
        assert found.status == "tampered"
        assert MANIFEST in found.details[0]


def test_a_manifest_of_other_settings_does_not_fit_the_folder(report: Path) -> None:
    manifest = Manifest.read(report)
    replace(manifest, params={**manifest.params, "objective": 0.9}).write(report)
    found = verify_report(report)
    assert found.status == "tampered"
    assert "another report" in found.details[0]


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_what_is_no_report_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no report"):
        verify_report(tmp_path / folder)


def test_a_forged_figure_is_named_with_its_distance(report: Path) -> None:
    def change(result: Any) -> None:
        result["analysis"]["baseline_performance"]["baseline_value"] *= 1.02

    forge(report, change)
    found = verify_report(report)
    assert found.status == "differs"
    assert len(found.details) == 1
    assert found.details[0].startswith("analysis.baseline_performance.baseline_value: archived 1.")
    assert found.details[0].endswith(", -1.96 %")


def test_figures_may_differ_by_rounding_but_choices_may_not(report: Path) -> None:
    def change(result: Any) -> None:
        result["analysis"]["baseline_performance"]["baseline_value"] *= 1 + 1e-12

    forge(report, change)
    assert verify_report(report).status == "same"

    def choose(result: Any) -> None:
        result["recommendation"]["current_threshold"] *= 1 + 1e-12

    forge(report, choose)
    assert verify_report(report).status == "differs"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda result: result["recommendation"].update(verdict="not_suited"), "recommendation.verdict"),
        (lambda result: result["recommendation"].update(sentence="All is well."), "recommendation.sentence"),
        (lambda result: result["recommendation"]["candidates"].pop(), "recommendation.candidates"),
        (lambda result: result["recommendation"].pop("gate"), "recommendation.gate is not archived"),
        (lambda result: result.update(extra=1), "extra is archived only"),
        (lambda result: result.update(seed=True), "seed"),
    ],
    ids=["choice", "sentence", "candidate", "missing", "added", "type"],
)
def test_what_does_not_follow_from_the_profiles_is_named(
    report: Path, change: Callable[[Any], None], name: str
) -> None:
    forge(report, change)
    found = verify_report(report)
    assert found.status == "differs"
    assert any(detail.startswith(name) for detail in found.details)


def test_forged_profiles_are_found(report: Path) -> None:
    write_profiles(small(seed=2), report / PROFILES)
    Manifest.read(report).complete(report).write(report)
    found = verify_report(report)
    assert found.status == "differs"
    assert "archived Profiles" in found.details[0]
    assert len(found.details) == 21  # not thousands


def test_profiles_that_are_refused_today_are_told(report: Path) -> None:
    write_profiles(small(days=3), report / PROFILES)
    Manifest.read(report).complete(report).write(report)
    assert any("no assessment can be made" in detail for detail in verify_report(report).details)


@pytest.mark.parametrize("name", [RESULT, f"{PROFILES}/hours.parquet", f"{PROFILES}/service.json"])
def test_forged_nonsense_is_told(report: Path, name: str) -> None:
    (report / name).write_text("nonsense")
    Manifest.read(report).complete(report).write(report)
    found = verify_report(report)
    assert found.status == "differs"
    assert "nothing can be computed again" in found.details[0]


def test_settings_that_do_not_exist_are_told(report: Path) -> None:
    manifest = Manifest.read(report)
    replace(manifest, params={**manifest.params, "treshold": 2.0}).write(report)
    found = verify_report(report.rename(report.with_name("renamed")))
    assert found.status == "differs"
    assert "treshold" in found.details[0]


def test_another_version_is_said(report: Path) -> None:
    manifest = Manifest.read(report)
    replace(manifest, versions={**manifest.versions, "slaopt": "0.0.9"}).write(report)
    found = verify_report(report.rename(report.with_name("old")))
    assert found.status == "other version"
    assert "0.0.9" in found.details[0]


def test_the_command_succeeds_for_the_same_only(report: Path, original: Path) -> None:
    good = CliRunner().invoke(app, ["verify", str(original)], standalone_mode=False)
    assert good.return_value == 0
    assert good.output.startswith("same")
    (report / RESULT).write_text("{}")
    bad = CliRunner().invoke(app, ["verify", "--json", str(original), str(report)], standalone_mode=False)
    assert bad.return_value == 1
    told = json.loads(bad.output)
    assert [entry["status"] for entry in told] == ["same", "tampered"]
    assert told[1]["details"] == ["result.json was changed: its SHA-256 is not the one in manifest.json"]


def test_figures_that_differ_under_changed_code_say_so(report: Path) -> None:
    def change(result: dict[str, Any]) -> None:
        result["analysis"]["sample_size"] += 1

    forge(report, change)
    assert not any("code was changed" in detail for detail in verify_report(report).details)
    manifest = Manifest.read(report)
    other = replace(manifest, inputs={**manifest.inputs, "code": "0" * 64})
    renamed = report.with_name("elsewhere")  # another folder, whose name claims no digest
    report.rename(renamed)
    other.complete(renamed).write(renamed)
    found = verify_report(renamed)
    assert found.status == "differs"
    assert "slaopt's own code was changed since" in found.details[0]
