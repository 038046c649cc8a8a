"""`sla_experiment_looks` and `sla_experiment_assignments`: what was found at each look, and which units were seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects import postgresql, sqlite

from slaopt.errors import InputError
from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.experiment_records import AssignmentRecord, ExperimentRecord, LookRecord

__all__ = ["Seen"]

AT_ONCE = 1000  # units in one statement
Times = Sequence[datetime] | NDArray[np.datetime64]


class Seen:
    """Looks and units of experiments. Both are only added to: what was seen is not rewritten."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add_look(
        self,
        record: ExperimentRecord,
        *,
        number: int,
        looked_at: datetime,
        as_of: datetime,
        fraction: float | None,
        information: float | None,
        estimate: float | None,
        standard_error: float | None,
        verdict: str,
        look: Mapping[str, Any],
    ) -> None:
        """Keep a look; the same one again changes nothing.

        Raises
        ------
        InputError
            If a look of that number is there that found something else: what was seen is not rewritten.
        """
        new = LookRecord(
            number=number, looked_at=looked_at, as_of=as_of, fraction=plain(fraction), information=plain(information),
            estimate=plain(estimate), standard_error=plain(standard_error), verdict=verdict, look=plain(look),
        )  # fmt: skip
        there = next((one for one in self.looks(record) if one.number == number), None)
        if there is not None:
            if (there.as_of, there.verdict, there.look) != (new.as_of, new.verdict, new.look):
                raise InputError(
                    f"experiment {record.experiment_id}: look {number} is kept already and found something else; "
                    "looks are not rewritten"
                )
            return
        values = {name: getattr(new, name) for name in LookRecord.__slots__}
        self._connection.execute(
            sa.insert(tables.looks).values(values | {"experiment_id": record.id, "created_at": looked_at})
        )

    def looks(self, record: ExperimentRecord) -> list[LookRecord]:
        """Give the looks of an experiment, the first one first."""
        table = tables.looks
        columns = [table.c[name] for name in LookRecord.__slots__]
        query = sa.select(*columns).where(table.c.experiment_id == record.id).order_by(table.c.number)
        return [LookRecord(**row) for row in self._connection.execute(query).mappings()]

    def note_units(
        self, record: ExperimentRecord, hashes: Sequence[str], arms: Sequence[str], first_seen: Times
    ) -> None:
        """Keep which units were seen, in which arm, and when first; what is known of a unit stays.

        Parameters
        ----------
        hashes, arms, first_seen
            (units,) hashes, `control` or `test`, and moments; a time without a zone is UTC.

        Raises
        ------
        InputError
            If a unit has no time, or its arm is none.
        """
        table = tables.assignments
        insert = (postgresql if self._connection.dialect.name == "postgresql" else sqlite).insert(table)
        keep = insert.on_conflict_do_nothing(index_elements=["experiment_id", "unit_hash"])
        rows = [
            {"experiment_id": record.id, "unit_hash": str(digest), "arm": str(arm), "first_seen": seen}
            for digest, arm, seen in zip(hashes, arms, _moments(first_seen), strict=True)
        ]
        for start in range(0, len(rows), AT_ONCE):
            self._connection.execute(keep, rows[start : start + AT_ONCE])

    def unit(self, record: ExperimentRecord, digest: str) -> AssignmentRecord | None:
        """Give what is known of a unit, by its hash."""
        table = tables.assignments
        query = sa.select(table.c.unit_hash, table.c.arm, table.c.first_seen).where(
            table.c.experiment_id == record.id, table.c.unit_hash == digest
        )
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else AssignmentRecord(**row)

    def units(self, record: ExperimentRecord, digests: Sequence[str]) -> dict[str, AssignmentRecord]:
        """Give what is known of units, by their hashes; those that were not seen are left out."""
        table = tables.assignments
        columns = [table.c.unit_hash, table.c.arm, table.c.first_seen]
        found: dict[str, AssignmentRecord] = {}
        for start in range(0, len(digests), AT_ONCE):
            wanted = digests[start : start + AT_ONCE]
            query = sa.select(*columns).where(table.c.experiment_id == record.id, table.c.unit_hash.in_(wanted))
            found |= {row["unit_hash"]: AssignmentRecord(**row) for row in self._connection.execute(query).mappings()}
        return found

    def count_units(self, record: ExperimentRecord) -> dict[str, int]:
        """Count the units that were seen, by arm."""
        table = tables.assignments
        query = sa.select(table.c.arm, sa.func.count().label("units")).where(table.c.experiment_id == record.id)
        counts = self._connection.execute(query.group_by(table.c.arm))
        return {"control": 0, "test": 0} | {row.arm: row.units for row in counts}


def _moments(times: Times) -> list[datetime]:
    told: Sequence[datetime | None] = (
        times.astype("datetime64[us]").tolist() if isinstance(times, np.ndarray) else times
    )
    moments = []
    for moment in told:
        if moment is None:
            raise InputError("a unit that was seen has no time; name the column of times")
        moments.append(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
    return moments
