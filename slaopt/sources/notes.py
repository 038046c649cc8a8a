"""Why rows are rejected, each reason with its remedy, in the same words for every source."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from slaopt.intake import Example, Note

__all__ = ["MOST_EXAMPLES", "Rejection", "rejected", "shortened"]

MOST_EXAMPLES = 3
LONGEST_TEXT = 60


class Rejection(IntEnum):
    """The reasons, in the order in which they are looked for: a row is rejected for the first that holds."""

    NOT_A_ROW = 1
    BLANK_STAMP = 2
    BAD_STAMP = 3
    DAY_OR_MONTH = 4
    EARLY_STAMP = 5
    SKIPPED_HOUR = 6
    BLANK_SERVICE = 7
    BAD_SERVICE = 8
    LONG_SERVICE = 9
    BLANK_DURATION = 10
    COMMA_DURATION = 11
    BAD_DURATION = 12
    NOT_FINITE = 13
    NEGATIVE = 14
    TOO_LONG = 15
    BAD_UNIT = 16
    OPEN_QUOTE = 17


class _Reason(NamedTuple):
    text: str
    remedy: str


_REASONS = {
    Rejection.NOT_A_ROW: _Reason("row cannot be read", "mend the row: it has not the columns of the others"),
    Rejection.BLANK_STAMP: _Reason("timestamp is blank", "give every execution a time"),
    Rejection.BAD_STAMP: _Reason(
        "timestamp cannot be read", "write times as 2026-11-03T14:05:00Z, or as epoch numbers"
    ),
    Rejection.DAY_OR_MONTH: _Reason(
        "timestamp may be day first or month first", "write dates as 2026-11-03, year first"
    ),
    Rejection.EARLY_STAMP: _Reason(
        "timestamp lies before 1990", "leave out rows without a time; check that the column holds times"
    ),
    Rejection.SKIPPED_HOUR: _Reason(
        "timestamp does not exist where the clock went forward", "name the zone of the stamps: --timezone"
    ),
    Rejection.BLANK_SERVICE: _Reason("service is blank", "name the service of every execution"),
    Rejection.BAD_SERVICE: _Reason("service has control characters", "write service names in printable characters"),
    Rejection.LONG_SERVICE: _Reason(
        "service is longer than 100 characters", "shorten the names, or name another column: --column service=NAME"
    ),
    Rejection.BLANK_DURATION: _Reason("duration is blank", "give a duration, or a status that says failed"),
    Rejection.COMMA_DURATION: _Reason(
        "duration has a comma that may part decimals or thousands", "say which mark parts decimals: --decimal , (or .)"
    ),
    Rejection.BAD_DURATION: _Reason("duration is not a number", "write plain numbers, and name their unit with --unit"),
    Rejection.NOT_FINITE: _Reason("duration is not finite", "leave out executions that did not end"),
    Rejection.NEGATIVE: _Reason("duration is negative", "check how durations are measured: a clock may have been set"),
    Rejection.TOO_LONG: _Reason("duration is longer than 300 years", "check the unit of the column: --unit"),
    Rejection.BAD_UNIT: _Reason("unit is no unit of time", "write ns, us, ms, s, min, h or d, or name it with --unit"),
    Rejection.OPEN_QUOTE: _Reason(
        "a quote is never closed, so everything after it was lost", "close or remove the quote in the line named here"
    ),
}


def rejected(reason: Rejection, count: int, examples: Sequence[Example] = ()) -> Note:
    """Say how many rows were rejected for a reason, and where the first of them stand."""
    text, remedy = _REASONS[reason]
    return Note(kind="rejected", reason=text, count=count, remedy=remedy, examples=tuple(examples[:MOST_EXAMPLES]))


def shortened(text: str) -> str:
    r"""Write the text of an example in at most 60 characters, control characters escaped.

    >>> shortened("a\tb")
    'a\\tb'
    """
    safe = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text[:LONGEST_TEXT]
    )
    return safe if len(safe) <= LONGEST_TEXT and len(text) <= LONGEST_TEXT else safe[: LONGEST_TEXT - 1] + "…"
