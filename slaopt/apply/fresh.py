"""Fresh measurements of watched services: in one scan for all of them, and only what has settled.

An execution may be written long after its time stamp: those stamped at their start not before they end, others when
their file or batch arrives. Slots that may still fill are not judged yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from slaopt.errors import SlaoptError, UnreachableError
from slaopt.result import Skipped

if TYPE_CHECKING:
    from slaopt.profile import Profile, Profiles
    from slaopt.sources import Source

__all__ = ["SETTLING", "Wanted", "read_fresh", "settled"]

SETTLING: Final = timedelta(minutes=10)  # from a slot's end until what is in it has been written
SLOW: Final = 0.999  # share of the executions that have ended by then
LONGEST: Final = timedelta(hours=6)  # waited for executions to end
STEP: Final = timedelta(minutes=5)
HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which measurements of a service a watch needs."""

    service: str
    start: datetime
    thresholds: tuple[float, ...]  # counted exactly, seconds


def read_fresh(source: Source, wanted: Sequence[Wanted], *, at: datetime) -> dict[str, Profile | Skipped]:
    """Read the five-minute steps of each service up to the last that has settled at a moment.

    A service that cannot be read is a Skipped and takes no other with it.
    """
    asked = {one.service: one for one in wanted}
    found: dict[str, Profile | Skipped] = {}
    try:
        found |= _scanned(source, asked, at)
    except UnreachableError as error:
        found |= {name: Skipped(service=name, reason=str(error)) for name in asked}
    except SlaoptError:  # of some service: each by itself, then
        for name, one in asked.items():
            try:
                found |= _scanned(source, {name: one}, at)
            except SlaoptError as error:
                found[name] = Skipped(service=name, reason=str(error))
    return found


def settled(profiles: Profiles, *, at: datetime) -> datetime:
    """Give the moment up to which measurements have settled: full five minutes."""
    wait = SETTLING
    if profiles.steps.timestamp_is == "start":
        slow = profiles.hours.quantile(SLOW)
        wait += min(timedelta(seconds=slow), LONGEST) if slow == slow else timedelta(0)  # NaN: nothing was executed
    since = at - wait - profiles.steps.start
    return profiles.steps.start + max(since // STEP, 0) * STEP


def _scanned(source: Source, asked: Mapping[str, Wanted], at: datetime) -> dict[str, Profile | Skipped]:
    return dict(_scan(source, asked, at)) if asked else {}


def _scan(source: Source, asked: Mapping[str, Wanted], at: datetime) -> Iterator[tuple[str, Profile | Skipped]]:
    """Count whole hours from the earliest start to the hour that a moment lies in."""
    start = _hour(min(one.start for one in asked.values()))
    end = max(_hour(at) + HOUR, start + HOUR)
    thresholds = {name: one.thresholds for name, one in asked.items()}
    for item in source.profiles(sorted(asked), start, end, thresholds=thresholds):
        if isinstance(item, Skipped):
            yield item.service, item
        else:
            yield item.service, item.steps.between(asked[item.service].start, settled(item, at=at))


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
