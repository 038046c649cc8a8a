"""The shipped notebooks run: through papermill for a report and the index, and as they are, cell by cell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from slaopt.report import Report, run_reports
from slaopt.report.manifest import Manifest
from tests.report.builders import NOTEBOOKS
from tests.report.runs import BOOK, Held, small

NAMES = ("service_report", "portfolio", "explore", "experiment_design", "experiment_report")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """A workspace without notebooks of its own, in which the shipped ones made a report and the index."""
    workspace = tmp_path_factory.mktemp("workspace")
    (workspace / "params").mkdir()
    (workspace / "params" / "default.yaml").write_text("objective: 0.99\n")
    made = run_reports(Held([small()]), BOOK, workspace)
    assert [type(result) for result in made] == [Report], made
    return workspace / "reports", made[0].directory


def test_papermill_makes_a_page_for_the_service_and_the_index(reports):
    folder, report = reports
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "How far can this be trusted?" in page
    assert page.count("<figure") >= 5
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert f'href="{report.parent.name}/{report.name}/report.html"' in index
    assert "report.html" in Manifest.read(report).files


def test_the_executed_notebook_carries_what_the_page_shows(reports):
    notebook = nbformat.read(reports[1] / "report.ipynb", as_version=4)
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert {"application/vnd.slaopt.figure+json", "application/vnd.vegalite.v5+json", "text/html"} <= kinds


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_thin_and_committed_without_outputs(name):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.metadata.get("tags") for cell in code].count(["parameters"]) == 1
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    source = "\n".join(cell.source for cell in code)
    assert "def " not in source
    assert "pandas" not in source
    assert all(len(cell.source.splitlines()) <= 6 for cell in code)


@pytest.mark.parametrize("name", ["service_report", "portfolio"])
def test_a_notebook_runs_as_it_is_where_its_default_parameter_points(reports, name, tmp_path):
    folder, report = reports
    place = tmp_path / "here"
    shutil.copytree(report if name == "service_report" else folder, place)
    shutil.copy(NOTEBOOKS / f"{name}.ipynb", place)
    settings = tmp_path / "pytest.ini"
    settings.write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(settings), "--nbval-lax"]
    done = subprocess.run([*command, f"{name}.ipynb"], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3_000:]


def test_the_shipped_notebooks_are_these():
    assert sorted(path.stem for path in Path(NOTEBOOKS).glob("*.ipynb")) == sorted(NAMES)
