"""Real series on which the rule is tried: pings, test runs, incidents and cold starts, 20 to 300 executions a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from slaopt.buckets import round_thresholds
from slaopt.intake import ServiceIntake
from slaopt.profile import HOURS, STEPS, Profile, Profiles
from tests.statistical.decisions import MONTH, STARTS, WEEK, Case, case_of, wide_grid

DATA = Path(__file__).parents[2].parent / "shared" / "data"
OBJECTIVES = (0.9, 0.95, 0.99)
FEWEST_A_DAY = 18
COLD = ("128MB x86_64", "512MB arm64")


def series() -> Iterator[Profiles]:
    """Read the series, one after the other."""
    ping = pd.read_parquet(DATA / "network_ping.parquet")
    yield _profiles("ping", ping[ping.duration_s < 1800])
    yield _profiles("ping of one server", ping[ping.service == "Telstra (Brisbane)"])
    yield _profiles("test runs", pd.read_parquet(DATA / "network_test_runs.parquet"))
    incidents = pd.read_parquet(DATA / "itsm_incidents.parquet")
    yield _profiles("incidents", incidents)
    cold = pd.read_parquet(DATA / "function_coldstart.parquet")
    for runtime in ("python", "node"):
        for kind in COLD:
            yield _profiles(f"cold starts {runtime} {kind}", cold[cold.service.str.fullmatch(f"{runtime}.*{kind}")])


def _profiles(name: str, frame: pd.DataFrame) -> Profiles:
    """Count a frame in both resolutions."""
    frame = frame.dropna(subset=["duration_s"]).drop_duplicates()
    times = frame.timestamp.dt.tz_convert(None).to_numpy().astype("datetime64[us]")
    first = datetime.fromtimestamp(int(times.min().astype("int64") // 86_400_000_000) * 86_400, tz=UTC)
    end = datetime.fromtimestamp((int(times.max().astype("int64")) // 86_400_000_000) * 86_400, tz=UTC)
    hours, steps = (
        Profile.from_durations(times, frame.duration_s, service=name, start=first, end=end, resolution=resolution)
        for resolution in (HOURS, STEPS)
    )
    intake = ServiceIntake(service=name, rows=len(frame), accepted=len(frame))
    return Profiles(service=name, hours=hours, steps=steps, intake=intake)


def real_cases(*, every: int = 28) -> Iterator[Case]:
    """Cases of every series, an origin every so many days; windows with too few executions are left out."""
    for history in series():
        start, end = history.hours.start, history.hours.end
        for day in range(38, (end - start).days - 30, every):
            origin = start + timedelta(days=day)
            near = replace(
                history,
                hours=history.hours.between(origin - MONTH - WEEK, origin + MONTH),
                steps=history.steps.between(origin - MONTH - WEEK, origin + MONTH),
            )
            if _fewest(near.hours) < FEWEST_A_DAY:
                continue
            for objective in OBJECTIVES:
                yield from _case(near, origin, objective)


def _fewest(hours: Profile) -> float:
    """Executions a day in the poorest week; empty days are allowed where enough ran."""
    days = hours.slots // 24
    daily = hours.executions[: days * 24].reshape(days, 24).sum(axis=1)
    return float(min(daily[first : first + 7].mean() for first in range(0, days - 6)))


def _case(near: Profiles, origin: datetime, objective: float) -> Iterator[Case]:
    month = near.hours.between(origin - MONTH, origin)
    if (1 - objective) * month.executions.sum() < 5:
        return
    fitting = tightest_met(month, objective)
    grid = wide_grid(near.hours, fitting * min(STARTS))
    yield case_of(near, origin, grid, objective, fitting)


def tightest_met(month: Profile, objective: float) -> float:
    """The tightest round threshold that met the objective, seconds."""
    grid = round_thresholds(month.quantile(0.25) / 2, float(np.nanmax(month.slot_sums.maxima)) * 1.3)
    allowed = (1 - objective) * month.executions.sum()
    return float(next(t for t in grid if month.violations(float(t)).middle.sum() <= allowed))
