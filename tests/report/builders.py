"""Real assessments, one for each verdict, and notebooks executed in this very process: no kernel is waited for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from slaopt import samples
from slaopt.assess import Assessment, assess
from slaopt.excluded import BusinessHours, Excluded, excluded_steps
from slaopt.optimize import Verdict
from slaopt.params import Params
from slaopt.profile import HOURS, STEPS, Profile, Profiles
from slaopt.report.manifest import Manifest, Run

END = datetime(2026, 11, 24, 14, tzinfo=UTC)
DAYS = 30
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
HOSTILE = "</script><script>alert(1)</script> \"&amp; 'x' ${7*7} {{7*7}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a page is made from."""

    profiles: Profiles
    params: Params
    assessment: Assessment

    @property
    def run(self) -> Run:
        """The run that a notebook would have opened."""
        manifest = Manifest.of(self.profiles, self.params, NOTEBOOKS / "service_report.ipynb")
        return Run(
            service=manifest.service, source=manifest.source, start=manifest.start, as_of=manifest.as_of,
            profiles=self.profiles, params=self.params, manifest=manifest,
        )  # fmt: skip


@cache
def measured(name: str) -> Profiles:
    """Thirty days of a sample service."""
    return samples.service(name).profiles(7, END, days=DAYS)


def made(name: str, *, profiles: Profiles | None = None, **settings: Any) -> Made:
    """Assess a sample service under its own settings, changed as said."""
    params = samples.service(name).params.model_copy(update=settings)
    given = profiles or measured(name)
    result = assess(given, params)
    assert isinstance(result, Assessment), result
    return Made(profiles=given, params=params, assessment=result)


@cache
def with_verdict(verdict: Verdict) -> Made:
    """A case that really has this verdict."""
    match verdict:
        case "raise":
            case = made("login")
        case "lower":
            case = made("catalog")
        case "keep":
            case = made("checkout")
        case "set":
            case = made("checkout", threshold=None)
        case "objective":
            case = made("invoice-export")
        case "not_suited":
            case = made("invoice-export", objective=0.995)
        case "data_problem":
            case = made("checkout", profiles=_broken(measured("checkout")))
    assert case.assessment.recommendation.verdict == verdict
    return case


def _broken(profiles: Profiles) -> Profiles:
    """The same measurements, read from a file of which much could not be used."""
    rows = profiles.intake.rows
    intake = replace(
        profiles.intake,
        rows=rows * 3,
        rejected=rows,
        failed=rows,
        doubles=rows // 2,
        future=rows // 2,
        most_frequent=rows,
    )
    return replace(profiles, intake=intake)


@cache
def business_hours() -> Made:
    """A service of which only business hours in Berlin count, and not a holiday."""
    service = samples.service("checkout")
    times, durations = service.simulate(np.random.default_rng(3), END, days=DAYS)
    excluded = Excluded(business_hours=BusinessHours(), holidays=(date(2026, 11, 11),))
    start = measured("checkout").hours.start
    steps = excluded_steps(excluded, timezone="Europe/Berlin", start=start, end=END)
    inside = ~steps[((times - np.datetime64(start.replace(tzinfo=None))) // np.timedelta64(5, "m")).astype(int)]
    hours, fine = (
        Profile.from_durations(
            times[inside], durations[inside], service=service.name, start=start, end=END, resolution=resolution,
            thresholds=(service.threshold,), timezone="Europe/Berlin",
        )
        for resolution in (HOURS, STEPS)
    )  # fmt: skip
    hours = replace(hours, slot_sums=replace(hours.slot_sums, excluded=steps.reshape(-1, 12).mean(axis=1)))
    fine = replace(fine, slot_sums=replace(fine.slot_sums, excluded=steps.astype(float)))
    profiles = replace(measured("checkout"), hours=hours, steps=fine)
    return made("checkout", profiles=profiles, timezone="Europe/Berlin", excluded=excluded)


def renamed(case: Made, service: str) -> Made:
    """The same case under another name."""
    found, params = case.assessment, case.params.model_copy(update={"service": service})
    assessment = replace(
        found,
        analysis=replace(found.analysis, service=service),
        recommendation=replace(found.recommendation, service=service),
    )
    profiles = replace(case.profiles, service=service)
    return Made(profiles=profiles, params=params, assessment=assessment)


def executed(name: str, **given: Any) -> nbformat.NotebookNode:
    """Execute the last expression of each cell of a notebook with these variables instead of those it computes."""
    from slaopt import charts, parts

    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    names = {"charts": charts, "parts": parts, **given}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "=" not in cell.source.replace("==", ""):
            data = _shown(eval(cell.source, dict(names)))
            cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
    return notebook


def _shown(value: Any) -> dict[str, Any]:
    bundle = getattr(value, "_repr_mimebundle_", None)
    return bundle() if bundle else {"text/html": value._repr_html_(), "text/plain": repr(value)}


def page_of(case: Made) -> str:
    """The page of a case."""
    from slaopt.report.pages import export_report

    notebook = executed("service_report", assessment=case.assessment, run=case.run)
    return export_report(notebook, title=case.assessment.analysis.service)
