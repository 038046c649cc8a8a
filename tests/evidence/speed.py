"""The section of docs/evidence.md on what comparing two arms costs beside other libraries."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks.bench_experiment import BARS, ROUNDS, contest
from tests.evidence.tables import table

ROWS = 1_000_000


def speed(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then what misses its bar; it hangs on no number of runs."""
    seconds, ratios = contest(ROWS)
    yield (
        "## What comparing two arms costs\n\n"
        f"Violation rate and mean log duration of both arms from {ROWS:,} rows of arm and duration: the best CPU time "
        f"of {ROUNDS} rounds in which all take turns. pandas only groups, which is what other libraries do before they "
        "compute anything (gbstats needs an older numpy: its own part is left out, which makes the bar stricter).\n\n"
        + table(
            ["what", "milliseconds", "slaopt takes", "bar"],
            [["slaopt, rate and mean with intervals", f"{1000 * seconds['slaopt']:.0f}", "–", "–"]]
            + [
                [name, f"{1000 * seconds[name]:.0f}", f"{ratios[name]:.2f} ×", f"{bar:g} ×"]
                for name, bar in BARS.items()
            ],
        )
        + "\n"
    )
    yield [f"speed beside {name}: {ratios[name]:.2f}" for name, bar in BARS.items() if ratios[name] > bar]
