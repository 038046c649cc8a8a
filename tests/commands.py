"""What tests of commands share: how one ended, and files of measurements to give it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slaopt.samples import service


class Run(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def refused_in_one_line(self) -> bool:
        return self.out == "" and len(self.err.splitlines()) == 1 and self.err.startswith("slaopt: ")


def write_csv(path: Path, rows: Iterable[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("timestamp", "service", "duration_s"), *rows])
    return path


def executions(name: str, end: datetime, *, days: int = 20, called: str | None = None) -> list[tuple[object, ...]]:
    times, durations = service(name).simulate(np.random.default_rng(5), end, days=days)
    return [(f"{time}Z", called or name, duration) for time, duration in zip(times, durations, strict=True)]
