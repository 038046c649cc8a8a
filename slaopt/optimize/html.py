"""A recommendation by itself in a notebook: the sentence, now → then, and the best candidates."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slaopt.optimize.sentences import comparison, frequency, pages, written
from slaopt.result import html_table
from slaopt.wording import chance, number, percent

if TYPE_CHECKING:
    from slaopt.optimize.recommendation import Recommendation
    from slaopt.optimize.scores import CandidateScore

__all__ = ["recommendation_html"]

SHOWN = 7


def recommendation_html(recommendation: Recommendation) -> str:
    """Write the recommendation as HTML; everything that users gave is escaped."""
    parts = [f"<p><strong>{html.escape(recommendation.service)}</strong>: {html.escape(recommendation.sentence)}</p>"]
    if compared := comparison(recommendation.now, recommendation.then):
        parts.append(html_table(compared[0], compared[1:]))
    if recommendation.confidence_score is not None:
        risk = f", the risk is {recommendation.implementation_risk}" if recommendation.implementation_risk else ""
        parts.append(f"<p>Confidence in the best change is {chance(recommendation.confidence_score)}{risk}.</p>")
    if recommendation.reasons:
        parts.append("<ul>" + "".join(f"<li>{html.escape(reason)}</li>" for reason in recommendation.reasons) + "</ul>")
    if recommendation.candidates:
        parts.append(html_table(CANDIDATE_HEADS, map(_candidate, _best(recommendation.candidates))))
    return "".join(parts)


CANDIDATE_HEADS = ["threshold", "violations of 1,000", "chance of keeping", "pages a week", "seen", "loss", ""]


def _best(candidates: Sequence[CandidateScore]) -> list[CandidateScore]:
    """The candidates of least loss with the current and the recommended one, by threshold."""
    ranked = sorted(candidates, key=lambda score: (not (score.current or score.recommended), score.loss))
    return sorted(ranked[:SHOWN], key=lambda score: score.threshold)


def _candidate(score: CandidateScore) -> list[str]:
    marks = [word for word, holds in (("current", score.current), ("recommended", score.recommended)) if holds]
    return [
        written(score.threshold),
        frequency(score.expected_rate),
        chance(score.achievability),
        pages(score.pages_per_week),
        percent(score.tightness),
        number(score.loss, 2),
        ", ".join(marks),
    ]
