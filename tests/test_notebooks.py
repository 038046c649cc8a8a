"""The notebooks: thin, committed without outputs, executed by papermill, and the same again when executed by nbval."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from slaopt.params import ParamsBook
from slaopt.report import Report, run_reports
from slaopt.samples import service
from slaopt.workspace import EXPLORE, REPORT_NOTEBOOKS, init_workspace
from tests.report.runs import Held

ROOT = Path(__file__).parent.parent
EVERY = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)


def cells(path: Path) -> list[nbformat.NotebookNode]:
    return list(nbformat.read(path, as_version=4).cells)


def test_they_are_those_that_slaopt_ships():
    assert [path.stem for path in EVERY] == sorted((EXPLORE, *REPORT_NOTEBOOKS))


@each_notebook
def test_they_are_valid_and_committed_without_outputs(path):
    nbformat.validate(nbformat.read(path, as_version=4))
    code = [cell for cell in cells(path) if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@each_notebook
def test_they_are_a_table_of_contents(path):
    code = [cell for cell in cells(path) if cell.cell_type == "code"]
    assert [cell for cell in code if "parameters" in cell.metadata.get("tags", [])] == code[:1]
    for cell in code:
        tree = ast.parse(cell.source)
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While)
        assert not any(isinstance(node, defined) for node in ast.walk(tree)), cell.source
        assert "pandas" not in cell.source
        assert len(cell.source.splitlines()) <= 8


@pytest.fixture(scope="module")
def reports(tmp_path_factory, end) -> Path:
    """Reports and index of two services, made from the shipped notebooks."""
    workspace = tmp_path_factory.mktemp("workspace")
    init_workspace(workspace)
    samples = [service(name) for name in ("login", "invoice-export")]
    profiles = [sample.profiles(1, end, days=30) for sample in samples]
    book = ParamsBook(default=samples[0].params, services={sample.name: sample.params for sample in samples})
    made = run_reports(Held(profiles), book, workspace, as_of=end)
    assert all(isinstance(result, Report) for result in made), made
    return workspace / "reports"


@pytest.mark.parametrize("pattern", ["login-*/*/report.ipynb", "index.ipynb"])
def test_executed_again_they_show_the_same(reports, pattern):
    """Every output of every cell, compared by nbval: figures, sentences, charts."""
    (executed,) = reports.glob(pattern)
    again = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", str(executed)],
        cwd=executed.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stdout[-3_000:]
