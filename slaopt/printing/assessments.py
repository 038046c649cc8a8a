"""Lines about services: how one performed, what to do about its threshold, what to expect of it."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from slaopt.printing.text import LONGEST_NAME, WIDEST, columns, skipped_line, spaced, visible
from slaopt.result import Skipped
from slaopt.wording import moment, percent

if TYPE_CHECKING:
    from slaopt.analysis import Analysis
    from slaopt.forecast import ServiceForecast
    from slaopt.optimize import Recommendation

__all__ = ["analysis_lines", "forecast_lines", "recommendation_lines"]


def analysis_lines(results: Sequence[Analysis | Skipped]) -> Iterator[str]:
    """Say how each service performed: figures with their intervals, what is wrong with the data, what to know."""
    for i, result in enumerate(results):
        if i:
            yield ""
        yield from (skipped_line(result),) if isinstance(result, Skipped) else _analysis_lines(result)


def _analysis_lines(result: Analysis) -> Iterator[str]:
    from slaopt.analysis.summary import facts, stories

    name = visible(result.service, LONGEST_NAME)
    yield f"{name}  {moment(result.start, result.timezone)} to {moment(result.end, result.timezone)}"
    if result.low_traffic:
        yield f"  {visible(result.low_traffic.sentence)}"
    rows, told = facts(result), stories(result)
    width = max(len(fact.name) for fact in (*rows, *told))
    yield f"  {'':<{width}}  {'measured':<15} {percent(result.confidence_level)} interval"
    for fact in rows:
        yield f"  {fact.name:<{width}}  {fact.value:<15} {fact.interval}".rstrip()
    for fact in told:
        head, indent = f"  {fact.name:<{width}}  ", " " * (width + 4)
        yield from textwrap.wrap(visible(fact.value), WIDEST, initial_indent=head, subsequent_indent=indent)
    for check in result.quality.checks:
        yield f"  {visible(check.sentence)}"
        yield f"  → {visible(check.remedy)}"
    for warning in result.warnings:
        yield f"  {visible(warning)}"


def recommendation_lines(results: Sequence[Recommendation | Skipped], *, what_if: bool = False) -> Iterator[str]:
    """Say what to do about each service's threshold, what it would bring and cost, and why.

    A what-if starts from a threshold that is in force nowhere, so nothing says how to change it.
    """
    yield from spaced(results, partial(_recommendation_lines, what_if=what_if))


def _recommendation_lines(result: Recommendation, *, what_if: bool) -> Iterator[str]:
    from slaopt.optimize.sentences import comparison

    name = visible(result.service, LONGEST_NAME)
    yield f"{name}  {visible(result.sentence)}"
    for row in comparison(result.now, result.then):
        yield f"  {row[0]:<34} " + "  ".join(f"{cell:<18}" for cell in row[1:]).rstrip()
    for reason in result.reasons:
        yield f"  {visible(reason)}"
    if result.command and not what_if:
        yield f"  → slaopt report {visible(shlex.quote(result.service))}, then {visible(result.command)}"


def forecast_lines(results: Sequence[ServiceForecast | Skipped]) -> Iterator[str]:
    """Say what share of executions to expect above each threshold over each horizon, in columns."""
    yield from spaced(results, _forecast_lines)


def _forecast_lines(result: ServiceForecast) -> Iterator[str]:
    from slaopt.forecast.service import COLUMNS, cells

    name = visible(result.service, LONGEST_NAME)
    yield f"{name}  from {moment(result.as_of)} on"
    yield from columns([COLUMNS, *cells(result)], indent="  ")
