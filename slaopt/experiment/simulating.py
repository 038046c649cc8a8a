"""Simulated measurements of an A/B test whose truth is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import special

from slaopt.experiment.assignment import arms_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["simulate"]

START = datetime(2026, 11, 2, tzinfo=UTC)  # a Monday


def simulate(
    *,
    seed: int,
    units: int = 40,
    per_unit: float = 500,
    days: float = 14,
    start: datetime = START,
    threshold: float = 2.0,
    control_rate: float = 0.05,
    test_rate: float | None = None,
    icc: float = 0.0,
    unequal: float = 0.0,
    spread: float = 0.5,
    traffic_split: float = 0.5,
    salt: str | None = None,
) -> pd.DataFrame:
    """Simulate lognormal executions of tenants in both arms, in the order of their times.

    Parameters
    ----------
    units, per_unit
        Tenants of both arms, and executions of each on average.
    days, start
        When it runs; executions follow the hours of the day.
    threshold, control_rate, test_rate
        Seconds, and the violation rate of each arm there; the same in both where the test's is not given.
    icc
        Intraclass correlation of violations within a tenant: rates of tenants follow a Beta distribution.
    unequal
        Coefficient of variation of the tenants' sizes.
    spread
        Standard deviation of the logarithm of durations within a tenant.
    traffic_split, salt
        Share of the tenants in the test arm, and the salt that assigns them by hash; None: at random, the share exact.

    Returns
    -------
    Columns timestamp (UTC), tenant, arm and duration (seconds).
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    names = np.array([f"tenant-{number}" for number in range(units)])
    if salt is None:
        is_test = rng.permutation(units) < round(units * traffic_split)
    else:
        is_test = arms_of(salt, names.tolist(), traffic_split=traffic_split)[1]
    mean = np.where(is_test, control_rate if test_rate is None else test_rate, control_rate)
    alike = 1 / icc - 1 if icc > 0 else np.inf
    rates = rng.beta(mean * alike, (1 - mean) * alike) if icc > 0 else mean
    shape = 1 / unequal**2 if unequal > 0 else np.inf
    sizes = rng.poisson(per_unit * (rng.gamma(shape, 1 / shape, units) if unequal > 0 else np.ones(units)))
    tenant = np.repeat(np.arange(units), sizes)
    middle = np.log(threshold) - spread * special.ndtri(1 - np.clip(rates, 1e-9, 1 - 1e-9))
    seconds = np.exp(rng.normal(middle[tenant], spread))
    times = _times(rng, len(tenant), start, days)
    order = np.argsort(times, kind="stable")
    frame = {"timestamp": times, "tenant": names[tenant], "arm": np.where(is_test, "test", "control")[tenant],
             "duration": seconds}  # fmt: skip
    return pd.DataFrame({name: values[order] for name, values in frame.items()}).assign(
        timestamp=lambda made: pd.to_datetime(made["timestamp"], utc=True)
    )


def _times(rng: np.random.Generator, size: int, start: datetime, days: float) -> NDArray[np.datetime64]:
    """Draw times that follow the hours of the day, twice as many at 14:00 as at 02:00 UTC."""
    hours = np.arange(int(np.ceil(days * 24)))
    share = 1 + 0.35 * np.sin((hours + start.astimezone(UTC).hour - 8) / 24 * 2 * np.pi)
    share *= np.minimum(days * 24 - hours, 1)
    drawn = rng.choice(hours, size, p=share / share.sum()) + rng.uniform(size=size)
    begin = np.datetime64(start.astimezone(UTC).replace(tzinfo=None), "us")
    return np.asarray(begin + (np.minimum(drawn, days * 24 - 1e-6) * 3.6e9).astype("timedelta64[us]"))
