"""The first screen: which service, what to do, what it would change, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from slaopt import wording
from slaopt.charts.scales import threshold_name
from slaopt.charts.thresholds import interval_of
from slaopt.optimize.confidence import ASKED
from slaopt.optimize.sentences import base_of, frequency, pages
from slaopt.parts.markup import Part, render
from slaopt.parts.risk import main_risk
from slaopt.wording import chance

if TYPE_CHECKING:
    from slaopt.analysis import Analysis
    from slaopt.assess import Assessment
    from slaopt.optimize import Outcome, Recommendation

__all__ = ["Pair", "action", "headline", "now_and_then", "pairs_of", "reasons", "sureness", "verdict"]

LONGEST_CLAIM = 60
SURE = {"high": 0.9, "medium": 0.65, "low": 0.0}  # confidence from which it is called so


class Described(Protocol):
    """What is said of a report: where measurements came from, and where it can be approved."""

    @property
    def source(self) -> str:
        """Description without secrets."""

    @property
    def link(self) -> str | None:
        """Its address on the server, where there is one."""


def verdict(assessment: Assessment, run: Described) -> Part:
    """Name the service, its period, source and quality, and say the verdict."""
    analysis, recommendation = assessment.analysis, assessment.recommendation
    claim, rest = headline(recommendation.sentence)
    return render(
        "verdict.html",
        text=recommendation.sentence,
        verdict=recommendation.verdict,
        service=analysis.service,
        period=_period(analysis),
        executions=f"{wording.count(analysis.sample_size)} executions",
        source=run.source,
        quality=analysis.quality.word,
        quality_text=_quality(analysis),
        end=analysis.end.isoformat(),
        days=round(analysis.analysis_period),
        claim=claim,
        rest=rest,
        notes=_notes(assessment),
    )


def headline(sentence: str) -> tuple[str, str]:
    """Part the claim from what is said for it.

    >>> headline("Keep 2 s: nothing is better.")
    ('Keep 2 s', 'Nothing is better.')
    """
    claim, _, rest = sentence.partition(": ")
    return (claim, rest[:1].upper() + rest[1:]) if rest and len(claim) <= LONGEST_CLAIM else ("", sentence)


def _period(analysis: Analysis) -> str:
    first = wording.day(analysis.start, analysis.timezone)
    last = wording.day(analysis.end - timedelta(seconds=1), analysis.timezone)
    if first[-4:] == last[-4:]:
        first = first[:-5]
    return f"{first} – {last} ({wording.number(analysis.analysis_period)} days)"


def _quality(analysis: Analysis) -> str:
    """Say the quality of the data with the reason that costs most."""
    quality = analysis.quality
    if not quality.checks:
        return "Data good: nothing found against them"
    return f"Data {'need a look' if quality.word == 'look' else quality.word}: {_short(quality.checks[0].sentence)}"


def _short(sentence: str, longest: int = 90) -> str:
    first = sentence.rstrip(".")
    return first if len(first) <= longest else first[:longest].rsplit(" ", 1)[0] + " …"


def _notes(assessment: Assessment) -> list[str]:
    """What a reader of the sentence must know: what its intervals are, and the assumption."""
    recommendation = assessment.recommendation
    side = recommendation.then or recommendation.now
    if side is None:
        return []
    told = recommendation.assumption
    level = wording.percent(side.interval.level)
    return [f"{told[0].upper()}{told[1:]}; in parentheses: {level} intervals."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One figure at the current threshold and at the recommended one; empty where there is none."""

    name: str
    now: str
    then: str
    note: str


def now_and_then(assessment: Assessment) -> Part:
    """Set what matters at the current threshold against the same at the recommended one."""
    recommendation = assessment.recommendation
    now = recommendation.now
    then = recommendation.then if recommendation.then != now else None
    rows = pairs_of(now, then, objective=recommendation.objective) or _measured(assessment.analysis)
    words = [word for word in (_confidence(recommendation), _risk(assessment)) if word]
    if not rows:
        return Part(html="", text="")
    return render("pairs.html", text="", rows=rows, words=words, label="Now and then")


def pairs_of(now: Outcome | None, then: Outcome | None, *, objective: float) -> list[Pair]:
    """Write threshold, violations and pages at both sides; nothing where there is neither."""
    if now is None and then is None:
        return []
    base = base_of(now, then)
    return [
        Pair(
            name="Threshold",
            now=threshold_name(now.threshold) if now else "",
            then=threshold_name(then.threshold) if then else "",
            note=_change(now, then),
        ),
        Pair(
            name=f"Violations of {base:,}, coming 30 days",
            now=frequency(now.violation_rate, base) if now else "",
            then=frequency(then.violation_rate, base) if then else "",
            note=f"{_intervals(now, then, base)}; budget {frequency(1 - objective, base)}",
        ),
        Pair(
            name="Pages a week",
            now=pages(now.pages_per_week) if now else "",
            then=pages(then.pages_per_week) if then else "",
            note="replayed on this period",
        ),
    ]


def _measured(analysis: Analysis) -> list[Pair]:
    """How the current threshold stood in the period, where nothing is recommended."""
    rate = analysis.violation_rate
    if analysis.threshold is None or rate is None:
        return []
    level = wording.percent(analysis.confidence_level)
    interval = f"({interval_of(rate.interval)}, {level} interval for the level); " if rate.interval else ""
    budget = frequency(1 - analysis.objective)
    return [
        Pair(name="Threshold", now=threshold_name(analysis.threshold), then="", note="as it is"),
        Pair(
            name="Violations of 1,000, measured",
            now=frequency(rate.rate),
            then="",
            note=f"{interval}budget {budget}",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Word:
    """A judgement in a word with its figure and its main reason."""

    name: str
    word: str
    figure: str
    reason: str


def _confidence(recommendation: Recommendation) -> _Word | None:
    """Say how sure a change would be, and how sure it has to be."""
    score = recommendation.confidence_score
    if score is None:
        return None
    asked = ASKED[_strategy(recommendation)]
    best = recommendation.alternative
    subject = f"that {threshold_name(best.threshold)} is better" if best else "that it is better over 30 days"
    return _Word(
        name="Confidence" if recommendation.gate is None else "Confidence in a change",
        word=sureness(score),
        figure=chance(score),
        reason=f"{subject}; {recommendation.strategy} asks for {chance(asked)}{_unsure(recommendation)}",
    )


def sureness(score: float) -> str:
    """Give the word for a confidence.

    >>> sureness(0.95), sureness(0.7), sureness(0.2)
    ('high', 'medium', 'low')
    """
    return next(word for word, least in SURE.items() if round(score, 2) >= least)


def _strategy(recommendation: Recommendation) -> Any:
    return recommendation.strategy


def _unsure(recommendation: Recommendation) -> str:
    """Why the forecast behind it is unsure."""
    for forecast in (recommendation.forecast_then or recommendation.forecast_now)[-1:]:
        if forecast.confidence == "low" and forecast.reason:
            return f"; the forecast is unsure: {forecast.reason.partition(':')[0]}"
    return ""


def _risk(assessment: Assessment) -> _Word | None:
    """Say the risk of the change with the factor that weighs most."""
    recommendation = assessment.recommendation
    if recommendation.implementation_risk is None or recommendation.then == recommendation.now:
        return None
    return _Word(name="Risk", word=recommendation.implementation_risk, figure="", reason=main_risk(assessment))


def _change(now: Outcome | None, then: Outcome | None) -> str:
    if then is None:
        return "as it is"
    if now is None:
        return "none is set yet"
    share = then.threshold / now.threshold - 1
    return f"{wording.percent(abs(share))} {'looser' if share > 0 else 'tighter'}"


def _intervals(now: Outcome | None, then: Outcome | None, base: int) -> str:
    return " → ".join(f"({interval_of(side.interval, base)})" for side in (now, then) if side)


def action(assessment: Assessment, run: Described | None = None) -> Part:
    """Say what a reviewer types to propose the recommendation, or opens, where there is something to do."""
    command = assessment.recommendation.command
    if not command:
        return Part(html="", text="")
    link = None if run is None else run.link
    return render("action.html", text=command if link is None else f"{command}, or {link}", command=command, link=link)


def reasons(assessment: Assessment) -> Part:
    """Give the reasons of the choice, one sentence each."""
    told = list(assessment.recommendation.reasons)
    return render("reasons.html", text=" ".join(told), reasons=told)
