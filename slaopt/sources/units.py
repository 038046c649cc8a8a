"""What each unit of assignment did before an experiment, so that one can be planned."""

from __future__ import annotations

from datetime import datetime

from slaopt.errors import InputError
from slaopt.experiment.counting import count_units
from slaopt.experiment.observed import ArmUnits, added, no_units
from slaopt.experiment.tallying import hashes_of
from slaopt.sources.base import Source

__all__ = ["units_before"]


def units_before(
    source: Source, service: str, start: datetime, end: datetime, *, common_threshold: float, other_threshold: float
) -> ArmUnits:
    """Count the executions of [start, end) by the units that the column of the role `assigned` names.

    Thresholds are seconds. Names are hashed at once; rows without one are left out.

    Raises
    ------
    InputError
        If no column is named, none of its rows names a unit, or the source keeps no executions one by one.
    """
    parts = [no_units(each_row=False)]
    for batch in source.rows(service, start, end):
        if batch.assigned is None:
            raise InputError(f"{service}: no column names the unit of assignment: say which, --column unit=NAME")
        hashes, named = hashes_of(batch.assigned)
        kept = named & ~batch.failed
        counted = count_units(
            batch.seconds[kept], hashes[kept], batch.times[kept],
            common_threshold=common_threshold, other_threshold=other_threshold, quantiles=False,
        )  # fmt: skip
        parts.append(counted)
    units = added(parts)
    if not len(units.n):
        raise InputError(f"{service}: no row names its unit of assignment: name another column, --column unit=NAME")
    return units
