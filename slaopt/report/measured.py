"""Counts of an experiment's arms as files: what a report of it is made from, and can be made again from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from scipy.sparse import csr_array

from slaopt.errors import InputError
from slaopt.experiment.observed import SUMS, ArmUnits, Observed, Remark
from slaopt.result import plain

__all__ = ["ARMS", "COUNTS", "read_observed", "write_observed"]

COUNTS = "counts.json"
ARMS = {"control": "control.npz", "test": "test.npz"}


def write_observed(observed: Observed, directory: Path) -> None:
    """Write the counts of both arms into a folder; units are numbered there, and have neither name nor hash."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, file in ARMS.items():
        arm = observed.arm(name)
        np.savez_compressed(
            directory / file,
            first_seen=arm.first_seen.astype("datetime64[us]").astype(np.int64),
            bounds=arm.bounds,
            data=arm.counts.data,
            indices=arm.counts.indices,
            indptr=arm.counts.indptr,
            each_row=np.array(arm.each_row),
            **{field: getattr(arm, field) for field in SUMS},
        )
    said = {
        "common_threshold": observed.common_threshold,
        "other_threshold": observed.other_threshold,
        "start": observed.start,
        "end": observed.end,
        "by_day": {day.isoformat(): list(numbers) for day, numbers in observed.by_day.items()},
        "remarks": observed.remarks,
    }
    (directory / COUNTS).write_text(json.dumps(plain(said), indent=1, ensure_ascii=False), encoding="utf-8")


def read_observed(directory: Path) -> Observed:
    """Read what `write_observed` wrote.

    Raises
    ------
    InputError
        Naming the file that is missing or damaged.
    """
    try:
        said: Mapping[str, Any] = json.loads((directory / COUNTS).read_text(encoding="utf-8"))
        arms = {name: _arm(directory / file) for name, file in ARMS.items()}
        return Observed(
            common_threshold=said["common_threshold"],
            other_threshold=said["other_threshold"],
            control=arms["control"],
            test=arms["test"],
            start=_moment(said["start"]),
            end=_moment(said["end"]),
            by_day={date.fromisoformat(day): (n[0], n[1]) for day, n in said["by_day"].items()},
            remarks=tuple(Remark(**remark) for remark in said["remarks"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{directory}: no counts of an experiment, or damaged ones ({error})") from error


def _arm(path: Path) -> ArmUnits:
    with np.load(path, allow_pickle=False) as file:
        if not isinstance(file, NpzFile):
            raise ValueError(f"{path.name} is of another kind")
        units = len(file["n"])
        parts = (file["data"], file["indices"], file["indptr"])
        return ArmUnits(
            unit_hashes=np.array([f"{number:06}" for number in range(units)], dtype="U64"),
            first_seen=file["first_seen"].astype("datetime64[us]"),
            **{field: file[field] for field in SUMS},
            bounds=file["bounds"],
            counts=csr_array(parts, shape=(units, len(file["bounds"]))),
            each_row=bool(file["each_row"]),
        )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
