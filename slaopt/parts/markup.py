"""Semantic HTML from results: templates whose values are always escaped, with numbers written as everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from slaopt import wording

if TYPE_CHECKING:
    from jinja2 import Environment

    from slaopt.result import Interval

__all__ = ["Part", "duration_interval", "per_week", "render", "thousandths_interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a page: HTML, and the sentence that stands for it where there is none."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def render(template: str, *, text: str, **values: Any) -> Part:
    """Fill a template; `text` stands for the part where HTML is not shown."""
    return Part(html=_environment().get_template(template).render(**values), text=text)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("slaopt.parts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "seconds": wording.seconds,
        "count": wording.count,
        "number": wording.number,
        "percent": wording.percent,
        "per_thousand": wording.per_thousand,
        "per_week": per_week,
        "thousandths_interval": thousandths_interval,
        "duration_interval": duration_interval,
        "of_hundred": of_hundred,
    }
    return environment


def per_week(events: float) -> str:
    """Write events a week; less than one in two years is none.

    >>> per_week(5.04), per_week(0.0821), per_week(0.001)
    ('5', '0.08', '0')
    """
    return wording.number(round(events, 2), 2)


def of_hundred(share: float) -> str:
    """Write how many of 100 a share is; only all are 100 and only none is 0.

    >>> of_hundred(0.964), of_hundred(0.999), of_hundred(0.002), of_hundred(1.0)
    ('96', '99', '1', '100')
    """
    rounded = round(100 * share)
    if 0 < share < 1:
        rounded = min(max(rounded, 1), 99)
    return str(rounded)


def thousandths_interval(interval: Interval | None) -> str:
    """Write an interval of a rate as figures of 1,000."""
    return wording.span(*_pair(interval.low, interval.high)) if interval else ""


def _pair(low: float, high: float) -> tuple[str, str]:
    return wording.per_thousand(low), wording.per_thousand(high)


def duration_interval(interval: Interval | None) -> str:
    """Write an interval of durations."""
    if interval is None:
        return ""
    if interval.high == float("inf"):
        return f"{wording.seconds(interval.low)} or more"
    return wording.span(wording.seconds(interval.low), wording.seconds(interval.high))
