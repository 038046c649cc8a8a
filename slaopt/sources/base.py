"""What every source of measurements offers, and what it may be told about reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from slaopt.intake import Intake, Role
from slaopt.params import ParamsBook
from slaopt.profile import Profiles
from slaopt.result import Skipped

__all__ = ["Options", "Source"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is said about a source beside its address; what is None is found out."""

    book: ParamsBook  # time zones, excluded time, failed statuses of each service
    now: datetime  # stamps later than this are in the future
    table: str | None = None
    columns: Mapping[Role, str] = field(default_factory=dict)
    unit: str | None = None  # of the duration column
    timezone: str | None = None  # zone of stamps that carry none; None is UTC
    decimal: Literal[".", ","] | None = None


class Source(Protocol):
    """Measurements that can be described and counted.

    Raises
    ------
    InputError
        By both methods, where the measurements cannot be read; it names the place, the problem and the remedy.
    UnreachableError
        By both methods, where a remote part does not answer.
    """

    def inspect(self) -> Intake:
        """Say how the measurements are read, which services they hold, and which rows are rejected and why."""
        ...

    def profiles(
        self,
        services: Collection[str] | None,
        start: datetime,
        end: datetime,
        *,
        thresholds: Mapping[str, Sequence[float]] | None = None,
    ) -> Iterator[Profiles | Skipped]:
        """Count the executions of [start, end), both full hours, in one scan for all services (None: all).

        Parameters
        ----------
        services
            Names as `inspect` gives them; a name that is not there gives a Skipped.
        thresholds
            By service: seconds at which counts are exact too, beside the bounds of `counted_bounds`.

        Yields
        ------
        Profiles in the order of the services' names.
        """
        ...
