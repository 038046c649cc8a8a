"""When an experiment is looked at: at the moments of its design, whenever the pass comes that makes the look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from slaopt.experiment.design import Design
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord

__all__ = ["Due", "counted_from", "design_of", "due", "first_hour", "next_look", "overdue", "share_done"]

HOUR: Final = timedelta(hours=1)
PATIENCE: Final = timedelta(hours=36)  # a pass a day is enough
SETTLING: Final = timedelta(minutes=30)  # from the end of what a look sees until that has been written


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A look that is due, and the end of the measurements that it sees."""

    number: int
    until: datetime
    last: bool


def first_hour(moment: datetime) -> datetime:
    """Give the first full hour from a moment on, since measurements are counted in hours."""
    begun = moment.replace(minute=0, second=0, microsecond=0)
    return begun if begun == moment else begun + HOUR


def design_of(record: ExperimentRecord) -> Design | None:
    """Give the design of an experiment; None where there is none that can be read: another program wrote the row."""
    from slaopt.experiment.design import Design

    try:
        return Design.from_dict(record.design)
    except (KeyError, TypeError):
        return None


def counted_from(record: ExperimentRecord, design: Design) -> datetime:
    """Give from when on the measurements of an experiment that was started count."""
    assert record.planned_end is not None  # every start sets it
    return record.planned_end - timedelta(days=design.days)


def due(record: ExperimentRecord, design: Design, *, at: datetime) -> Due | None:
    """Give the latest look whose measurements have settled; None before the first.

    Its moment is the design's, so a pass that comes late, or twice, sees the same. Looks that were missed are left
    out: error is spent by information, not by their number.
    """
    passed = at - SETTLING - counted_from(record, design)
    number = min(passed * design.looks // timedelta(days=design.days), design.looks)
    if number < 1:
        return None
    until = _planned(record, design, number).replace(minute=0, second=0, microsecond=0)
    return Due(number=number, until=until, last=number == design.looks)


def next_look(record: ExperimentRecord, design: Design, *, after: int) -> datetime | None:
    """Give when the look after one of that number (0: none yet) can be made; None where that was the last."""
    if after >= design.looks:
        return None
    return _planned(record, design, after + 1) + SETTLING


def overdue(transaction: Transaction, record: ExperimentRecord, *, at: datetime) -> datetime | None:
    """Give since when a look at a running experiment is awaited, where that is too long: its watch is not running."""
    design = design_of(record)
    if design is None or record.planned_end is None:
        return None
    looks = transaction.experiments.looks(record)
    awaited = next_look(record, design, after=looks[-1].number if looks else 0)
    return awaited if awaited is not None and at - awaited > PATIENCE else None


def share_done(record: ExperimentRecord, *, at: datetime) -> float:
    """Give the share of the planned time that has passed, of one that has ended by then."""
    if record.experiment_start is None or record.planned_end is None:
        return 0.0
    ended = at if record.experiment_end is None else record.experiment_end
    return min(max((ended - record.experiment_start) / (record.planned_end - record.experiment_start), 0.0), 1.0)


def _planned(record: ExperimentRecord, design: Design, number: int) -> datetime:
    return counted_from(record, design) + timedelta(days=design.days) * number / design.looks
