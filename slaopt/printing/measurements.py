"""Lines about measurements: what was understood of a source, what was rejected, how good the data are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slaopt.printing.text import LONGEST_NAME, visible, width_of
from slaopt.result import Skipped
from slaopt.wording import count, moment

if TYPE_CHECKING:
    from slaopt.analysis import Quality
    from slaopt.intake import Example, Intake, Note, Reading

__all__ = ["check_lines"]

MOST_SERVICES = 30  # listed by `check`, the worst first; --json lists all
MOST_EXAMPLES = 3  # of each reason for a rejection


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
    width = width_of(quality.service for quality in ordered[:MOST_SERVICES])
    for quality in ordered[:MOST_SERVICES]:
        yield from _quality_lines(quality, rows.get(quality.service), width)
    if len(ordered) > MOST_SERVICES:
        yield f"  … and {count(len(ordered) - MOST_SERVICES)} more; --json lists all"


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
