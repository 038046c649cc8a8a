"""The sections of docs/evidence.md on tests that are looked at often, and on the sizes of their arms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from slaopt.experiment.boundaries import boundaries, constant_shape
from tests.evidence.tables import said, table
from tests.statistical import sequential
from tests.statistical.sequential import Measured
from tests.statistical.verdicts import CASES, verdicts

SEED = 20261130
HEAD = ["what", "bar", "measured"]
PUBLISHED = {  # level 0.05, two-sided, five looks: Lan and DeMets (1983); Jennison and Turnbull (2000)
    "O’Brien-Fleming type spending": (4.8769, 3.3570, 2.6803, 2.2898, 2.0310),
    "Pocock type spending": (2.4380, 2.4268, 2.4101, 2.3966, 2.3860),
    "O’Brien-Fleming, classical": (4.562, 3.226, 2.634, 2.281, 2.040),
    "Pocock, classical": (2.413, 2.413, 2.413, 2.413, 2.413),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure and its bars; two Monte-Carlo errors are allowed."""

    what: str
    measured: Measured
    low: float = 0.0
    high: float = 1.0

    @property
    def bar(self) -> str:
        if self.low and self.high < 1:
            return f"{self.low:.3f}–{self.high:.3f}"
        return f"≥ {self.low:g}" if self.low else f"≤ {self.high:g}" if self.high < 1 else "–"

    @property
    def missed(self) -> bool:
        allowed = 2 * self.measured.error
        return not self.low - allowed <= self.measured.share <= self.high + allowed

    def row(self) -> list[str]:
        said(f"{self.what}: {self.measured}")
        return [self.what, self.bar, str(self.measured)]


def bounds_of_looks() -> dict[str, np.ndarray]:
    """The boundaries of five looks, by the names of those published."""
    five = np.arange(1, 6) / 5
    return {
        "O’Brien-Fleming type spending": boundaries(five, level=0.05, spending="obrien_fleming", sides=2),
        "Pocock type spending": boundaries(five, level=0.05, spending="pocock", sides=2),
        "O’Brien-Fleming, classical": constant_shape(5, level=0.05, shape="obrien_fleming"),
        "Pocock, classical": constant_shape(5, level=0.05, shape="pocock"),
    }


def lines(runs: int, seed: int = SEED) -> list[Line]:
    """Figures of tests with fifty looks; `runs` experiments of each."""
    rng = np.random.default_rng(seed)
    null, better, worse, much_worse = (
        sequential.paths(rate, runs=runs, rng=rng) for rate in (0.05, 0.04, 0.06, 0.075)
    )  # fmt: skip
    few = sequential.paths(0.005, runs=runs, rng=rng, control_rate=0.005)
    fewer = sequential.paths(0.0025, runs=runs, rng=rng, control_rate=0.005)
    theory = sequential.fixed_power(0.04)
    stopped = sequential.harm(much_worse)
    return [
        Line("false positives, a plain test at each look", sequential.naive(null)),
        Line("false positives, planned", sequential.planned(null), 0.040, 0.053),
        Line("false positives, open-ended", sequential.open_ended(null), 0, 0.053),
        Line("false positives, by violations alone", sequential.by_violations(null), 0, 0.053),
        Line("power 5 → 4 %, one look", sequential.fixed(better), theory - 0.01, theory + 0.01),
        Line("power 5 → 4 %, planned", sequential.planned(better), 0.90),
        Line("power 5 → 4 %, open-ended", sequential.open_ended(better), 0.72),
        Line("power 5 → 4 %, by violations alone", sequential.by_violations(better)),
        Line("harm stop without effect", sequential.harm(null), 0, 0.053),
        Line("harm stop 5 → 6 %", sequential.harm(worse), 0.84),
        Line("harm stop 5 → 7.5 %", stopped, 0.999),
        Line("share of the sample until then", Measured(share=stopped.stopped, runs=runs), 0, 0.16),
        Line("open-ended harm stop without effect", sequential.open_ended_harm(null), 0, 0.053),
        Line("open-ended harm stop 5 → 6 %", sequential.open_ended_harm(worse)),
        Line("0.5 %: false positives, planned", sequential.planned(few), 0, 0.053),
        Line("0.5 %: harm stop without effect", sequential.harm(few), 0, 0.053),
        Line("0.5 %: false positives, by violations", sequential.by_violations(few, expected=100), 0, 0.053),
        Line("0.5 → 0.25 %: power, by violations", sequential.by_violations(fewer, expected=100)),
    ]


def looks(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section on boundaries and looks, then the figures that miss their bars."""
    found = bounds_of_looks()
    rows = [
        [name, ", ".join(f"{b:.4f}" for b in found[name]), f"{np.max(np.abs(found[name] - values)):.5f}"]
        for name, values in PUBLISHED.items()
    ]
    measured = lines(20 * runs)
    yield (
        "## Tests that are looked at fifty times\n\n"
        "Boundaries of five even looks, two-sided, level 0.05, and how far they are from the published values (bar "
        "0.001):\n\n"
        + table(["boundaries", "computed", "off by"], rows)
        + f"\nShare of {20 * runs:,} simulated experiments, 10,000 executions an arm and 5 % violations in control "
        f"unless said otherwise, level 0.05, seed {SEED}; two Monte-Carlo errors are allowed:\n\n"
        + table(HEAD, (line.row() for line in measured))
        + "\nThe test by violations alone is exact at every moment, and is used in open-ended tests that expect fewer "
        "than 500 of them.\n\n"
    )
    far = [row[0] for row in rows if float(row[2]) > 1e-3]
    yield [f"boundaries {name}" for name in far] + [f"{m.what}: {m.measured}" for m in measured if m.missed]


def verdicts_of(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section on whole experiments, then what misses its bar."""
    rows, misses = [], []
    for number, case in enumerate(CASES):
        few = runs if not case.clusters else runs // 2
        found = verdicts(case, runs=few, seed=SEED + number)
        rows.append(
            [case.name, str(few), str(found.significant), str(found.shipped), str(found.harm), str(found.misled)]
        )
        said(f"{case.name}: {found.significant}, {found.shipped}, {found.harm}")
        harmless = Line(f"{case.name}, harm stop", found.harm, 0, 0.053)
        quiet = Line(f"{case.name}, significant", found.significant, 0, 0.053)
        misses += [f"{line.what}: {line.measured}" for line in (harmless, quiet) if line.missed and not case.effect]
        misses += [f"{case.name}: {found.misled} looks mislead"] * bool(found.misled)
    yield (
        "## Experiments from counts to verdict\n\n"
        "Share of simulated experiments whose decision function, asked at each look (50; with tenants 14) until it "
        "ends them, came to this; bar without effect 0.053 for a significant primary question and for a harm stop. The "
        "last column counts looks at which p-value, interval and verdict spoke against each other (bar 0).\n\n"
        + table(["experiment", "runs", "significant", "ships", "stops for harm", "contradictions"], rows)
        + "\nTenants have rates of their own (intraclass correlation 0.05), and more executions of the same tenants "
        "add less and less information: looks that bring none ask nothing.\n\n"
    )
    yield misses


def ratio(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section on the sizes of the arms, then what misses its bar."""
    rng, some = np.random.default_rng(SEED), 2 * runs

    def flagged(share: float, split: float, total: int) -> Measured:
        return sequential.ratio_flagged(share, split=split, total=total, runs=some, rng=rng)

    measured = [
        Line("healthy, 50:50, 20,000 units", flagged(0.5, 0.5, 20_000), 0, 0.012),
        Line("healthy, 80:20, 20,000 units", flagged(0.2, 0.2, 20_000), 0, 0.012),
        Line("healthy, 50:50, 200 units", flagged(0.5, 0.5, 200), 0, 0.012),
        Line("52:48 of 20,000 units", flagged(0.48, 0.5, 20_000), 0.95),
    ]
    yield (
        "## Sizes of the arms\n\n"
        f"Share of {some:,} simulated experiments that the sample-ratio monitor flags at some assignment, when it is "
        f"asked at every one and by chi-square at the end, seed {SEED}:\n\n"
        + table(HEAD, (line.row() for line in measured))
        + "\n"
    )
    yield [f"{line.what}: {line.measured}" for line in measured if line.missed]
