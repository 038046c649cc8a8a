"""What tests of report runs share: small services, a source that holds them, and a workspace with short notebooks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from slaopt.assess import Assessment, assess
from slaopt.intake import Intake, Reading, ServiceIntake
from slaopt.params import Params, ParamsBook
from slaopt.profile import HOURS, STEPS, Profile, Profiles, Resolution
from slaopt.report.archive import write_profiles
from slaopt.report.folders import report_folder
from slaopt.report.manifest import PROFILES, RESULT, Manifest
from slaopt.result import Skipped

END = datetime(2026, 11, 3, 14, tzinfo=UTC)
READING = Reading(source="requests.csv", format="csv", files=("requests.csv",))
BOOK = ParamsBook(default=Params(threshold=2.0), services={})

SERVICE_CELLS = (
    "import slaopt\n\nrun = slaopt.open_run(run)",
    "assessment = slaopt.assess(run.profiles, run.params)",
    "assessment.recommendation",
)
PORTFOLIO_CELLS = ("import slaopt\n\nslaopt.open_portfolio(reports)",)


def small(service: str = "checkout", *, days: int = 10, a_day: int = 400, seed: int = 1) -> Profiles:
    """A service with few executions, quick to assess; its durations are in milliseconds."""
    rng = np.random.default_rng(seed)
    start = END - timedelta(days=days)
    n = days * a_day
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.sort(rng.integers(0, days * 86_400, n)) * 10**6
    durations = np.round(np.exp(0.5 * rng.standard_normal(n)), 3)
    failed = rng.random(n) < 0.01
    hours, steps = (
        Profile.from_durations(
            times, durations, service=service, start=start, end=END, resolution=resolution, failed=failed
        )
        for resolution in (HOURS, STEPS)
    )
    intake = ServiceIntake(
        service=service, rows=n, accepted=int((~failed).sum()), failed=int(failed.sum()),
        first=start, last=END - timedelta(minutes=1), reading=READING,
    )  # fmt: skip
    return Profiles(service=service, hours=hours, steps=steps, intake=intake)


@dataclass
class Held:
    """A source of Profiles that are there already."""

    held: Sequence[Profiles | Skipped]

    def inspect(self) -> Intake:
        intakes = [
            item.intake if isinstance(item, Profiles) else ServiceIntake(service=item.service, rows=1, accepted=1)
            for item in self.held
        ]
        starts = [item.hours.start for item in self.held if isinstance(item, Profiles)]
        return Intake(
            reading=READING,
            rows=sum(intake.rows for intake in intakes),
            accepted=sum(intake.accepted for intake in intakes),
            rejected=0,
            first=min(starts, default=END - timedelta(days=1)),
            last=END - timedelta(minutes=1),
            services=tuple(intakes),
        )

    def profiles(
        self,
        services: Collection[str] | None,
        start: datetime,
        end: datetime,
        *,
        resolutions: Sequence[Resolution] = (),
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> Iterator[Profiles | Skipped]:
        for missing in set(services or ()) - {item.service for item in self.held}:
            yield Skipped(service=missing, reason="no such service in the measurements")
        for item in self.held:
            if services is not None and item.service not in services:
                continue
            if isinstance(item, Profiles):
                item = replace(item, hours=item.hours.between(start, end), steps=item.steps.between(start, end))
            yield item


def workspace(directory: Path, *, cells: Sequence[str] = SERVICE_CELLS) -> Path:
    """A workspace with notebooks of its own, shorter than those that are shipped."""
    for folder in ("params/services", "notebooks"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    (directory / "params" / "default.yaml").write_text("objective: 0.99\n")
    write_notebook(directory / "notebooks" / "service_report.ipynb", "run", cells)
    write_notebook(directory / "notebooks" / "portfolio.ipynb", "reports", PORTFOLIO_CELLS)
    return directory


def write_notebook(path: Path, parameter: str, cells: Sequence[str]) -> None:
    sources = [f'{parameter} = "somewhere"', *cells]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, path)


def handmade(reports: Path, profiles: Profiles, params: Params, notebook: Path) -> Path:
    """A whole report made without a notebook: its page is a line."""
    manifest = Manifest.of(profiles, params, notebook)
    directory = report_folder(reports, manifest)
    write_profiles(profiles, directory / PROFILES)
    found = assess(profiles, params)
    assert isinstance(found, Assessment)
    (directory / RESULT).write_text(json.dumps(found.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")
    (directory / "report.html").write_text(f"<title>{profiles.service}</title>\n")
    manifest.complete(directory).write(directory)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Every file below a folder, but for those in which nothing is said."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
