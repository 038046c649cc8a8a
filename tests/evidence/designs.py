"""The section of docs/evidence.md on what a planned test is said to find, before it starts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical.designs import CASES, FIGURES, Case, carried_out, computed, rehearsed
from tests.statistical.simulated import monte_carlo_error

SEED = 20261201
REHEARSALS = 10_000
ERRORS = 3.5  # combined Monte-Carlo errors that two answers may lie apart; one in 2,000 honest ones does
CLOSE = 0.035  # that the formula may lie from what happens


def designs(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then what disagrees."""
    rows, misses = [], []
    for number, case in enumerate(CASES):
        row, missed = compared(case, runs=runs, seed=SEED + number)
        said(f"{case.name}: {row}")
        rows.append(row)
        misses += missed
    yield (
        "## What a design is said to find\n\n"
        "Planned tests, daily looks for ten days, guardrails on the mean and p95 with a margin of 10 %. Each figure is "
        f"the share of {REHEARSALS:,} rehearsals, then that of {runs:,} tests carried out execution by execution by "
        "code of its own, with its Monte-Carlo error; the last column is the closed form of the first figure. Bars: "
        f"rehearsal and execution within {ERRORS} combined errors, the closed form within {CLOSE} of what happened.\n\n"
        + table(["test", "benefit found", "difference claimed", "stopped for harm", "shipped", "closed form"], rows)
        + "\nWith daily rates that move, power is a little lower than the closed form, since the planned days may be "
        "those with few violations: the rehearsal on a service’s own past shows by how much.\n\n"
    )
    yield misses


def compared(case: Case, *, runs: int, seed: int) -> tuple[list[str], list[str]]:
    """One row, and what disagrees in it."""
    ahead = rehearsed(case, runs=REHEARSALS, seed=seed)
    came = carried_out(case, runs=runs, seed=seed + 1000)
    formula = computed(case)
    cells, misses = [], []
    for name in FIGURES:
        value, error = ahead[name]
        other = max(monte_carlo_error(came[name], runs), monte_carlo_error(1 / runs, runs))
        cells.append(f"{value:.3f} · {came[name]:.3f} ± {other:.3f}")
        if abs(value - came[name]) > ERRORS * float(np.hypot(error, other)):
            misses.append(f"{case.name}, {name}: rehearsed {value:.3f}, carried out {came[name]:.3f}")
    if abs(formula - came["found"]) > CLOSE + 2 * monte_carlo_error(max(came["found"], 1 / runs), runs):
        misses.append(f"{case.name}: computed {formula:.3f}, carried out {came['found']:.3f}")
    return [case.name, *cells, f"{formula:.3f}"], misses
