"""What the command line prints for people: short, aligned lines made from results."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from slaopt.result import Skipped
from slaopt.wording import count, moment, percent, seconds

if TYPE_CHECKING:
    from slaopt.analysis import Analysis, Quality
    from slaopt.forecast import ServiceForecast
    from slaopt.intake import Example, Intake, Note, Reading
    from slaopt.optimize import Recommendation
    from slaopt.report import Report
    from slaopt.store import RunRecord, SchemaState, ServiceRecord

__all__ = [
    "analysis_lines",
    "check_lines",
    "forecast_lines",
    "recommendation_lines",
    "report_lines",
    "schema_line",
    "service_lines",
]

Told = TypeVar("Told")

MOST_SERVICES = 30  # listed by `check`, the worst first; --json lists all
MOST_EXAMPLES = 3  # of each reason for a rejection
LONGEST_NAME = 40
WIDEST = 100  # columns of a sentence beside its name


def check_lines(intake: Intake, qualities: Sequence[Quality | Skipped]) -> Iterator[str]:
    """Say what was understood of a source, what was rejected and why, and how good each service's data are."""
    yield from _reading_lines(intake.reading)
    span = f"{moment(intake.first)} to {moment(intake.last)}" if intake.first and intake.last else "no time stamp"
    yield f"rows       {count(intake.rows)}, {count(intake.accepted)} usable; {span}"
    for note in intake.notes:
        yield ""
        yield from _note_lines(note)
    yield ""
    yield f"services   {count(len(qualities))}" + (", the worst first" if len(qualities) > 1 else "")
    rows = {service.service: service.rows for service in intake.services}
    ordered = sorted(qualities, key=_goodness)
    width = _width(quality.service for quality in ordered[:MOST_SERVICES])
    for quality in ordered[:MOST_SERVICES]:
        yield from _quality_lines(quality, rows.get(quality.service), width)
    if len(ordered) > MOST_SERVICES:
        yield f"  … and {count(len(ordered) - MOST_SERVICES)} more; --json lists all"


def analysis_lines(results: Sequence[Analysis | Skipped]) -> Iterator[str]:
    """Say how each service performed: figures with their intervals, what is wrong with the data, what to know."""
    for i, result in enumerate(results):
        if i:
            yield ""
        yield from (_skipped(result),) if isinstance(result, Skipped) else _analysis_lines(result)


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
    yield from _spaced(results, partial(_recommendation_lines, what_if=what_if))


def _recommendation_lines(result: Recommendation, *, what_if: bool) -> Iterator[str]:
    from slaopt.optimize.sentences import comparison

    name = visible(result.service, LONGEST_NAME)
    yield f"{name}  {visible(result.sentence)}"
    for row in comparison(result.now, result.then):
        yield f"  {row[0]:<34} " + "  ".join(f"{cell:<18}" for cell in row[1:]).rstrip()
    for reason in result.reasons:
        yield f"  {visible(reason)}"
    if result.command and not what_if:
        yield f"  → {visible(result.command)}"


def forecast_lines(results: Sequence[ServiceForecast | Skipped]) -> Iterator[str]:
    """Say what share of executions to expect above each threshold over each horizon, in columns."""
    yield from _spaced(results, _forecast_lines)


def _spaced(results: Sequence[Told | Skipped], lines: Callable[[Told], Iterable[str]]) -> Iterator[str]:
    """Lines of each result, a blank one between two; what was skipped stands together."""
    for i, result in enumerate(results):
        if i and not (isinstance(result, Skipped) and isinstance(results[i - 1], Skipped)):
            yield ""
        yield from (_skipped(result),) if isinstance(result, Skipped) else lines(result)


def _skipped(result: Skipped) -> str:
    return f"{visible(result.service, LONGEST_NAME)}  skipped: {visible(result.reason)}"


def _forecast_lines(result: ServiceForecast) -> Iterator[str]:
    from slaopt.forecast.service import COLUMNS, cells

    name = visible(result.service, LONGEST_NAME)
    yield f"{name}  from {moment(result.as_of)} on"
    rows = [COLUMNS, *cells(result)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def report_lines(results: Sequence[Report | Skipped], index: Path) -> Iterator[str]:
    """Say what each report found, in a line of its own, and where the index page is."""
    width = _width(result.service for result in results)
    for result in results:
        said = f"skipped: {result.reason}" if isinstance(result, Skipped) else _verdict(result)
        yield f"{visible(result.service, LONGEST_NAME):<{width}}  {visible(said)}"
    yield ""
    yield str(index)


def _verdict(report: Report) -> str:
    from slaopt.report.portfolio import WORDS

    current, recommended = report.current_threshold, report.recommended_threshold
    thresholds = [seconds(threshold) for threshold in (current, recommended) if threshold is not None]
    made = "" if report.status == "made" else " (as before)"
    return f"{WORDS[report.verdict]}: {' → '.join(dict.fromkeys(thresholds)) or 'no threshold'}{made}"


def service_lines(records: Sequence[ServiceRecord], runs: Mapping[str, RunRecord]) -> Iterator[str]:
    """Say what is decided of each service and what its latest report found, in columns."""
    if not records:
        yield "no service yet: slaopt services add NAME --threshold 2s, or slaopt report, which takes those of params"
        return
    rows: list[tuple[str, ...]] = [("service", "threshold", "objective", "state", "last analysed", "verdict")]
    rows += [_service_row(record, runs.get(record.service)) for record in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    for record in records:
        if record.problem is not None:
            yield f"{visible(record.service, LONGEST_NAME)}: {visible(record.problem)}"


def _service_row(record: ServiceRecord, run: RunRecord | None) -> tuple[str, ...]:
    return (
        visible(record.service, LONGEST_NAME),
        "–" if record.threshold is None else seconds(record.threshold, 6),
        "–" if record.objective is None else percent(record.objective),
        record.state,
        "–" if run is None else moment(run.as_of),
        "–" if run is None else run.verdict,
    )


def schema_line(state: SchemaState) -> str:
    """Say which version of slaopt's tables a store holds."""
    if state.state == "none":
        return f"{state.store}: none of slaopt's tables; slaopt db upgrade makes them"
    age = {"current": "the newest", "old": f"older than {state.newest}", "newer": f"newer than {state.newest}"}
    return f"{state.store}: schema {state.revision}, {age[state.state]}"


def visible(text: str, longest: int | None = None) -> str:
    r"""Write a text so that it cannot move a terminal's cursor, and shorten it.

    >>> visible("a\x1b[2Jb"), visible("abcdef", 4)
    ('a\\x1b[2Jb', 'abc…')
    """
    if longest is not None and len(text) > longest:
        text = text[: longest - 1] + "…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _reading_lines(reading: Reading) -> Iterator[str]:
    yield f"source     {visible(reading.source)}: {reading.format}" + (
        f", {count(len(reading.files))} files" if len(reading.files) > 1 else ""
    )
    for column in reading.columns:
        details = ["as given" if column.found == "given" else "by its usual name"]
        if column.role == "duration":
            details.append(f"unit {reading.unit} ({_origin(reading.unit_from)})")
            details += ["decimal comma"] if reading.decimal == "," else []
        if column.role == "timestamp":
            details.append(f"stamps {reading.stamps}")
            if reading.stamps in ("naive", "mixed"):
                details.append(f"read in {reading.timezone}")
        if column.role == "status" and reading.statuses:
            details.append(", ".join(f"{visible(text, 20)} {count(n)}" for text, n in reading.statuses[:5]))
        yield f"{column.role:<10} column {visible(column.name, LONGEST_NAME)}: {'; '.join(details)}"


def _origin(unit_from: str) -> str:
    return "assumed: --unit says another" if unit_from == "default" else unit_from


def _note_lines(note: Note) -> Iterator[str]:
    rows = f"{_rows(note.count)}: " if note.count else ""
    yield f"{note.kind:<10} {rows}{visible(note.reason)}"
    yield f"           → {visible(note.remedy)}"
    for example in note.examples[:MOST_EXAMPLES]:
        yield f"           {_place(example)}"


def _place(example: Example) -> str:
    parts = [
        visible(example.file) if example.file else None,
        f"{example.unit} {example.line}" if example.line is not None else None,
        f"column {visible(example.column, LONGEST_NAME)}" if example.column else None,
    ]
    place = ", ".join(part for part in parts if part)
    return place + (f": {example.text[:60]!r}" if example.text is not None else "")


def _quality_lines(quality: Quality | Skipped, rows: int | None, width: int) -> Iterator[str]:
    counted = _rows(rows) if rows is not None else ""
    start = f"  {visible(quality.service, LONGEST_NAME):<{width}}  {counted:>16}"
    if isinstance(quality, Skipped):
        yield f"{start}  not usable: {visible(quality.reason)}"
        return
    yield f"{start}  {quality.word}, {quality.score:.2f}"
    for check in quality.checks:
        yield f"    {visible(check.sentence)}"
        yield f"    → {visible(check.remedy)}"


def _rows(n: int) -> str:
    return "1 row" if n == 1 else f"{count(n)} rows"


def _goodness(quality: Quality | Skipped) -> tuple[float, str]:
    return (-1.0 if isinstance(quality, Skipped) else quality.score, quality.service)


def _width(names: Iterable[str]) -> int:
    return min(LONGEST_NAME, max((len(name) for name in names), default=0))
