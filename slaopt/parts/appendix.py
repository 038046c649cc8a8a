"""Proof last: statistics, settings, excluded time, and how to compute the report again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from slaopt import wording
from slaopt.parts.markup import Part, render

if TYPE_CHECKING:
    from slaopt.analysis import Analysis
    from slaopt.assess import Assessment

__all__ = ["excluded_time", "provenance", "settings", "statistics"]

LONG = 8  # statuses and the like are named up to so many


class Manifested(Protocol):
    """A run that knows what it was made from."""

    @property
    def source(self) -> str:
        """Description without secrets."""

    @property
    def manifest(self) -> Any:
        """Versions and digests."""


def _fields(title: str, rows: list[tuple[str, str]]) -> Part:
    return render("fields.html", text=title, title=title, rows=rows)


def statistics(analysis: Analysis) -> Part:
    """List the statistics of durations and what was left out of them."""
    found, base = analysis.performance_statistics, analysis.baseline_performance
    mean, present = wording.seconds(found.mean), wording.seconds(base.baseline_value)
    low, high = base.confidence_interval_lower, base.confidence_interval_upper
    if low is not None and high is not None:
        ends = f" ({wording.span(wording.seconds(low), wording.seconds(high))})"
        mean, present = mean if analysis.baseline_since else mean + ends, present + ends
    variation = found.coefficient_variation
    rows = [
        ("Executions", wording.count(analysis.sample_size)),
        ("Mean", mean),
        *(
            [(f"Mean since {wording.day(analysis.baseline_since, analysis.timezone)}", present)]
            if analysis.baseline_since
            else []
        ),
        ("Median", wording.seconds(found.median)),
        ("Standard deviation", wording.seconds(found.std)),
        ("Coefficient of variation", "–" if variation is None else wording.number(variation, 2)),
        ("95th percentile", wording.seconds(found.percentile_95)),
        ("99th percentile", wording.seconds(found.percentile_99)),
        ("Shortest, longest", f"{wording.seconds(found.minimum)}, {wording.seconds(found.maximum)}"),
        ("Failed or cancelled", wording.count(analysis.failed)),
        ("In excluded time, of all rows read", wording.count(analysis.excluded)),
        ("Rejected, of all rows read", wording.count(analysis.rejected)),
    ]
    return _fields("Statistics of the period", rows)


def excluded_time(analysis: Analysis) -> Part:
    """Say what time does not count."""
    if not analysis.excluded_reasons:
        return _fields("Excluded time", [("None", "all of the period counts")])
    share = wording.percent(analysis.excluded_share)
    rows = [
        ("Share of the period", share),
        *((f"Rule {n}", rule) for n, rule in enumerate(analysis.excluded_reasons, 1)),
    ]
    return _fields("Excluded time", rows)


def settings(assessment: Assessment) -> Part:
    """List the settings under which the report was made."""
    rows = [(name, _written(value)) for name, value in assessment.settings.items() if value not in (None, {}, [])]
    return _fields("Settings", [row for row in rows if row[0] not in {"source", "sources", "excluded"}])


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_written(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        shown = [str(item) for item in value]
        return ", ".join(shown[:LONG]) + (f" … ({len(shown)})" if len(shown) > LONG else "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def provenance(run: Manifested) -> Part:
    """Say what the report was made from and how to compute it again."""
    manifest = run.manifest
    rows = [
        ("Source", run.source or "–"),
        ("As of", wording.moment(manifest.as_of)),
        ("Made by", ", ".join(f"{name} {version}" for name, version in manifest.versions.items())),
        ("Seed", str(manifest.seed)),
        *((f"SHA-256 of the {name}", digest) for name, digest in manifest.inputs.items() if name != "server"),
        ("Compute it again", "slaopt verify . in this page’s folder: everything is computed anew from profiles/"),
    ]
    return _fields("What this was made from", rows)
