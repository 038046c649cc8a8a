"""Whether measurements of an experiment came when they should: late, not at all, or of one arm only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta

from slaopt.experiment.observed import Observed, Remark
from slaopt.wording import count

__all__ = ["timeliness"]

FEWEST = 20  # executions of one arm on a day, from which on none of the other arm is no chance


def timeliness(
    observed: Observed, *, start: datetime, end: datetime, previous: Mapping[date, tuple[float, float]] | None
) -> list[Remark]:
    """Say what came late, which days are missing, and which arm has dried up; days are UTC.

    Parameters
    ----------
    previous
        Executions by day as an earlier look saw them, (control, test).
    """
    return [
        *_late(observed, previous or {}),
        *_missing(observed, start, end),
        *_dried_up(observed, end),
    ]


def _late(observed: Observed, previous: Mapping[date, tuple[float, float]]) -> Iterator[Remark]:
    """Count what has come for days before the last one of an earlier look."""
    settled = sorted(previous)[:-1]
    come = {day: sum(observed.by_day.get(day, (0.0, 0.0))) - sum(previous[day]) for day in settled}
    late = [day for day, more in come.items() if more > 0]
    gone = [day for day, more in come.items() if more < 0]
    if late:
        yield Remark(
            kind="late", count=sum(come[day] for day in late),
            sentence=f"{count(sum(come[day] for day in late))} executions of {_days(late)} came after an earlier look "
            "had seen those days; this look counts them.",
        )  # fmt: skip
    if gone:
        yield Remark(
            kind="late", count=-sum(come[day] for day in gone),
            sentence=f"{count(-sum(come[day] for day in gone))} executions of {_days(gone)} that an earlier look saw "
            "are gone from the measurements.",
        )  # fmt: skip


def _missing(observed: Observed, start: datetime, end: datetime) -> Iterator[Remark]:
    first, last = start.date() + timedelta(days=1), end.date()
    days = [first + timedelta(days=number) for number in range(max((last - first).days, 0))]
    missing = [day for day in days if not sum(observed.by_day.get(day, (0.0, 0.0)))]
    if missing:
        yield Remark(
            kind="missing_days", count=len(missing),
            sentence=f"Nothing was measured in either arm on {_days(missing)}.",
        )  # fmt: skip


def _dried_up(observed: Observed, end: datetime) -> Iterator[Remark]:
    """Find an arm of which nothing came on the last days, while the other went on."""
    days = sorted(day for day in observed.by_day if day < end.date()) or sorted(observed.by_day)
    for at, (arm, other) in enumerate((("control", "test"), ("test", "control"))):
        silent: list[date] = []
        for day in reversed(days):
            if observed.by_day[day][at]:
                break
            silent.append(day)
        if silent and sum(observed.by_day[day][1 - at] for day in silent) >= FEWEST:
            yield Remark(
                kind="dried_up", count=len(silent), decisive=True,
                sentence=f"Nothing came of the {arm} arm on {_days(silent)}, while the {other} arm went on: the arms "
                "are not of the same time any more, so nothing can be concluded. Find out where its measurements stay.",
            )  # fmt: skip


def _days(days: Sequence[date]) -> str:
    ordered = sorted(days)
    shown = ", ".join(f"{day:%-d %b}" for day in ordered[:3])
    return shown if len(ordered) <= 3 else f"{shown} and {len(ordered) - 3} more days"
