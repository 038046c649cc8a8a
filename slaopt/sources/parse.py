"""The SQL (DuckDB's) that reads times and durations out of a file's columns, whatever they are written like.

Each expression gives NULL where it cannot, and a code that tells why; nothing is cast in any other place.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Literal, NamedTuple

from slaopt.errors import InputError
from slaopt.sources.stamps import EPOCH_UNITS, ZonePiece
from slaopt.wording import UNIT_SECONDS

__all__ = [
    "NumberForm",
    "NumberSql",
    "StampForm",
    "StampSql",
    "identifier",
    "literal",
    "local_to_utc",
    "number_sql",
    "seconds_sql",
    "stamp_sql",
    "trimmed",
    "typed_form",
]


DURATIONS = {f"duration[{unit}]": unit for unit in ("s", "ms", "us", "ns")}  # Arrow's; DuckDB takes them for integers
TYPE_UNITS = DURATIONS | {"INTERVAL": "s", "TIME": "s"}  # what a number out of such a type counts


class StampForm(IntEnum):
    """How a time was written."""

    ZONED = 0
    NAIVE = 1
    EPOCH = 2
    SLASHES = 3  # day or month first
    BLANK = 4
    UNREADABLE = 5
    DATE = 6
    NO_ROW = 7


class NumberForm(IntEnum):
    """How a duration was written."""

    PLAIN = 0
    DOTTED = 1
    COMMA = 2
    BLANK = 3
    UNREADABLE = 4


class StampSql(NamedTuple):
    """Expressions: the time (local where naive; day first where both are possible), month first, and the form."""

    stamp: str
    other: str
    form: str


class NumberSql(NamedTuple):
    """Expressions: the number (comma as decimal mark), with commas between thousands, its form, its own unit."""

    number: str
    other: str
    form: str
    unit: str


def identifier(name: str) -> str:
    """Quote a name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text."""
    return "'" + text.replace("'", "''") + "'"


def trimmed(column: str) -> str:
    """Take away white space at both ends; few texts have any, and looking for it is quicker than trimming."""
    return (
        f"CASE WHEN left({column}, 1) <= ' ' OR right({column}, 1) <= ' ' THEN trim({column}, E' \\t\\r\\n') "
        f"ELSE {column} END"
    )


def stamp_sql(column: str, kind: str) -> StampSql:
    """Give the expressions for a column of times of one of DuckDB's types; texts are trimmed already."""
    none = "NULL::TIMESTAMP"
    blank = f"CASE WHEN {column} IS NULL THEN {StampForm.BLANK:d} ELSE"
    if kind == "VARCHAR":
        return _text_stamp(column)
    form = f"{blank} {typed_form(kind):d} END"
    if is_number(kind):
        return StampSql(_epoch(f"{column}::DOUBLE"), none, form)
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return StampSql(f"({column} AT TIME ZONE 'UTC')", none, form)
    return StampSql(f"TRY_CAST({column} AS TIMESTAMP)", none, form)


def typed_form(kind: str) -> StampForm:
    """Give the form of the times of a type that is no text."""
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        return StampForm.ZONED
    if kind.startswith("TIMESTAMP"):
        return StampForm.NAIVE
    if kind == "DATE":
        return StampForm.DATE
    if is_number(kind):
        return StampForm.EPOCH
    raise InputError(f"a column of type {kind} holds no times; name another: --column timestamp=NAME")


def is_number(kind: str) -> bool:
    """Whether a type of DuckDB's is numeric."""
    return kind.startswith("DECIMAL") or kind in (
        "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
        "UHUGEINT", "FLOAT", "DOUBLE",
    )  # fmt: skip


def _epoch(number: str) -> str:
    cases = " ".join(
        f"WHEN abs({number}) < {below!r} THEN {number} * {factor * 1e6!r}" for _, below, factor in EPOCH_UNITS
    )
    return f"make_timestamp(TRY_CAST(CASE {cases} END AS BIGINT))"


def _text_stamp(text: str) -> StampSql:
    year_first = f"({text}[5] = '-' AND {text}[8] = '-')"  # asked first: of most texts it holds
    slashes = rf"(NOT {year_first} AND regexp_matches({text}, '^\d{{1,2}}[/-]\d{{1,2}}[/-]\d{{4}}'))"
    iso = f"(TRY_CAST(replace({text}, ',', '.') AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    digit = f"{text}[1] BETWEEN '0' AND '9'"
    number = _double(text)
    flat = f"replace({text}, '-', '/')"
    log_format = f"(try_strptime({text}, '%d/%b/%Y:%H:%M:%S %z')::TIMESTAMPTZ AT TIME ZONE 'UTC')"
    stamp = (
        f"CASE WHEN NOT ({digit}) THEN NULL WHEN {year_first} THEN {iso} "
        f"WHEN {slashes} THEN {_clock(flat, '%d/%m/%Y')} "
        f"ELSE coalesce({iso}, CASE WHEN {number} IS NOT NULL THEN {_epoch(number)} "
        f"ELSE coalesce({_clock(text, '%d.%m.%Y')}, {log_format}, try_strptime({text}, '%Y%m%dT%H%M%SZ')) END) END"
    )
    zoned = rf"({text}[-1] = 'Z' OR regexp_matches({text}, '[A-Za-z]$|:\d\d[^+-]*[+-]\d\d(:?\d\d)?$'))"
    form = (
        f"CASE WHEN {text} IS NULL OR {text} = '' THEN {StampForm.BLANK:d} "
        f"WHEN NOT ({digit}) THEN {StampForm.UNREADABLE:d} WHEN {slashes} THEN {StampForm.SLASHES:d} "
        f"WHEN NOT {year_first} AND {number} IS NOT NULL THEN {StampForm.EPOCH:d} "
        f"WHEN length({text}) <= 10 THEN {StampForm.DATE:d} "
        f"WHEN {zoned} OR {text} LIKE '__/___/____:%' THEN {StampForm.ZONED:d} ELSE {StampForm.NAIVE:d} END"
    )
    return StampSql(stamp, f"CASE WHEN {slashes} THEN {_clock(flat, '%m/%d/%Y')} END", form)


def _clock(text: str, date: str) -> str:
    """A date of that form, with or without a time of day."""
    times = ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f", "%I:%M:%S %p", "%I:%M %p")
    forms = [date, *(f"{date}{gap}{time}" for gap in (" ", "T") for time in times if gap == " " or "%p" not in time)]
    return f"try_strptime({text}, [{', '.join(map(literal, forms))}])"


def number_sql(column: str, kind: str, decimal: Literal[".", ","] | None) -> NumberSql:
    """Give the expressions for a column of durations of one of DuckDB's types; texts are trimmed already."""
    none, blank = "NULL::DOUBLE", f"CASE WHEN {column} IS NULL THEN {NumberForm.BLANK:d} ELSE {NumberForm.PLAIN:d} END"
    no_unit = "NULL::VARCHAR"
    if kind == "FLOAT":  # 2.2 in 32 bits is 2.2000000477 in 64: the shortest text is what was meant
        return NumberSql(f"{column}::VARCHAR::DOUBLE", none, blank, no_unit)
    if is_number(kind):
        return NumberSql(f"{column}::DOUBLE", none, blank, no_unit)
    if kind in DURATIONS:
        return NumberSql(f"{column}::DOUBLE", none, blank, no_unit)
    if kind in ("INTERVAL", "TIME"):
        return NumberSql(f"epoch({column})", none, blank, no_unit)
    if kind == "VARCHAR":
        return _text_number(column, decimal)
    raise InputError(f"a column of type {kind} holds no durations; name another: --column duration=NAME")


def _double(text: str) -> str:
    """A number written plainly: DuckDB's cast would read 1_000 too."""
    return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"


def _text_number(text: str, decimal: Literal[".", ","] | None) -> NumberSql:
    plain = _double(text)
    with_unit = rf"regexp_extract({text}, '^([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?) ?([A-Za-zµμ]+)$', %d)"
    bare = f"TRY_CAST({with_unit % 1} AS DOUBLE)"
    as_decimal = (
        rf"CASE WHEN regexp_matches({text}, '^[-+]?(\d+|\d{{1,3}}(\.\d{{3}})+),\d+$') "
        f"THEN TRY_CAST(replace(replace({text}, '.', ''), ',', '.') AS DOUBLE) END"
    )
    as_thousands = (
        rf"CASE WHEN regexp_matches({text}, '^[-+]?[1-9]\d{{0,2}}(,\d{{3}})+(\.\d+)?$') "
        f"THEN TRY_CAST(replace({text}, ',', '') AS DOUBLE) END"
    )
    unit = f"CASE WHEN {plain} IS NULL AND {bare} IS NOT NULL THEN {with_unit % 2} END"
    comma = f"contains({text}, ',')"
    if decimal == ",":
        dotted = rf"regexp_matches({text}, '^[-+]?\d{{1,3}}(\.\d{{3}})+$')"
        number = (
            f"CASE WHEN {comma} THEN {as_decimal} WHEN {dotted} THEN TRY_CAST(replace({text}, '.', '') AS DOUBLE) "
            f"WHEN contains({text}, '.') THEN NULL ELSE coalesce({plain}, {bare}) END"
        )
    else:
        number = f"coalesce({plain}, CASE WHEN {comma} THEN {as_decimal} ELSE {bare} END)"
    form = (
        f"CASE WHEN {text} IS NULL OR {text} = '' THEN {NumberForm.BLANK:d} WHEN {comma} THEN {NumberForm.COMMA:d} "
        f"WHEN {plain} IS NULL AND {bare} IS NULL THEN {NumberForm.UNREADABLE:d} "
        f"WHEN contains({text}, '.') THEN {NumberForm.DOTTED:d} ELSE {NumberForm.PLAIN:d} END"
    )
    return NumberSql(number, f"CASE WHEN {comma} THEN {as_thousands} END", form, unit)


def seconds_sql(number: str, unit: str, units: Mapping[str, str]) -> str:
    """Give the expression for seconds from a number and the text of its unit; NULL where that is no unit of time.

    Parameters
    ----------
    units
        The unit that each text means; where there is but one, the text is not looked at.
    """
    if not units:
        return "NULL::DOUBLE"
    if len(units) == 1:
        return _times(number, UNIT_SECONDS[next(iter(units.values()))])
    cases = " ".join(f"WHEN {literal(text)} THEN {_times(number, UNIT_SECONDS[name])}" for text, name in units.items())
    return f"CASE {unit} {cases} END"


def _times(number: str, factor: float) -> str:
    """Multiply; parts of a second divide, so that 2300 ms are exactly 2.3 s."""
    if factor == 1:
        return number
    return f"({number} / {round(1 / factor)}.0)" if factor < 1 else f"({number} * {factor!r})"


def local_to_utc(stamp: str, pieces: list[ZonePiece]) -> tuple[str, str | None]:
    """Give the expressions that bring a naive local time to UTC, and that tell whether the clock showed it twice.

    The first is NULL where the clock skipped that time.
    """
    offsets, twice = [], []
    for piece in pieces:
        inside = " AND ".join(
            [f"{stamp} >= TIMESTAMP '{piece.start}'"] * (piece.start is not None)
            + [f"{stamp} < TIMESTAMP '{piece.end}'"] * (piece.end is not None)
        )
        shift = int(piece.offset.total_seconds())
        value = "NULL" if piece.kind == "never" else f"{stamp} - to_seconds({shift})"
        offsets.append(f"WHEN {inside or 'true'} THEN {value}")
        if piece.kind == "twice":
            twice.append(f"({inside})")
    return f"CASE {' '.join(offsets)} END", " OR ".join(twice) or None
