"""A design in sentences: what is done to whom for how long, what it finds, what it finds in error."""

from __future__ import annotations

import html
from collections.abc import Sequence

from slaopt.experiment.design import EACH_ROW, Design
from slaopt.experiment.prospects import GuardrailPower, PowerAnalysis
from slaopt.experiment.rehearsal import Chance, Rehearsed
from slaopt.experiment.telling import METRIC_WORDS
from slaopt.result import html_table
from slaopt.wording import chance, count, number, percent, seconds

__all__ = ["chance_of", "hint_of", "html_of", "sentences_of"]

SHOWN = 0.8  # chance below which another margin is named


def sentences_of(design: Design, power: PowerAnalysis, *, assumed: bool) -> tuple[str, ...]:
    """Tell a design; `assumed`: sizes and alikeness of units were not counted."""
    told = [_plan(design), _power(design, power)]
    if design.unit != EACH_ROW:
        told.append(_units(design, power, assumed=assumed))
    if power.same is not None and power.better is not None and power.worse is not None:
        watched = f"{1 + len(power.guardrails)} metrics are watched, each at {percent(design.harm_level)}"
        told.append(
            f"Where nothing changes, a difference is claimed in {chance_of(power.same.significant)} of tests and the "
            f"test is stopped for harm in {chance_of(power.same.harmed)}, since {watched}; where the test threshold "
            "makes it worse by "
            f"{percent(power.effect)}, {chance_of(power.worse.harmed)} are stopped. It ends after "
            f"{number(power.expected_days['better'], 2)} days on average where it is better by so much, after "
            f"{number(power.expected_days['worse'], 2)} where it is worse."
        )
    told += [_guarded(one) for one in power.guardrails]
    return (*told, *(f"Overruled: {reason}" for reason in design.forced))


def _plan(design: Design) -> str:
    each = "executions" if design.unit == EACH_ROW else f"units ({design.unit})"
    return (
        f"For {design.days} days {percent(design.traffic_split)} of the {each} get "
        f"{seconds(design.test_threshold)}, the others keep {seconds(design.control_threshold)}; about "
        f"{count(design.executions)} executions are to be expected. Both arms are compared at "
        f"{seconds(design.common_threshold)}, above which {percent(design.control_rate)} are expected, at "
        f"{count(design.looks)} looks."
    )


def _power(design: Design, power: PowerAnalysis) -> str:
    found = chance_of(power.better.found) if power.better is not None else chance(power.closed_form)
    least = power.minimum_detectable_effect
    smallest = (
        f"the smallest change found in {percent(power.wanted)} of tests is {percent(least)}"
        if least is not None
        else f"no change is found in {percent(power.wanted)} of tests"
    )
    needed = power.required_sample_size
    size = "" if needed is None else f"; {count(needed)} executions are needed for that"
    return f"A fall of that rate by {percent(power.effect)} is found in {found} of tests{size}; {smallest}."


def _guarded(one: GuardrailPower) -> str:
    name = METRIC_WORDS[one.metric]
    said = (
        f"{name[0].upper()}{name[1:]} must be shown to rise by less than "
        f"{percent(one.margin)}; with this traffic that succeeds in {chance(one.chance)} of tests where nothing changes"
    )
    return said + (f": {hint}." if (hint := hint_of(one)) else ".")


def hint_of(one: GuardrailPower) -> str | None:
    """Say which margin this traffic could show, where the stated one is rather not shown."""
    if one.chance >= SHOWN:
        return None
    if one.shown_margin is None:
        return "a good result will mostly stay open, and no other margin mends that"
    return f"a good result will often stay open; {percent(one.shown_margin)} could be shown"


def _units(design: Design, power: PowerAnalysis, *, assumed: bool) -> str:
    said = (
        f"{count(design.units)} units whose executions are alike (correlation {number(design.icc, 2)}) make the "
        f"variance {number(power.design_effect, 2)} times as great as as many independent executions would"
    )
    return said + (
        "; sizes and correlation are assumed: count the past by unit (--column unit=NAME) to know them."
        if assumed
        else "."
    )


def chance_of(simulated: Chance) -> str:
    """Write a simulated chance with its Monte-Carlo error.

    >>> chance_of(Chance(value=0.912, error=0.006))
    '91 % (± 0.6)'
    """
    return f"{chance(simulated.value)} (± {number(100 * simulated.error, 1)})"


def html_of(design: Design, power: PowerAnalysis, sentences: Sequence[str]) -> str:
    """Write a design for a notebook: its sentences, and what came of the rehearsal in each truth."""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    title = f"{design.service}: {seconds(design.control_threshold)} against {seconds(design.test_threshold)}"
    told = f'<div class="design"><p><strong>{html.escape(title)}</strong></p><ul>{items}</ul>'
    return told + _rehearsed(power) + "</div>"


def _rehearsed(power: PowerAnalysis) -> str:
    share = percent(power.effect)
    truths = (("better", f"better by {share}"), ("same", "the same"), ("worse", f"worse by {share}"))
    rows = [
        (
            name,
            chance_of(one.found),
            chance_of(one.shipped),
            chance_of(one.harmed),
            number(power.expected_days[truth], 2),
        )
        for truth, name in truths
        if isinstance(one := getattr(power, truth), Rehearsed)
    ]
    if not rows:
        return ""
    head = ("the test arm is", "benefit found", "shipped at a look", "stopped for harm", "days on average")
    return html_table(head, rows)
