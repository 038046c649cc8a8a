"""The section of docs/evidence.md on the rule that decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from tests.statistical.decisions import Results, cases, results, said_and_seen

SEED = 11
MOST = 120  # services
BARS = {"kept": 0.85, "met, fitting": 0.86, "met, none": 0.84, "within three steps": 0.60}
LEVELS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.85, 0.95, 0.99, 1.000001)


def decisions(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on the rule, then what stays below its bar."""
    services = min(MOST, max(runs // 8, 5))
    all_cases = list(cases(services=services, seed=SEED))
    starts = [results(all_cases, start) for start in (None, 1.0, 0.4, 0.63, 2.0)]
    fresh, fitting = starts[0], starts[1]
    near = float(np.mean(np.abs(fresh.steps) <= 3.01))
    shares = {
        "kept": float(fitting.kept.mean()),
        "met, fitting": float(fitting.met.mean()),
        "met, none": float(fresh.met.mean()),
        "within three steps": near,
    }
    yield (
        "## The rule that decides\n\n"
        f"{services} services of `tests/optimize/simulation.py` (seed {SEED}) under objectives of 0.95, 0.99 and "
        f"0.999: {len(all_cases)} cases of 30 days measured and 30 days after. *Fitting* is the tightest threshold "
        "that keeps the budget in 90 % of a year's months with at most 1.5 pages a week; a step is 5.9 %. A share has "
        f"a standard error of up to {0.5 / np.sqrt(len(all_cases)):.3f}.\n\n"
        + _table(
            ["start", "raised", "kept", "lowered", "objective met after", "median step", "90 % within"],
            [_row(one) for one in starts],
        )
        + f"\nWithout a current threshold {near:.2f} lie within three steps of the fitting one.\n\n"
        "The chance of keeping the objective, said, and how often it was met in the month after:\n\n"
        + _table(["said", "pairs", "mean", "met"], _calibration(said_and_seen(all_cases)))
        + "\n"
    )
    yield [
        f"the rule, {name}: {share:.3f} under {BARS[name]}"
        for name, share in shares.items()
        if _below(name, share, len(all_cases))
    ]


def _below(name: str, share: float, n: int) -> bool:
    bar = BARS[name]
    return share < bar - 2 * float(np.sqrt(bar * (1 - bar) / n))


def _row(one: Results) -> list[str]:
    name = "none" if one.start is None else "fitting" if one.start == 1 else f"{one.start:g} × fitting"
    moved = ["–"] * 3 if one.start is None else [f"{x.mean():.2f}" for x in (one.raised, one.kept, one.lowered)]
    reach = np.quantile(np.abs(one.steps), 0.9)
    return [name, *moved, f"{one.met.mean():.2f}", f"{np.median(one.steps):+.1f}", f"{reach:.1f}"]


def _calibration(pairs: np.ndarray) -> list[list[str]]:
    rows = []
    for low, high in pairwise(LEVELS):
        inside = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high)]
        if len(inside):
            mean, met = inside.mean(axis=0)
            rows.append([f"{low:g}–{min(high, 1):g}", str(len(inside)), f"{mean:.3f}", f"{met:.3f}"])
    return rows


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"
