"""The page of an experiment: the answer, both arms, what must not get worse, and how far it can be trusted."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from slaopt import wording
from slaopt.charts.scales import threshold_name
from slaopt.experiment.design import EACH_ROW
from slaopt.experiment.wording import (
    METRIC_NAMES,
    UNITS_WEIGH,
    claim,
    difference_of,
    guarded_rows,
    points,
    rows_of,
    signed,
)
from slaopt.parts.answer import Pair
from slaopt.parts.markup import Part, render
from slaopt.parts.tables import Cell, Row, table
from slaopt.result import Skipped
from slaopt.wording import chance

if TYPE_CHECKING:
    from slaopt.experiment import Evaluation
    from slaopt.experiment.model import Fit
    from slaopt.report import ExperimentRun

__all__ = [
    "adopt",
    "both_arms",
    "experiment_design",
    "experiment_source",
    "experiment_verdict",
    "fit_checks",
    "guardrails",
    "predictive_checks",
    "prior_sensitivity",
    "remarks",
    "control_and_test",
]

STORED = ("running", "completed", "stopped")  # states of a test that the store knows
KINDS = {"adopt": "raise", "reject": "data_problem", "extend": "keep"}  # how the answer is coloured


def experiment_verdict(evaluation: Evaluation, run: ExperimentRun) -> Part:
    """Name the service, the time and the measurements, and say the decision."""
    decision, observed, design = evaluation.look.decision, evaluation.observed, evaluation.design
    decisive = [remark.sentence for remark in evaluation.remarks if remark.decisive]
    worth = decisive or [remark.sentence for remark in evaluation.remarks]
    kind = KINDS.get(decision.recommendation or "", "data_problem" if decision.verdict == "invalid" else "keep")
    executions = wording.count(observed.control.executions + observed.test.executions)
    return render(
        "verdict.html",
        text=decision.sentence,
        verdict=kind,
        service=f"{design.service}: A/B test" if design.service else "A/B test",
        period=_period(evaluation),
        executions=f"{executions} executions, {_units(evaluation)}",
        source=run.source,
        quality="poor" if decisive else "look" if worth else "good",
        quality_text=f"Data: {_short(worth[0])}" if worth else "Data good: nothing found against them",
        end=observed.end.isoformat() if observed.end else "",
        days=10**6,
        claim=f"{claim(decision.verdict, design)}.",
        rest=decision.sentence,
        notes=[_note(evaluation)],
    )


def _period(evaluation: Evaluation) -> str:
    start, end = evaluation.observed.start, evaluation.observed.end
    if start is None or end is None:
        return "times not known"
    first, last = wording.day(start), wording.day(end - timedelta(seconds=1))
    looks = len(evaluation.looks)
    return f"{first} – {last}, {looks} look{'s' * (looks != 1)}"


def _units(evaluation: Evaluation) -> str:
    if evaluation.design.unit == EACH_ROW:
        return "each assigned by itself"
    units = evaluation.observed.control.units + evaluation.observed.test.units
    return f"{wording.count(units)} units ({evaluation.design.unit})"


def _short(sentence: str, longest: int = 90) -> str:
    return sentence if len(sentence) <= longest else sentence[:longest].rsplit(" ", 1)[0] + " …"


def _note(evaluation: Evaluation) -> str:
    design = evaluation.design
    at = threshold_name(design.common_threshold)
    level = wording.percent(1 - design.significance_level)
    told = f"Both arms are compared at {at}; in parentheses: {level} intervals"
    if evaluation.planned:
        return f"{told}, valid at every look."
    return f"{told}. One look at all of the data: valid where their end was fixed in advance."


def control_and_test(evaluation: Evaluation) -> Part:
    """Set what matters in the control against the test arm."""
    design, look, comparison = evaluation.design, evaluation.look, evaluation.comparison
    primary, posterior = comparison.primary, comparison.posterior
    at = threshold_name(design.common_threshold)
    rates = [wording.per_thousand(rate) if math.isfinite(rate) else "–" for rate in (primary.control, primary.test)]
    bounds = "no interval yet" if look.interval is None else points(look.interval.low, look.interval.high)
    rows = [
        Pair(name="Threshold", now=threshold_name(design.control_threshold),
             then=threshold_name(design.test_threshold), note=f"{wording.percent(design.traffic_split)} in test"),
        Pair(name=f"Violations of 1,000, above {at} in both arms", now=rates[0], then=rates[1],
             note=f"difference {bounds}"),
    ]  # fmt: skip
    if comparison.mechanical is not None and comparison.mechanical.interval is not None:
        effect = signed(1000 * comparison.mechanical.difference)
        note = "known without a test, and never tested"
        rows.append(Pair(name="The moved line alone, of 1,000", now="", then=effect, note=note))
    if posterior is not None:
        loss = wording.per_thousand(posterior.expected_loss_of_shipping)
        note = f"adopting costs {loss} violations of 1,000 in expectation"
        rows.append(Pair(name="Test is better", now="", then=chance(posterior.probability_better), note=note))
    return render("pairs.html", text="", rows=rows, words=[], label="Control and test")


def adopt(evaluation: Evaluation, run: ExperimentRun) -> Part:
    """Say what to type where the test threshold is to be adopted."""
    if evaluation.look.decision.recommendation != "adopt" or run.status not in STORED:
        return Part(html="", text="")
    command = f"slaopt experiment adopt {run.experiment_id}"
    return render("action.html", text=command, command=command, link=None)


def both_arms(evaluation: Evaluation) -> Part:
    """Both arms side by side."""
    rows = [Row(name=name, cells=tuple(map(_cell, cells))) for name, *cells in rows_of(evaluation)]
    return table(
        "Both arms", ("metric", "control", "test", "difference"), rows, kind="plain",
        below="Rates are compared at one line for both arms. What lies above each arm's own line moves with the line."
        + ("" if evaluation.design.unit == EACH_ROW else f" {UNITS_WEIGH}"),
    )  # fmt: skip


def guardrails(evaluation: Evaluation) -> Part:
    """What must not get worse: what was found, how much worse it can be, how much it may be."""
    rows = [Row(name=name, cells=tuple(map(_cell, cells))) for name, *cells in guarded_rows(evaluation)]
    if not rows:
        return Part(html="<p>Nothing was held against a margin.</p>", text="Nothing was held against a margin.")
    level, watched = evaluation.design.harm_level, len(rows)
    union = min(1.0, watched * level)
    below = (
        f"Each of {watched} metrics is watched for harm at {wording.percent(level)}; where nothing is worse, a false "
        f"alarm of any of them has a probability of at most {wording.percent(union)}."
    )
    below = " ".join((below, *evaluation.hints))
    heads = ("metric", "found", "at most, share of the control's", "margin", "state")
    return table("What must not get worse", heads, rows, kind="plain", below=below)


def _cell(text: str) -> Cell:
    return Cell(text=text)


def remarks(evaluation: Evaluation) -> Part:
    """What is wrong with the measurements, or that nothing is."""
    told = [("Decisive: " if one.decisive else "") + one.sentence for one in evaluation.remarks]
    told = told or ["Nothing was found against the measurements."]
    return render("titled.html", text=" ".join(told), title="The measurements", sentences=told)


def fit_checks(fit: Fit | Skipped) -> Part:
    """How well the model was sampled, and whether it agrees with the posterior of the looks."""
    if isinstance(fit, Skipped):
        told = [f"No model was fitted: {fit.reason}."]
        return render("titled.html", text=told[0], title="The model, fitted by sampling", sentences=told)
    mixed = "the chains agree" if fit.converged else "the chains do not agree: do not rely on what follows"
    found = points(fit.interval.low, fit.interval.high)
    told = [
        f"{wording.count(fit.draws)} draws of four chains, of which {wording.count(fit.effective_draws)} count; R-hat "
        f"at most {fit.rhat:.3f}, {fit.divergences} divergences: {mixed}.",
        f"Test is better with probability {chance(fit.probability_better)}; the difference is "
        f"{signed(100 * fit.difference)} points ({found}); correlation within units {wording.number(fit.icc, 2)}.",
    ]
    if fit.fast is not None:
        gap = wording.number(abs(fit.fast - fit.probability_better), 2)
        word = "Both agree" if fit.agrees else "They do not agree"
        told.append(f"By quadrature, as at every look, it is {chance(fit.fast)}, {gap} away. {word}.")
    return render("titled.html", text=" ".join(told), title="The model, fitted by sampling", sentences=told)


def predictive_checks(fit: Fit | Skipped) -> Part:
    """Whether data that the model makes look like those that were measured."""
    if isinstance(fit, Skipped):
        return Part(html="", text="")
    rows = [
        Row(
            name=f"{one.name}, {one.arm}",
            cells=(
                _cell(wording.percent(one.measured)),
                _cell(f"{wording.percent(one.interval.low)} to {wording.percent(one.interval.high)}"),
                _cell("fits" if one.fits else "does not fit"),
            ),
        )
        for one in fit.replicated
    ]
    odd = sum(not one.fits for one in fit.replicated)
    below = "Every statistic is where the model puts it." if not odd else (
        f"{odd} of {len(rows)} statistics {'is' if odd == 1 else 'are'} not where the model puts them: units differ "
        "otherwise than it says."
    )  # fmt: skip
    level = wording.percent(fit.replicated[0].interval.level)
    heads = ("statistic", "measured", f"{level} of replicated data", "state")
    return table("Does the model fit?", heads, rows, kind="plain", below=below)


def prior_sensitivity(fit: Fit | Skipped) -> Part:
    """What other priors would say."""
    if isinstance(fit, Skipped):
        return Part(html="", text="")
    rows = [
        Row(
            name=one.prior,
            cells=(
                _cell(chance(one.probability_better)),
                _cell(f"{signed(100 * one.difference)} points"),
                _cell(wording.count(one.effective_draws)),
            ),
        )
        for one in fit.sensitivity
    ]
    chances = [one.probability_better for one in fit.sensitivity]
    low, high = chance(min(chances)), chance(max(chances))
    said = f"is {low}" if low == high else f"lies between {low} and {high}"
    below = f"Over these priors the probability that test is better {said}."
    heads = ("prior", "test is better", "difference", "draws that count")
    return table("Does the answer hang on the prior?", heads, rows, kind="plain", below=below)


def experiment_design(evaluation: Evaluation) -> Part:
    """What was fixed before the test started."""
    design = evaluation.design
    margins = ", ".join(f"{METRIC_NAMES[one.metric]} +{wording.percent(one.margin)}" for one in design.guardrails)
    rows = [
        ("Arms", f"{threshold_name(design.control_threshold)} and {threshold_name(design.test_threshold)}"),
        ("In test", wording.percent(design.traffic_split)),
        ("Unit", design.unit),
        ("Length", f"{design.days} days, {design.looks} look{'s' * (design.looks != 1)}"),
        ("Mode", "planned" if design.mode == "planned" else "open-ended"),
        ("Significance, harm", f"{wording.percent(design.significance_level)}, {wording.percent(design.harm_level)}"),
        (
            "Worth finding",
            f"{wording.percent(design.smallest_effect)} of a rate of {wording.percent(design.control_rate)}",
        ),
        ("As good as none", f"{wording.number(100 * design.rope, 2)} points"),
        ("Tolerated loss", f"{wording.per_thousand(design.tolerated_loss)} violations of 1,000"),
        ("Margins", margins or "none"),
        *(("Overruled", reason) for reason in design.forced),
    ]
    if evaluation.planned:
        rows.append(("Digest", design.digest[:16]))
    title = "Fixed before the start" if evaluation.planned else "Taken for granted"
    return render("fields.html", text=title, title=title, rows=rows)


def experiment_source(evaluation: Evaluation, run: ExperimentRun) -> Part:
    """Where the measurements and the prior come from."""
    posterior = evaluation.comparison.posterior
    mechanical = evaluation.comparison.mechanical
    rows = [
        ("Experiment", run.experiment_id),
        ("Status", "collected elsewhere" if run.status == "collected" else run.status),
        ("Source", run.source or "–"),
        ("Rule of the decision", evaluation.look.decision.rule.replace("_", " ")),
        ("Prior", posterior.prior if posterior else "–"),
        ("The moved line alone", difference_of(mechanical) if mechanical else "–"),
    ]
    return render("fields.html", text="Provenance", title="Where this comes from", rows=rows)
