"""Pages: an executed notebook becomes one HTML file that needs no network and obeys its own security policy.

nbconvert renders it with slaopt's template. Figures are drawn twice: as a picture that is there before any script, and
by Vega over it. Scripts are few, the same in every page, and allowed by their hash; Vega interprets its expressions, so
nothing is evaluated as code.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slaopt.charts.figure import FIGURE_MIME
from slaopt.parts.markup import bound
from slaopt.report.kernel import quick_jsonschema

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["export_experiment", "export_index", "export_report", "prepare"]

Kind = Literal["report", "index"]

TEMPLATES = Path(__file__).parent / "templates"
WIDTHS = {"full": 800, "wide": 600, "half": 420}  # pixels of a picture, before it shrinks to its place
SHOWN = (FIGURE_MIME, "text/html", "image/png", "text/plain")  # the first that an output has


def prepare() -> None:
    """Make what all pages of a process share, before the first one is needed."""
    _vega()
    _exporter()


def export_report(notebook: NotebookNode, *, title: str) -> str:
    """Turn the executed notebook of a service into its page."""
    return _export(notebook, title=title, kind="report")


def export_experiment(notebook: NotebookNode, *, title: str) -> str:
    """Turn the executed notebook of an experiment into its page."""
    return _export(notebook, title=title, kind="report", about="A/B test", home="../../../index.html")


def export_index(notebook: NotebookNode, *, title: str) -> str:
    """Turn the executed notebook of the portfolio into the index page."""
    return _export(notebook, title=title, kind="index")


def _export(
    notebook: NotebookNode, *, title: str, kind: Kind, about: str = "SLA threshold", home: str = "../../index.html"
) -> str:
    shown = _without_code(notebook)
    drawn = any(FIGURE_MIME in output.get("data", {}) for cell in shown.cells for output in cell.get("outputs", []))
    scripts = [*([_vega()] if drawn else []), _source(f"{kind}.js")]
    resources = {
        "title": title,
        "kind": kind,
        "about": about,
        "home": home,
        "style": _source("page.css"),
        "theme": _source("theme.js"),
        "scripts": scripts,
        "policy": _policy([_source("theme.js"), *scripts]),
        "places": count(1),
    }
    return _render(shown, {"slaopt": resources})


def _render(notebook: NotebookNode, resources: dict[str, Any]) -> str:
    """Fill the template, without HTMLExporter's second parsing of the whole page, which takes longer than all else."""
    from nbconvert.exporters.templateexporter import TemplateExporter

    page, _ = TemplateExporter.from_notebook_node(_exporter(), notebook, resources=resources)
    return str(page)


def _without_code(notebook: NotebookNode) -> NotebookNode:
    """Keep what a reader sees: text and results. Highlighting code that nobody sees takes most of an export."""
    cells = []
    for cell in notebook.cells:
        results = [output for output in cell.get("outputs", []) if _for_readers(output)]
        if cell.cell_type == "markdown":
            shown = copy.copy(cell)
            shown["metadata"] = cell.metadata | {"section": _section(cell.source)}
            cells.append(shown)
        elif results:
            shown = copy.copy(cell)
            shown["source"], shown["outputs"] = "", results
            cells.append(shown)
    page = copy.copy(notebook)
    page["cells"] = cells
    return page


def _for_readers(output: NotebookNode) -> bool:
    """Results and what a cell printed; what a library said on stderr is for the notebook's author."""
    return output.output_type in ("execute_result", "display_data") or output.get("name") == "stdout"


def _section(source: str) -> dict[str, str] | None:
    """The section that a text opens: its heading, and the name under which links find it."""
    heading = re.match(r"##\s+(.+)", source)
    if heading is None:
        return None
    title = heading[1].strip()
    return {"title": title, "id": re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")}


@cache
def _exporter() -> Any:
    """One exporter for all pages of a process: its first page costs more than the next eight."""
    with quick_jsonschema():
        import nbconvert
        from traitlets.config import Config

    settings = Config()
    settings.NbConvertBase.display_data_priority = list(SHOWN)
    make: Any = nbconvert.HTMLExporter
    exporter = make(config=settings, template_name="slaopt", extra_template_basedirs=[str(TEMPLATES)])
    exporter.register_filter("figure", _figure)
    exporter.register_filter("bound", bound)
    exporter.register_filter("after_heading", lambda source: re.sub(r"^##\s+.+\n?", "", source).strip())
    return exporter


def _figure(parts: Mapping[str, Any], places: Any) -> dict[str, Any]:
    """Prepare a figure for the template: its place on the page, its picture, its specification as harmless text."""
    place = next(places)
    return {**parts, "place": place, "picture": _picture(parts, place), "spec": _harmless(parts["spec"])}


def _picture(figure: Mapping[str, Any], place: int) -> str:
    """Draw a figure as SVG. Its text and lines take their colours from the page, in the dark and in print too."""
    import vl_convert

    spec = figure["spec"] | {"width": WIDTHS[figure["size"]]}
    svg: str = vl_convert.vegalite_to_svg(spec)
    svg = re.sub(r'<path class="(?:background|foreground)" aria-hidden="true" d=""[^>]*/>', "", svg)
    svg = re.sub(r'(\.\d{2})\d+(?=[,\s"A-Za-z)-])', r"\1", svg)  # a hundredth of a pixel is enough
    clips = {name: f"clip-{place}-{k}" for k, name in enumerate(dict.fromkeys(re.findall(r'id="(clip\d+)"', svg)))}
    svg = re.sub(r"\bclip\d+\b", lambda found: clips.get(found[0], found[0]), svg)  # numbered anew in every process
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _harmless(content: Any) -> str:
    """Write JSON that cannot end the element it stands in."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script; made by vl-convert, which takes a second."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")


@cache
def _source(name: str) -> str:
    return (TEMPLATES / "slaopt" / name).read_text(encoding="utf-8")


def _policy(scripts: list[str]) -> str:
    """The page's Content-Security-Policy: no request anywhere, no script but these."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {hashes}; "
        "base-uri 'none'; form-action 'none'"
    )
