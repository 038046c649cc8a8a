"""The data of an A/B test that was run elsewhere: files with an arm in each row, read into both arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from slaopt.errors import InputError
from slaopt.experiment.observed import Observed, Remark
from slaopt.experiment.repeats import Repeats
from slaopt.experiment.tallying import ARMS, place_of, tally
from slaopt.experiment.timeliness import timeliness
from slaopt.intake import Intake, Role
from slaopt.params import Params, ParamsBook
from slaopt.sources.base import Options, Rows, Seeks
from slaopt.sources.columns import is_unit_column
from slaopt.sources.files import FileSource
from slaopt.sources.find import is_url
from slaopt.sources.observing import failed_remark
from slaopt.sources.remarks import found_remark, mixed_remark, read_remarks
from slaopt.sources.stamps import EARLIEST, known_zone
from slaopt.wording import unit_name

__all__ = ["ROLES", "read_experiment"]

ROLES: Mapping[str, Role] = {  # as they are said of an experiment: as files know them
    "arm": "arm",
    "duration": "duration",
    "unit": "assigned",
    "timestamp": "timestamp",
    "duration_unit": "unit",
    "service": "service",
    "status": "status",
}
UNITS = (
    "tenant", "team", "customer", "account", "organisation", "organization", "client", "user", "member", "instance",
    "device", "site", "store", "session", "unit",
)  # fmt: skip
SEEKS: Seeks = {
    "arm": ("arm", "variant", "group", "ab_group", "treatment", "condition", "cohort", "bucket", "experiment_arm"),
    "assigned": [f"{name}{end}" for name in UNITS for end in ("", "_id", "_name")],
    "service": ("service", "service_type", "service_name"),  # not every `name` or `label` is one here
}
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
TRUTHS = ({"0": 0, "1": 1}, {"false": 0, "true": 1})  # of a column that says whether a row is of the test arm
MIXED = 0.5  # share of the units in both arms, from which on the column is of something else than what was assigned


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """The rows of the files, arrays (n,); None where no column is named so."""

    arm: NDArray[np.object_]
    seconds: NDArray[np.float64]
    failed: NDArray[np.bool_]
    unit: NDArray[np.object_] | None
    times: NDArray[np.datetime64] | None
    intake: Intake

    def column(self, role: Role) -> str | None:
        """Name of the column that a role was found in, where nobody named it."""
        return next((one.name for one in self.intake.reading.columns if (one.role, one.found) == (role, "alias")), None)


def read_experiment(
    path: str | Path,
    *,
    control_threshold: float,
    test_threshold: float,
    common_threshold: float | None = None,
    arms: Sequence[str] = ARMS,
    columns: Mapping[str, str] | None = None,
    duration_unit: str | None = None,
    timezone: str | None = None,
    decimal: Literal[".", ","] | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    service: str = "",
    book: ParamsBook | None = None,
) -> Observed:
    """Read CSV, Parquet or JSON lines with columns arm and duration, and unit and timestamp where there are such.

    Parameters
    ----------
    control_threshold, test_threshold, common_threshold
        Seconds; arms are compared at the common one, by default the control's.
    arms
        How the file names both arms, control first; a column of truth values says whether a row is of the test arm.
    columns
        Column names by role (`ROLES`), where they are called otherwise.
    duration_unit
        Unit of the durations: s, ms, us, …; by default what the column says, else seconds.
    timezone, decimal
        As of all measurements.
    start, end
        The time of the test, full hours; rows outside are left out and said.
    service
        Its name; needed where a column of that name holds several.
    book
        Settings: which words of a status column mean failed.

    Raises
    ------
    InputError
        Naming the file, the column, the row and the remedy.
    """
    where = str(path)
    if is_url(where):
        raise InputError(
            f"{where.partition('://')[0]}: data collected elsewhere are read from a file: "
            "export the table as CSV or Parquet"
        )
    options = Options(
        book=book or ParamsBook(default=Params(), services={}), now=LATEST, columns=_roles(columns or {}),
        unit=_unit(duration_unit), timezone=known_zone(timezone).key if timezone else None, decimal=decimal,
        seeks={role: names for role, names in SEEKS.items() if ROLES_OF[role] not in (columns or {})}, untimed=True,
    )  # fmt: skip
    rows = _collected(where, options, service)
    if rows.unit is not None and (name := rows.column("assigned")) and is_unit_column(set(rows.unit.tolist())):
        return read_experiment(  # `unit` says ms or s in each row: it is the unit of the durations
            path, control_threshold=control_threshold, test_threshold=test_threshold,
            common_threshold=common_threshold, arms=arms, columns={**(columns or {}), "duration_unit": name},
            duration_unit=duration_unit, timezone=timezone, decimal=decimal, start=start, end=end, service=service,
            book=book,
        )  # fmt: skip
    return _observed(
        rows, where, arms=arms, common=control_threshold if common_threshold is None else common_threshold,
        thresholds=(control_threshold, test_threshold), start=start, end=end, service=service,
    )  # fmt: skip


ROLES_OF = {role: said for said, role in ROLES.items()}


def _roles(columns: Mapping[str, str]) -> dict[Role, str]:
    unknown = [role for role in columns if role not in ROLES]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no role of a column here: give one of {', '.join(ROLES)}")
    return {ROLES[role]: name for role, name in columns.items()}


def _unit(unit: str | None) -> str | None:
    if unit is not None and unit_name(unit) is None:
        raise InputError(f"{unit!r} is no unit of time: give ns, us, ms, s, min, h or d")
    return unit_name(unit) if unit is not None else None


def _collected(where: str, options: Options, service: str) -> Collected:
    """Read all rows of the one service."""
    source = FileSource(where, options)
    intake = source.inspect()
    names = [item.service for item in intake.services]
    if len(names) > 1 and service not in names:
        shown = ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
        raise InputError(f"{where}: holds {len(names)} services, and a test is of one; name it with --service: {shown}")
    name = service if service in names else (names[0] if names else "")
    batches = [*source.rows(name, EARLIEST, LATEST, seeks=options.seeks)] if names else []
    batches = [batch for batch in batches if len(batch.times)]
    if not batches:
        told = " ".join(remark.sentence for remark in read_remarks(intake))
        raise InputError(
            f"{where}: {f'none of the {intake.rows:,} rows can be used. {told}' if told else 'holds no rows'}"
        )
    timed = any(column.role == "timestamp" for column in intake.reading.columns)
    return Collected(
        arm=np.concatenate([_texts(batch, "arm") for batch in batches]),
        seconds=np.concatenate([batch.seconds for batch in batches]),
        failed=np.concatenate([batch.failed for batch in batches]),
        unit=None if batches[0].assigned is None else np.concatenate([_texts(batch, "assigned") for batch in batches]),
        times=np.concatenate([batch.times for batch in batches]) if timed else None,
        intake=intake,
    )


def _texts(batch: Rows, role: Literal["arm", "assigned"]) -> NDArray[np.object_]:
    texts = batch.arm if role == "arm" else batch.assigned
    return np.full(len(batch.times), None, dtype=object) if texts is None else texts


def _observed(
    rows: Collected,
    where: str,
    *,
    arms: Sequence[str],
    common: float,
    thresholds: tuple[float, float],
    start: datetime | None,
    end: datetime | None,
    service: str,
) -> Observed:
    arm = _named(rows.arm, arms)
    remarks = [*read_remarks(rows.intake), *_failed(rows, arm, arms)]
    kept = ~rows.failed

    def counted(unit: NDArray[np.object_] | None) -> Observed:
        return tally(
            arm[kept], rows.seconds[kept], unit=None if unit is None else unit[kept],
            times=None if rows.times is None else rows.times[kept], start=start, end=end, arms=arms, service=service,
            common_threshold=common, other_threshold=thresholds[1] if common == thresholds[0] else thresholds[0],
        )  # fmt: skip

    observed, found = counted(rows.unit), rows.column("assigned")
    if found is not None:
        torn = sum(remark.count for remark in observed.remarks if remark.kind == "units_in_both_arms")
        if torn > MIXED * (torn + observed.control.units + observed.test.units):
            observed = counted(None)
            remarks.append(mixed_remark(found))
        else:
            remarks.append(found_remark(found))
    _require_some(observed, arms, where)
    if rows.times is not None:
        repeats = Repeats()
        repeats.add(rows.times[kept], rows.seconds[kept], None if rows.unit is None else rows.unit[kept])
        remarks += repeats.remarks()
    if observed.start is not None and observed.end is not None:
        remarks += timeliness(observed, start=observed.start, end=observed.end)
    return observed.noting(remarks)


def _named(arm: NDArray[np.object_], arms: Sequence[str]) -> NDArray[np.object_]:
    """Give the names of the arms for truth values, where no row names an arm."""
    if (place_of(arm, arms)[0] >= 0).any():
        return arm
    texts = {str(text): str(text).strip().casefold() for text in set(arm.tolist()) if text is not None}
    for truths in TRUTHS:
        if texts and set(texts.values()) <= set(truths):
            return np.array([None if text is None else arms[truths[texts[str(text)]]] for text in arm], dtype=object)
    return arm


def _failed(rows: Collected, arm: NDArray[np.object_], arms: Sequence[str]) -> Iterator[Remark]:
    if rows.failed.any():
        place = place_of(arm, arms)[0]
        failed, counted = (
            [int((mask & (place == at)).sum()) for at in range(len(arms))] for mask in (rows.failed, ~rows.failed)
        )
        yield failed_remark(failed, counted)


def _require_some(observed: Observed, arms: Sequence[str], where: str) -> None:
    """Refuse a file in which no row is of either arm, naming what there is instead."""
    if observed.control.executions or observed.test.executions:
        return
    if torn := [remark.sentence for remark in observed.remarks if remark.kind == "units_in_both_arms"]:
        raise InputError(f"{where}: {torn[0]} Name what was assigned: --column unit=NAME")
    told = " ".join(remark.sentence for remark in observed.remarks if remark.kind != "rows_as_units")
    raise InputError(
        f"{where}: no usable row is of arm {arms[0]!r} or {arms[1]!r}. {told} Say it with --arms CONTROL,TEST"
    )
