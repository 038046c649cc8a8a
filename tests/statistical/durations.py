"""Shapes of durations without any fault, and faults put into them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from slaopt.intake import ServiceIntake
from slaopt.profile import HOURS, STEPS, Profile, Profiles
from tests.statistical.simulated import START

Sampler = Callable[[np.random.Generator, int], np.ndarray]


def _with_second_mode(share: float) -> Sampler:
    def sample(rng: np.random.Generator, n: int) -> np.ndarray:
        second = rng.random(n) < share
        return rng.lognormal(np.where(second, np.log(20), 0.0), 0.3)

    return sample


def _pareto_mixture(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.where(rng.random(n) < 0.05, 1 + rng.pareto(1.5, n), rng.lognormal(0, 0.5, n))


SHAPES: dict[str, Sampler] = {
    "lognormal": lambda rng, n: rng.lognormal(0, 0.5, n),
    "exponential": lambda rng, n: rng.exponential(1, n),
    "Pareto 1.2": lambda rng, n: 1 + rng.pareto(1.2, n),
    "5 % Pareto 1.5": _pareto_mixture,
    "second mode 40 %": _with_second_mode(0.4),
    "second mode 10 %": _with_second_mode(0.1),
    "second mode 3 %": _with_second_mode(0.03),
}


def spread(n: int, rng: np.random.Generator, *, days: float = 30) -> np.ndarray:
    """Times spread evenly over so many days, in order."""
    return np.sort(stamps(rng.random(n) * days))


def stamps(days: np.ndarray) -> np.ndarray:
    """Times so many days after the start."""
    return np.datetime64(START.replace(tzinfo=None), "us") + (days * 86400e6).astype("timedelta64[us]")


def profiles_of(
    times: np.ndarray, durations: np.ndarray, *, days: int = 30, thresholds: tuple[float, ...] = (),
    failing: np.ndarray | None = None, **intake: int,
) -> Profiles:  # fmt: skip
    """Both Profiles of raw measurements, and an intake that took them all but for what is said otherwise."""
    hours, steps = (
        Profile.from_durations(
            times, durations, service="simulated", start=START, end=START + timedelta(days=days),
            resolution=resolution, thresholds=thresholds, failed=failing,
        )
        for resolution in (HOURS, STEPS)
    )  # fmt: skip
    counts = {"rows": len(times), "accepted": len(times)} | intake
    return Profiles(service="simulated", hours=hours, steps=steps, intake=ServiceIntake(service="simulated", **counts))


def profile_of_durations(durations: np.ndarray, rng: np.random.Generator, *, days: int = 30) -> Profile:
    """Spread durations evenly over so many days, in hours."""
    end = START + timedelta(days=days)
    times = spread(len(durations), rng, days=days)
    return Profile.from_durations(times, durations, service="simulated", start=START, end=end)
