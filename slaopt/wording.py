"""Numbers in words: how durations, rates, counts and times are written for people, the same everywhere."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

__all__ = [
    "UNIT_OF_WORD",
    "UNIT_SECONDS",
    "chance",
    "count",
    "day",
    "moment",
    "number",
    "parse_moment",
    "parse_seconds",
    "per_thousand",
    "percent",
    "seconds",
    "span",
    "unit_name",
]

UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
YEARS = range(1971, 2262)  # what nanosecond stamps can hold, with a year to spare
UNITS = UNIT_SECONDS | {"µs": 1e-6}

_UNIT_WORDS = {
    "ns": ("ns", "nano", "nanos", "nsec", "nanosecond", "nanoseconds"),
    "us": ("us", "µs", "μs", "micro", "micros", "usec", "microsecond", "microseconds"),
    "ms": ("ms", "milli", "millis", "msec", "msecs", "millisec", "millisecs", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
}
UNIT_OF_WORD = {word: unit for unit, words in _UNIT_WORDS.items() for word in words}


def number(value: float, digits: int = 3) -> str:
    """Write a number with so many significant digits, separators from 1,000 on and no exponent.

    >>> number(1234.5), number(0.01234), number(2.60)
    ('1,234', '0.0123', '2.6')
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: float) -> str:
    """Write a count.

    >>> count(12345)
    '12,345'
    """
    return f"{round(value):,}"


def seconds(value: float, digits: int = 3) -> str:
    """Write a duration with the unit that a person would choose.

    >>> seconds(0.25), seconds(2.6), seconds(300), seconds(5400), seconds(0.0009)
    ('250 ms', '2.6 s', '5 min', '1.5 h', '900 µs')
    """
    size = abs(value)
    for unit, least in (("d", 2 * 86400.0), ("h", 3600.0), ("min", 120.0), ("s", 0.9995), ("ms", 0.0009995)):
        if size >= least:
            return f"{number(value / UNITS[unit], digits)} {unit}"
    return f"{number(value / UNITS['µs'], digits)} µs" if value else "0 s"


def percent(rate: float, digits: int = 2) -> str:
    """Write a rate 0–1 in percent.

    >>> percent(0.0123), percent(0.99), percent(0.999), percent(1.0)
    ('1.2 %', '99 %', '99.9 %', '100 %')
    """
    if 0.9 < rate < 1:  # what matters of an attainment is its distance from 1
        places = max(0, digits - 3 - math.floor(math.log10(1 - rate) + 1e-9))
        text = f"{100 * rate:.{places}f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) + " %"
    return f"{number(100 * rate, digits)} %"


def chance(probability: float) -> str:
    """Write a probability for people, who need no third digit.

    >>> chance(0.004), chance(0.873), chance(0.9999)
    ('under 1 %', '87 %', 'over 99 %')
    """
    if probability < 0.01:
        return "under 1 %"
    return "over 99 %" if probability > 0.99 else f"{round(100 * probability)} %"


def per_thousand(rate: float) -> str:
    """Write how many of 1,000 a rate is.

    >>> per_thousand(0.0412), per_thousand(0.0004)
    ('41', '0.4')
    """
    return number(1000 * rate, 2)


def span(low: str, high: str) -> str:
    """Join both ends of an interval that are written already, naming a shared unit once.

    >>> span("2.1 s", "2.6 s"), span("900 ms", "1.1 s")
    ('2.1–2.6 s', '900 ms–1.1 s')
    """
    head, _, unit = low.rpartition(" ")
    return f"{head}–{high}" if head and high.endswith(f" {unit}") else f"{low}–{high}"


def moment(time: datetime, timezone: str = "UTC") -> str:
    """Write a time as 3 Nov 2026, 14:05 UTC."""
    local = time.astimezone(ZoneInfo(timezone))
    return f"{local.day} {local:%b %Y, %H:%M} {local.tzname() or timezone}"


def day(time: date, timezone: str = "UTC") -> str:
    """Write a day, or that of a moment in the zone, as 3 Nov 2026."""
    local = time.astimezone(ZoneInfo(timezone)) if isinstance(time, datetime) else time
    return f"{local.day} {local:%b %Y}"


def unit_name(text: str) -> str | None:
    """Give the unit of time that a text means, None where it means none.

    >>> unit_name("Milliseconds"), unit_name(" S "), unit_name("percent")
    ('ms', 's', None)
    """
    return UNIT_OF_WORD.get(unicodedata.normalize("NFC", text).strip().rstrip(".").lower())


def parse_moment(text: str) -> datetime:
    """Read a time in ISO 8601; without a zone it is UTC.

    Raises
    ------
    ValueError
        If the text is no time, or lies outside what nanosecond stamps can hold.

    >>> parse_moment("2026-11-03").isoformat()
    '2026-11-03T00:00:00+00:00'
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: give 2026-11-03T14:00:00Z") from None
    if moment.year not in YEARS:
        raise ValueError(f"{text!r} lies outside the years {YEARS[0]} to {YEARS[-1]}")
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def parse_seconds(text: str | float) -> float:
    """Read a duration: a bare number is seconds, a unit may follow.

    Raises
    ------
    ValueError
        If the text is no positive, finite duration.

    >>> parse_seconds("300ms"), parse_seconds("2.5"), parse_seconds("5 min")
    (0.3, 2.5, 300.0)
    """
    written = str(text).strip()
    digits = written.rstrip("µabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = written[len(digits) :].strip() or "s"
    try:
        value = float(digits) * UNITS[unit] if digits.strip()[-1:].isdigit() or digits.strip().endswith(".") else -1.0
    except (KeyError, ValueError):
        value = -1.0
    if not (0 < value < math.inf):
        raise ValueError(f"{written!r} is not a duration: give seconds, or a number with us, ms, s, min, h or d")
    return float(f"{value:.12g}")
