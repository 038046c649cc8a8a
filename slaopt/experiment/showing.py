"""An evaluation by itself in a notebook: the decision, both arms, and each metric with its interval and margin."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from slaopt.experiment.wording import claim, difference_of, guarded_rows, rows_of
from slaopt.result import html_table

if TYPE_CHECKING:
    from slaopt.experiment.evaluation import Evaluation

__all__ = ["evaluation_html"]


def evaluation_html(evaluation: Evaluation) -> str:
    """Write an evaluation as HTML; everything that users gave is escaped."""
    decision = evaluation.look.decision
    said = html.escape(claim(decision.verdict, evaluation.design))
    parts = [f"<p><strong>{said}.</strong> {html.escape(decision.sentence)}</p>"]
    parts.append(html_table(("", "control", "test", "difference"), rows_of(evaluation)))
    if guarded := guarded_rows(evaluation):
        parts.append(html_table(("must not get worse", "found", "upper bound", "margin", ""), guarded))
    if mechanical := evaluation.comparison.mechanical:
        text = f"The moved line alone changes the control's rate by {difference_of(mechanical)}: no test is needed."
        parts.append(f"<p>{html.escape(text)}</p>")
    if told := [*(remark.sentence for remark in evaluation.remarks), *evaluation.hints]:
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in told)
        parts.append(f"<ul>{items}</ul>")
    return "".join(parts)
