"""What an experiment has measured, read from the measurements that its service writes anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from slaopt.errors import InputError
from slaopt.excluded import excluded_steps
from slaopt.experiment.assignment import arms_of_hashes
from slaopt.experiment.design import EACH_ROW, Design
from slaopt.experiment.left_out import bad_durations, unknown_arms, without_unit
from slaopt.experiment.observed import Observed, Remark
from slaopt.experiment.repeats import Repeats
from slaopt.experiment.tallying import ARMS, Tally, hashes_of, place_of
from slaopt.experiment.timeliness import timeliness
from slaopt.intake import Role
from slaopt.params import Params
from slaopt.profile import STEPS
from slaopt.sources.base import Rows, Seeks, Source
from slaopt.sources.columns import plain_name
from slaopt.wording import count

__all__ = ["columns_of", "observe", "unit_columns"]

Flags = NDArray[np.bool_]

ARM_NAMES = ("arm", "variant", "experiment_arm", "ab_arm", "group")  # of columns, in the order of preference
UNIT_ENDS = ("", "_id", "_name", "_key", "_uuid")
UNALIKE = 0.001  # chance of failures so different in both arms, from which on it is said
CONTRADICTING = 0.001  # share of the executions that may run in another arm than the hash says


def observe(
    source: Source,
    *,
    service: str,
    design: Design,
    params: Params,
    start: datetime,
    end: datetime,
    salt: str | None = None,
    arms: Sequence[str] = ARMS,
    previous: Mapping[date, tuple[float, float]] | None = None,
) -> Observed:
    """Read what both arms did in [start, end), batch by batch; the names of units are hashed at once.

    The arm is that of the column `arm` where one is named, else that of the unit's hash under the salt. A column that
    nobody named is found by its name: that of the units by the word that the design has for them (`tenant`,
    `tenant_id`), that of the arm (`arm`, `variant`) where the hash cannot tell it.

    Parameters
    ----------
    params
        Settings of the service: excluded time counts for neither arm.
    arms
        How the column names both arms, control first.
    previous
        Executions by day as an earlier look saw them: what has come since for those days is late, and said.

    Raises
    ------
    InputError
        If no column says which arm or unit an execution belongs to, the service is not there, or the source keeps no
        executions one by one.
    """
    reader = _Reader(design, params, salt, arms, start, end)
    for batch in source.rows(service, start, end, seeks=_seeks(design, salt)):
        reader.add(batch)
    observed = reader.observed()
    late = timeliness(observed, start=start, end=end, previous=previous, idle=reader.idle_days)
    return observed.noting(late)


def _seeks(design: Design, salt: str | None) -> Seeks:
    """Names of columns that say the unit or the arm, where none was named."""
    seeks: dict[Role, Sequence[str]] = {}
    if design.unit != EACH_ROW:
        seeks["assigned"] = unit_columns(design.unit)
    if design.unit == EACH_ROW or salt is None:
        seeks["arm"] = ARM_NAMES
    return seeks


def unit_columns(unit: str) -> list[str]:
    """Names of columns that may say the unit of assignment, in the order of preference."""
    return [f"{plain_name(unit)}{end}" for end in UNIT_ENDS]


class _Reader:
    """Counts batches into arms, and what had to be left out."""

    def __init__(
        self,
        design: Design,
        params: Params,
        salt: str | None,
        arms: Sequence[str],
        start: datetime,
        end: datetime,
    ) -> None:
        hour = timedelta(hours=1)
        first, last = (at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for at in (start, end))
        last = last if last == end else last + hour
        self._design, self._salt, self._arms, self._first = design, salt, arms, first
        self._excluded = excluded_steps(params.excluded, timezone=params.timezone, start=first, end=last)
        self._tally = Tally(
            common_threshold=design.common_threshold, other_threshold=design.other_threshold,
            each_row=design.unit == EACH_ROW, service=design.service, start=first, end=last,
        )  # fmt: skip
        self._repeats = Repeats()
        self._unknown = Counter[str]()
        self._rows = self._rejected = self._nameless = self._contrary = 0
        self._failed, self._counted = [0, 0], [0, 0]  # (control, test)

    def add(self, batch: Rows) -> None:
        """Count a batch."""
        _require_columns(batch, self._design, self._salt)
        self._rows += len(batch.times) + batch.rejected
        self._rejected += batch.rejected
        kept = self._in_counted_time(batch.times)
        hashes, named = None, np.ones(len(batch.times), dtype=bool)
        if batch.assigned is not None:
            hashes, named = hashes_of(batch.assigned, self._salt or "")
            self._nameless += int((kept & ~named).sum())
            kept &= named
        is_test, known = self._arms_of(batch, hashes, kept)
        kept &= known
        for arm, mask in enumerate((~is_test, is_test)):
            self._failed[arm] += int((kept & batch.failed & mask).sum())
        kept &= ~batch.failed
        for arm, mask in enumerate((~is_test, is_test)):
            self._counted[arm] += int((kept & mask).sum())
        named_so = None if batch.assigned is None else batch.assigned[kept]
        self._repeats.add(batch.times[kept], batch.seconds[kept], named_so)
        whole = self._design.unit == EACH_ROW
        self._tally.add(
            is_test[kept],
            batch.seconds[kept],
            hashes=None if whole or hashes is None else hashes[kept],
            times=batch.times[kept],
        )

    def observed(self) -> Observed:
        """Give what was counted."""
        return self._tally.observed([*self._remarks()])

    @property
    def idle_days(self) -> frozenset[date]:
        """Days (UTC) of which no step counts."""
        if not self._excluded.any():
            return frozenset()
        steps = np.datetime64(self._first.replace(tzinfo=None), "s") + np.arange(len(self._excluded)) * np.timedelta64(
            STEPS.step
        )
        days, at = np.unique(steps.astype("datetime64[D]"), return_inverse=True)
        counted = np.bincount(at, weights=~self._excluded)
        return frozenset(days[counted == 0].tolist())

    def _in_counted_time(self, times: NDArray[np.datetime64]) -> Flags:
        if not self._excluded.any():
            return np.ones(len(times), dtype=bool)
        begin = np.datetime64(self._first.replace(tzinfo=None), "us")
        return ~self._excluded[(times - begin) // np.timedelta64(STEPS.step)]

    def _arms_of(self, batch: Rows, hashes: NDArray[np.str_] | None, kept: Flags) -> tuple[Flags, Flags]:
        """Give whether each row is of the test arm, and whether that is known."""
        by_hash = (
            None
            if hashes is None or self._salt is None
            else arms_of_hashes(hashes, traffic_split=self._design.traffic_split)
        )
        if batch.arm is None or (by_hash is not None and not batch.arm_named):
            assert by_hash is not None  # required before
            return by_hash, np.ones(len(batch.times), dtype=bool)
        place, unknown = place_of(batch.arm[kept], self._arms)
        self._unknown.update(unknown)
        found = np.full(len(batch.times), -1)
        found[kept] = place
        if by_hash is not None:
            self._contrary += int((kept & (found >= 0) & ((found == 1) != by_hash)).sum())
        return found == 1, found >= 0

    def _remarks(self) -> Iterator[Remark]:
        yield from unknown_arms(self._unknown, self._arms)
        yield from bad_durations(self._rejected, self._rows)
        yield from without_unit(self._nameless)
        yield from self._repeats.remarks()
        if any(self._failed):
            yield failed_remark(self._failed, self._counted)
        if self._contrary:
            decisive = self._contrary > CONTRADICTING * max(self._rows, 1)
            yield Remark(
                kind="not_as_assigned", count=float(self._contrary), decisive=decisive,
                sentence=f"{count(self._contrary)} executions ran in another arm than the hash of their unit says: the "
                "system that assigns does not follow the recipe. "
                + ("Nothing can be concluded." if decisive else "They count in the arm they ran in."),
            )  # fmt: skip


def failed_remark(failed: Sequence[int], counted: Sequence[int]) -> Remark:
    """Say how many executions failed in each arm, and whether in one more than in the other (Fisher's exact test)."""
    from scipy import stats

    sentence = (
        f"Failed executions have no duration that counts and are left out: {count(failed[0])} of the control, "
        f"{count(failed[1])} of the test arm."
    )
    if stats.fisher_exact(np.array([failed, counted])).pvalue < UNALIKE:
        sentence += " One arm fails more than the other, which no duration shows: look at why before you adopt."
    return Remark(kind="rejected", count=float(sum(failed)), sentence=sentence)


def _require_columns(batch: Rows, design: Design, salt: str | None) -> None:
    """Refuse measurements that do not say which arm, or which unit where units were assigned as a whole."""
    if batch.arm is None and (batch.assigned is None or salt is None):
        raise InputError(
            f"{design.service}: no column says which arm an execution ran in; name the unit of assignment with "
            "--column unit=NAME, or the arm with --column arm=NAME (or `columns:` of a named source in params)"
        )
    if batch.assigned is None and design.unit != EACH_ROW:
        raise InputError(
            f"{design.service}: the experiment assigned each {design.unit} as a whole, so executions of one are alike "
            f"and cannot be analysed as if each were assigned by itself; name the column of the {design.unit} with "
            "--column unit=NAME"
        )


def columns_of(columns: Mapping[str, str]) -> dict[str, str]:
    """Give the roles of columns as sources know them, from those that experiments speak of.

    There `unit` is the unit of assignment, and `duration_unit` the column that holds the unit of the durations.

    >>> columns_of({"unit": "tenant", "duration_unit": "u"})
    {'assigned': 'tenant', 'unit': 'u'}
    """
    known = {"unit": "assigned", "duration_unit": "unit"}
    return {known.get(role, role): name for role, name in columns.items()}
