"""The index page: totals, a line for each service, and the services that were skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.charts.scales import threshold_name
from slaopt.optimize.sentences import frequency, pages
from slaopt.parts.markup import Part, render

if TYPE_CHECKING:
    from slaopt.report.portfolio import Portfolio, PortfolioRow

__all__ = ["services", "skipped", "totals"]

WIDTH, HEIGHT = 96, 24  # of a sparkline, pixels, as the style sheet says
MOST_POINTS = 32
OLD = 1.0  # days behind the newest report from which a line says so


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One service, written; `…_key` are what a column sorts by."""

    service: str
    href: str
    words: str
    kind: str
    threshold: str
    threshold_key: str
    rate: str
    rate_key: str
    pages: str
    pages_key: str
    path: str
    quality: str
    quality_sentence: str
    quality_key: str
    stale: bool
    age: str
    age_key: str


def totals(portfolio: Portfolio) -> Part:
    """Say how many services there are, how many would change and what that would save."""
    as_of = wording.moment(portfolio.as_of) if portfolio.as_of else ""
    sentence = _totals(portfolio)
    return render("totals.html", text=sentence, sentence=sentence, as_of=as_of, skipped=len(portfolio.skipped))


def _totals(portfolio: Portfolio) -> str:
    n = len(portfolio.rows)
    if not n:
        return "No service has a report yet."
    if not portfolio.changes:
        return f"No threshold of {_services(n)} should change."
    saved = ""
    if portfolio.pages_now != portfolio.pages_then:
        saved = f"; pages over these would go from {pages(portfolio.pages_now)} to {pages(portfolio.pages_then)} a week"
    first = sum(row.verdict == "set" for row in portfolio.rows)
    what = "set a first threshold" if first == portfolio.changes else "change their threshold"
    if 0 < first < portfolio.changes:
        what = "set or change their threshold"
    return f"{wording.count(portfolio.changes)} of {_services(n)} should {what}{saved}."


def _services(n: int) -> str:
    return "1 service" if n == 1 else f"{wording.count(n)} services"


def services(portfolio: Portfolio) -> Part:
    """List the services, those first that need attention."""
    lines = [_line(row) for row in portfolio.rows]
    return render("services.html", text=_totals(portfolio), lines=lines)


def skipped(portfolio: Portfolio) -> Part:
    """List the services that have no report, and why."""
    entries = portfolio.skipped
    return (
        render("skipped.html", text=f"{len(entries)} skipped", entries=entries) if entries else Part(html="", text="")
    )


def _line(row: PortfolioRow) -> _Line:
    return _Line(
        service=row.service,
        href=row.href,
        words=row.words,
        kind=row.verdict,
        threshold=_moved(_seconds(row.current_threshold), _seconds(row.recommended_threshold)),
        threshold_key=_key(row.recommended_threshold or row.current_threshold),
        rate=_moved(_rate(row.violation_rate_now), _rate(row.violation_rate_then)),
        rate_key=_key(row.violation_rate_now),
        pages=_moved(_pages(row.pages_now), _pages(row.pages_then)),
        pages_key=_key(row.pages_now),
        path=sparkline(row.sparkline),
        quality=row.quality,
        quality_sentence=row.quality_sentence,
        quality_key=_key(row.data_quality_score),
        stale=row.age_days >= OLD,
        age=_age(row),
        age_key=_key(row.age_days),
    )


def _key(value: float | None) -> str:
    """What a column sorts by; where there is no figure, below all that have one."""
    return "-1" if value is None else f"{value:.4g}"


def _moved(now: str, then: str) -> str:
    if not now or not then or now == then:
        return then or now
    return f"{now} → {then}"


def _seconds(value: float | None) -> str:
    return "" if value is None else threshold_name(value)


def _rate(value: float | None) -> str:
    return "" if value is None else frequency(value)


def _pages(value: float | None) -> str:
    return "" if value is None else pages(value)


def _age(row: PortfolioRow) -> str:
    return wording.day(row.as_of) if row.age_days < OLD else f"{round(row.age_days)} d behind"


def sparkline(values: Sequence[float | None]) -> str:
    """Give the path of a small line from zero to its maximum; missing days are gaps.

    >>> sparkline([0.0, 1.0, None, 0.5])
    'M0 23l32-22M96 12'
    """
    shown = list(values)[-MOST_POINTS:]
    top = max((value for value in shown if value is not None), default=0.0) or 1.0
    step = WIDTH / max(1, len(shown) - 1)
    path, last = "", None
    for place, value in enumerate(shown):
        if value is None:
            last = None
            continue
        x, y = round(place * step), round(HEIGHT - 1 - (HEIGHT - 2) * value / top)
        path += f"M{x} {y}" if last is None else f"l{x - last[0]}{y - last[1]:+d}".replace("+", " ")
        last = x, y
    return path
