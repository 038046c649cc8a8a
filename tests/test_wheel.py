"""The wheel works outside the clone: it ships notebooks and default settings, and needs nothing of the repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation",
         "--wheel-dir", str(folder), str(ROOT)],
        check=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)  # what pip does with a pure wheel, but for the script
    return folder


def slaopt(installed: Path, folder: Path, *arguments: str, status: int = 0) -> str:
    """Run the installed package, not the clone, with the packages of this environment."""
    code = (
        "import sys, slaopt; from slaopt.cli import main\n"
        f"assert slaopt.__file__.startswith({str(installed)!r}), slaopt.__file__\n"
        "main()"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLAOPT_")}
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, env=environment | {"PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, "Traceback" in run.stderr) == (status, False), run.stderr
    return run.stdout


def test_the_wheel_ships_notebooks_defaults_templates_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    notebooks = {f"slaopt/_workspace/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert len(notebooks) >= 3
    assert notebooks | {"slaopt/_workspace/params/default.yaml", "slaopt/py.typed"} < names
    source = {str(path.relative_to(ROOT)) for path in (ROOT / "slaopt").rglob("*.*") if "__pycache__" not in path.parts}
    assert {name for name in source if not name.endswith(".pyc")} <= names
    assert not any(name.startswith(("tests/", "params/", "notebooks/")) for name in names)


def test_the_wheel_turns_its_extension_of_jupyter_on(wheel):
    data = {name.partition(".data/data/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    assert {
        "etc/jupyter/jupyter_server_config.d/slaopt.json",
        "share/jupyter/labextensions/slaopt/package.json",
        "share/jupyter/labextensions/slaopt/install.json",
    } < data
    assert any(name.startswith("share/jupyter/labextensions/slaopt/static/remoteEntry.") for name in data)


def test_the_main_job_runs_outside_the_clone(installed, tmp_path):
    work = tmp_path / "a workspace"
    slaopt(installed, tmp_path, "init", str(work))
    slaopt(installed, work, "sample", "measurements", "--end", "2026-11-03T14:00:00Z")
    (work / "params" / "services" / "small.yaml").write_text(
        "service: invoice-export\nthreshold: 40\nobjective: 0.95\n", encoding="utf-8"
    )
    told = json.loads(slaopt(installed, work, "check", "measurements/requests.parquet", "--json"))
    assert len(told["quality"]) == 8
    slaopt(installed, work, "report", "invoice-export", "--source", "measurements/requests.parquet")
    (report,) = (work / "reports").glob("invoice-export-*/*/report.html")
    assert (work / "reports" / "index.html").is_file()
    (listed,) = json.loads(slaopt(installed, work, "services", "list", "--json"))
    assert (listed["service_type"], listed["threshold"], listed["objective"]) == ("invoice-export", 40, 0.95)
    (verified,) = json.loads(slaopt(installed, work, "verify", str(report.parent), "--json"))
    assert (verified["status"], verified["recorded"]) == ("same", True)
    changed = report.parent / "result.json"
    changed.write_text(changed.read_text(encoding="utf-8").replace("3", "4", 1), encoding="utf-8")
    slaopt(installed, work, "verify", str(report.parent), status=1)
    slaopt(installed, work, "db", "downgrade", "--yes")
    assert json.loads(slaopt(installed, work, "db", "current", "--json"))["revision"] is None
