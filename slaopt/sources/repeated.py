"""Rows of a file that stand there twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slaopt.experiment.observed import Remark
from slaopt.wording import count

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["repeated_rows"]


def repeated_rows(frame: pd.DataFrame, *, timed: bool) -> Iterator[Remark]:
    """Say how many rows repeat another in every cell; without times equal rows may well be different executions."""
    repeated = int(frame.duplicated().sum()) if timed else 0
    if repeated:
        yield Remark(
            kind="duplicates",
            count=repeated,
            sentence=f"{count(repeated)} of {count(len(frame))} rows repeat another in every cell. They are counted; "
            "if they were written twice, take them out: they make chance look smaller.",
        )
