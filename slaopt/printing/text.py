"""What all lines share: texts that cannot move a cursor, columns, and results of which some were skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from slaopt.result import Skipped

__all__ = ["LONGEST_NAME", "WIDEST", "columns", "skipped_line", "spaced", "visible", "width_of"]

Told = TypeVar("Told")

LONGEST_NAME = 40
WIDEST = 100  # columns of a sentence beside its name


def visible(text: str, longest: int | None = None) -> str:
    r"""Write a text so that it cannot move a terminal's cursor, and shorten it.

    >>> visible("a\x1b[2Jb"), visible("abcdef", 4)
    ('a\\x1b[2Jb', 'abc…')
    """
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def spaced(results: Sequence[Told | Skipped], lines: Callable[[Told], Iterable[str]]) -> Iterator[str]:
    """Lines of each result, a blank one between two; what was skipped stands together."""
    for i, result in enumerate(results):
        if i and not (isinstance(result, Skipped) and isinstance(results[i - 1], Skipped)):
            yield ""
        yield from (skipped_line(result),) if isinstance(result, Skipped) else lines(result)


def skipped_line(result: Skipped) -> str:
    """Say which service was skipped, and why."""
    return f"{visible(result.service, LONGEST_NAME)}  skipped: {visible(result.reason)}"


def width_of(names: Iterable[str]) -> int:
    """Give how wide the column of names is."""
    return min(LONGEST_NAME, max((len(name) for name in names), default=0))


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> Iterator[str]:
    """Write rows of a table, each column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield indent + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
