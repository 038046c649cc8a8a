"""The section of docs/evidence.md on intervals where few executions ran."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical.low_traffic import BAR, CASES, FIGURES, RATES, coverage
from tests.statistical.simulated import monte_carlo_error

SEED = 20261203


def low_traffic(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then the figures that stay below their bar."""
    rows: list[list[str]] = []
    misses: list[str] = []
    for number, case in enumerate(CASES):
        result = coverage(case, runs=runs if case.service.days <= 30 else runs // 2, seed=SEED + number)
        misses += result.misses()
        shares = [f"{share:.3f}" for share in result.shares]
        clean = f"{result.clean:.2f} of {result.clean_runs}" if result.clean_runs else "–"
        high = f"{100 * result.width[0]:.2g} %"
        rows.append([case.name, str(SEED + number), str(result.runs), f"{result.known:.2f}", *shares, high, clean])
        said(f"{case.name}: {np.round(result.shares, 3)}")
    yield (
        "## Few executions, and no violation at all\n\n"
        f"Share of simulated periods in which the 95 % interval held the truth, from one execution a day on; bar "
        f"{BAR} (Monte-Carlo error {monte_carlo_error(BAR, runs):.3f} with {runs} runs; two are allowed). “With "
        "interval” is the share of periods that have one: under 7 days with executions there is none, and the reason "
        f"stands there instead. The figures are the rates {', '.join(f'{100 * rate:g} %' for rate in RATES)}, median, "
        "p95 and mean. “0 violations up to” is the median upper end where nothing can violate, and the last column "
        "how often the upper end lay above a true rate of 1 % among the periods that happened to show no violation.\n\n"
        + table(
            ["few executions", "seed", "runs", "with interval", *FIGURES, "0 violations up to", "no violation seen"],
            rows,
        )
        + "\nThree a day in one hour share that hour’s level, so that a day says little more than one execution; "
        "intervals rest on days and hold there too. A day counts as one execution at least: without that the upper end "
        "of a rate without violations, from 30 executions in 30 days, was 18 % in the middle and above 46 % in one "
        "period of twenty; it is 17 % and 21 % (150 runs), at the same coverage.\n\n"
    )
    yield misses
