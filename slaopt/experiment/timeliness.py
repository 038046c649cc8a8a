"""Whether measurements of an experiment came when they should: late, not at all, or of one arm only."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from slaopt.experiment.observed import Observed, Remark
from slaopt.wording import count

__all__ = ["timeliness"]

FEWEST = 20  # executions that an arm should have had on days of silence, from which on that is no chance
SILENT_DAYS = 3  # of units, which may all rest over a weekend; rows never do: one day is enough
DAY = timedelta(days=1)


def timeliness(
    observed: Observed,
    *,
    start: datetime,
    end: datetime,
    previous: Mapping[date, tuple[float, float]] | None = None,
    idle: Collection[date] = (),
) -> list[Remark]:
    """Say what came late, which days are missing, and which arm has dried up; days are UTC.

    Parameters
    ----------
    previous
        Executions by day as an earlier look saw them, (control, test).
    idle
        Days of which nothing is expected: excluded time.
    """
    days = [day for day in _whole_days(start, end) if day not in idle]
    return [
        *_late(observed, previous or {}),
        *_missing(observed, days),
        *_silent(observed, days),
        *_dried_up(observed, days),
    ]


def _whole_days(start: datetime, end: datetime) -> Iterator[date]:
    begin, stop = start.astimezone(UTC), end.astimezone(UTC)
    day = begin.date() if begin.time() == time() else begin.date() + DAY
    while day < stop.date():
        yield day
        day += DAY


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


def _missing(observed: Observed, days: Sequence[date]) -> Iterator[Remark]:
    missing = [day for day in days if not sum(observed.by_day.get(day, (0.0, 0.0)))]
    if missing:
        yield Remark(
            kind="missing_days", count=len(missing),
            sentence=f"Nothing was measured in either arm on {_days(missing)}.",
        )  # fmt: skip


def _silent(observed: Observed, days: Sequence[date]) -> Iterator[Remark]:
    """Find that nothing came of either arm on the last whole days, where executions should have come."""
    last = max(observed.by_day, default=date.max)
    silent, before = [day for day in days if day > last], [day for day in days if day <= last]
    usual = sum(sum(observed.by_day.get(day, (0.0, 0.0))) for day in before) / max(len(before), 1)
    least = 1 if observed.control.each_row else SILENT_DAYS
    if before and len(silent) >= least and usual * len(silent) >= FEWEST:
        yield Remark(
            kind="silent", count=len(silent), decisive=True,
            sentence=f"Nothing has come of either arm since {last:%-d %b}, where some {count(usual)} executions a day "
            "were usual: the measurements end too early. Find out where they stay.",
        )  # fmt: skip


def _dried_up(observed: Observed, days: Sequence[date]) -> Iterator[Remark]:
    """Find an arm of which nothing came on the last whole days, while the other went on."""
    numbers = {day: observed.by_day.get(day, (0.0, 0.0)) for day in days}
    for at, (arm, other) in enumerate((("control", "test"), ("test", "control"))):
        spoke = max((day for day, number in observed.by_day.items() if number[at]), default=date.max)
        silent = [day for day in days if day > spoke and numbers[day][1 - at]]
        before = [number for day, number in numbers.items() if day <= spoke]
        usual = sum(number[at] for number in before) / max(sum(number[1 - at] for number in before), 1.0)
        expected = usual * sum(numbers[day][1 - at] for day in silent)
        if expected >= FEWEST and len(silent) >= (1 if observed.arm(arm).each_row else SILENT_DAYS):
            yield Remark(
                kind="dried_up", count=len(silent), decisive=True,
                sentence=f"Nothing came of the {arm} arm on {_days(silent)}, while the {other} arm went on: the arms "
                "are not of the same time any more, so nothing can be concluded. Find out where its measurements stay.",
            )  # fmt: skip


def _days(days: Sequence[date]) -> str:
    ordered = sorted(days)
    shown = ", ".join(f"{day:%-d %b}" for day in ordered[:3])
    return shown if len(ordered) <= 3 else f"{shown} and {count(len(ordered) - 3)} more days"
