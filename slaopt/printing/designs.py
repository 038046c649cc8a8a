"""Lines about a test that is planned: what it does, what it finds, what it finds in error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from slaopt.experiment.design import EACH_ROW
from slaopt.experiment.told import chance_of, hint_of
from slaopt.printing.text import LONGEST_NAME, WIDEST, spaced, visible
from slaopt.result import Skipped
from slaopt.wording import chance, count, number, percent, seconds

if TYPE_CHECKING:
    from slaopt.experiment import PlannedDesign

__all__ = ["design_lines"]

NAMES = {"other_rate": "rate at the test threshold", "mean": "mean (geometric)", "p95": "p95", "p99": "p99"}
INDENT = 14


def design_lines(results: Sequence[PlannedDesign | Skipped]) -> Iterator[str]:
    """Tell each planned test in lines, its figures beside what they are."""
    yield from spaced(results, _lines)


def _lines(planned: PlannedDesign) -> Iterator[str]:
    yield visible(planned.design.service, LONGEST_NAME)
    for name, text in _told(planned):
        first, *rest = wrap(text, WIDEST) or [""]
        yield f"  {name:<{INDENT - 2}}{visible(first)}"
        yield from (" " * INDENT + visible(line) for line in rest)


def _told(planned: PlannedDesign) -> Iterator[tuple[str, str]]:
    design, power = planned.design, planned.power
    each = "executions" if design.unit == EACH_ROW else f"{count(design.units)} units ({design.unit})"
    control, test, rate = (
        seconds(s) for s in (design.control_threshold, design.test_threshold, design.common_threshold)
    )
    yield "arms", f"{control} and {test} for {percent(design.traffic_split)} of the {each}; both compared at {rate}"
    mode = "planned" if design.mode == "planned" else "open-ended"
    yield "length", f"{design.days} days, {design.looks} looks, {mode}; about {count(design.executions)} executions"
    if power.required_sample_size is not None:
        yield "needed", f"{count(power.required_sample_size)} executions"
    found = chance_of(power.better.found) if power.better is not None else chance(power.closed_form)
    expected, fall = percent(design.control_rate), percent(power.effect)
    yield "finds", f"a fall of the violation rate ({expected} expected) by {fall}, in {found} of tests"
    if power.minimum_detectable_effect is not None:
        yield "smallest", f"change found in {chance(power.wanted)} of tests: {percent(power.minimum_detectable_effect)}"
    if power.same is not None and power.worse is not None:
        claimed, stopped = chance_of(power.same.significant), chance_of(power.same.harmed)
        yield "in error", f"a difference claimed in {claimed}, a stop for harm in {stopped} of A/A replays of the past"
        yield "harm", f"of a rate that rises by {percent(power.effect)} stopped in {chance_of(power.worse.harmed)}"
        days = {name: number(power.expected_days[name], 2) for name in ("better", "same", "worse")}
        yield "ends", f"after {days['better']} days if better, {days['same']} if the same, {days['worse']} if worse"
    for one in power.guardrails:
        text = f"{NAMES[one.metric]} up by less than {percent(one.margin)}: shown in {chance(one.chance)}"
        hint = hint_of(one)
        yield "guardrail", f"{text} of tests where nothing changes" + (f"; {hint}" if hint else "")
    if design.unit != EACH_ROW:
        yield "units", f"correlation within {number(design.icc, 2)}: variance {number(power.design_effect, 2)} times"
    for reason in design.forced:
        yield "overruled", reason
    yield "digest", design.digest
