"""What is said of rows that the counts of an experiment leave out, or take in with a doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from slaopt.experiment.observed import Remark
from slaopt.wording import count

__all__ = ["bad_durations", "each_row_remark", "outside_remark", "unknown_arms", "without_unit"]


def each_row_remark() -> Remark:
    """Say that no unit of assignment is known."""
    return Remark(
        kind="rows_as_units",
        sentence="No column names the unit of assignment, so each row counts as assigned by itself. Where tenants, "
        "teams or instances were assigned as a whole, name their column: else chance is underrated.",
    )


def unknown_arms(unknown: Mapping[str, int], arms: Sequence[str]) -> list[Remark]:
    """Say which rows name no arm of the test."""
    if not unknown:
        return []
    named = ", ".join(
        f"{name!r} ({count(number)})" if name else f"none ({count(number)})"
        for name, number in sorted(unknown.items(), key=lambda item: -item[1])[:5]
    )
    rows = sum(unknown.values())
    return [
        Remark(
            kind="unknown_arm",
            count=rows,
            sentence=f"{count(rows)} {'row names' if rows == 1 else 'rows name'} an arm other than {arms[0]!r} and "
            f"{arms[1]!r}: {named}. They are left out; if the arms are called so, name both, control first.",
        )
    ]


def bad_durations(bad: int, rows: int) -> list[Remark]:
    """Say how many rows have no usable duration."""
    if not bad:
        return []
    return [
        Remark(kind="rejected", count=bad, sentence=f"{count(bad)} of {count(rows)} rows have no duration that can be "
               "used (missing, negative or not finite) and are left out.")
    ]  # fmt: skip


def without_unit(rows: int) -> list[Remark]:
    """Say how many rows name no unit."""
    if not rows:
        return []
    return [
        Remark(kind="without_unit", count=rows, sentence=f"{count(rows)} rows name no unit and are left out: nothing "
               "says by whom they were caused.")
    ]  # fmt: skip


def outside_remark(rows: int) -> Remark:
    """Say how many rows lie outside the time of the experiment."""
    return Remark(
        kind="outside_time",
        count=rows,
        sentence=f"{count(rows)} rows lie before the start or after the end, or have no time, and are left out.",
    )
