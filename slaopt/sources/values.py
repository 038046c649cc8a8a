"""What a text means: a service's name, and whether a status says failed."""

from __future__ import annotations

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from slaopt.intake import Note
from slaopt.result import Skipped
from slaopt.sources.columns import plain_name
from slaopt.sources.notes import Rejection

__all__ = ["LONGEST_NAME", "failed_statuses", "name_problem", "service_name"]

LONGEST_NAME = 100  # characters of a service's name
SERVER_ERROR = 500  # status codes from here on are failures

_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_NOTHING = frozenset({"", "none", "null", "nil", "-", "ok", "success", "nan"}) | _FALSE
_SUCCESS_NAMES = frozenset({"success", "succeeded", "is_success", "successful", "ok"})
_FAILURE_NAMES = frozenset({"failed", "is_failed", "failure", "error", "is_error", "has_error"})
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def service_name(text: str) -> str:
    """Give the name that a text stands for: NFC, without blanks at either end; case stays.

    >>> service_name("  cafe\u0301 ")
    'café'
    """
    return unicodedata.normalize("NFC", text).strip()


def name_problem(text: str | None) -> Rejection | None:
    r"""Tell why a text cannot be a service's name, None where it can.

    >>> name_problem(" ").name, name_problem("a\nb").name, name_problem("checkout")
    ('BLANK_SERVICE', 'BAD_SERVICE', None)
    """
    if text is None or not text.strip():
        return Rejection.BLANK_SERVICE
    if len(text) > 10 * LONGEST_NAME or len(name := service_name(text)) > LONGEST_NAME:
        return Rejection.LONG_SERVICE
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") or sign in _DIRECTION for sign in name):
        return Rejection.BAD_SERVICE
    return None


def twins(names: Iterable[str]) -> list[tuple[str, ...]]:
    """List the names that differ only in case.

    >>> twins(["Checkout", "login", "checkout"])
    [('Checkout', 'checkout')]
    """
    alike: dict[str, list[str]] = defaultdict(list)
    for name in names:
        alike[name.casefold()].append(name)
    return [tuple(sorted(group)) for _, group in sorted(alike.items()) if len(group) > 1]


def missing_service(name: str, names: Sequence[str]) -> Skipped:
    """Say that a service is not there, and which names come near."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    alike = [other for other in names if other.casefold() == name.casefold()]
    shown = ", ".join(repr(other) for other in (alike or near or list(names)[:5]))
    hint = "did you mean" if alike or near else "there are"
    return Skipped(
        service=name, reason=f"no such service in the measurements; {hint} {shown}" if names else "no services"
    )


def twin_notes(names: Sequence[str]) -> Iterator[Note]:
    """Warn of names that differ only in case."""
    for group in twins(names):
        yield Note(
            kind="warning", count=0, reason=f"services {' and '.join(map(repr, group))} differ only in case",
            remedy="write the name in one way if they are one service",
        )  # fmt: skip


def failed_statuses(statuses: Iterable[str], *, column: str, words: Collection[str]) -> set[str]:
    """Give those of the different texts of a status column that mean failed or cancelled.

    A column called `success` fails where it is false; one called `failed` or `error` where it holds anything but a
    no; any other where it holds one of the words, or a number from 500 on.

    Parameters
    ----------
    statuses
        The texts as they stand in the column.
    column
        Its name.
    words
        `params.failed_statuses`.

    >>> sorted(failed_statuses(["200", "503", "FAILED", "ok"], column="status", words=["failed"]))
    ['503', 'FAILED']
    >>> failed_statuses(["true", "false"], column="success", words=["failed"])
    {'false'}
    """
    name, known = plain_name(column), {word.strip().casefold() for word in words}

    def fails(text: str) -> bool:
        plain = text.strip().casefold()
        if name in _FAILURE_NAMES:
            return plain not in _NOTHING
        if name in _SUCCESS_NAMES and plain in _FALSE:
            return True
        return plain in known or _is_server_error(plain)

    return {status for status in statuses if fails(status)}


def _is_server_error(text: str) -> bool:
    try:
        return float(text) >= SERVER_ERROR
    except ValueError:
        return False
