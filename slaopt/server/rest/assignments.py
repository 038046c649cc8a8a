"""Which arm a unit belongs to. A hash decides, so nothing is looked up: units need no row to have an arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.experiments.ends import found
from slaopt.server.base import SlaoptHandler
from slaopt.server.experiment_models import AssignmentQuery, AssignUnits
from slaopt.server.experiment_published import AssignmentAnswer, AssignmentsAnswer
from slaopt.server.operations import operation

if TYPE_CHECKING:
    from slaopt.experiment.design import Arm
    from slaopt.store import AssignmentRecord, ExperimentRecord, Store, Transaction

__all__ = ["AssignmentHandler", "AssignmentsHandler"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    """How an experiment splits units now."""

    record: ExperimentRecord
    in_force: float | None  # threshold, seconds, where no test runs

    @property
    def runs(self) -> bool:
        return self.record.status == "running" and self.record.salt is not None

    def arm(self, digest: str) -> Arm:
        """The arm of a unit by its hash."""
        from slaopt.experiment.assignment import arm_of_hash

        return arm_of_hash(digest, self.record.traffic_split)

    def threshold(self, arm: Arm | None) -> float | None:
        """The threshold that holds for a unit of that arm, None: where no test runs."""
        record = self.record
        return {None: self.in_force, "control": record.control_threshold, "test": record.test_threshold}[arm]


class AssignmentHandler(SlaoptHandler):
    """The arm of one unit."""

    @operation("The arm of a unit", action="read", query=AssignmentQuery, answers={200: AssignmentAnswer})
    async def get(self, number: str) -> None:
        """Give a unit's arm and the threshold that holds for it; once the test has ended, that of all and no arm."""
        unit, context = self.query(AssignmentQuery).unit, self.context
        split = await context.fresh.get(("split", number), lambda: _split_now(context.store, number))
        digest = _assigned(split, [unit]).get(unit)
        arm = None if digest is None else split.arm(digest)
        self.answer({
            "experiment_id": number, "service_type": split.record.service, "status": split.record.status,
            "arm": arm, "threshold": split.threshold(arm),
        })  # fmt: skip


class AssignmentsHandler(SlaoptHandler):
    """The arms of many units."""

    @operation("The arms of units", action="propose", body=AssignUnits, answers={200: AssignmentsAnswer})
    async def post(self, number: str) -> None:
        """Give the arms of up to 1,000 units, and note of each, as a hash, when it was first asked for.

        Whatever is asked for again has the same arm, noted or not. Nothing is noted once the test has ended.
        """
        units = self.json_body(AssignUnits).units
        self.answer(await self.context.wait_for(self._assigned, number, units, self.context.now()))

    def _assigned(self, number: str, units: list[str], at: datetime) -> dict[str, Any]:
        ledger = self.context.ledger
        with ledger.store.reading() as transaction:
            split = _split(transaction, number)
            assigned = _assigned(split, units)
            seen = transaction.experiments.units(split.record, [*assigned.values()])
        fresh = {unit: digest for unit, digest in assigned.items() if digest not in seen}
        if fresh and ledger.is_on:
            with ledger.store.begin() as transaction:
                split = _split(transaction, number)  # it may have ended meanwhile
                if split.runs:
                    arms = [split.arm(digest) for digest in fresh.values()]
                    transaction.experiments.note_units(split.record, [*fresh.values()], arms, [at] * len(fresh))
                seen |= transaction.experiments.units(split.record, [*fresh.values()])
        return {
            "experiment_id": number,
            "service_type": split.record.service,
            "status": split.record.status,
            "assignments": [_told(split, unit, assigned.get(unit), seen) for unit in units],
        }


def _assigned(split: _Split, units: list[str]) -> dict[str, str]:
    """Hash units under the salt of a test that runs."""
    from slaopt.experiment.assignment import unit_hash

    return {unit: unit_hash(str(split.record.salt), unit) for unit in units} if split.runs else {}


def _told(split: _Split, unit: str, digest: str | None, seen: Mapping[str, AssignmentRecord]) -> dict[str, Any]:
    arm = split.arm(digest) if digest is not None and split.runs else None
    known = None if digest is None else seen.get(digest)
    first_seen = None if known is None else known.first_seen
    return {"unit": unit, "arm": arm, "threshold": split.threshold(arm), "first_seen": first_seen}


def _split_now(store: Store, number: str) -> _Split:
    with store.reading() as transaction:
        return _split(transaction, number)


def _split(transaction: Transaction, number: str) -> _Split:
    record = found(transaction, number)
    return _Split(record=record, in_force=transaction.threshold_for(record.service, None))
