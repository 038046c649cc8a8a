"""When something happened: the unit of epoch numbers, and local times without a zone brought to UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slaopt.errors import InputError

__all__ = ["EARLIEST", "EPOCH_UNITS", "ZonePiece", "epoch_seconds", "full_hour_after", "known_zone", "zone_pieces"]

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # what lies before is a missing time, or a number in another unit
EPOCH_UNITS = (("s", 1e11, 1.0), ("ms", 1e14, 1e-3), ("us", 1e17, 1e-6), ("ns", 1e20, 1e-9))  # below this size, in s
HOUR = timedelta(hours=1)


def epoch_seconds(number: float) -> float:
    """Turn an epoch number into seconds; its size tells its unit, from 1990 to the year 4000 without any doubt.

    >>> epoch_seconds(1_700_000_000), epoch_seconds(1_700_000_000_000)
    (1700000000.0, 1700000000.0)
    """
    for _, below, factor in EPOCH_UNITS:
        if abs(number) < below:
            return number * factor
    return float("inf")


def known_zone(name: str) -> ZoneInfo:
    """Give the time zone of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"{name!r} is no time zone: give an IANA name such as Europe/Berlin") from error


def full_hour_after(moment: datetime) -> datetime:
    """Give the first full hour, UTC, after a moment.

    >>> full_hour_after(datetime(2026, 11, 3, 14, 0, tzinfo=UTC)).isoformat()
    '2026-11-03T15:00:00+00:00'
    """
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePiece:
    """Local times (without zone) from `start` to before `end` that are read alike: UTC = local − offset."""

    start: datetime | None  # None: from ever
    end: datetime | None  # None: for ever
    offset: timedelta
    kind: Literal["once", "twice", "never"]  # twice: read as the earlier; never: skipped when the clock went forward


def zone_pieces(zone: str, first: datetime, last: datetime) -> list[ZonePiece]:
    """List the pieces of local time between two naive local times, the first and last reaching beyond them.

    >>> [piece.kind for piece in zone_pieces("Europe/Berlin", datetime(2026, 3, 1), datetime(2026, 11, 1))]
    ['once', 'never', 'once', 'twice', 'once']
    """
    pieces: list[ZonePiece] = []
    known = known_zone(zone)
    start: datetime | None = None
    offset = _offset(known, first - timedelta(days=2))
    for change in _changes(known, first - timedelta(days=2), last + timedelta(days=2)):
        after = _offset(known, change)
        one, two = change + offset, change + after
        if after > offset:
            pieces.append(ZonePiece(start=start, end=one, offset=offset, kind="once"))
            pieces.append(ZonePiece(start=one, end=two, offset=after, kind="never"))
            start = two
        else:
            pieces.append(ZonePiece(start=start, end=two, offset=offset, kind="once"))
            pieces.append(ZonePiece(start=two, end=one, offset=offset, kind="twice"))
            start = one
        offset = after
    return [*pieces, ZonePiece(start=start, end=None, offset=offset, kind="once")]


def _offset(zone: ZoneInfo, utc: datetime) -> timedelta:
    return utc.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta(0)


def _changes(zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    """List the UTC times (naive, whole seconds) between two at which the offset changes."""
    changes: list[datetime] = []
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while day < last:
        low, high = day, day + timedelta(days=1)
        if _offset(zone, low) != _offset(zone, high):
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if _offset(zone, middle) == _offset(zone, low):
                    low = middle
                else:
                    high = middle
            changes.append(high)
        day += timedelta(days=1)
    return changes
