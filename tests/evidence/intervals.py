"""The sections of docs/evidence.md on intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical.coverage import CASES, FIGURES, coverage
from tests.statistical.simulated import Service, monte_carlo_error

SEED = 20261103


def intervals(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then the figures that stay below their bar."""
    errors = monte_carlo_error(0.95, runs), monte_carlo_error(0.95, runs // 2)
    rows: list[list[str]] = []
    misses: list[str] = []
    for number, case in enumerate(CASES):
        result = coverage(case.service, runs=runs if case.service.days <= 30 else runs // 2, seed=SEED + number)
        missed = [f"{case.name}, {miss}" for miss in result.misses(case.bars())]
        misses += missed + [f"{case.name}: an interval of no width"] * (result.narrowest <= 0)
        bar = "–" if case.bar is None else f"{case.bar:.2f}" + (f" (mean {case.mean_bar:.2f})" if case.mean_bar else "")
        rows.append(
            [
                case.name,
                str(SEED + number),
                str(result.runs),
                bar,
                *(f"{share:.3f}" for share in result.shares),
                f"{result.independent:.2f}",
            ]
        )
        said(f"{case.name}: {np.round(result.shares, 3)} {'; '.join(missed)}")
    yield (
        "## Intervals hold the truth\n\n"
        "Share of simulated periods in which the 95 % interval held the true value of the average week (Monte-Carlo "
        f"error of 0.95: {errors[0]:.3f} with {runs} runs, {errors[1]:.3f} with {runs // 2}). The last "
        "column is the rate 1 % if executions were taken as independent (Clopper-Pearson). Bars are met where a share "
        "is at most two Monte-Carlo errors below them.\n\n"
        + table(["service", "seed", "runs", "bar", *FIGURES, "independent"], rows)
        + "\nIncidents (one day in ten, 1–6 hours, twice to five times slower) have no bar: a period of 30 days that "
        "happened to see none cannot know of them. The report therefore names the worst day's share of the violations "
        "and says “if the coming weeks are like these”.\n\n"
    )
    yield misses


def levels(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on other levels, then what stays below its bar."""
    rows: list[list[str]] = []
    misses: list[str] = []
    for number, (level, rho) in enumerate((level, rho) for level in (0.8, 0.9, 0.99) for rho in (0.6, 0.9)):
        result = coverage(Service(rho=rho), runs=runs, seed=SEED + 100 + number, confidence_level=level)
        misses += [f"level {level}, rho {rho}, {miss}" for miss in result.misses([level - 0.03] * len(FIGURES))]
        rows.append([f"{level:.2f}, rho {rho}", str(SEED + 100 + number), *(f"{share:.3f}" for share in result.shares)])
        said(f"level {level}, rho {rho}: {np.round(result.shares, 3)}")
    yield (
        "## Other levels\n\n30 days, 1,000 executions a day; bar: the level less 0.03.\n\n"
        + table(["level", "seed", *FIGURES], rows)
        + "\n"
    )
    yield misses
