"""The report run: measurements in, a report of each service and the index page out."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from slaopt.errors import InputError, SlaoptError
from slaopt.params import ParamsBook
from slaopt.profile import Profiles
from slaopt.report.archive import write_profiles
from slaopt.report.folders import is_whole, locked, place, report_folder, touch, work_folder
from slaopt.report.kernel import SKIPPED
from slaopt.report.manifest import PROFILES, RESULT, Manifest, code_digest, file_digest
from slaopt.report.portfolio import open_portfolio, write_skipped
from slaopt.report.record import Recorder
from slaopt.result import Result, Skipped
from slaopt.workspace import notebook_path

if TYPE_CHECKING:
    from nbformat import NotebookNode
    from papermill import PapermillExecutionError

    from slaopt.optimize import Verdict
    from slaopt.report.engine import KernelPool, WarmKernel
    from slaopt.sources import Source
    from slaopt.store import Settled

__all__ = ["Report", "run_reports"]

PAGE, NOTEBOOK, FAILED = "report.html", "report.ipynb", "failed.ipynb"
LONGEST = 300  # characters of an error's text in a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Result):
    """A report that is in its place, and what it says in short."""

    service: str = field(metadata={"published": "service_type"})
    directory: Path
    status: Literal["made", "reused"]
    as_of: datetime
    verdict: Verdict
    sentence: str
    current_threshold: float | None
    recommended_threshold: float | None
    data_quality_score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """One report that is to be made."""

    profiles: Profiles
    manifest: Manifest
    notebook: Path
    folder: Path  # where it is made
    target: Path  # where it belongs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One report run: what its reports share."""

    book: ParamsBook
    reports: Path
    notebook: Path
    work: Path  # folder of this run
    pool: KernelPool
    desk: Executor  # one thread that exports the pages, since they share an exporter
    recorder: Recorder | None

    def begin(self, item: Profiles | Skipped) -> Future[Report | Skipped]:
        """Begin a report; one that is there already, or cannot be made, is finished at once."""
        if isinstance(item, Skipped):
            return _finished(item)
        manifest = Manifest.of(item, self.book.of(item.service), self.notebook)
        target = report_folder(self.reports, manifest)
        if is_whole(target):
            touch(target)
            return _finished(self._recorded(_report(target, "reused")))
        folder = self.work / target.parent.name
        plan = _Plan(profiles=item, manifest=manifest, notebook=self.notebook, folder=folder, target=target)
        return self.pool.submit(lambda kernel: self._recorded(_make(plan, self.desk, kernel)))

    def _recorded(self, report: Report | Skipped) -> Report | Skipped:
        """Record a report; what cannot be recorded, or is not what was, is a Skipped."""
        if isinstance(report, Skipped) or self.recorder is None:
            return report
        place = f"{report.directory.parent.name}/{report.directory.name}"
        try:
            if self.recorder.disowns(report.directory):
                reason = f"reports/{place} is not what its run wrote, says the store; look at it, and remove the folder"
                return Skipped(service=report.service, reason=reason)
            self.recorder.record(report.directory)
        except SlaoptError as error:
            return Skipped(service=report.service, reason=f"reports/{place} is made, but not recorded: {error}")
        return report


def run_reports(
    source: Source,
    book: ParamsBook,
    workspace: Path,
    *,
    services: Sequence[str] | None = None,
    as_of: datetime | None = None,
    jobs: int = 1,
    recorder: Recorder | None = None,
    settled: Settled | None = None,
) -> list[Report | Skipped]:
    """Make the report of each service and the index page; a report that is there already is reused.

    Parameters
    ----------
    services
        None: all services of the source, but for those that the store leaves out.
    as_of
        End of the period; None: as `scan` chooses it.
    jobs
        Reports made at once.
    recorder
        Records each report in a store; None: nothing is recorded.
    settled
        What a store says of the services; its settings are those of `book`.

    Raises
    ------
    InputError
        If the source cannot be read, or the index's notebook fails. A service's notebook that fails gives a Skipped.
    """
    from tqdm import tqdm

    from slaopt.report.engine import KernelPool
    from slaopt.sources import scan

    reports, notebook = workspace / "reports", notebook_path(workspace, "service_report")
    with work_folder(reports) as work, KernelPool(work, jobs) as pool, ThreadPoolExecutor(max_workers=1) as desk:
        run = _Run(
            book=book, reports=reports, notebook=notebook, work=work, pool=pool, desk=desk, recorder=recorder
        )  # fmt: skip
        intake = source.inspect()
        begun: list[Future[Report | Skipped]] = []
        there = [entry.service for entry in intake.services]
        wanted, refused = (services, []) if settled is None else settled.select(services, there)
        total = len(wanted if wanted is not None else there)
        with tqdm(total=total, desc="reports", unit="", file=sys.stderr, disable=None, leave=False) as bar:
            for item in scan(source, book, intake=intake, services=wanted, as_of=as_of):
                begun.append(run.begin(item))
                begun[-1].add_done_callback(lambda _: bar.update())
            wait(begun)
        begun += [_finished(skipped) for skipped in refused]
        names = set(there)  # a mistyped name is not worth a line on the index
        done = [future.result() for future in begun if not future.exception()]
        known = [result for result in done if result.service in names]
        with locked(reports):
            write_skipped(reports, work, known, source=intake.reading.source, complete=services is None)
            _write_index(reports, notebook_path(workspace, "portfolio"), work, pool)
        return [future.result() for future in begun]  # raises what is a bug, once the others are in their places


def _finished(result: Report | Skipped) -> Future[Report | Skipped]:
    future: Future[Report | Skipped] = Future()
    future.set_result(result)
    return future


def _make(plan: _Plan, desk: Executor, kernel: WarmKernel) -> Report | Skipped:
    """Make one report in the run's folder and move it into place; a notebook that fails or refuses is a Skipped."""
    from slaopt.report.pages import export_report, prepare

    desk.submit(prepare)  # while the kernel works
    write_profiles(plan.profiles, plan.folder / PROFILES)
    plan.manifest.write(plan.folder)
    executed = _executed(plan, kernel)
    if isinstance(executed, Skipped):
        return executed
    page = desk.submit(export_report, executed, title=plan.profiles.service).result()
    (plan.folder / PAGE).write_text(page, encoding="utf-8")
    plan.manifest.complete(plan.folder).write(plan.folder)
    place(plan.folder, plan.target)
    (plan.target.parent / FAILED).unlink(missing_ok=True)
    return _report(plan.target, "made")


def _executed(plan: _Plan, kernel: WarmKernel) -> NotebookNode | Skipped:
    """Run the notebook and write the result that it found; one that failed is kept to be looked at."""
    from nbclient.exceptions import DeadKernelError
    from papermill import PapermillExecutionError

    from slaopt.report.engine import execute_notebook

    service, folder, name = plan.profiles.service, plan.folder, plan.notebook.name
    failure, executed = "", None
    try:
        try:
            executed = execute_notebook(
                plan.notebook, folder / NOTEBOOK, kernel=kernel, folder=folder, parameters={"run": "."}
            )
        except PapermillExecutionError as error:
            failure = f"{_told(plan.notebook, error)}; see reports/{plan.target.parent.name}/{FAILED}"
        kernel.call("hand_over", str(folder))
    except DeadKernelError:
        kernel.stop()
        return Skipped(service=service, reason=f"{name}: the kernel died, perhaps for want of memory")
    if (folder / SKIPPED).exists():
        refused = json.loads((folder / SKIPPED).read_text(encoding="utf-8"))
        return Skipped(service=service, reason=refused["reason"])
    if executed is not None and (folder / RESULT).exists():
        return executed
    plan.target.parent.mkdir(exist_ok=True)
    (folder / NOTEBOOK).replace(plan.target.parent / FAILED)
    return Skipped(service=service, reason=failure or f"{name} leaves no Assessment in the variable `assessment`")


def _report(directory: Path, status: Literal["made", "reused"]) -> Report:
    """Read what a report says in short."""
    result = json.loads((directory / RESULT).read_text(encoding="utf-8"))
    analysis, recommendation = result["analysis"], result["recommendation"]
    return Report(
        service=analysis["service_type"],
        directory=directory,
        status=status,
        as_of=datetime.fromisoformat(analysis["end"]),
        verdict=recommendation["verdict"],
        sentence=recommendation["sentence"],
        current_threshold=recommendation["current_threshold"],
        recommended_threshold=recommendation["recommended_threshold"],
        data_quality_score=analysis["data_quality_score"],
    )


def _write_index(reports: Path, notebook: Path, work: Path, pool: KernelPool) -> None:
    """Make the index page from all newest reports, unless it tells the same already."""
    import nbformat
    from papermill import PapermillExecutionError

    from slaopt.report.engine import execute_notebook
    from slaopt.report.pages import export_index

    told = json.dumps([open_portfolio(reports).to_dict(), file_digest(notebook), code_digest()])
    digest = hashlib.sha256(told.encode()).hexdigest()
    page, record = reports / "index.html", reports / "index.ipynb"
    if page.exists() and record.exists() and digest in record.read_text(encoding="utf-8"):
        return
    draft = work / record.name
    try:
        executed = pool.submit(
            lambda kernel: execute_notebook(notebook, draft, kernel=kernel, folder=reports, parameters={"reports": "."})
        ).result()
    except PapermillExecutionError as error:
        raise InputError(f"the index page was not made: {_told(notebook, error)}") from error
    executed.metadata["slaopt"] = {"index": digest}
    nbformat.write(executed, draft)
    (work / page.name).write_text(export_index(executed, title="Service thresholds"), encoding="utf-8")
    (work / page.name).replace(page)
    draft.replace(record)


def _told(notebook: Path, error: PapermillExecutionError) -> str:
    """Say which cell of a notebook failed, and how."""
    line = next((line for line in error.source.splitlines() if line.strip()), "")
    text = " ".join(f"{error.ename}: {error.evalue}".split())[:LONGEST]
    return f"{notebook.name}, cell {error.exec_count} (`{line.strip()[:80]}`) failed: {text}"
