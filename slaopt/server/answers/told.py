"""What a report told of a service, read from the store: how it performs, and what should become of its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from slaopt.report.portfolio import CHANGES, WAITING, WORDS
from slaopt.result import Interval, Result

if TYPE_CHECKING:
    from slaopt.optimize import Verdict
    from slaopt.store import RunRecord

__all__ = ["Advice", "Performance", "Week"]

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week(Result):
    """The attainment of one calendar week."""

    start: date
    attainment: float
    interval: Interval | None
    met: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance(Result):
    """How a service performs: what the pages show of an analysis. Rates are 0–1, durations seconds."""

    service: str = field(metadata={"published": "service_type"})
    start: datetime
    end: datetime
    timezone: str
    sample_size: int
    threshold: float | None
    objective: float
    violation_rate: float | None
    interval: Interval | None  # of the violation rate
    weeks: tuple[Week, ...]  # the earliest first
    dates: tuple[date, ...]
    executions: tuple[float, ...]  # of each day
    violations: tuple[float | None, ...] | None  # share of each day; None without a threshold
    p95: tuple[float | None, ...]
    trend: str  # a sentence
    direction: str
    quality: str  # good, look, poor
    data_quality_score: float
    quality_sentence: str

    @classmethod
    def of(cls, analysis: Fields) -> Self:
        """Read what a published analysis says."""
        daily, rate, quality = analysis["daily"], analysis["violation_rate"], analysis["quality"]
        trend, violations = analysis["trend_analysis"], daily["violations"]
        return cls(
            service=analysis["service_type"],
            start=datetime.fromisoformat(analysis["start"]),
            end=datetime.fromisoformat(analysis["end"]),
            timezone=analysis["timezone"],
            sample_size=analysis["sample_size"],
            threshold=analysis["threshold"],
            objective=analysis["objective"],
            violation_rate=rate["rate"] if rate else None,
            interval=interval_of(rate),
            weeks=tuple(_weeks(analysis["attainment"])),
            dates=tuple(date.fromisoformat(day) for day in daily["dates"]),
            executions=tuple(daily["executions"]),
            violations=None if violations is None else tuple(violations),
            p95=tuple(daily["p95"]),
            trend=trend["sentence"],
            direction=trend["direction"],
            quality=quality["word"],
            data_quality_score=analysis["data_quality_score"],
            quality_sentence=quality["sentence"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Result):
    """What should become of a threshold: what the pages show of a recommendation, its parts as published."""

    service: str = field(metadata={"published": "service_type"})
    run_id: int
    as_of: datetime
    report_path: str  # relative to the folder of reports
    verdict: Verdict
    words: str  # the verdict in few words
    sentence: str
    current_threshold: float | None
    recommended_threshold: float | None
    objective: float
    strategy: str
    business_priority: str | None
    now: Fields | None  # outcome at the current threshold: violation_rate, interval, pages_per_week, …
    then: Fields | None  # at the recommended one
    impact: Fields | None  # of a month: violations, pages, cost
    gain: float | None  # pages a month
    confidence_score: float | None
    implementation_risk: str | None
    risk_factors: tuple[Fields, ...]
    mitigation_strategies: tuple[str, ...]
    rollback_criteria: tuple[str, ...]
    optimization_rationale: Fields | None
    reasons: tuple[str, ...]
    watch: str | None  # what the watch can see, in a sentence

    @property
    def change(self) -> bool:
        """Whether another threshold is recommended."""
        return self.verdict in CHANGES

    @classmethod
    def of(cls, recommendation: Fields, run: RunRecord) -> Self:
        """Read what a recommendation says that is kept with a run."""
        verdict, watch = recommendation["verdict"], recommendation["watch"]
        as_published: dict[str, Any] = {name: recommendation[name] for name in _AS_PUBLISHED}
        as_published |= {name: tuple(recommendation[name]) for name in _LISTS}
        return cls(
            service=run.service,
            run_id=run.id,
            as_of=run.as_of,
            report_path=run.report_path,
            words=WAITING if recommendation["gate"] == "first week" else WORDS[verdict],
            watch=watch["sentence"] if watch else None,
            **as_published,
        )


_LISTS = ("risk_factors", "mitigation_strategies", "rollback_criteria", "reasons")
_AS_PUBLISHED = tuple(
    name for name in Advice.__dataclass_fields__
    if name not in ("service", "run_id", "as_of", "report_path", "words", "watch", *_LISTS)
)  # fmt: skip


def interval_of(figure: Fields | None) -> Interval | None:
    """Read the interval of a published figure, None where it has none."""
    written = figure["interval"] if figure else None
    return None if written is None or written["low"] is None or written["high"] is None else Interval(**written)


def _weeks(attainment: list[dict[str, Any]]) -> list[Week]:
    return [
        Week(
            start=date.fromisoformat(week["start"]),
            attainment=week["attainment"],
            interval=interval_of(week),
            met=week["met"],
        )
        for week in attainment
        if week["kind"] == "week" and week["attainment"] is not None
    ]
