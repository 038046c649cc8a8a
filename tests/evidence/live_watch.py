"""The section of docs/evidence.md on changes in force that are watched every five minutes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical import live_watch as proofs
from tests.statistical.watching import KEPT, error_of

SEED = 20261500


def live_watch(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on the live watch, then what misses its bar."""
    number = max(5, min(100, runs // 10))
    rows, misses = [], []
    for place, case in enumerate(proofs.CASES):
        seen = proofs.live(case.service, runs=number, seed=SEED + place)
        found = proofs.misses(case, seen)
        misses += found
        rows.append(
            [case.service.name, str(SEED + place), str(number), _figure(seen.alarms, 2), _bar(case.alarms),
             *(text for i, bar in enumerate((case.six, case.day)) for text in _tripled(seen, i, bar)),
             *(_claimed(seen, i) for i in (0, 1))]
        )  # fmt: skip
        said(f"live watch, {case.service.name}: {seen.alarms.mean():.2f} rollbacks {'; '.join(found)}")
    head = ["service", "seed", "runs", "rollbacks a quarter for nothing", "at most",
            "×3 in 6 h, at once", "later", "at least", "said", "×3 in 24 h, at once", "later", "at least", "said",
            "said of 6 h: kept", "said of 24 h: kept"]  # fmt: skip
    yield "## Changes in force, watched every five minutes\n\n"
    yield (
        "A change is made, the watch learned from the 30 days before it, and what it learned is kept with the "
        "proposal. From then on `slaopt watch --every 5m` looks at what has settled, ten minutes behind the clock, "
        "through both rollback rules; what came before the change counts as usual. *For nothing*: a quarter in which "
        "nothing changes, rollbacks a day apart. ×3: share of 20 changes a run that are rolled back within so many "
        "hours, by the clock, of a tripled violation rate that begins with the change (*at once*) or two days *later*; "
        "*said* is what the preview says before the change. Both are at most "
        f"{proofs.FEWER:g} below what is said, beside chance. *Kept*: the median factor of which the preview says that "
        f"95 % are seen, and the share that is (at least {KEPT:g}), in the runs that name one:\n\n" + table(head, rows)
    )
    yield misses


def _figure(values: np.ndarray, digits: int = 3) -> str:
    return f"{np.nanmean(values):.{digits}f} ± {error_of(values):.{digits}f}"


def _bar(bar: float | None) -> str:
    return "–" if bar is None else f"{bar:g}"


def _tripled(seen: proofs.Live, column: int, bar: float | None) -> list[str]:
    at_once, later = _figure(seen.at_once[:, column]), _figure(seen.later[:, column])
    return [at_once, later, _bar(bar), f"{seen.said[:, column].mean():.3f}"]


def _claimed(seen: proofs.Live, column: int) -> str:
    claimed = seen.claimed[:, column]
    known = ~np.isnan(claimed)
    if known.sum() < 2:
        return "none"
    share = "" if known.all() else f", {known.mean():.0%} of runs".replace("%", " %")
    return f"{np.nanmedian(claimed):g}: {_figure(seen.kept[:, column])}{share}"
