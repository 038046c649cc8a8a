"""Below the charts: every candidate, every injected slowdown, and how far the measurements can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.analysis.alerts import DEGRADATIONS
from slaopt.charts.thresholds import interval_of
from slaopt.optimize.sentences import frequency, pages, policy_sentence, written
from slaopt.parts.markup import Part, of_hundred, render
from slaopt.parts.tables import Cell, Row, parenthesised, table
from slaopt.wording import chance

if TYPE_CHECKING:
    from slaopt.analysis import Analysis
    from slaopt.analysis.alerts import Cell as Slowdown
    from slaopt.assess import Assessment
    from slaopt.optimize import CandidateScore

__all__ = ["candidates", "outliers", "quality", "replay_policy", "slowdowns", "trust"]


def candidates(assessment: Assessment) -> Part:
    """List every candidate with its scores."""
    scores = assessment.recommendation.candidates
    if not scores:
        return Part(html="", text="")
    columns = (
        "Threshold",
        "Violations of 1,000",
        f"Chance to keep {wording.percent(assessment.recommendation.objective)}",
        "Pages a week",
        "Tickets a week",
        "Tightness",
        "Loss",
        "of budget",
        "of pages",
        "of not seen",
    )
    below = (
        "Violations are forecast for the coming 30 days. Loss, in pages a month: the price of the error budget used "
        "beyond a half, the pages themselves, and the price "
        "of slowdowns not seen. Grey rows: another candidate is at least as good in every respect."
    )
    return table("Every candidate", columns, [_candidate(score) for score in scores], kind="candidates", below=below)


def _candidate(score: CandidateScore) -> Row:
    losses = (score.loss, score.loss_budget, score.loss_pages, score.loss_missed)
    return Row(
        name=written(score.threshold),
        kind="now" if score.current else "then" if score.recommended else "" if score.on_front else "beaten",
        badges=("now",) * score.current + ("proposed",) * (score.recommended and not score.current),
        cells=(
            Cell(
                text=frequency(score.expected_rate),
                small=parenthesised(interval_of(score.expected_interval)),
            ),
            Cell(text="–" if score.achievability is None else chance(score.achievability)),
            Cell(text=pages(score.pages_per_week)),
            Cell(text=pages(score.tickets_per_week)),
            Cell(text=wording.percent(score.tightness)),
            *(Cell(text=wording.number(round(loss, 1), 2)) for loss in losses),
        ),
    )


def slowdowns(assessment: Assessment) -> Part:
    """Tell of every injected slowdown how often a page would have come, now and then."""
    recommendation = assessment.recommendation
    now, then = recommendation.cells_now, recommendation.cells_then
    if not (now or then):
        return Part(html="", text="")
    changed = bool(now and then and recommendation.recommended_threshold != recommendation.current_threshold)
    shares = sorted({cell.share for cell in now or then})
    kinds = sorted({(cell.factor, cell.hours) for cell in now or then})
    columns = [
        "Slowdown",
        *(f"of {wording.percent(share)} of executions" for share in shares),
    ]
    rows = [
        Row(
            name=f"× {wording.number(factor)} for {wording.seconds(hours * 3600)}",
            cells=tuple(_caught(now, then, (factor, hours, share), changed=changed) for share in shares),
        )
        for factor, hours in kinds
    ]
    caption = "Of 100 injected slowdowns, how many a page would have caught" + (": now → proposed" if changed else "")
    below = (
        f"Each figure is of {DEGRADATIONS.starts} moments; ±: its standard error. They lie evenly over the period, so "
        "that of the mean of all, tightness, is about 1 of 100."
    )
    return table(caption, columns, rows, kind="slowdowns", below=below)


def _caught(
    now: Sequence[Slowdown], then: Sequence[Slowdown], kind: tuple[float, float, float], *, changed: bool
) -> Cell:
    sides = [
        next(cell.caught for cell in side if (cell.factor, cell.hours, cell.share) == kind)
        for side in (now, then)
        if side
    ]
    shown = sides if changed else sides[-1:]
    error = round(100 * math.sqrt(shown[-1] * (1 - shown[-1]) / DEGRADATIONS.starts))
    return Cell(
        text=" → ".join(of_hundred(share) for share in shown),
        small=f"± {error}" if error else "",
        tint=f"{round(45 * shown[-1])}%",
    )


def outliers(analysis: Analysis) -> Part:
    """Name single executions and hours far beyond the rest."""
    found = analysis.outliers
    told = [found.method]
    if found.count:
        values = ", ".join(wording.seconds(value) for value in found.values[:5])
        such = "1 such execution" if found.count == 1 else f"{wording.count(found.count)} such executions; the longest"
        told.append(f"{such}: {values}.")
    if found.odd_hours:
        worst = sorted(found.odd_hours, key=lambda hour: -hour.factor)[:3]
        named = ", ".join(
            f"{wording.moment(hour.start, analysis.timezone)} (× {wording.number(hour.factor, 2)})" for hour in worst
        )
        told.append(f"Hours with a median far above their usual one: {len(found.odd_hours)}; most of all {named}.")
    return render("reasons.html", text=" ".join(told), reasons=told)


def replay_policy(assessment: Assessment) -> Part:
    """Name the alerts that were replayed."""
    if not assessment.recommendation.candidates:
        return Part(html="", text="")
    told = policy_sentence(objective=assessment.recommendation.objective)
    return render("sentence.html", text=told, sentence=told)


def quality(analysis: Analysis) -> Part:
    """Say how good the measurements are, what speaks against them and what to do about it."""
    found = analysis.quality
    first = f"Quality of the measurements: {wording.number(found.score, 2)} of 1."
    sentence = first if found.checks else f"{first} Nothing was found that speaks against them."
    return render("quality.html", text=found.sentence, word=found.word, sentence=sentence, checks=found.checks)


def trust(assessment: Assessment) -> Part:
    """Say what the measured rate rests on: effective sample, the worst day's part, what was not counted."""
    analysis = assessment.analysis
    told = []
    rate = analysis.violation_rate
    if rate and rate.n_effective and rate.design_effect and rate.design_effect >= 1.5:
        told.append(
            f"{wording.count(rate.n)} executions say as much about the violation rate as "
            f"{wording.count(rate.n_effective)} independent ones would, since executions of one hour and one day "
            "resemble each other."
        )
    if rate and rate.worst_day_share and rate.violations >= 10:
        told.append(f"The worst day holds {wording.percent(rate.worst_day_share)} of all violations.")
    if rate and not rate.exact:
        told.append(f"The threshold was not counted exactly: {rate.counted}.")
    if rate and rate.why:
        told.append(f"There is no interval: {rate.why}.")
    told += [warning for warning in analysis.warnings if warning not in told]
    return render("reasons.html", text=" ".join(told), reasons=told)
