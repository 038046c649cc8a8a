"""Semantic HTML from results: templates whose values are always escaped, with numbers written as everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


__all__ = ["Part", "bound", "of_hundred", "render"]


NO_BREAK_SPACE, WORD_JOINER = "\u00a0", "\u2060"


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
        loader=PackageLoader("slaopt.parts"), autoescape=True, undefined=StrictUndefined, finalize=bound,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment


def bound(value: Any) -> Any:
    """Keep a number with sign and unit, and both ends of a span, on one line; what is HTML already stays as it is."""
    if type(value) is not str:
        return value
    joined = re.sub(r"(?<=\d) (?=(?:%|µs|ms|s|min|h|d)(?:\W|$))", NO_BREAK_SPACE, value)
    joined = re.sub(r"(?<=[×±]) (?=\d)", NO_BREAK_SPACE, joined)
    return re.sub(r"(?<=\d)–(?=\d)", f"–{WORD_JOINER}", joined)


def of_hundred(share: float) -> str:
    """Write how many of 100 a share is; only all are 100 and only none is 0.

    >>> of_hundred(0.964), of_hundred(0.999), of_hundred(0.002), of_hundred(1.0)
    ('96', '99', '1', '100')
    """
    rounded = round(100 * share)
    if 0 < share < 1:
        rounded = min(max(rounded, 1), 99)
    return str(rounded)
