"""The notebook that designs a test runs as it is, on the sample services."""

from __future__ import annotations

import ast
from typing import Any

import nbformat

from slaopt.charts import Figure
from slaopt.experiment import Design, PlannedDesign
from tests.report.builders import NOTEBOOKS


def test_every_cell_runs_and_shows_what_it_is_for():
    notebook = nbformat.read(NOTEBOOKS / "experiment_design.ipynb", as_version=4)
    names: dict[str, Any] = {}
    shown = [_shown(cell.source, names) for cell in notebook.cells if cell.cell_type == "code"]
    names["folder"].cleanup()
    planned, effect, days, design = (result for result in shown if result is not None)
    assert isinstance(planned, PlannedDesign)
    assert isinstance(design, Design)
    assert planned.design.service == "payment"
    assert planned.power.same is not None
    assert all(isinstance(figure, Figure) for figure in (effect, days))


def _shown(source: str, names: dict[str, Any]) -> Any:
    """Execute a cell, and give what its last line shows."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
