"""The section of docs/evidence.md on what the baseline rests on after a change."""

from __future__ import annotations

from collections.abc import Iterator

from tests.evidence.tables import said, table
from tests.statistical.new_level import BAR, CASES, held
from tests.statistical.simulated import monte_carlo_error

SEED = 20261303


def new_level(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then the figures that stay below their bar."""
    runs //= 2
    rows: list[list[str]] = []
    misses: list[str] = []
    for number, (name, service) in enumerate(CASES.items()):
        result = held(service, runs=runs, seed=SEED + number)
        misses += result.misses(name)
        shares = [f"{share:.3f}" for pair in (result.found, result.true, result.uncut) for share in pair]
        rows.append([name, str(SEED + number), f"{result.cut:.3f}", f"{result.right:.3f}", *shares])
        said(f"new level, {name}: {shares}")
    yield (
        "## The baseline after a change\n\n"
        f"A level changed for good; 30 days, rho 0.6, {runs} runs of each. “Cut” is the share of runs in which "
        "baseline and violation rate rest on what came after the change that was found, “that day” how often it was "
        "found on its very day. Then the share of runs in which the 95 % intervals of a violation rate of 5 % and of "
        f"the median held those of the new level (bar for what slaopt says {BAR}, Monte-Carlo error "
        f"{monte_carlo_error(BAR, runs):.3f}): as found, cut on the true day, and without any cut.\n\n"
        + table(
            ["change", "seed", "cut", "that day", "rate", "p50", "rate, true day", "p50, true day", "rate, uncut",
             "p50, uncut"],
            rows,
        )
        + "\n"
    )  # fmt: skip
    yield misses
