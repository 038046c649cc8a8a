"""Run the long proofs and write docs/evidence.md; exit 1 where a figure stays below its bar.

`python -m tests.evidence.build`; `--runs 40` makes a quick version of it, which is not written.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import scipy

from tests.evidence.decisions import decisions
from tests.statistical import detectors
from tests.statistical.coverage import CASES, FIGURES, coverage
from tests.statistical.durations import SHAPES
from tests.statistical.simulated import Service, monte_carlo_error

PAGE = Path(__file__).parents[2] / "docs" / "evidence.md"
RUNS = 1000
SEED = 20261103

INTRODUCTION = """# Evidence

Written by `make evidence`, which takes {minutes:.0f} minutes of one core ({versions}).
Everything is simulated, so that the truth is known: hourly log levels with AR(1) noise (rho as named, standard
deviation 0.2), a day and a weekend season in level and traffic, lognormal durations (sigma 0.5) where nothing else is
said, bucket counts Poisson given the level. Short versions of these proofs run with the tests.

"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def _said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


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
        _said(f"{case.name}: {np.round(result.shares, 3)} {'; '.join(missed)}")
    yield (
        "## Intervals hold the truth\n\n"
        "Share of simulated periods in which the 95 % interval held the true value of the average week (Monte-Carlo "
        f"error of 0.95: {errors[0]:.3f} with {runs} runs, {errors[1]:.3f} with {runs // 2}). The last "
        "column is the rate 1 % if executions were taken as independent (Clopper-Pearson). Bars are met where a share "
        "is at most two Monte-Carlo errors below them.\n\n"
        + _table(["service", "seed", "runs", "bar", *FIGURES, "independent"], rows)
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
        _said(f"level {level}, rho {rho}: {np.round(result.shares, 3)}")
    yield (
        "## Other levels\n\n30 days, 1,000 executions a day; bar: the level less 0.03.\n\n"
        + _table(["level", "seed", *FIGURES], rows)
        + "\n"
    )
    yield misses


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
            seed = SEED + 200 + 10 * number + place
            rates = detector(name, runs=min(runs, most), seed=seed)
            misses += rates.misses()
            rows.append(
                [rates.name, str(seed), str(rates.runs), f"{rates.false:.4f} {rates.unit}", f"{rates.most_false:g}",
                 f"{rates.found:.3f}", f"{rates.least_found:g}"]
            )  # fmt: skip
            _said(f"{rates.name}: false {rates.false:.4f}, found {rates.found:.3f} {'; '.join(rates.misses())}")
    yield (
        "## Outliers and quality: false alarms, and what is found\n\n"
        "*Outliers*: good executions flagged of 10,000, and twenty sentinels of 1e6 s found among them (1e12 s beside "
        "Pareto 1.2, of which 1e6 s is an honest duration). *Odd hours*: hours "
        "three times as slow. *Gap*: 60 expected executions and at least four hours lost. *Unit jump*: all durations "
        "60, 1,000 or 3,600 times as long, or as short, from a random moment on. *Unfinished*: only executions "
        "finished by the export are in it, 1,000 started a day.\n\n"
        + _table(["detector", "seed", "runs", "false", "at most", "found", "at least"], rows)
        + "\n"
    )
    yield misses


def main() -> int:
    """Run every section, write the page, and name what stays below its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="fewer make a quick look, not a page")
    runs = parser.parse_args().runs
    began = time.process_time()
    texts: list[str] = []
    misses: list[str] = []
    for section in (intervals, levels, found, decisions):
        for part in section(runs):
            if isinstance(part, str):
                texts.append(part)
            else:
                misses += part
    minutes = (time.process_time() - began) / 60
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    page = INTRODUCTION.format(minutes=minutes, versions=versions) + "".join(texts).rstrip() + "\n"
    if runs >= RUNS:
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(page)
    for miss in misses:
        _said(f"below its bar: {miss}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
