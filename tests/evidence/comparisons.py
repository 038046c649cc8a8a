"""The sections of docs/evidence.md on comparing arms: units, intervals, quantiles, a moved line, other libraries."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from slaopt.experiment.hierarchical import hierarchical_posterior
from tests.evidence.tables import said, table
from tests.statistical.arms import (
    UNITS,
    Units,
    believed,
    interval_coverage,
    moved_line,
    quantile_coverage,
    quantile_of_units,
    shared_hours,
    significant,
)
from tests.statistical.libraries import against_nuts, against_scipy, against_statsmodels, against_tea_tasting
from tests.statistical.sequential import Measured

SEED = 20261210
FALSE_POSITIVES = (0.035, 0.065)


def arms(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then the figures that miss their bar."""
    rows: list[list[str]] = []
    misses: list[str] = []
    for line in (*_units(runs), *_intervals(), *_quantiles(runs), *_line(runs)):
        rows.append([line[0], line[1], str(line[2])])
        said(" | ".join(rows[-1]))
        if not line[3]:
            misses.append(f"{line[0]}: {line[2]}, bar {line[1]}")
    yield (
        "## Two arms compared\n\n"
        "Share of simulated experiments, with its Monte-Carlo error, two of which are allowed at a bar. Units have 250 "
        "executions on average (lognormal with sigma 1 where sizes vary) and an intraclass correlation of 0.05; level "
        "0.05 throughout. Coverage of the interval of a difference of rates is exact, by enumeration. The line moves "
        "from 3 s to 3.5 s over lognormal durations (median 2 s, sigma 0.4) that do not change, 4,000 an arm.\n\n"
        + table(["what", "bar", "measured"], rows)
        + "\n"
    )
    yield misses


Line = tuple[str, str, object, bool]


def _within(name: str, low: float, high: float, found: Measured) -> Line:
    bar = f"{low:g}–{high:g}" if low > 0 and high < 1 else f"at least {low:g}" if high >= 1 else f"at most {high:g}"
    return name, bar, found, low - 2 * found.error <= found.share <= high + 2 * found.error


def _units(runs: int) -> Iterator[Line]:
    for number, units in enumerate(UNITS):
        same, rows = significant(units, 0.05, 0.05, runs=2 * runs, seed=SEED + number)
        yield _within(f"{units.name}: false positives, 5 % in both arms", *FALSE_POSITIVES, same)
        yield f"{units.name}: the same, rows taken as independent", "–", rows, True
        if units.control == units.test == 20:
            power, _ = significant(units, 0.08, 0.03, runs=runs, seed=SEED + 10 + number)
            yield _within(f"{units.name}: power, 8 % → 3 %", 0.92, 1.0, power)
    few = Units(name="45 + 5", control=45, test=5)
    for number, rate in enumerate((0.3, 0.6)):
        same, _ = significant(few, rate, rate, runs=runs, seed=SEED + 15 + number)
        yield _within(f"{few.name}: false positives, {100 * rate:g} % in both arms", *FALSE_POSITIVES, same)
    credible = believed(UNITS[0], 0.05, 0.05, runs=runs, seed=SEED + 20)
    yield _within("20 + 20: credible interval leaves out 0, 5 % in both arms", *FALSE_POSITIVES, credible)


def _intervals() -> Iterator[Line]:
    for rate, n in ((0.005, 400), (0.05, 400), (0.005, 2000)):
        coverage, width = interval_coverage(rate, n)
        fine = 0.94 <= coverage <= 0.96 and width > 0
        yield f"interval of a difference of rates: {100 * rate:g} % of {n:,}", "0.94–0.96", f"{coverage:.4f}", fine
    coverage, width = interval_coverage(0.0005, 400)
    yield "its least width at 400 an arm, none violating", "above 0", f"{width:.4f}", width > 0


def _quantiles(runs: int) -> Iterator[Line]:
    found, warned = quantile_coverage(0.99, 2000, runs=10 * runs, seed=SEED + 30)
    yield _within("interval of p99, AR(1) rho 0.6, n = 2,000: coverage", 0.935, 0.965, found)
    yield "it warns of too few effective values", "–", f"{warned:.2f}", True
    found, warned = quantile_coverage(0.99, 500, runs=2 * runs, seed=SEED + 31)
    yield "n = 500: it warns", "1", f"{warned:.2f}", warned == 1.0
    hours = shared_hours("p95", runs=runs, seed=SEED + 32)
    yield _within("p95 of arms that share slow hours: false positives", *FALSE_POSITIVES, hours)
    for metric, units in (("p95", 20), ("p99", 20)):
        apart = quantile_of_units(metric, units, runs=runs, seed=SEED + 33)
        yield _within(f"{metric} of {units} + {units} units: false positives", *FALSE_POSITIVES, apart)


def _line(runs: int) -> Iterator[Line]:
    plain, behaviour, covered = moved_line(runs=4 * runs, seed=SEED + 40)
    yield "a moved line: the plain test of measured rates “finds an effect”", "–", plain, True
    yield _within("a moved line: the test of behaviour does", 0.0, 0.057, behaviour)
    yield _within("a moved line: interval of the mechanical part, coverage", 0.94, 0.96, covered)


def libraries(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on other libraries, then what disagrees."""
    began = time.process_time()
    rows = [*against_tea_tasting(), *against_scipy(), *against_statsmodels(), *against_nuts()]
    spent = _milliseconds()
    said(f"libraries: {time.process_time() - began:.0f} s")
    yield (
        "## The same questions asked elsewhere\n\n"
        "On shared ground other libraries give the same answers. NUTS samples the hierarchical model with PyMC, four "
        "chains; its effective draws are the least of all parameters.\n\n"
        + table(
            ["what", "slaopt", "other", "may differ by"],
            [[row.what, row.ours, row.theirs, f"{row.tolerance:g}"] for row in rows],
        )
        + f"\nThe quadrature of 40 + 40 units takes {spent:.0f} ms of CPU (bar: 100 ms).\n\n"
    )
    misses = [f"{row.what}: {row.ours} and {row.theirs}" for row in rows if not row.agrees]
    yield misses + [f"the quadrature takes {spent:.0f} ms"] * (spent > 100)


def _milliseconds() -> float:
    """CPU of a posterior of 40 + 40 units, the least of five."""
    rng = np.random.default_rng(SEED)
    pairs = [UNITS[0].drawn(40, 0.05, rng) for _ in range(2)]
    spent = []
    for _ in range(5):
        began = time.process_time()
        hierarchical_posterior(*pairs, rope=0.005)
        spent.append(1000 * (time.process_time() - began))
    return min(spent)
