"""The report of an experiment: measurements and looks archived, the notebook run on them, one page.

reports/experiments/<id>/<end>-<digest8>/     a report: page, notebook, result, and what it was made from
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from slaopt import __version__
from slaopt.errors import InputError
from slaopt.experiment.design import Design
from slaopt.experiment.evaluation import Evaluation, evaluate, recorded
from slaopt.experiment.found import Look, Verdict
from slaopt.experiment.observed import Observed
from slaopt.experiment.restored import look_from_dict
from slaopt.experiment.simulating import simulate
from slaopt.report.folders import locked, work_folder
from slaopt.report.manifest import MANIFEST, RESULT, code_digest, file_digest
from slaopt.report.measured import read_observed, write_observed
from slaopt.report.names import service_folder
from slaopt.result import Result
from slaopt.workspace import notebook_path

__all__ = ["EXPERIMENTS", "ExperimentReport", "ExperimentRun", "open_experiment", "report_experiment"]

EXPERIMENTS = "experiments"  # folder of their reports
SAID, MEASURED = "experiment.json", "measured"
PAGE, NOTEBOOK, FAILED = "report.html", "report.ipynb", "failed.ipynb"
PLAIN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
LONGEST = 300  # characters of an error's text


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRun(Result):
    """What the notebook of an experiment starts from: counts of each unit, design and looks, never the source."""

    experiment_id: str
    source: str  # description without secrets
    status: str  # running, completed, stopped; collected: elsewhere; simulated
    planned: bool
    design: Design
    looks: tuple[Look, ...]  # recorded ones
    observed: Observed = field(metadata={"published": None}, repr=False)

    def evaluate(self) -> Evaluation:
        """Evaluate it: recorded looks as they were taken, else one look at all."""
        if self.looks:
            return recorded(self.observed, self.design, self.looks)
        return replace(evaluate(self.observed, self.design), planned=self.planned)

    @property
    def ended(self) -> datetime | None:
        """End of what was measured."""
        return self.looks[-1].at if self.looks else self.observed.end

    def write(self, directory: Path) -> None:
        """Archive it in a folder."""
        write_observed(self.observed, directory / MEASURED)
        content = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        (directory / SAID).write_text(content, encoding="utf-8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentReport(Result):
    """A report of an experiment in its place, and what it says in short."""

    experiment_id: str
    directory: Path
    status: Literal["made", "reused"]
    verdict: Verdict
    recommendation: str | None
    sentence: str


def open_experiment(path: str | Path = "") -> ExperimentRun:
    """Open a run folder or a report of an experiment; no path: simulated traffic, whose truth is known.

    Raises
    ------
    InputError
        If something is missing or damaged there.
    """
    if not str(path):
        return _simulated()
    file = Path(path) / SAID
    try:
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return ExperimentRun(
            experiment_id=said["experiment_id"],
            source=said["source"],
            status=said["status"],
            planned=said["planned"],
            design=Design.from_dict(said["design"]),
            looks=tuple(look_from_dict(look) for look in said["looks"]),
            observed=read_observed(Path(path) / MEASURED),
        )
    except OSError as error:
        raise InputError(f"{path}: no report of an experiment ({file.name}: {error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: no experiment, but something else ({error})") from error


def _simulated() -> ExperimentRun:
    """A test of two weeks with a look a day: 2 s against 2.6 s, under which fewer executions violate."""
    start = datetime(2026, 11, 2, tzinfo=UTC)
    rows = simulate(seed=4, units=80, per_unit=500, start=start, test_rate=0.035, icc=0.004, unequal=0.4)
    asked: dict[str, Any] = {"unit": "tenant", "timestamp": "timestamp", "service": "checkout"}
    whole = evaluate(rows, control_threshold=2.0, test_threshold=2.6, **asked)
    design = replace(whole.design, looks=14, days=14, unit="tenant", icc=0.004, information=whole.look.information)
    looks: tuple[Look, ...] = ()
    for day in range(1, design.days + 1):
        part = rows[rows["timestamp"] < start.replace(day=start.day + day)]
        seen = evaluate(part, design, looks=looks, last=day == design.days, **asked)
        looks = seen.looks
        if seen.look.decision.verdict not in ("continue", "invalid"):
            break
    return ExperimentRun(
        experiment_id="simulated", source="simulated traffic", status="simulated", planned=True, design=design,
        looks=looks, observed=seen.observed,
    )  # fmt: skip


def report_experiment(run: ExperimentRun, workspace: Path) -> ExperimentReport:
    """Make the report of an experiment, or give the one that is there already.

    Raises
    ------
    InputError
        If the notebook fails, naming the cell.
    """
    from slaopt.report.engine import KernelPool

    reports = workspace / "reports"
    notebook = notebook_path(workspace, "experiment_report")
    name = run.experiment_id if PLAIN_ID.fullmatch(run.experiment_id) else service_folder(run.experiment_id)
    home = reports / EXPERIMENTS / name
    with work_folder(reports) as work:
        folder = work / "report"
        run.write(folder)
        inputs = {path.relative_to(folder).as_posix(): file_digest(path) for path in _files(folder)}
        inputs |= {"notebook": file_digest(notebook), "code": code_digest()}
        identity = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
        when = f"{run.ended:%Y-%m-%dT%H%MZ}" if run.ended else "undated"
        target = home / f"{when}-{identity[:8]}"
        if _whole(target):
            return _report(run, target, "reused")
        with KernelPool(work, 1) as pool:
            pool.submit(lambda kernel: _executed(run, notebook, folder, home, kernel)).result()
        _seal(folder, inputs)
        with locked(reports):
            home.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(folder.with_name("damaged"))
            folder.rename(target)
    return _report(run, target, "made")


def _executed(run: ExperimentRun, notebook: Path, folder: Path, home: Path, kernel: Any) -> None:
    """Run the notebook in its folder and write page and result; one that failed is kept to be looked at."""
    from papermill import PapermillExecutionError

    from slaopt.report.engine import execute_notebook
    from slaopt.report.pages import export_experiment

    try:
        executed = execute_notebook(
            notebook, folder / NOTEBOOK, kernel=kernel, folder=folder, parameters={"run": "."}
        )  # fmt: skip
    except PapermillExecutionError as error:
        home.mkdir(parents=True, exist_ok=True)
        (folder / NOTEBOOK).replace(home / FAILED)
        text = " ".join(f"{error.ename}: {error.evalue}".split())[:LONGEST]
        raise InputError(
            f"{notebook.name}, cell {error.exec_count} failed: {text}; see {home.name}/{FAILED}"
        ) from error  # fmt: skip
    kernel.call("hand_over_evaluation", str(folder))
    if not (folder / RESULT).exists():
        raise InputError(f"{notebook.name} leaves no Evaluation in the variable `evaluation`")
    title = run.design.service or run.experiment_id
    (folder / PAGE).write_text(export_experiment(executed, title=title), encoding="utf-8")


def _files(folder: Path) -> Sequence[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)


def _seal(folder: Path, inputs: dict[str, str]) -> None:
    """Write down what the report was made from, and the digests of its files."""
    files = {path.relative_to(folder).as_posix(): file_digest(path) for path in _files(folder)}
    content = {"slaopt": __version__, "inputs": inputs, "files": files}
    (folder / MANIFEST).write_text(json.dumps(content, indent=1), encoding="utf-8")


def _whole(target: Path) -> bool:
    """Tell whether a report is there with all its files as they were written."""
    try:
        said = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        return bool(said["files"]) and all(file_digest(target / name) == d for name, d in said["files"].items())
    except (OSError, ValueError, KeyError):
        return False


def _report(run: ExperimentRun, directory: Path, status: Literal["made", "reused"]) -> ExperimentReport:
    result = json.loads((directory / RESULT).read_text(encoding="utf-8"))
    return ExperimentReport(
        experiment_id=run.experiment_id,
        directory=directory,
        status=status,
        verdict=result["verdict"],
        recommendation=result["recommendation"],
        sentence=result["reason"],
    )
