"""Rows of a frame, one for each execution of an experiment, counted into both arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slaopt.errors import InputError
from slaopt.experiment.observed import Observed
from slaopt.experiment.repeats import Repeats
from slaopt.experiment.tallying import tally
from slaopt.experiment.timeliness import timeliness
from slaopt.wording import count

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["counted_rows"]


def counted_rows(
    frame: pd.DataFrame,
    thresholds: tuple[float, float],
    *,
    arm: str,
    duration: str,
    unit: str | None,
    timestamp: str | None,
    arms: Sequence[str],
    service: str,
) -> Observed:
    """Count the rows of a frame, and say what is wrong with them.

    Raises
    ------
    InputError
        If it is no frame, a column is missing, a time cannot be read, or no row belongs to either arm.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"evaluate takes a DataFrame with a row for each execution, not a {type(frame).__name__}")
    missing = [name for name in (arm, duration, unit, timestamp) if name is not None and name not in frame.columns]
    if missing:
        there = ", ".join(map(repr, frame.columns[:12]))
        raise InputError(
            f"no column {', '.join(map(repr, missing))}: there are {there}; name yours "
            "(arm=…, duration=…, unit=…, timestamp=…)"
        )
    durations, times = _seconds(frame, duration), None if timestamp is None else _times(frame[timestamp])
    observed = tally(
        frame[arm], durations, common_threshold=thresholds[0], other_threshold=thresholds[1],
        unit=None if unit is None else frame[unit], times=times, arms=arms, service=service,
    )  # fmt: skip
    if not observed.control.executions and not observed.test.executions:
        why = " ".join(remark.sentence for remark in observed.remarks if remark.kind != "rows_as_units")
        raise InputError(f"none of {count(len(frame))} rows can be used. {why}".strip() if len(frame) else "no rows")
    if times is None:
        return observed
    repeats = Repeats()
    repeats.add(times.to_numpy(), durations.to_numpy(), None if unit is None else frame[unit].astype(str).to_numpy())
    observed = observed.noting(repeats.remarks())
    if observed.start is None or observed.end is None:
        return observed
    return observed.noting(timeliness(observed, start=observed.start, end=observed.end))


def _times(values: pd.Series[Any]) -> pd.Series[Any]:
    """Read times, UTC without zone."""
    import pandas as pd

    try:
        return pd.to_datetime(values, utc=True).dt.tz_localize(None)
    except (ValueError, TypeError):
        read = pd.to_datetime(values, utc=True, errors="coerce", format="mixed")
    if (bad := read.isna() & values.notna()).any():
        at = int(bad.to_numpy().argmax())
        raise InputError(
            f"column {values.name!r}, row {values.index[at]!r}: {values.iloc[at]!r} is no time; "
            "write times as 2026-11-02T08:00:00Z, or take the row out"
        )
    return read.dt.tz_localize(None)


def _seconds(frame: pd.DataFrame, duration: str) -> pd.Series[Any]:
    import pandas as pd

    values = frame[duration]
    if pd.api.types.is_timedelta64_dtype(values):
        values = values.dt.total_seconds()
    numbers: pd.Series[Any] = pd.to_numeric(values, errors="coerce")
    return numbers
