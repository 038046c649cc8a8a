"""The executions of one service, streamed out of DuckDB one by one, for experiments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from slaopt.sources.base import Options, Rows, assigning
from slaopt.sources.count import BATCH
from slaopt.sources.load import Loaded

__all__ = ["stream_rows"]


def stream_rows(loaded: Loaded, service: int, options: Options, start: datetime, end: datetime) -> Iterator[Rows]:
    """Stream the executions of a service, by its number in the relation `executions`, in [start, end)."""
    roles = [role for role in assigning(options) if any(role in group.columns for group in loaded.groups)]
    first, last = (f"TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}'" for moment in (start, end))
    query = (
        "SELECT utc::TIMESTAMP AS utc, CASE WHEN problem = 0 AND NOT failed THEN seconds ELSE 0 END AS seconds, "
        "failed AND problem = 0 AS failed, problem > 0 AS bad"
        + "".join(f", {role}" for role in roles)
        + f" FROM executions WHERE id = {service:d} AND utc >= {first} AND utc < {last} "
        "ORDER BY utc, seconds"  # several threads read: only an order of its own makes sums the same to the last bit
    )
    with loaded.reading():
        for batch in loaded.database.cursor().sql(query).to_arrow_reader(BATCH):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            good = ~columns["bad"].to_numpy(zero_copy_only=False).astype(bool)
            texts = {role: columns[role].to_numpy(zero_copy_only=False)[good] for role in roles}
            yield Rows(
                times=columns["utc"].to_numpy(zero_copy_only=False)[good].astype("datetime64[us]"),
                seconds=columns["seconds"].to_numpy(zero_copy_only=False)[good].astype(float),
                failed=columns["failed"].to_numpy(zero_copy_only=False)[good].astype(bool),
                arm=texts.get("arm"),
                assigned=texts.get("assigned"),
                rejected=int(np.count_nonzero(~good)),
                arm_named="arm" in options.columns,
            )
