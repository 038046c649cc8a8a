"""The index page: totals, a line for each service, and the services that were skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.charts.scales import threshold_name
from slaopt.optimize.sentences import frequency, pages
from slaopt.parts.markup import Part, render
from slaopt.wording import chance

if TYPE_CHECKING:
    from slaopt.report.portfolio import Portfolio, PortfolioRow

__all__ = ["Line", "line_of", "services", "skipped", "sparkline", "totals"]

WIDTH, HEIGHT = 96, 24  # of a sparkline, pixels, as the style sheet says
MOST_DAYS, MOST_POINTS = 32, 16
OLD = 1.0  # days behind the newest report from which a line says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One service, written; `…_key` are what a column sorts by, empty where the text says as much."""

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
    confidence: str
    confidence_key: str
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
    whose = "its" if portfolio.changes == 1 else "their"
    first = sum(row.verdict == "set" for row in portfolio.rows)
    what = f"set {whose} first threshold" if first == portfolio.changes else f"change {whose} threshold"
    if 0 < first < portfolio.changes:
        what = f"set or change {whose} threshold"
    return f"{wording.count(portfolio.changes)} of {_services(n)} should {what}.{_saved(portfolio)}"


def _saved(portfolio: Portfolio) -> str:
    """What all changes together would save in a month, or what they would cost."""
    now, then = pages(portfolio.pages_now), pages(portfolio.pages_then)
    difference = portfolio.pages_now - portfolio.pages_then
    saved = [(_paged(abs(difference)), difference)] if now != then else []
    saved += [
        (f"{wording.count(abs(cost.value))} {cost.currency}", -cost.value)
        for cost in portfolio.cost_changes
        if cost.value
    ]
    told = [
        f"{verb} about {' and '.join(words)} {more}a month"
        for verb, more, sign in (("save", "", 1), ("cost", "more ", -1))
        if (words := [text for text, value in saved if value * sign > 0])
    ]
    if not told:
        return ""
    who = "That" if portfolio.changes == 1 else "Together that"
    instead = f": {_paged(portfolio.pages_then)} instead of {now}" if now != then else ""
    return f" {who} would {' and '.join(told)}{instead}."


def _paged(number: float) -> str:
    written = pages(number)
    return f"{written} page" if written == "1" else f"{written} pages"


def _services(n: int) -> str:
    return "1 service" if n == 1 else f"{wording.count(n)} services"


def services(portfolio: Portfolio) -> Part:
    """List the services, those first that need attention."""
    lines = [line_of(row) for row in portfolio.rows]
    return render("services.html", text=_totals(portfolio), lines=lines)


def skipped(portfolio: Portfolio) -> Part:
    """List the services that have no report, and why."""
    entries = portfolio.skipped
    return (
        render("skipped.html", text=f"{len(entries)} skipped", entries=entries) if entries else Part(html="", text="")
    )


def line_of(row: PortfolioRow) -> Line:
    """Write one service's line."""
    rate = _moved(_rate(row.violation_rate_now), _rate(row.violation_rate_then))
    paged = _moved(_pages(row.pages_now), _pages(row.pages_then))
    sure = row.confidence_score if row.change else None
    confidence = "" if sure is None else chance(sure)
    return Line(
        service=row.service,
        href=row.href,
        words=row.words,
        kind=row.verdict,
        threshold=_moved(_seconds(row.current_threshold), _seconds(row.recommended_threshold)),
        threshold_key=_key(row.recommended_threshold or row.current_threshold),
        rate=rate,
        rate_key=_unless_told(row.violation_rate_now and 1_000 * row.violation_rate_now, rate),
        pages=paged,
        pages_key=_unless_told(row.pages_now, paged),
        confidence=confidence,
        confidence_key=_unless_told(sure and 100 * sure, confidence),
        path=sparkline(row.sparkline),
        quality=row.quality,
        quality_sentence=row.quality_sentence,
        quality_key=_unless_none(1 - (row.data_quality_score or 0)),
        stale=row.age_days >= OLD,
        age=_age(row),
        age_key=_unless_none(row.age_days),
    )


def _key(value: float | None) -> str:
    """What a column sorts by; where there is no figure, below all that have one."""
    return "-1" if value is None else f"{value:.4g}"


def _unless_told(value: float | None, text: str) -> str:
    """What a column of figures sorts by, where its text does not begin with just that."""
    return "" if value is not None and text[:1].isdigit() else _key(value)


def _unless_none(value: float) -> str:
    """What a column sorts by that is 0 for most."""
    return "" if value < 0.005 else f"{value:.2g}"


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

    Of many days neighbours share a point, the greatest of them: a bad day is never lost.

    >>> sparkline([0.0, 1.0, None, 0.5])
    'M0 23l32-22M96 12h0'
    """
    shown = _thinned(list(values)[-MOST_DAYS:])
    top = max((value for value in shown if value is not None), default=0.0) or 1.0
    step = WIDTH / max(1, len(shown) - 1)
    points = [
        None if value is None else (round(place * step), round(HEIGHT - 1 - (HEIGHT - 2) * value / top))
        for place, value in enumerate(shown)
    ]
    path = ""
    for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False):
        if point is None:
            continue
        x, y = point
        if before is not None:
            path += f"l{x - before[0]}{y - before[1]:+d}".replace("+", " ")
        else:
            path += f"M{x} {y}" + ("" if after else "h0")  # a day alone is a dot
    return path


def _thinned(days: list[float | None]) -> list[float | None]:
    """As many points as a small line shows apart, the last of them full."""
    size = -(-len(days) // MOST_POINTS)
    groups = [days[max(0, end - size) : end] for end in range(len(days), 0, -size)] if days else []
    return [max((day for day in group if day is not None), default=None) for group in reversed(groups)]
