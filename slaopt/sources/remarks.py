"""What has to be said of how the data of an experiment were read."""

from __future__ import annotations

from collections.abc import Iterator

from slaopt.experiment.observed import Remark
from slaopt.intake import Example, Intake, Note
from slaopt.wording import count

__all__ = ["found_remark", "mixed_remark", "read_remarks"]


def read_remarks(intake: Intake) -> Iterator[Remark]:
    """Say which rows cannot be used, where they stand and what to do, and what was read with a doubt."""
    for note in intake.notes:
        remedy = note.remedy.replace("--unit", "--duration-unit").replace("--column unit", "--column duration_unit")
        if note.kind == "rejected":
            sentence = f"{_rows(note.count)} left out, {note.reason}{_places(note)}; {remedy}"
            yield Remark(kind="rejected", count=float(note.count), sentence=_ended(sentence))
        elif note.count:
            sentence = f"{note.reason[:1].upper()}{note.reason[1:]} ({count(note.count)}); {remedy}"
            yield Remark(kind="reading", count=float(note.count), sentence=_ended(sentence))


def _rows(number: int) -> str:
    return "1 row is" if number == 1 else f"{count(number)} rows are"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def _places(note: Note) -> str:
    return f" ({', '.join(map(_place, note.examples))})" if note.examples else ""


def _place(example: Example) -> str:
    text = "" if example.text is None else f" {example.text!r}"
    return f"{example.unit} {example.line}{text}" if example.line is not None else text.strip()


def found_remark(name: str) -> Remark:
    """Say which column was taken for the unit of assignment, where nobody named one."""
    return Remark(
        kind="reading",
        sentence=f"Column {name!r} is taken for what was assigned as a whole; if it is another, name it: --column "
        "unit=NAME.",
    )


def mixed_remark(name: str) -> Remark:
    """Say why a column was not taken for the unit of assignment."""
    return Remark(
        kind="reading",
        sentence=f"Column {name!r} is not taken for the unit of assignment: most of what it names is in both arms. If "
        f"each was to have one arm, say --column unit={name}: then nothing can be concluded.",
    )
