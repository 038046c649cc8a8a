"""The section of docs/evidence.md on outliers and quality."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.evidence.tables import said, table
from tests.statistical import detectors
from tests.statistical.durations import SHAPES

SEED = 20261303

DETECTORS: tuple[tuple[Callable[..., detectors.Rates], list[str], int], ...] = (
    (detectors.outliers, list(SHAPES), 200),
    (detectors.odd_hours, list(detectors.ODD), 100),
    (detectors.gaps, list(detectors.GAPS), 300),
    (detectors.unit_jump, list(detectors.UNITS), 150),
    (detectors.truncation, list(detectors.CUTS), 150),
)


def found(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on outliers and quality, then what misses its bar."""
    rows: list[list[str]] = []
    misses: list[str] = []
    for number, (detector, names, most) in enumerate(DETECTORS):
        for place, name in enumerate(names):
            seed = SEED + 10 * number + place
            rates = detector(name, runs=min(runs, most), seed=seed)
            misses += rates.misses()
            rows.append(
                [rates.name, str(seed), str(rates.runs), f"{rates.false:.4f} {rates.unit}", f"{rates.most_false:g}",
                 f"{rates.found:.3f}", f"{rates.least_found:g}"]
            )  # fmt: skip
            said(f"{rates.name}: false {rates.false:.4f}, found {rates.found:.3f} {'; '.join(rates.misses())}")
    yield (
        "## Outliers and quality: false alarms, and what is found\n\n"
        "*Outliers*: good executions flagged of 10,000, and twenty sentinels of 1e6 s found among them (1e12 s beside "
        "Pareto 1.2, of which 1e6 s is an honest duration). *Odd hours*: hours "
        "three times as slow. *Gap*: 60 expected executions and at least four hours lost. *Unit jump*: all durations "
        "60, 1,000 or 3,600 times as long, or as short, from a random moment on. *Unfinished*: only executions "
        "finished by the export are in it, 1,000 started a day.\n\n"
        + table(["detector", "seed", "runs", "false", "at most", "found", "at least"], rows)
        + "\n"
    )
    yield misses
