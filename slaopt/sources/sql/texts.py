"""Durations and times that a database keeps as text, read one by one."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from slaopt.sources.notes import Rejection
from slaopt.sources.stamps import epoch_seconds

__all__ = ["text_number", "text_stamp"]

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
GROUPED = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
EPOCH = re.compile(r"[0-9]{9,19}(\.[0-9]*)?")
DAY_OR_MONTH = re.compile(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1[0-9]{4}(?![0-9]).*", re.DOTALL)
YEAR_FIRST = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9]).*", re.DOTALL)
NOT_FINITE = frozenset({"nan", "inf", "infinity"})


def text_number(text: str, decimal: str | None = None) -> float | Rejection:
    """Read a number, or say why it is none; without `decimal`, a comma is refused because it could mean two things.

    >>> text_number(" 2.5 "), text_number("2,5", ","), text_number("1,250.5", ".")
    (2.5, 2.5, 1250.5)
    >>> text_number("2,5").name, text_number("12 ms").name
    ('COMMA_DURATION', 'BAD_DURATION')
    """
    plain = text.strip()
    if not plain:
        return Rejection.BLANK_DURATION
    if plain.lstrip("+-").lower() in NOT_FINITE:
        return Rejection.NOT_FINITE
    if "," in plain:
        if decimal is None:
            return Rejection.COMMA_DURATION
        if decimal == ",":
            plain = plain.replace(",", ".", 1) if "." not in plain else "."
        elif GROUPED.fullmatch(plain):
            plain = plain.replace(",", "")
    elif decimal == "," and "." in plain:
        return Rejection.COMMA_DURATION
    return float(plain) if NUMBER.fullmatch(plain) else Rejection.BAD_DURATION


def text_stamp(text: str) -> tuple[float, bool] | Rejection:
    """Read a time as seconds since 1970, and whether it names no zone (its seconds are then as if it were UTC).

    >>> text_stamp("2026-11-03T14:05:00Z"), text_stamp("2026-11-03 14:05")
    ((1793714700.0, False), (1793714700.0, True))
    >>> text_stamp("03/11/2026").name
    'DAY_OR_MONTH'
    """
    plain = text.strip()
    if not plain:
        return Rejection.BLANK_STAMP
    if EPOCH.fullmatch(plain):
        return epoch_seconds(float(plain)), False
    if DAY_OR_MONTH.fullmatch(plain):
        return Rejection.DAY_OR_MONTH
    if not YEAR_FIRST.fullmatch(plain):
        return Rejection.BAD_STAMP
    try:
        moment = datetime.fromisoformat(re.sub(r" (?=[+-]|UTC$|Z$)", "", plain).replace("UTC", "Z"))
    except ValueError:
        return Rejection.BAD_STAMP
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp(), moment.tzinfo is None
