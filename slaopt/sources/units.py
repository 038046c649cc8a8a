"""What each unit of assignment did before an experiment, so that one can be planned."""

from __future__ import annotations

from datetime import datetime

from slaopt.errors import InputError
from slaopt.experiment.counting import count_units
from slaopt.experiment.observed import ArmUnits, added, no_units
from slaopt.experiment.tallying import hashes_of
from slaopt.sources.base import Source
from slaopt.sources.observing import unit_columns

__all__ = ["units_before"]


def units_before(
    source: Source,
    service: str,
    start: datetime,
    end: datetime,
    *,
    unit: str,
    common_threshold: float,
    other_threshold: float,
) -> ArmUnits | None:
    """Count the executions of [start, end) by unit of assignment; None: no column says it.

    The column is that of the role `assigned`, or where none was named the one that is called like the unit. Thresholds
    are seconds. Names are hashed at once; rows without one are left out.

    Raises
    ------
    InputError
        If no row names a unit, or the source keeps no executions one by one.
    """
    parts = [no_units(each_row=False)]
    for batch in source.rows(service, start, end, seeks={"assigned": unit_columns(unit)}):
        if batch.assigned is None:
            return None
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
