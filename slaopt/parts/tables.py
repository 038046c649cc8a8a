"""Tables of a page: rows with badges, cells with small print and a tinted ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slaopt.parts.markup import Part, render

__all__ = ["Cell", "Row", "parenthesised", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands in one cell."""

    text: str
    small: str = ""
    tint: str | None = None  # share of the ground's colour, in percent
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its name, and a cell for each column after the first."""

    name: str
    cells: tuple[Cell, ...]
    kind: str = ""
    badges: tuple[str, ...] = ()


def table(caption: str, columns: Sequence[str], rows: Sequence[Row], *, kind: str, below: str = "") -> Part:
    """Make a table with its caption; `below` says how to read it."""
    return render("table.html", text=caption, caption=caption, columns=columns, rows=rows, kind=kind, below=below)


def parenthesised(text: str) -> str:
    """Put an interval in parentheses, where there is one."""
    return f"({text})" if text else ""
