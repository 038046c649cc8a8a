"""The section of docs/evidence.md on the rule asked every week."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical.weekly import FACTOR, WORTH, Year, year

SEED = 21
MOST = 24  # services of each kind
WAYS: dict[str, dict[str, object]] = {
    "balanced": {},
    "conservative": {"strategy": "conservative"},
    "aggressive": {"strategy": "aggressive"},
    "balanced, one week alone": {"two_weeks": False},
    "balanced, forecast from after a change alone": {"cut": True},
}
MOST_CHANGES = {"balanced": 0.9, "conservative": 0.4}
FOLLOWED = 0.65
SOON, LATE = timedelta(days=14), timedelta(days=28)


def weekly(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on a year of weeks, then what stays below its bar."""
    services = max(MOST * min(runs, 1000) // 1000, 3)
    churn: dict[str, list[float]] = {name: [] for name in WAYS}
    followed: dict[str, list[tuple[int, float, bool, bool]]] = {name: [] for name in WAYS}
    for one in _years(services, shifted=False):
        for name, settings in WAYS.items():
            churn[name].append(one.changes_a_year(one.path(**settings)))  # type: ignore[arg-type]
    for one in _years(services, shifted=True):
        for name, settings in WAYS.items():
            path = one.path(**settings)  # type: ignore[arg-type]
            followed[name].append(
                (one.direction, one.worth(path), one.follows(path, within=SOON), one.follows(path, within=LATE))
            )
    rows = [[name, *_churn(churn[name]), *_followed(followed[name])] for name in WAYS]
    yield (
        "## The rule asked every week\n\n"
        f"{len(churn['balanced'])} services without a lasting change and {len(followed['balanced'])} whose durations "
        f"shift by {FACTOR} or 1/{FACTOR} on one day (seed {SEED}), 47 assessments from a fitting threshold, each "
        f"change made. *Worth* is a shift after which the threshold in force costs {WORTH:g} pages a month more than "
        "the best allowed one. Bars: at most 0.9 changes a year balanced and 0.4 conservative; of shifts worth it, "
        f"balanced, {FOLLOWED} followed within 14 days; two standard errors are allowed.\n\n"
        + table(
            ["rule", "changes a year", "shifts worth it", "followed in 14 days", "in 28 days", "any shift in 14 days"],
            rows,
        )
        + "\n"
    )
    yield _misses(churn, followed["balanced"])


def _years(services: int, *, shifted: bool) -> Iterator[Year]:
    for index in range(services):
        one = year(index, seed=SEED, shifted=shifted)
        said(f"service {index}, {'shifted' if shifted else 'unchanged'}{'' if one else ': not suited'}")
        if one is not None:
            yield one


def _churn(changes: list[float]) -> list[str]:
    return [f"{np.mean(changes):.2f} ± {np.std(changes) / np.sqrt(len(changes)):.2f}"]


def _followed(shifts: list[tuple[int, float, bool, bool]]) -> list[str]:
    worth = [shift for shift in shifts if shift[1] >= WORTH]
    every = f"{np.mean([shift[2] for shift in shifts]):.2f}"
    if not worth:
        return ["0", "–", "–", every]
    soon, late = (np.mean([shift[place] for shift in worth]) for place in (2, 3))
    error = np.sqrt(max(soon * (1 - soon), 0.01) / len(worth))
    return [str(len(worth)), f"{soon:.2f} ± {error:.2f}", f"{late:.2f}", every]


def _misses(churn: dict[str, list[float]], shifts: list[tuple[int, float, bool, bool]]) -> list[str]:
    misses = []
    for name, most in MOST_CHANGES.items():
        mean, error = np.mean(churn[name]), np.std(churn[name]) / np.sqrt(len(churn[name]))
        if mean > most + 2 * error:
            misses.append(f"{name}: {mean:.2f} changes a year, over {most}")
    soon = [shift[2] for shift in shifts if shift[1] >= WORTH]
    if soon and np.mean(soon) < FOLLOWED - 2 * np.sqrt(FOLLOWED * (1 - FOLLOWED) / len(soon)):
        misses.append(f"shifts worth it followed in 14 days: {np.mean(soon):.2f} under {FOLLOWED}")
    return misses
