"""What a source understood of its measurements: how they were read, what was left out and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from slaopt.result import Result

__all__ = ["Column", "Example", "Intake", "Note", "Reading", "Role", "ServiceIntake"]

Role = Literal["timestamp", "service", "duration", "unit", "status", "arm", "assigned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Result):
    """The column that plays a role, and how it was found."""

    role: Role
    name: str
    found: Literal["given", "alias"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Result):
    """How the measurements were read; the same for all services of a source."""

    source: str  # without secrets
    format: str  # "csv", "parquet", "jsonl", "sqlite", "postgresql", …
    files: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    unit: str = "s"  # "s", "ms", …, or "by row" with a unit column
    unit_from: str = "default"  # "given", "column name", "unit column", "default"
    timezone: str = "UTC"  # zone in which naive stamps were read
    stamps: str = "with zone"  # "with zone", "naive", "mixed", "epoch s", …
    decimal: Literal[".", ","] = "."
    statuses: tuple[tuple[str, int], ...] = ()  # text and count of the most frequent, failed or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Result):
    """Where one such row stands."""

    file: str | None = None
    line: int | None = None  # of a text file, from 1; number of the row where a format has no lines
    unit: Literal["line", "row"] = "line"  # what `line` counts
    column: str | None = None
    text: str | None = None  # the offending text, at most 60 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Result):
    """Rows that were rejected, or read with a doubt, for one reason."""

    kind: Literal["rejected", "warning"]
    reason: str  # "duration is not a number"
    count: int
    remedy: str
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceIntake(Result):
    """One service's part of the intake: counts, never rows; archived with its Profiles.

    All counts are of the period asked for; `rows` = `accepted` + `failed` + `excluded` + `rejected`.
    """

    service: str = field(metadata={"published": "service_type"})
    rows: int
    accepted: int  # durations that went into the Profile
    failed: int = 0  # left out of durations by their status
    excluded: int = 0  # in excluded time
    rejected: int = 0  # unusable
    doubles: int = 0  # rows that repeat another in every column
    future: int = 0  # stamped later than the clock said
    most_frequent: int = 0  # accepted rows that share the most frequent duration
    first: datetime | None = None
    last: datetime | None = None
    reading: Reading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake(Result):
    """What a source understood: printed by `slaopt check`."""

    reading: Reading
    rows: int
    accepted: int
    rejected: int
    first: datetime | None
    last: datetime | None  # latest stamp that is not in the future
    services: tuple[ServiceIntake, ...] = ()
    notes: tuple[Note, ...] = ()
