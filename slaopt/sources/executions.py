"""The relation `executions`: rows under what was decided of them, and the first reason that speaks against each.

One row an execution: `id` of its service, `utc`, `seconds`, `failed`, `problem` (a Rejection, 0 none), and two hashes:
`mark` of all its cells, `pick` of time and duration, by which rows are sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

from slaopt.buckets import LONGEST
from slaopt.sources.notes import Rejection
from slaopt.sources.parse import NumberForm, StampForm
from slaopt.sources.stamps import EARLIEST

__all__ = ["Executions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Executions:
    """SQL over the columns of `rows` and the `id` of `names`."""

    utc: str  # NULL where it is unknown
    number: str  # the duration as it is written, NULL where it is no number
    seconds: str  # NULL where it has no unit
    failed: str
    slashes_unknown: bool  # dates such as 01/02/2026 cannot be told

    def sql(self, rows: str, extra: str = "") -> str:
        """Give the query over a relation of that form, with further columns of it, each with a comma before it."""
        return (
            f"SELECT id, utc, seconds, failed, ({self._problem()})::UTINYINT AS problem, mark, "
            f"hash(stamp, number) AS pick{extra} FROM ("
            f"SELECT *, names.problem AS name_problem, {self.utc} AS utc, {self.number} AS chosen, "
            f"{self.seconds} AS seconds, {self.failed} AS failed "
            f"FROM {rows} AS rows JOIN names ON service = names.text)"
        )

    def _problem(self) -> str:
        slashes = Rejection.DAY_OR_MONTH if self.slashes_unknown else Rejection.BAD_STAMP
        comma = f"number_form = {NumberForm.COMMA:d} AND (number IS NOT NULL OR other_number IS NOT NULL)"
        return (
            f"CASE WHEN utc IS NULL THEN CASE stamp_form WHEN {StampForm.NO_ROW:d} THEN {Rejection.NOT_A_ROW:d} "
            f"WHEN {StampForm.BLANK:d} THEN {Rejection.BLANK_STAMP:d} WHEN {StampForm.SLASHES:d} THEN {slashes:d} "
            f"ELSE CASE WHEN stamp IS NULL THEN {Rejection.BAD_STAMP:d} ELSE {Rejection.SKIPPED_HOUR:d} END END "
            f"WHEN utc < TIMESTAMP '{EARLIEST:%Y-%m-%d}' THEN {Rejection.EARLY_STAMP:d} "
            f"WHEN name_problem > 0 THEN name_problem WHEN failed THEN 0 "
            f"WHEN seconds >= 0 AND seconds <= {LONGEST!r} THEN 0 "
            f"WHEN number_form = {NumberForm.BLANK:d} THEN {Rejection.BLANK_DURATION:d} "
            f"WHEN chosen IS NULL AND {comma} THEN {Rejection.COMMA_DURATION:d} "
            f"WHEN chosen IS NULL THEN {Rejection.BAD_DURATION:d} "
            f"WHEN seconds IS NULL THEN {Rejection.BAD_UNIT:d} "
            f"WHEN isnan(seconds) OR isinf(seconds) THEN {Rejection.NOT_FINITE:d} "
            f"WHEN seconds < 0 THEN {Rejection.NEGATIVE:d} ELSE {Rejection.TOO_LONG:d} END"
        )
