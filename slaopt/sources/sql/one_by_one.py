"""The executions of one service out of a table, one by one, for experiments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from slaopt.intake import Role
from slaopt.sources.base import Rows
from slaopt.sources.count import BATCH
from slaopt.sources.sql.dialect import Dialect, literal
from slaopt.sources.sql.rows import COUNTED, FAILED, Layout, measurements

__all__ = ["stream_rows"]


def stream_rows(
    connection: sa.Connection,
    dialect: Dialect,
    layout: Layout,
    service: str,
    start: datetime,
    end: datetime,
    *,
    roles: Sequence[Role],
    arm_named: bool = True,
) -> Iterator[Rows]:
    """Stream the executions of a service in [start, end), with the columns of some roles."""
    period = start.timestamp(), end.timestamp()
    rows = measurements(dialect, layout, period=period, named_too=roles)
    carried = [rows.c[f"carried_{role}"] for role in roles]
    inside = (rows.c.service == service, rows.c.moment >= literal(period[0]), rows.c.moment < literal(period[1]))
    query = sa.select(rows.c.moment, rows.c.seconds, rows.c.fate, *carried).where(*inside)
    with closing(connection.execute(query, execution_options={"stream_results": True, "yield_per": BATCH})) as streamed:
        for part in streamed.partitions(BATCH):
            yield _batch(part, roles)._replace(arm_named=arm_named)


def _batch(part: Sequence[sa.Row[Any]], roles: Sequence[Role]) -> Rows:
    moments, seconds, fates, *texts = (np.array(column, dtype=object) for column in zip(*part, strict=True))
    fate = fates.astype(np.int64)
    kept = (fate == COUNTED) | (fate == FAILED)
    failed = fate[kept] == FAILED
    told = {role: column[kept] for role, column in zip(roles, texts, strict=True)}
    return Rows(
        times=np.rint(moments[kept].astype(float) * 1e6).astype("datetime64[us]"),
        seconds=np.where(failed, 0.0, seconds[kept]).astype(float),
        failed=failed,
        arm=told.get("arm"),
        assigned=told.get("assigned"),
        rejected=int(np.count_nonzero(~kept)),
    )
