r"""Durations and times that a database keeps as text: one grammar, for Python's `re` and for PostgreSQL alike.

The patterns use nothing but classes, groups and counts, which both understand in the same way.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from slaopt.sources.notes import Rejection
from slaopt.sources.stamps import epoch_seconds

__all__ = [
    "BLANKS", "COMMA_DECIMAL", "COMMA_THOUSANDS", "DAY_OR_MONTH", "DOT_THOUSANDS", "EPOCH_NUMBER", "ISO",
    "LONGEST_NUMBER", "NOT_FINITE", "PLAIN", "WITH_ZONE", "text_number", "text_stamp",
]  # fmt: skip

BLANKS = " \t\n\r\f\v"
LONGEST_NUMBER = 60  # characters

PLAIN = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
COMMA_DECIMAL = r"^[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+),[0-9]+$"
COMMA_THOUSANDS = r"^[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+([.][0-9]+)?$"
DOT_THOUSANDS = r"^[+-]?[0-9]{1,3}([.][0-9]{3})+$"
NOT_FINITE = r"^[+-]?([nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)$"

EPOCH_NUMBER = r"^[0-9]{9,19}([.][0-9]*)?$"
DAY_OR_MONTH = r"^[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}($|[^0-9])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?"
_ZONE = r" ?(Z|z|UTC|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_DATE = r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
ISO = rf"^{_DATE}([T ]{_CLOCK}({_ZONE})?)?$"
WITH_ZONE = rf"^{_DATE}[T ]{_CLOCK}{_ZONE}$"


def text_number(text: str, decimal: str | None = None) -> float | Rejection:
    """Read a number, or say why it is none; without `decimal`, a comma is refused because it could mean two things.

    >>> text_number(" 2.5 "), text_number("2,5", ","), text_number("1,250.5", ".")
    (2.5, 2.5, 1250.5)
    >>> text_number("2,5").name, text_number("12 ms").name
    ('COMMA_DURATION', 'BAD_DURATION')
    """
    plain = text.strip(BLANKS)
    if not plain:
        return Rejection.BLANK_DURATION
    if re.search(NOT_FINITE, plain):
        return Rejection.NOT_FINITE
    if len(plain) > LONGEST_NUMBER:
        return Rejection.BAD_DURATION
    decimals, thousands = re.search(COMMA_DECIMAL, plain), re.search(COMMA_THOUSANDS, plain)
    if decimals and decimal == ",":
        return float(plain.replace(".", "").replace(",", "."))
    if thousands and decimal == ".":
        return float(plain.replace(",", ""))
    if decimals or thousands:
        return Rejection.COMMA_DURATION
    if decimal == "," and "." in plain:
        return float(plain.replace(".", "")) if re.search(DOT_THOUSANDS, plain) else Rejection.BAD_DURATION
    return float(plain) if re.search(PLAIN, plain) else Rejection.BAD_DURATION


def text_stamp(text: str) -> tuple[float, bool] | Rejection:
    """Read a time as seconds since 1970, and whether it names no zone (its seconds are then as if it were UTC).

    >>> text_stamp("2026-11-03T14:05:00Z"), text_stamp("2026-11-03 14:05")
    ((1793714700.0, False), (1793714700.0, True))
    >>> text_stamp("03/11/2026").name
    'DAY_OR_MONTH'
    """
    plain = text.strip(BLANKS)
    if not plain:
        return Rejection.BLANK_STAMP
    if re.search(EPOCH_NUMBER, plain):
        return epoch_seconds(float(plain)), False
    if re.search(DAY_OR_MONTH, plain):
        return Rejection.DAY_OR_MONTH
    if not re.search(ISO, plain):
        return Rejection.BAD_STAMP
    naive = not re.search(WITH_ZONE, plain)
    try:
        moment = datetime.fromisoformat(plain[:11] + plain[11:].replace(" ", "").replace("UTC", "Z").replace("z", "Z"))
    except ValueError:
        return Rejection.BAD_STAMP  # a day that its month does not have
    return (moment.replace(tzinfo=UTC) if naive else moment).timestamp(), naive
