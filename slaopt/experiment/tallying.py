"""Rows of an A/B test counted into both arms, batch by batch, and what had to be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slaopt.experiment.assignment import unit_hash
from slaopt.experiment.counting import count_units
from slaopt.experiment.left_out import bad_durations, each_row_remark, outside_remark, unknown_arms, without_unit
from slaopt.experiment.observed import ArmUnits, Observed, Remark, added, apart, no_units, torn_remarks
from slaopt.profile import Profile

__all__ = ["ARMS", "Tally", "hashes_of", "place_of", "tally"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ARMS = ("control", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is counted of each execution: where both thresholds are (seconds), and what is kept beside."""

    service: str
    common_threshold: float
    other_threshold: float
    quantiles: bool = True


class Tally:
    """Counts executions of both arms; what it finds does not depend on how they are dealt out to batches.

    Parameters
    ----------
    start, end
        The time that counts, full hours; None: rows have no times.
    """

    def __init__(
        self,
        *,
        common_threshold: float,
        other_threshold: float,
        each_row: bool,
        service: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
        quantiles: bool = True,
    ) -> None:
        self._terms = Terms(
            service=service, common_threshold=common_threshold, other_threshold=other_threshold, quantiles=quantiles
        )
        self._each_row, self._start, self._end = each_row, start, end
        self._parts: dict[str, list[ArmUnits]] = {arm: [no_units(each_row=each_row)] for arm in ARMS}
        self._profiles: dict[str, Profile] = {}
        self._days: dict[date, list[float]] = {}

    def add(
        self,
        is_test: Flags,
        seconds: Floats,
        *,
        hashes: NDArray[np.str_] | None = None,
        times: NDArray[np.datetime64] | None = None,
    ) -> None:
        """Count a batch of valid executions, each array (n,); hashes are of their units, times UTC."""
        for arm, mask in zip(ARMS, (~is_test, is_test), strict=True):
            rows = np.flatnonzero(mask)  # seven times quicker than the mask itself, where arms alternate
            own = None if times is None else times[rows]
            part = count_units(
                seconds[rows], None if hashes is None else hashes[rows], own,
                common_threshold=self._terms.common_threshold, other_threshold=self._terms.other_threshold,
                quantiles=self._terms.quantiles,
            )  # fmt: skip
            self._parts[arm].append(part)
            if len(self._parts[arm]) > 64:
                self._parts[arm] = [added(self._parts[arm])]
            if own is not None and len(own):
                self._count_time(arm, own, seconds[rows])

    def _count_time(self, arm: str, times: NDArray[np.datetime64], seconds: Floats) -> None:
        days, counts = np.unique(times.astype("datetime64[D]"), return_counts=True)
        for day, number in zip(days.tolist(), counts.tolist(), strict=True):
            self._days.setdefault(day, [0.0, 0.0])[ARMS.index(arm)] += number
        if not self._terms.quantiles or self._start is None or self._end is None:
            return
        profile = Profile.from_durations(
            times, seconds, service=self._terms.service, start=self._start, end=self._end,
            thresholds=(self._terms.common_threshold, self._terms.other_threshold),
        )  # fmt: skip
        self._profiles[arm] = self._profiles[arm] + profile if arm in self._profiles else profile

    def observed(self, remarks: Iterable[Remark] = ()) -> Observed:
        """Give what was counted; units that were seen in both arms are left out of both, and said."""
        control, test, torn = apart(added(self._parts["control"]), added(self._parts["test"]))
        return Observed(
            common_threshold=self._terms.common_threshold,
            other_threshold=self._terms.other_threshold,
            control=control,
            test=test,
            start=self._start,
            end=self._end,
            profiles=dict(self._profiles),
            by_day={day: (numbers[0], numbers[1]) for day, numbers in sorted(self._days.items())},
            remarks=(*remarks, *torn_remarks(control, test, torn)),
            torn=torn,
        )


def tally(
    arm: ArrayLike,
    duration: ArrayLike,
    *,
    common_threshold: float,
    other_threshold: float,
    unit: ArrayLike | None = None,
    times: ArrayLike | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    arms: Sequence[str] = ARMS,
    service: str = "",
    quantiles: bool = True,
) -> Observed:
    """Count rows, (n,) each, into both arms; what cannot be used is left out and said.

    Parameters
    ----------
    arm
        Its name in each row, or whether the row is of the test arm.
    duration
        Seconds.
    unit
        Name of each row's unit of assignment, hashed at once; None: each row is its own.
    times
        UTC; None where no times are known.
    start, end
        The time that counts, full hours; by default all hours that occur.
    arms
        How the arms are named, control first.
    quantiles
        Whether quantiles will be asked for; without them it is quicker.
    """
    seconds = np.asarray(duration, dtype=float)
    is_test, known, unknown = _arms(arm, arms)
    good = known & np.isfinite(seconds) & (seconds >= 0)
    remarks = [*unknown_arms(unknown, arms), *bad_durations(int((known & ~good).sum()), len(seconds))]
    hashes = None
    if unit is None:
        remarks.append(each_row_remark())
    else:
        hashes, named = hashes_of(np.asarray(unit, dtype=object))
        remarks += without_unit(int((good & ~named).sum()))
        good &= named
    stamps = None if times is None else _stamps(times)
    if stamps is not None:
        good, start, end, outside = _inside(good, stamps, start, end)
        remarks += outside
    whole = bool(good.all())
    counted = Tally(
        common_threshold=common_threshold, other_threshold=other_threshold, each_row=unit is None, service=service,
        start=start if stamps is not None else None, end=end if stamps is not None else None, quantiles=quantiles,
    )  # fmt: skip
    counted.add(
        is_test if whole else is_test[good],
        seconds if whole else seconds[good],
        hashes=hashes if hashes is None or whole else hashes[good],
        times=stamps if stamps is None or whole else stamps[good],
    )
    return counted.observed(remarks)


def hashes_of(units: NDArray[Any], salt: str = "") -> tuple[NDArray[np.str_], Flags]:
    """Hash the names of units, (n,), and mark those that are names at all: not blank, not missing, not too long."""
    import pandas as pd

    codes, names = pd.factorize(pd.Series(units, dtype=object), use_na_sentinel=True)
    hashed = [_hash(salt, name) for name in names]
    table = np.array([one or "" for one in hashed] + [""], dtype="U64")
    return table[codes], table[codes] != ""


def _hash(salt: str, name: object) -> str | None:
    try:
        return unit_hash(salt, str(name))
    except ValueError:
        return None


def _arms(arm: ArrayLike, arms: Sequence[str]) -> tuple[Flags, Flags, Mapping[str, int]]:
    """Give whether each row is of the test arm, whether its arm is known, and the unknown names with their counts."""
    import pandas as pd

    values = arm if isinstance(arm, pd.Series) else pd.Series(np.asarray(arm))
    if values.dtype == bool:
        return values.to_numpy(), np.ones(len(values), dtype=bool), {}
    place, unknown = place_of(values, arms)
    return place == 1, place >= 0, unknown


def place_of(arm: ArrayLike, arms: Sequence[str]) -> tuple[NDArray[np.int64], Mapping[str, int]]:
    """Give 0 for the control, 1 for the test arm and −1 for what names neither, (n,), and the unknown names."""
    import pandas as pd

    codes, names = pd.factorize(arm if isinstance(arm, pd.Series) else pd.Series(np.asarray(arm, dtype=object)))
    texts = [str(name).strip() for name in names] + [""]
    known = {arm.casefold(): at for at, arm in enumerate(arms)} | {arm: at for at, arm in enumerate(arms)}
    table = np.array([known.get(text, known.get(text.casefold(), -1)) for text in texts])
    place = table[codes]
    unknown = Counter[str]()
    if (place < 0).any():
        for code, number in zip(*np.unique(codes[place < 0], return_counts=True), strict=True):
            unknown[texts[code]] += int(number)
    return place, unknown


def _stamps(times: ArrayLike) -> NDArray[np.datetime64]:
    import pandas as pd

    return pd.to_datetime(pd.Series(times), utc=True).dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def _inside(
    good: Flags, stamps: NDArray[np.datetime64], start: datetime | None, end: datetime | None
) -> tuple[Flags, datetime | None, datetime | None, list[Remark]]:
    """Keep rows within the time that counts, and give that time in full hours."""
    timed = good & ~np.isnat(stamps)
    if timed.any():
        hours = stamps[timed].astype("datetime64[h]")
        start = start or hours.min().item().replace(tzinfo=UTC)
        end = end or hours.max().item().replace(tzinfo=UTC) + timedelta(hours=1)
    if start is None or end is None:
        return timed, start, end, []
    kept = timed & (stamps >= _stamp(start)) & (stamps < _stamp(end))
    outside = int((good & ~kept).sum())
    return kept, start, end, [outside_remark(outside)] if outside else []


def _stamp(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
