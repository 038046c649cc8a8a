"""What became of a file's rows: counts by service and reason, the times they span, and how many repeat another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from slaopt.intake import Reading, ServiceIntake
from slaopt.sources.load import Loaded
from slaopt.sources.notes import Rejection

__all__ = ["Line", "Repeated", "lines_of", "repeated", "service_intake", "unplaced"]

SAMPLE = 1_000_000  # rows among which doubles and the most frequent duration are looked for
_WITHOUT_TIME = frozenset(
    {
        Rejection.NOT_A_ROW,
        Rejection.BLANK_STAMP,
        Rejection.BAD_STAMP,
        Rejection.DAY_OR_MONTH,
        Rejection.EARLY_STAMP,
        Rejection.SKIPPED_HOUR,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Rows of one service that share what became of them."""

    service: int  # −1 where its name is rejected
    problem: Rejection | None
    failed: bool
    count: int
    future: int
    first: datetime | None
    last: datetime | None  # latest that is not in the future

    @property
    def placed(self) -> bool:
        """Whether the rows have a time."""
        return self.problem not in _WITHOUT_TIME

    @property
    def accepted(self) -> bool:
        """Whether the rows' durations count."""
        return self.problem is None and not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """How many rows of a service repeat another, and how many share the most frequent duration."""

    doubles: int = 0
    most_frequent: int = 0


def lines_of(loaded: Loaded, now: datetime) -> list[Line]:
    """Count the rows by service and by what became of them."""
    clock = _naive(now)
    found = loaded.query(
        f"SELECT id, problem, failed, count(*), count_if(utc > TIMESTAMP '{clock}'), min(utc), "
        f"max(CASE WHEN utc <= TIMESTAMP '{clock}' THEN utc END) FROM executions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    return [
        Line(
            service=row[0], problem=Rejection(row[1]) if row[1] else None, failed=row[2] and not row[1], count=row[3],
            future=row[4], first=_aware(row[5]), last=_aware(row[6]),
        )
        for row in found
    ]  # fmt: skip


def repeated(
    loaded: Loaded, rows: int, *, start: datetime | None = None, end: datetime | None = None
) -> dict[int, Repeated]:
    """Count repetitions by service, in [start, end) or ever.

    Among more than SAMPLE rows they are estimated from every k-th by hash, which keeps equal rows together.
    """
    every = 1 << (rows // SAMPLE).bit_length()
    inside = (
        "true"
        if start is None or end is None
        else (f"utc >= TIMESTAMP '{_naive(start)}' AND utc < TIMESTAMP '{_naive(end)}'")
    )
    loaded.query(
        "CREATE OR REPLACE TABLE sample AS SELECT id, mark, seconds, problem = 0 AND NOT failed AS kept "
        f"FROM executions WHERE id >= 0 AND {inside} AND pick % {every} = 0"
    )
    doubles = loaded.query("SELECT id, count(*) - count(DISTINCT mark) FROM sample GROUP BY 1")
    shared = "SELECT id, seconds, count(*) AS n FROM sample WHERE kept GROUP BY 1, 2"
    frequent = dict(loaded.query(f"SELECT id, max(n) FROM ({shared}) GROUP BY 1"))
    loaded.query("DROP TABLE sample")
    return {
        service: Repeated(doubles=int(count) * every, most_frequent=int(frequent.get(service, 0)) * every)
        for service, count in doubles
    }


def service_intake(name: str, lines: Iterable[Line], again: Repeated, reading: Reading) -> ServiceIntake:
    """Give a service's part of the intake of whole files."""
    mine = list(lines)
    placed = [line for line in mine if line.placed]
    return ServiceIntake(
        service=name,
        rows=sum(line.count for line in mine),
        accepted=sum(line.count for line in mine if line.accepted),
        failed=sum(line.count for line in mine if line.failed),
        rejected=sum(line.count for line in mine if line.problem),
        doubles=again.doubles,
        future=sum(line.future for line in placed),
        most_frequent=again.most_frequent,
        first=min((line.first for line in placed if line.first), default=None),
        last=max((line.last for line in placed if line.last), default=None),
        reading=reading,
    )


def unplaced(lines: Iterable[Line]) -> int:
    """Count the rows that have no time, and so belong to every period."""
    return sum(line.count for line in lines if not line.placed)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if isinstance(moment, datetime) else None
