"""Excluded time: maintenance, holidays and hours outside business, as a mask over five-minute steps."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

__all__ = ["BusinessHours", "Excluded", "Maintenance", "WeeklyMaintenance", "excluded_steps", "spans"]

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STEP = timedelta(minutes=5)


class _Setting(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class BusinessHours(_Setting):
    """The hours that count, local time; all other time is excluded."""

    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    start: time = Field(time(8), alias="from")
    end: time = Field(time(18), alias="to")


class Maintenance(_Setting):
    """A span that does not count."""

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    why: str = "maintenance"

    @model_validator(mode="after")
    def _ordered(self) -> Maintenance:
        if self.end <= self.start:
            raise ValueError("`to` must be later than `from`")
        return self


class WeeklyMaintenance(_Setting):
    """Hours of one weekday, local time, that do not count; over midnight where `to` is not later than `from`."""

    weekday: Weekday
    start: time = Field(alias="from")
    end: time = Field(alias="to")
    why: str = "weekly maintenance"


class Excluded(_Setting):
    """All time that does not count; executions in it are counted as excluded and enter nothing else."""

    business_hours: BusinessHours | None = None
    holidays: tuple[date, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    weekly: tuple[WeeklyMaintenance, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether no time is excluded."""
        return not (self.business_hours or self.holidays or self.maintenance or self.weekly)


def excluded_steps(excluded: Excluded, *, timezone: str, start: datetime, end: datetime) -> NDArray[np.bool_]:
    """Mark the five-minute steps of [start, end) that are excluded, (steps,).

    A step belongs to the local time at its start; a step that maintenance touches is excluded whole.
    """
    steps = int((end - start) / STEP)
    if excluded.nothing or steps <= 0:
        return np.zeros(max(steps, 0), dtype=bool)
    stamps = pd.date_range(start, periods=steps, freq=STEP).tz_convert(ZoneInfo(timezone))
    weekday, minute = stamps.day_of_week.to_numpy(), (stamps.hour * 60 + stamps.minute).to_numpy()
    mask = np.zeros(steps, dtype=bool)
    if hours := excluded.business_hours:
        open_day = np.isin(weekday, [WEEKDAYS.index(day) for day in hours.days])
        mask |= ~(open_day & _within(minute, hours.start, hours.end))
    for weekly in excluded.weekly:
        today = weekday == WEEKDAYS.index(weekly.weekday)
        if weekly.start < weekly.end:
            mask |= today & _within(minute, weekly.start, weekly.end)
        else:
            tomorrow = weekday == (WEEKDAYS.index(weekly.weekday) + 1) % 7
            mask |= (today & (minute >= _minutes(weekly.start))) | (tomorrow & (minute < _minutes(weekly.end)))
    if excluded.holidays:
        mask |= np.isin(np.asarray(stamps.date), np.array(excluded.holidays, dtype=object))
    for span in excluded.maintenance:
        first = int(np.floor((span.start - start) / STEP))
        last = int(np.ceil((span.end - start) / STEP))
        mask[max(first, 0) : max(last, 0)] = True
    return mask


def spans(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """List the runs of a mask as pairs of first index and the index after the last.

    >>> spans(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _within(minute: NDArray[np.int_], start: time, end: time) -> NDArray[np.bool_]:
    last = _minutes(end) or 24 * 60
    return np.asarray((minute >= _minutes(start)) & (minute < last))


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute
