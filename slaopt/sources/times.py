"""How the times of the rows, taken as a whole, are read: day or month first, local or UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from slaopt.intake import Note
from slaopt.sources.base import Options
from slaopt.sources.load import Loaded
from slaopt.sources.parse import StampForm, local_to_utc, typed_form
from slaopt.sources.stamps import zone_pieces

__all__ = ["Times", "decide_times"]

NAIVE = (StampForm.NAIVE, StampForm.SLASHES, StampForm.DATE)
UNKNOWN = "NULL::TIMESTAMP"
EARLY, LATE = datetime(1990, 1, 1), datetime(2100, 1, 1)  # local times, between which zones are known


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What was decided."""

    utc: str  # SQL, NULL where the time is unknown or never was
    slashes_unknown: bool  # 01/02/2026 cannot be told
    word: str  # "with zone", "naive", "epoch", "mixed"
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """The times that are written in one form."""

    count: int
    only_day_first: int = 0  # can be read in this order only
    only_month_first: int = 0
    first: datetime | None = None
    last: datetime | None = None


def decide_times(loaded: Loaded, options: Options) -> Times:
    """Look at all times, and decide how each is read."""
    forms = _forms(loaded, options)
    slashes, order = _slashes(forms)
    chosen = f"CASE WHEN stamp_form = {StampForm.SLASHES:d} THEN {slashes} ELSE stamp END" if slashes else "stamp"
    utc, twice = _utc(forms, chosen, options)
    again = int(loaded.query(f"SELECT count(*) FROM rows WHERE {twice}")[0][0]) if twice else 0
    return Times(
        utc=utc,
        slashes_unknown=slashes == UNKNOWN,
        word=_word(forms),
        notes=tuple(_notes(forms, order, again, options.timezone or "UTC")),
    )


def _forms(loaded: Loaded, options: Options) -> dict[StampForm, _Form]:
    kinds = [group.type_of("timestamp") for group in loaded.groups]
    if "VARCHAR" not in kinds and options.timezone in (None, "UTC"):  # the types tell all, no row need be read
        rows = int(loaded.query("SELECT count(*) FROM rows")[0][0])
        return {typed_form(kind): _Form(count=rows) for kind in kinds}
    found = loaded.query(
        "SELECT stamp_form, count(*), count_if(stamp IS NOT NULL AND other_stamp IS NULL), "
        "count_if(stamp IS NULL AND other_stamp IS NOT NULL), min(stamp), max(stamp) FROM rows GROUP BY 1"
    )
    return {
        StampForm(form): _Form(count=count, only_day_first=day, only_month_first=month, first=first, last=last)
        for form, count, day, month, first, last in found
    }


def _slashes(forms: Mapping[StampForm, _Form]) -> tuple[str | None, str | None]:
    """Decide how 01/02/2026 is read: its SQL (None: there is none such), and the order in words (None: unknown)."""
    form = forms.get(StampForm.SLASHES)
    if form is None:
        return None, None
    if form.only_day_first and not form.only_month_first:
        return "stamp", "day first"
    if form.only_month_first and not form.only_day_first:
        return "other_stamp", "month first"
    return UNKNOWN, None


def _utc(forms: Mapping[StampForm, _Form], chosen: str, options: Options) -> tuple[str, str | None]:
    """Give the SQL of the UTC time, and of whether the clock showed it twice."""
    naive = [forms[form] for form in NAIVE if form in forms]
    ends = [end for form in naive for end in (form.first, form.last) if isinstance(end, datetime)]
    if options.timezone in (None, "UTC") or not ends:
        return chosen, None
    pieces = zone_pieces(str(options.timezone), min(max(min(ends), EARLY), LATE), max(min(max(ends), LATE), EARLY))
    utc, twice = local_to_utc(chosen, pieces)
    is_naive = f"stamp_form IN ({', '.join(f'{form:d}' for form in NAIVE)})"
    return f"CASE WHEN {is_naive} THEN {utc} ELSE {chosen} END", f"{is_naive} AND ({twice})" if twice else None


def _word(forms: Mapping[StampForm, _Form]) -> str:
    words = [
        word
        for word, there in (
            ("with zone", StampForm.ZONED in forms),
            ("epoch", StampForm.EPOCH in forms),
            ("naive", any(form in forms for form in NAIVE)),
        )
        if there
    ]
    return words[0] if len(words) == 1 else ("mixed" if words else "none")


def _notes(forms: Mapping[StampForm, _Form], order: str | None, twice: int, zone: str) -> Iterator[Note]:
    def warning(reason: str, count: int, remedy: str) -> Note:
        return Note(kind="warning", reason=reason, count=count, remedy=remedy)

    naive = sum(forms[form].count for form in NAIVE if form in forms)
    if order:
        yield warning(
            f"dates such as 13/02/2026 are read {order}, as some of them demand",
            forms[StampForm.SLASHES].count,
            "write dates year first: 2026-02-13",
        )
    if naive and StampForm.ZONED in forms:
        yield warning(
            f"some times carry a zone and others do not; those without were read as {zone}",
            naive,
            "write a zone with every time, or name theirs with --timezone",
        )
    if dates := forms.get(StampForm.DATE):
        yield warning(
            "times are dates without a time of day",
            dates.count,
            "give the time of day: alerts and daily patterns need it",
        )
    if twice:
        yield warning(
            f"times in the hour that the clock of {zone} showed twice were read as the earlier one",
            twice,
            "write times in UTC or with their offset",
        )
