"""How the durations of the rows, taken as a whole, are read: decimal mark, thousands and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from slaopt.errors import InputError
from slaopt.intake import Note
from slaopt.sources.base import Options
from slaopt.sources.columns import is_unit_column, plain_name
from slaopt.sources.load import Loaded
from slaopt.sources.parse import NumberForm, seconds_sql
from slaopt.wording import unit_name

__all__ = ["Durations", "decide_durations"]

MOST_UNITS = 1_000
UNKNOWN = "NULL::DOUBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """What was decided."""

    number: str  # SQL of the number as it is written
    seconds: str  # SQL
    decimal: Literal[".", ","]
    unit: str
    unit_from: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Units:
    """What the texts of units mean, and where they stand."""

    text: str  # SQL of a row's text
    meaning: Mapping[str, str]
    unit: str
    unit_from: str


def decide_durations(loaded: Loaded, options: Options) -> Durations:
    """Look at all durations, and decide how each is read.

    Raises
    ------
    InputError
        If a column of units contradicts the unit in the name of the column of durations.
    """
    decimal, number, commas = _number(loaded, options)
    column, doubt = _unit_column(loaded, options)
    units = _by_row(loaded, column) if column else _by_name(loaded)
    return Durations(
        number=number,
        seconds=seconds_sql(number, units.text, units.meaning),
        decimal=decimal,
        unit=units.unit,
        unit_from=units.unit_from,
        notes=tuple(note for note in (commas, doubt) if note),
    )


def _number(loaded: Loaded, options: Options) -> tuple[Literal[".", ","], str, Note | None]:
    """Decide how numbers with a comma are read: decimal mark, SQL of the number, and what is to be said of it."""
    reading = f"CASE WHEN number_form = {NumberForm.COMMA:d} THEN %s ELSE number END"
    if options.decimal is not None:
        return options.decimal, reading % ("number" if options.decimal == "," else "other_number"), None
    if all(group.type_of("duration") != "VARCHAR" for group in loaded.groups):
        return ".", "number", None
    dotted, commas, only_decimal, only_thousands = loaded.query(
        f"SELECT count_if(number_form = {NumberForm.DOTTED:d}), count_if(number_form = {NumberForm.COMMA:d}), "
        f"count_if(number IS NOT NULL AND other_number IS NULL) FILTER (number_form = {NumberForm.COMMA:d}), "
        f"count_if(number IS NULL AND other_number IS NOT NULL) FILTER (number_form = {NumberForm.COMMA:d}) FROM rows"
    )[0]
    if not commas:
        return ".", "number", None
    if only_decimal and not only_thousands and not dotted:
        return ",", reading % "number", Note(
            kind="warning", reason="durations are read with a decimal comma", count=commas,
            remedy="if the comma parts thousands, say --decimal .",
        )  # fmt: skip
    if not only_decimal and (only_thousands or dotted):
        return ".", reading % "other_number", Note(
            kind="warning", reason="commas in durations are read as thousands separators", count=commas,
            remedy="if the comma parts decimals, say --decimal ,",
        )  # fmt: skip
    return ".", reading % UNKNOWN, None


def _unit_column(loaded: Loaded, options: Options) -> tuple[str | None, Note | None]:
    """Decide whether a column says the unit row by row; one called `unit` may be of something else."""
    columns = [group.columns["unit"] for group in loaded.groups if "unit" in group.columns]
    if not columns or options.unit is not None:
        return None, None
    name = columns[0].name
    if any(column.found == "given" or plain_name(column.name) != "unit" for column in columns):
        return name, None
    texts = [row[0] for row in loaded.query(f"SELECT DISTINCT unit FROM rows LIMIT {MOST_UNITS}")]
    if is_unit_column(texts):
        return name, None
    other = [text for text in texts if text and text.strip() and unit_name(text) is None]
    if not other or all(group.unit_from != "default" for group in loaded.groups):
        return None, None
    return None, Note(
        kind="warning", count=0, reason=f"column {name!r} is not taken for a unit of time: it holds {other[0][:60]!r}",
        remedy="name the unit with --unit, or the column with --column unit=NAME",
    )  # fmt: skip


def _by_row(loaded: Loaded, column: str) -> _Units:
    text = "coalesce(own_unit, nullif(trim(unit), ''), base_unit)"
    meaning = _meaning(loaded, text)
    named = {group.unit for group in loaded.groups if group.unit_from in ("column name", "type")}
    if named and set(meaning.values()) - named:
        raise InputError(
            f"{loaded.groups[0].where}: column {loaded.groups[0].columns['duration'].name!r} says "
            f"{' or '.join(sorted(named))}, column {column!r} says {', '.join(sorted(set(meaning.values())))}; "
            "say which holds: --unit"
        )
    return _Units(text=text, meaning=meaning, unit="by row", unit_from="unit column")


def _by_name(loaded: Loaded) -> _Units:
    text = "coalesce(own_unit, base_unit)"
    bases = {group.unit for group in loaded.groups}
    typed = all(group.type_of("duration") != "VARCHAR" for group in loaded.groups)
    meaning = {base: base for base in bases} if typed else _meaning(loaded, text)
    if set(meaning.values()) - bases:
        return _Units(text=text, meaning=meaning, unit="by row", unit_from="text")
    known = sorted({group.unit_from for group in loaded.groups})
    return _Units(text=text, meaning=meaning, unit=" or ".join(sorted(bases)), unit_from=" or ".join(known))


def _meaning(loaded: Loaded, text: str) -> dict[str, str]:
    found = [row[0] for row in loaded.query(f"SELECT DISTINCT {text} FROM rows LIMIT {MOST_UNITS}")]
    return {item: name for item in found if (name := unit_name(item)) is not None}
