"""The portfolio: one line of each service's newest report, sorted by what needs attention."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from slaopt.errors import InputError
from slaopt.report.folders import newest_reports
from slaopt.report.manifest import RESULT
from slaopt.result import Result, Skipped

if TYPE_CHECKING:
    import pandas as pd

    from slaopt.optimize import Verdict

__all__ = [
    "CostChange",
    "Portfolio",
    "PortfolioRow",
    "SkippedService",
    "open_portfolio",
    "portfolio_of",
    "read_skipped",
    "write_skipped",
]

SKIPPED = "skipped.json"
WORDS: dict[Verdict, str] = {  # in the order of attention
    "raise": "Raise",
    "lower": "Lower",
    "set": "Set a first threshold",
    "objective": "The objective is the question",
    "data_problem": "Data problem",
    "not_suited": "Not suited: low traffic",
    "keep": "Keep",
}
CHANGES: tuple[Verdict, ...] = ("raise", "lower", "set")
WAITING = "Wait for a second week"  # the first of two weeks that point the same way


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRow(Result):
    """What the index tells of one service. Durations are seconds, rates 0–1; None where there is no such figure."""

    service: str = field(metadata={"published": "service_type"})
    href: str  # of the report, relative to the index
    verdict: Verdict
    words: str  # the verdict in few words
    sentence: str
    current_threshold: float | None
    recommended_threshold: float | None
    violation_rate_now: float | None
    violation_rate_then: float | None
    pages_now: float | None  # a week
    pages_then: float | None
    at_stake: float | None  # pages a month that the recommended change is worth
    month_now: float | None  # pages that the coming 30 days would bring
    month_then: float | None
    cost_change: float | None  # of the coming 30 days, in `currency`; negative is less; None without prices
    currency: str | None
    sparkline: tuple[float | None, ...]  # one figure of each day: violation rate, or p95 without a current threshold
    sparkline_of: Literal["violation_rate", "p95"]
    confidence_score: float | None
    quality: str  # good, look, poor
    data_quality_score: float | None
    quality_sentence: str
    as_of: datetime
    age_days: float  # days that it is older than the newest report

    @property
    def change(self) -> bool:
        """Whether another threshold is recommended."""
        return self.verdict in CHANGES


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedService(Result):
    """A service without a report, and why, in the last run that came across it."""

    service: str = field(metadata={"published": "service_type"})
    reason: str
    source: str  # without secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class CostChange(Result):
    """What all changes together would do to the cost of a month, in one currency; negative is less."""

    currency: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio(Result):
    """All services: those that need attention first, then those that were skipped."""

    as_of: datetime | None  # of the newest report
    changes: int  # services for which another threshold is recommended
    pages_now: float  # in the coming 30 days, over the services to change
    pages_then: float  # if all of it were done
    cost_changes: tuple[CostChange, ...]  # of the coming 30 days, if all of it were done
    rows: tuple[PortfolioRow, ...]
    skipped: tuple[SkippedService, ...]

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each service."""
        import pandas as pd

        columns = [name for name in PortfolioRow.__dataclass_fields__ if name != "service"]
        return pd.DataFrame([row.to_dict() for row in self.rows], columns=["service_type", *columns])


def open_portfolio(path: str | Path) -> Portfolio:
    """Read the newest report of each service in a folder of reports; of each only its result.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    reports = Path(path)
    if not reports.is_dir():
        raise InputError(f"{reports}: no folder of reports; make some with `slaopt report --source PATH`")
    damaged = []
    newest: dict[str, tuple[datetime, PortfolioRow]] = {}
    for directory in newest_reports(reports):
        try:
            row = _row(directory, json.loads((directory / RESULT).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            reason = f"{directory.name}/{RESULT} is missing or damaged; make the report again"
            damaged.append(SkippedService(service=directory.parent.name, reason=reason, source=""))
            continue
        if row.service not in newest or newest[row.service][0] < row.as_of:
            newest[row.service] = row.as_of, row
    rows = [row for _, row in newest.values()]
    return portfolio_of(rows, [*damaged, *read_skipped(reports)])


def portfolio_of(rows: Sequence[PortfolioRow], skipped: Iterable[SkippedService] = ()) -> Portfolio:
    """Put services in the order of what needs attention, age them by the newest of them, and add them up."""
    as_of = max((row.as_of for row in rows), default=None)
    aged = [replace(row, age_days=(as_of - row.as_of) / timedelta(days=1)) for row in rows] if as_of else []
    ordered = sorted(aged, key=_attention)
    both = [row for row in ordered if row.change and row.month_now is not None and row.month_then is not None]
    return Portfolio(
        as_of=as_of,
        changes=sum(row.change for row in ordered),
        pages_now=sum(row.month_now or 0.0 for row in both),
        pages_then=sum(row.month_then or 0.0 for row in both),
        cost_changes=_costs(row for row in ordered if row.change),
        rows=tuple(ordered),
        skipped=tuple(sorted(skipped, key=lambda entry: entry.service)),
    )


def read_skipped(reports: Path) -> list[SkippedService]:
    """Give the services that the last runs skipped."""
    path = reports / SKIPPED
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [
            SkippedService(service=entry["service_type"], reason=entry["reason"], source=entry["source"])
            for entry in entries
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a list of skipped services ({error}); remove it") from error


def write_skipped(reports: Path, work: Path, results: Sequence[Result], *, source: str, complete: bool) -> None:
    """Note which services were skipped; a run over all services of a source forgets what was noted of it before.

    Parameters
    ----------
    work
        Folder in which the file is written before it is moved into place.
    results
        Reports and Skipped of this run.
    source
        Description of the source, without secrets.
    complete
        Whether the run was over all services of the source.
    """
    seen = {getattr(result, "service", None) for result in results}
    kept = [
        entry
        for entry in read_skipped(reports)
        if entry.service not in seen and not (complete and entry.source == source)
    ]
    now = [
        SkippedService(service=result.service, reason=result.reason, source=source)
        for result in results
        if isinstance(result, Skipped)
    ]
    entries = sorted([*kept, *now], key=lambda entry: entry.service)
    draft = work / SKIPPED
    draft.write_text(json.dumps([entry.to_dict() for entry in entries], indent=1, ensure_ascii=False), encoding="utf-8")
    draft.replace(reports / SKIPPED)


def _row(directory: Path, result: Mapping[str, Any]) -> PortfolioRow:
    analysis, recommendation = result["analysis"], result["recommendation"]
    now, then = recommendation["now"] or {}, recommendation["then"] or {}
    violations, verdict = analysis["daily"]["violations"], recommendation["verdict"]
    impact = recommendation.get("impact") or {}  # reports of earlier versions have none
    month = {row["name"]: row for row in impact.get("rows", ())}
    return PortfolioRow(
        service=analysis["service_type"],
        href=quote(f"{directory.parent.name}/{directory.name}/report.html"),
        verdict=verdict,
        words=WAITING if recommendation["gate"] == "first week" else WORDS[verdict],
        sentence=recommendation["sentence"],
        current_threshold=recommendation["current_threshold"],
        recommended_threshold=recommendation["recommended_threshold"],
        violation_rate_now=now.get("violation_rate"),
        violation_rate_then=then.get("violation_rate"),
        pages_now=now.get("pages_per_week"),
        pages_then=then.get("pages_per_week"),
        at_stake=recommendation["gain"] if verdict in CHANGES else None,
        month_now=_value(month.get("pages"), "now"),
        month_then=_value(month.get("pages"), "then"),
        cost_change=_value(month.get("cost"), "change"),
        currency=impact.get("currency"),
        sparkline=tuple(analysis["daily"]["p95"] if violations is None else violations),
        sparkline_of="p95" if violations is None else "violation_rate",
        confidence_score=recommendation["confidence_score"],
        quality=analysis["quality"]["word"],
        data_quality_score=analysis["data_quality_score"],
        quality_sentence=analysis["quality"]["sentence"],
        as_of=datetime.fromisoformat(analysis["end"]),
        age_days=0.0,
    )


def _value(figure: Mapping[str, Any] | None, side: str) -> float | None:
    """One side of a figure of the month, None where there is none."""
    return figure[side]["value"] if figure and figure[side] else None


def _costs(rows: Iterable[PortfolioRow]) -> tuple[CostChange, ...]:
    """Add up the costs of each currency."""
    sums: dict[str, float] = {}
    for row in rows:
        if row.currency is not None and row.cost_change is not None:
            sums[row.currency] = sums.get(row.currency, 0.0) + row.cost_change
    return tuple(CostChange(currency=currency, value=value) for currency, value in sorted(sums.items()))


def _attention(row: PortfolioRow) -> tuple[bool, float, int, float, str]:
    """What is to be changed first, by what it is worth; then the other verdicts, poorest measurements first."""
    worth = row.at_stake if row.at_stake is not None else 0.0
    return (not row.change, -worth, list(WORDS).index(row.verdict), row.data_quality_score or 0.0, row.service)
