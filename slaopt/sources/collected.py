"""The data of an A/B test that was run elsewhere: one file, read into both arms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slaopt.errors import InputError
from slaopt.experiment.observed import Observed, Remark
from slaopt.experiment.tallying import ARMS, tally
from slaopt.sources.columns import listed, name_unit, plain_name
from slaopt.sources.repeated import repeated_rows
from slaopt.wording import UNIT_SECONDS, count, unit_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_experiment"]

ALIASES = {  # in the order of preference
    "arm": ("arm", "variant", "group", "treatment", "bucket", "condition", "cohort", "ab", "experiment_group"),
    "duration": ("duration", "latency", "response_time", "elapsed", "took", "value", "seconds"),
    "unit": ("unit", "tenant", "team", "customer", "user", "user_id", "tenant_id", "account", "instance", "host"),
    "timestamp": ("timestamp", "time", "ts", "datetime", "started_at", "start_time", "date"),
}
REQUIRED = ("arm", "duration")
MOST_EXAMPLES = 3


def read_experiment(
    path: str | Path,
    *,
    control_threshold: float,
    test_threshold: float,
    common_threshold: float | None = None,
    arms: Sequence[str] = ARMS,
    columns: Mapping[str, str] | None = None,
    duration_unit: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    service: str = "",
) -> Observed:
    """Read CSV, Parquet or JSON lines with columns arm and duration, and unit and timestamp where there are such.

    Parameters
    ----------
    control_threshold, test_threshold, common_threshold
        Seconds; arms are compared at the common one, by default the control's.
    arms
        How the file names both arms, control first.
    columns
        Column names by role (arm, duration, unit, timestamp), where they are called otherwise.
    duration_unit
        Unit of the durations: s, ms, us, …; by default what the column's name says, else seconds.
    start, end
        The time of the test, full hours; rows outside are left out and said.

    Raises
    ------
    InputError
        Naming the file, the column, the row and the remedy.
    """
    where = str(path)
    frame = _frame(Path(path).expanduser(), where)
    found = _columns([str(name) for name in frame.columns], columns or {}, where)
    if not len(frame):
        raise InputError(f"{where}: holds no rows")
    seconds, bad = _seconds(frame, found["duration"], duration_unit, where)
    times = _times(frame, found["timestamp"], where) if "timestamp" in found else None
    common = control_threshold if common_threshold is None else common_threshold
    observed = tally(
        frame[found["arm"]],
        seconds,
        common_threshold=common,
        other_threshold=test_threshold if common == control_threshold else control_threshold,
        unit=frame[found["unit"]].to_numpy(dtype=object) if "unit" in found else None,
        times=times,
        start=start,
        end=end,
        arms=arms,
        service=service,
    )
    _require_some(observed, arms, where)
    return observed.noting([*bad, *repeated_rows(frame, timed="timestamp" in found)])


def _frame(path: Path, where: str) -> pd.DataFrame:
    import duckdb

    if not path.is_file():
        raise InputError(f"{where}: there is no such file")
    kind = path.name.lower()
    reader = "read_parquet(?)" if kind.endswith((".parquet", ".pq")) else "read_csv(?, all_varchar=true, header=true)"
    if kind.endswith((".jsonl", ".ndjson", ".json")):
        reader = "read_json(?)"
    try:
        return duckdb.connect().execute(f"SELECT * FROM {reader}", [str(path)]).df()
    except duckdb.Error as error:
        told = " ".join(str(error).split())[:200]
        raise InputError(f"{where}: cannot be read ({told}); give CSV with a header, Parquet or JSON lines") from error


def _columns(names: Sequence[str], given: Mapping[str, str], where: str) -> dict[str, str]:
    unknown = [role for role in given if role not in ALIASES]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no role of a column here: give one of {', '.join(ALIASES)}")
    found: dict[str, str] = {}
    for role, name in given.items():
        if name not in names:
            raise InputError(f"{where}: no column {name!r} (given for {role}) among {listed(names)}")
        found[role] = name
    for role, aliases in ALIASES.items():
        alias = None if role in found else _alias(role, aliases, names, set(found.values()))
        if alias is not None:
            found[role] = alias
    missing = [role for role in REQUIRED if role not in found]
    if missing:
        raise InputError(
            f"{where}: no column for {' and '.join(missing)} among {listed(names)}; name it: "
            + " ".join(f"--column {role}=NAME" for role in missing)
        )
    return found


def _alias(role: str, aliases: Iterable[str], names: Sequence[str], taken: set[str]) -> str | None:
    plain = {plain_name(name): name for name in names if name not in taken}
    if role == "duration":
        plain |= {re.sub(r"(_in)?_[a-z]+$", "", text): name for text, name in plain.items() if name_unit(name)}
    return next((plain[alias] for alias in aliases if alias in plain), None)


def _seconds(
    frame: pd.DataFrame, column: str, unit: str | None, where: str
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], list[Remark]]:
    """Give the durations in seconds, NaN where a cell holds none, and what such cells look like."""
    import pandas as pd

    known = unit_name(unit) if unit is not None else name_unit(column) or "s"
    if known is None:
        raise InputError(f"{unit!r} is no unit of time: give ns, us, ms, s, min, h or d")
    raw = frame[column]
    numbers = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    odd = np.isnan(numbers) & raw.notna().to_numpy() & (raw.astype(str).str.strip() != "").to_numpy()
    if odd.all():
        raise InputError(
            f"{where}, row 2, column {column!r}: {str(raw.iloc[0])[:40]!r} is no number, nor is any other cell of it; "
            "name the column of durations with --column duration=NAME"
        )
    remarks = []
    if odd.any():
        at = np.flatnonzero(odd)[:MOST_EXAMPLES]
        shown = ", ".join(f"row {row + 2}: {str(raw.iloc[row])[:20]!r}" for row in at)
        remarks.append(
            Remark(kind="rejected", count=int(odd.sum()), sentence=f"{count(int(odd.sum()))} cells of column "
                   f"{column!r} are no numbers ({shown}); those rows are left out.")
        )  # fmt: skip
    return numbers * UNIT_SECONDS[known], remarks


def _times(frame: pd.DataFrame, column: str, where: str) -> pd.Series:
    import pandas as pd

    times = pd.to_datetime(frame[column], errors="coerce", utc=True, format="ISO8601")
    if times.isna().all():
        raise InputError(
            f"{where}, row 2, column {column!r}: {str(frame[column].iloc[0])[:40]!r} is no time such as "
            "2026-11-03T14:00:00Z, nor is any other cell of it; mend the column, or take it out"
        )
    return times


def _require_some(observed: Observed, arms: Sequence[str], where: str) -> None:
    """Refuse a file in which no row is of either arm, naming what there is instead."""
    if observed.control.executions or observed.test.executions:
        return
    told = " ".join(remark.sentence for remark in observed.remarks if remark.kind == "unknown_arm")
    raise InputError(
        f"{where}: no usable row is of arm {arms[0]!r} or {arms[1]!r}. {told} Name the arms, control first: "
        "--arms CONTROL,TEST"
    )
