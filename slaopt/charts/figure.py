"""A figure: a chart whose title is its finding, the sentence that says how to read it, and its data as a table."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import altair as alt

__all__ = ["COLOURS", "FIGURE_MIME", "Absent", "Figure", "Table"]

FIGURE_MIME = "application/vnd.slaopt.figure+json"
LAB_MIME = "application/vnd.vegalite.v5+json"  # what JupyterLab draws by itself
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# Okabe and Ito (2008). Pages set the variables, for dark paper and print too; elsewhere what follows the comma holds.
COLOURS = {
    "ink": "var(--ink, #1b1f24)",
    "muted": "var(--muted, #57606a)",
    "grid": "var(--grid, #e6e9ec)",
    "paper": "var(--paper, #ffffff)",
    "now": "var(--now, #454b53)",
    "then": "var(--then, #0072b2)",
    "violation": "var(--violation, #d55e00)",
    "other": "var(--other, #008060)",
    "excluded": "url(#hatch) #d5d9dd",
    **{
        f"heat{step}": f"var(--heat-{step}, {value})"
        for step, value in enumerate(("#eef6f3", "#cfe7df", "#a3d3c4", "#6dbaa4", "#2f9a80", "#0b7259", "#074a3a"))
    },
}

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": FONT,
    "padding": {"left": 2, "right": 10, "top": 4, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelColor": COLOURS["muted"],
        "titleColor": COLOURS["muted"],
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": COLOURS["grid"],
        "domainColor": COLOURS["grid"],
        "tickColor": COLOURS["grid"],
        "labelPadding": 6,
        "titlePadding": 8,
    },
    "axisX": {"grid": False, "tickSize": 4},
    "axisY": {
        "domain": False,
        "ticks": False,
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "end",
        "titleBaseline": "bottom",
        "titleX": 0,
        "titleY": -8,
    },
    "text": {"fontSize": 12.5, "font": FONT},
    "title": {
        "anchor": "start",
        "color": COLOURS["ink"],
        "subtitleColor": COLOURS["muted"],
        "fontSize": 15,
        "subtitleFontSize": 12,
        "offset": 14,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The data of a figure, written for people: the first column names the row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart that says what it found.

    In JupyterLab it draws itself; in a page it is drawn twice, as a picture that needs no script and, over it, as an
    interactive chart. `chart` is an Altair chart like any other.
    """

    title: str  # the finding
    reading: str  # how to read the chart
    chart: alt.Chart | alt.LayerChart | alt.FacetChart
    table: Table
    height: int = 250
    size: Literal["full", "wide", "half"] = "full"  # share of the text column that it is drawn for

    @property
    def description(self) -> str:
        """The finding and how to read it, for who cannot see the chart."""
        return f"{self.title}. {self.reading}"

    def spec(self) -> dict[str, Any]:
        """Give the Vega-Lite specification without a title, as wide as its container."""
        spec: dict[str, Any] = self.chart.to_dict(validate=False)
        spec.pop("$schema", None)
        return spec | {
            "config": CONFIG,
            "width": "container",
            "height": self.height,
            "autosize": {"type": "fit", "contains": "padding", "resize": True},
            "description": self.description,
        }

    def to_dict(self) -> dict[str, Any]:
        """Give all parts in a form that JSON can hold: what a page is made from."""
        return {
            "title": self.title,
            "reading": self.reading,
            "size": self.size,
            "columns": self.table.columns,
            "rows": self.table.rows,
            "spec": self.spec(),
        }

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        parts = json.loads(json.dumps(self.to_dict(), allow_nan=False))
        titled = parts["spec"] | {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "title": {"text": wrap(self.title, 84), "subtitle": wrap(self.reading, 110)},
            "width": 760,
            "config": CONFIG | {"background": COLOURS["paper"]},  # a notebook may be dark, its colours are not known
            "usermeta": {"embedOptions": {"renderer": "svg", "actions": False}},
        }
        return {FIGURE_MIME: parts, LAB_MIME: titled, "text/plain": self.description}


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A chart that would show nothing, and the sentence that stands in its place."""

    reason: str

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self.reason)}</p>"


def records(**columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Turn columns of one length into the rows that a chart draws.

    >>> records(day=["Mon", "Tue"], rate=[0.1, None])
    [{'day': 'Mon', 'rate': 0.1}, {'day': 'Tue', 'rate': None}]
    """
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Hold rows inside a chart."""
    import altair as alt

    return alt.InlineData(values=list(rows))
