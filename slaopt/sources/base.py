"""What every source of measurements offers, and what it may be told about reading them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from slaopt.intake import Intake, Role
from slaopt.params import ParamsBook
from slaopt.profile import Profiles
from slaopt.result import Skipped

__all__ = ["Options", "Rows", "Seeks", "Source", "assigning", "required", "seeking"]

Seeks = Mapping[Role, Sequence[str]]  # plain names of columns by role, in the order of preference


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
    seeks: Seeks = field(default_factory=dict)  # names by which further roles are found where none is given
    untimed: bool = False  # rows need no times, but an arm: the data of an experiment that was run elsewhere


class Rows(NamedTuple):
    """A batch of executions of one service, for an experiment; arrays (n,), or None where no column is named."""

    times: NDArray[np.datetime64]  # UTC, microseconds
    seconds: NDArray[np.float64]
    failed: NDArray[np.bool_]  # these have no duration
    arm: NDArray[np.object_] | None  # its name in each row, None where it is missing
    assigned: NDArray[np.object_] | None  # the name of each row's unit of assignment
    rejected: int  # rows of the batch that cannot be used, and are not in it
    arm_named: bool = True  # somebody named the column of the arm; False: it was found by its name


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

    def rows(self, service: str, start: datetime, end: datetime, *, seeks: Seeks | None = None) -> Iterator[Rows]:
        """Give the executions of a service in [start, end), batch by batch, with their arm and unit of assignment.

        Parameters
        ----------
        seeks
            Names by which the columns of `arm` and `assigned` are found, where the options give none.

        Raises
        ------
        InputError
            If the service is not there too, or the source keeps no executions one by one.
        """
        ...


def assigning(options: Options) -> tuple[Role, ...]:
    """Give the roles that belong to experiments only, and that a column was named for or is looked for."""
    roles: tuple[Role, ...] = ("arm", "assigned")
    return tuple(role for role in roles if role in options.columns or role in options.seeks)


def required(options: Options) -> Sequence[Role]:
    """Give the roles that must have a column."""
    return ("arm", "duration") if options.untimed else ("timestamp", "duration")


def seeking(options: Options, seeks: Seeks | None) -> Options:
    """Give the options under which the columns of further roles are looked for, where none was named."""
    wanted = {role: tuple(names) for role, names in (seeks or {}).items() if role not in options.columns}
    return options if wanted == options.seeks else replace(options, seeks=wanted)
