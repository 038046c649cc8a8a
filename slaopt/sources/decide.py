"""What the rows as a whole decide about each of them: decimal mark, day or month first, units, services, failures.

The relation `executions` holds the outcome: one row an execution, with its service's number, UTC time, seconds, and the
reason for which it is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from slaopt.errors import InputError
from slaopt.intake import Note
from slaopt.params import ParamsBook
from slaopt.sources.base import Options
from slaopt.sources.columns import is_unit_column, plain_name, unit_name
from slaopt.sources.executions import Executions
from slaopt.sources.load import Loaded
from slaopt.sources.parse import NumberForm, StampForm, literal, local_to_utc, seconds_sql, typed_form
from slaopt.sources.stamps import zone_pieces
from slaopt.sources.values import failed_statuses, name_problem, service_name

__all__ = ["Decided", "decide"]

MOST_SERVICES = 100_000
MOST_STATUSES = 10_000
MOST_UNITS = 1_000
NAIVE = (StampForm.NAIVE, StampForm.SLASHES, StampForm.DATE)


@dataclass(slots=True, kw_only=True)
class Decided:
    """How the rows are read."""

    executions: Executions
    services: list[str]  # in the order of their numbers
    stamps: str
    timezone: str
    decimal: Literal[".", ","]
    unit: str
    unit_from: str
    statuses: tuple[tuple[str, int], ...] = ()
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Times:
    count: int
    only_day_first: int
    only_month_first: int
    either: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbers:
    count: int
    only_decimal: int
    only_thousands: int


def decide(loaded: Loaded, options: Options) -> Decided:
    """Look at the rows, decide how they are read, and make the view `executions`.

    Raises
    ------
    InputError
        If there are too many services, statuses or units to be any, or units contradict a column's name.
    """
    times, numbers = _times(loaded, options), _numbers(loaded)
    notes: list[Note] = []
    services = _make_names(loaded)
    units, unit_text, unit, unit_from = _units(loaded, options, notes)
    statuses = _statuses(loaded)
    decimal, number = _number(numbers, options, notes)
    stamp = _stamp(times, notes)
    utc, twice = _utc(times, stamp, options)
    executions = Executions(
        utc=utc, number=number, seconds=seconds_sql(number, unit_text, units),
        failed=_failed(loaded, services, statuses, options.book), slashes_unknown=stamp == "NULL",
    )  # fmt: skip
    loaded.database.execute(f"CREATE VIEW executions AS {executions.sql('rows')}")
    _note_times(loaded, times, twice, options, notes)
    return Decided(
        executions=executions,
        services=services, stamps=_stamps_word(times), timezone=options.timezone or "UTC", decimal=decimal,
        unit=unit, unit_from=unit_from, statuses=tuple(statuses[:20]), notes=notes,
    )  # fmt: skip


def _typed(loaded: Loaded, role: Literal["timestamp", "duration"]) -> bool:
    return all(group.type_of(role) != "VARCHAR" for group in loaded.groups)


def _times(loaded: Loaded, options: Options) -> dict[StampForm, _Times]:
    if _typed(loaded, "timestamp") and options.timezone in (None, "UTC"):  # the types tell, nothing need be read
        forms = {typed_form(group.type_of("timestamp")) for group in loaded.groups}
        return {
            form: _Times(count=0, only_day_first=0, only_month_first=0, either=0, first=None, last=None)
            for form in forms
        }
    found = loaded.query(
        "SELECT stamp_form, count(*), count_if(stamp IS NOT NULL AND other_stamp IS NULL), "
        "count_if(stamp IS NULL AND other_stamp IS NOT NULL), count_if(stamp IS NOT NULL AND other_stamp IS NOT NULL), "
        "min(stamp), max(stamp) FROM rows GROUP BY 1"
    )
    return {
        StampForm(row[0]): _Times(
            count=row[1], only_day_first=row[2], only_month_first=row[3], either=row[4], first=row[5], last=row[6]
        )
        for row in found
    }


def _numbers(loaded: Loaded) -> dict[NumberForm, _Numbers]:
    if _typed(loaded, "duration"):
        return {}
    found = loaded.query(
        "SELECT number_form, count(*), count_if(number IS NOT NULL AND other_number IS NULL), "
        "count_if(number IS NULL AND other_number IS NOT NULL) FROM rows GROUP BY 1"
    )
    return {NumberForm(row[0]): _Numbers(count=row[1], only_decimal=row[2], only_thousands=row[3]) for row in found}


def _make_names(loaded: Loaded) -> list[str]:
    """Number the services and make the table `names`: text as it stands → number, or the reason against it."""
    found = loaded.query(f"SELECT DISTINCT service FROM rows LIMIT {MOST_SERVICES + 1}")
    if len(found) > MOST_SERVICES:
        raise InputError(
            f"{loaded.groups[0].where}: the service column has more than {MOST_SERVICES:,} different values; "
            "name the one that holds services: --column service=NAME"
        )
    problems = {text: name_problem(text) for (text,) in found}
    services = sorted({service_name(text) for text, problem in problems.items() if problem is None})
    number = {name: at for at, name in enumerate(services)}
    import pyarrow as pa

    texts = list(problems)
    ids = [number[service_name(text)] if problems[text] is None else -1 for text in texts]
    names = pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "id": pa.array(ids, pa.int32()),
            "problem": pa.array([problems[t] or 0 for t in texts], pa.uint8()),
        }
    )
    loaded.database.register("names_given", names)
    loaded.database.execute("CREATE TABLE names AS SELECT * FROM names_given")
    loaded.database.unregister("names_given")
    return services


def _units(loaded: Loaded, options: Options, notes: list[Note]) -> tuple[dict[str, str], str, str, str]:
    """Decide on units: what each text means, the SQL of a row's text, and the words for `Reading`."""
    by_column = [group.columns["unit"] for group in loaded.groups if "unit" in group.columns]
    use_column = bool(by_column) and options.unit is None
    if use_column:
        texts = [row[0] for row in loaded.query(f"SELECT DISTINCT unit FROM rows LIMIT {MOST_UNITS}")]
        sure = all(column.found == "given" or plain_name(column.name) != "unit" for column in by_column)
        if not is_unit_column(texts) and not sure:
            use_column = False
            unknown = any(group.unit_from == "default" for group in loaded.groups)
            if unknown and any(text and text.strip() for text in texts):
                shown = next(text for text in texts if text and unit_name(text) is None)
                notes.append(
                    Note(
                        kind="warning", count=0,
                        reason=f"column {by_column[0].name!r} is not taken for a unit of time: it holds {shown[:60]!r}",
                        remedy="name the unit with --unit, or the column with --column unit=NAME",
                    )
                )  # fmt: skip
    text = "coalesce(own_unit, nullif(trim(unit), ''), base_unit)" if use_column else "coalesce(own_unit, base_unit)"
    typed = _typed(loaded, "duration") and not use_column
    bases = {group.unit for group in loaded.groups}
    if typed:
        units = {base: base for base in bases}
    else:
        found = [row[0] for row in loaded.query(f"SELECT DISTINCT {text} FROM rows LIMIT {MOST_UNITS}")]
        units = {item: name for item in found if (name := unit_name(item)) is not None}
    named = {group.unit for group in loaded.groups if group.unit_from in ("column name", "type")}
    if use_column and named and set(units.values()) - named:
        raise InputError(
            f"{loaded.groups[0].where}: column {loaded.groups[0].columns['duration'].name!r} says "
            f"{' or '.join(sorted(named))}, column {by_column[0].name!r} says "
            f"{', '.join(sorted(set(units.values())))}; say which holds: --unit"
        )
    if use_column:
        return units, text, "by row", "unit column"
    if set(units.values()) - bases:
        return units, text, "by row", "text"
    sources = {group.unit_from for group in loaded.groups}
    return units, text, " or ".join(sorted(bases)), " or ".join(sorted(sources))


def _statuses(loaded: Loaded) -> list[tuple[str, int]]:
    if not any("status" in group.columns for group in loaded.groups):
        return []
    found = loaded.query(
        "SELECT status, count(*) FROM rows WHERE status IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 "
        f"LIMIT {MOST_STATUSES + 1}"
    )
    if len(found) > MOST_STATUSES:
        raise InputError(
            f"{loaded.groups[0].where}: the status column has more than {MOST_STATUSES:,} different values; "
            "name the one that holds statuses: --column status=NAME"
        )
    return [(str(text), int(count)) for text, count in found]


def _number(
    numbers: Mapping[NumberForm, _Numbers], options: Options, notes: list[Note]
) -> tuple[Literal[".", ","], str]:
    """Decide how numbers with a comma are read: the decimal mark and the SQL of the number."""
    comma = numbers.get(NumberForm.COMMA)
    reading = f"CASE WHEN number_form = {NumberForm.COMMA:d} THEN %s ELSE number END"
    if options.decimal is not None:
        return options.decimal, reading % ("number" if options.decimal == "," else "other_number")
    if comma is None:
        return ".", "number"
    dotted = NumberForm.DOTTED in numbers
    if comma.only_decimal and not comma.only_thousands and not dotted:
        notes.append(
            Note(
                kind="warning", reason="durations are read with a decimal comma", count=comma.count,
                remedy="if the comma parts thousands, say --decimal .",
            )
        )  # fmt: skip
        return ",", reading % "number"
    if (comma.only_thousands and not comma.only_decimal) or (dotted and not comma.only_decimal):
        notes.append(
            Note(
                kind="warning", reason="commas in durations are read as thousands separators", count=comma.count,
                remedy="if the comma parts decimals, say --decimal ,",
            )
        )  # fmt: skip
        return ".", reading % "other_number"
    return ".", reading % "NULL"


def _stamp(times: Mapping[StampForm, _Times], notes: list[Note]) -> str:
    """Decide how 01/02/2026 is read: the SQL of such a time, NULL where it stays unknown."""
    slashes = times.get(StampForm.SLASHES)
    if slashes is None:
        return "stamp"
    if slashes.only_day_first and not slashes.only_month_first:
        word, sql = "day first", "stamp"
    elif slashes.only_month_first and not slashes.only_day_first:
        word, sql = "month first", "other_stamp"
    else:
        return "NULL"
    notes.append(
        Note(
            kind="warning", reason=f"dates such as 13/02/2026 are read {word}, as some of them demand",
            count=slashes.count, remedy="write dates year first: 2026-02-13",
        )
    )  # fmt: skip
    return sql


def _utc(times: Mapping[StampForm, _Times], stamp: str, options: Options) -> tuple[str, str]:
    """Give the SQL of the UTC time, and of whether the clock showed it twice."""
    chosen = (
        f"CASE WHEN stamp_form = {StampForm.SLASHES:d} THEN {stamp} ELSE stamp END" if stamp != "stamp" else "stamp"
    )
    naive = [times[form] for form in NAIVE if form in times]
    ends = [end for time in naive for end in (time.first, time.last) if isinstance(end, datetime)]
    if options.timezone in (None, "UTC") or not ends:
        return chosen, "false"
    pieces = zone_pieces(
        str(options.timezone), max(min(ends), datetime(1990, 1, 1)), min(max(ends), datetime(2100, 1, 1))
    )
    utc, twice = local_to_utc(chosen, pieces)
    is_naive = f"stamp_form IN ({', '.join(f'{form:d}' for form in NAIVE)})"
    return f"CASE WHEN {is_naive} THEN {utc} ELSE {chosen} END", f"{is_naive} AND ({twice})"


def _failed(loaded: Loaded, services: Sequence[str], statuses: Sequence[tuple[str, int]], book: ParamsBook) -> str:
    """Give the SQL of whether an execution failed; services may have words of their own for it."""
    column = next((group.columns["status"].name for group in loaded.groups if "status" in group.columns), "")
    texts = [text for text, _ in statuses]
    if not texts:
        return "false"

    def among(words: Sequence[str]) -> str:
        failing = sorted(failed_statuses(texts, column=column, words=words))
        return f"coalesce(status IN ({', '.join(map(literal, failing))}), false)" if failing else "false"

    usual = book.default.failed_statuses
    own = {at: words for at, name in enumerate(services) if (words := book.of(name).failed_statuses) != usual}
    cases = " ".join(f"WHEN {at} THEN {among(words)}" for at, words in own.items())
    return f"CASE id {cases} ELSE {among(usual)} END" if cases else among(usual)


def _stamps_word(times: Mapping[StampForm, _Times]) -> str:
    zoned, epoch = times.get(StampForm.ZONED), times.get(StampForm.EPOCH)
    naive = any(form in times for form in NAIVE)
    kinds = [word for word, there in (("with zone", zoned), ("epoch", epoch), ("naive", naive)) if there]
    return kinds[0] if len(kinds) == 1 else ("mixed" if kinds else "none")


def _note_times(
    loaded: Loaded, times: Mapping[StampForm, _Times], twice: str, options: Options, notes: list[Note]
) -> None:
    naive = sum(times[form].count for form in NAIVE if form in times)
    zone = options.timezone or "UTC"
    if naive and StampForm.ZONED in times:
        notes.append(
            Note(
                kind="warning", count=naive, remedy="write a zone with every time, or name theirs with --timezone",
                reason=f"some times carry a zone and others do not; those without were read as {zone}",
            )
        )  # fmt: skip
    if dates := times.get(StampForm.DATE):
        notes.append(
            Note(
                kind="warning", reason="times are dates without a time of day", count=dates.count,
                remedy="give the time of day: alerts and daily patterns need it",
            )
        )  # fmt: skip
    if twice != "false":
        row = loaded.query(f"SELECT count(*) FROM rows WHERE {twice}")
        if row[0][0]:
            notes.append(
                Note(
                    kind="warning", count=int(row[0][0]), remedy="write times in UTC or with their offset",
                    reason=f"times in the hour that the clock of {zone} showed twice were read as the earlier one",
                )
            )  # fmt: skip
