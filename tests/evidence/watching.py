"""The section of docs/evidence.md on replayed alerts, the watch after a change, and drift."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from slaopt.analysis.alerts import DEGRADATIONS
from slaopt.analysis.usual import RARE_DAYS
from tests.evidence.tables import said, table
from tests.statistical import watching as proofs
from tests.statistical.simulated import monte_carlo_error

SEED = 20261400
TRAFFICS = (1.0, 20.0, 350.0)  # executions a step
MOST_OFF = 0.01
LOW_TRAFFIC = (30.0, 300.0, 1e4)  # executions a day
TOLD = 0.95
MOST_PAGES = 0.005  # a week


def watching(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on alerts, watch and drift, then what misses its bar."""
    yield "## Replayed alerts, watch and drift\n\n"
    for part in (_starts, _low_traffic, _watch, _rare, _drift):
        text, misses = part(runs)
        yield text + "\n"
        yield misses


def _starts(runs: int) -> tuple[str, list[str]]:
    services = max(3, min(60, runs // 15))
    rows, misses = [], []
    for place, per_step in enumerate(TRAFFICS):
        off, expected = proofs.start_errors(services=services, seed=SEED + place, per_step=per_step)
        spread, error = float(np.sqrt((off**2).mean())), float(np.sqrt((off**2).mean() / 2 / off.size))
        rows.append(
            [f"{per_step * 288:,.0f} a day", str(SEED + place), str(services), f"{spread:.4f} ± {error:.4f}",
             f"{MOST_OFF:g}", f"{np.sqrt((expected**2).mean()):.4f}"]
        )  # fmt: skip
        if spread - MOST_OFF > 2 * error:
            misses.append(f"tightness, {per_step:g} a step: off by {spread:.4f}")
        said(f"starts, {per_step:g} a step: {spread:.4f}")
    head = ["service", "seed", "services", "standard deviation", "at most", "said"]
    return (
        f"Tightness is the mean of 27 cells, each over {DEGRADATIONS.starts} starts. Against 512 starts, at "
        f"{len(proofs.TRIED)} thresholds of services with incidents; *said* is the standard error that stands beside "
        "it, as if starts were drawn at random:\n\n" + table(head, rows),
        misses,
    )


def _low_traffic(runs: int) -> tuple[str, list[str]]:
    number = max(10, min(200, runs // 5))
    rows, misses = [], []
    for place, per_day in enumerate(LOW_TRAFFIC):
        seed = SEED + 10 + place
        pages, told = proofs.healthy_and_trickling(per_day, runs=number, seed=seed)
        rows.append(
            [f"{per_day:,.0f} a day, half the budget", str(seed), str(number), f"{pages.mean():.3f}", f"{MOST_PAGES:g}",
             f"{told.mean():.3f} ± {monte_carlo_error(TOLD, number):.3f}", f"{TOLD:g}"]
        )  # fmt: skip
        if pages.mean() > MOST_PAGES or TOLD - told.mean() > 2 * monte_carlo_error(TOLD, number):
            misses.append(f"alerts, {per_day:g} a day: {pages.mean():.3f} pages a week, told {told.mean():.3f}")
    head = ["healthy service", "seed", "runs", "pages a week", "at most", "trickle told", "at least"]
    return (
        "A window needs three violations, and more than chance shows. A healthy service hardly ever pages, however few "
        "its executions; one in ten failing over six days is told by a page or a ticket:\n\n" + table(head, rows),
        misses,
    )


def _watch(runs: int) -> tuple[str, list[str]]:
    number = max(5, min(100, runs // 10))
    rows, misses = [], []
    for place, case in enumerate(proofs.WATCHES):
        seed = SEED + 20 + place
        seen = proofs.watched(case.service, runs=number, seed=seed)
        found = proofs.watch_misses(case, seen)
        misses += found
        rows.append(
            [case.service.name, str(seed), str(number),
             _figure(seen.alarms, 2), _figure(seen.either, 2), _bar(case.alarms),
             *(text for i, bar in enumerate((case.six, case.day)) for text in _tripled(seen, i, bar)),
             *(_kept(seen, i) for i in (0, 1))]
        )  # fmt: skip
        said(f"watch, {case.service.name}: {seen.alarms.mean():.2f} alarms {'; '.join(found)}")
    head = ["service", "seed", "runs", "alarms a quarter", "either rule", "at most",
            "×3 in 6 h", "at least", "said", "×3 in 24 h", "at least", "said",
            "claimed in 6 h: seen", "claimed in 24 h: seen"]  # fmt: skip
    return (
        "The watch learns 30 days and looks every five minutes at the quarter after. Alarms, a day apart, are those of "
        "a quarter in which nothing changes; *either rule* counts those of the burn rate too, at an objective whose "
        "budget is used by two thirds. ×3: share of 20 starts a run at which a tripled violation rate is seen; *said* "
        "is what injections into the 30 days promised. Claimed: the median factor of which the watch says that 95 % "
        f"of the starts are seen, and the share of starts at which it is (at least {proofs.KEPT:g}), in the runs that "
        "claim one:\n\n" + table(head, rows),
        misses,
    )


def _figure(values: np.ndarray, digits: int = 3) -> str:
    return f"{np.nanmean(values):.{digits}f} ± {proofs.error_of(values):.{digits}f}"


def _bar(bar: float | None) -> str:
    return "–" if bar is None else f"{bar:g}"


def _tripled(seen: proofs.Seen, column: int, bar: float | None) -> list[str]:
    return [_figure(seen.tripled[:, column]), _bar(bar), f"{seen.said[:, column].mean():.3f}"]


def _kept(seen: proofs.Seen, column: int) -> str:
    claimed = seen.claimed[:, column]
    known = ~np.isnan(claimed)
    if known.sum() < 2:
        return "none"
    share = "" if known.all() else f", {known.mean():.0%} of runs".replace("%", " %")
    return f"{np.nanmedian(claimed):g}: {_figure(seen.kept[:, column])}{share}"


def _rare(runs: int) -> tuple[str, list[str]]:
    found = proofs.rare_values(days=30, runs=max(50, runs), seed=SEED + 40)
    truth = float(found["truth"][0])
    rows = [
        [name, f"{values.mean() - truth:+.3f} ± {values.std() / np.sqrt(len(values)):.3f}", f"{values.std():.3f}"]
        for name, values in found.items()
        if name != "truth"
    ]
    return (
        f"The bound is the value passed once in {RARE_DAYS} days, from 30 daily maxima. On {max(50, runs):,} draws "
        f"from a standard Gumbel (seed {SEED + 40}; true value {truth:.3f}), against scipy's maximum likelihood:\n\n"
        + table(["fit", "bias", "standard deviation"], rows),
        [],
    )


def _drift(runs: int) -> tuple[str, list[str]]:
    number = max(5, min(80, runs // 10))
    rows, misses = [], []
    for place, case in enumerate(proofs.DRIFTS):
        seed = SEED + 50 + place
        found = proofs.drifted(case.service, runs=number, seed=seed)
        missed = proofs.drift_misses(case, found)
        misses += missed
        rows.append(
            [case.name, str(seed), str(number), _figure(found.alarms, 2), _bar(case.alarms),
             f"{found.seen.mean():.3f} ± {monte_carlo_error(max(found.seen.mean(), 0.01), len(found.seen)):.3f}",
             _bar(case.seen), _figure(found.shapes, 2)]
        )  # fmt: skip
        said(f"drift, {case.name}: {found.alarms.mean():.2f} alarms, seen {found.seen.mean():.3f} {'; '.join(missed)}")
    head = ["service", "seed", "runs", "alarms a quarter", "at most", "×1.3 on the third day", "at least",
            "index over its bound, a quarter"]  # fmt: skip
    return (
        "Drift of the level, looked at daily for a quarter after 30 reference days, and of durations that take 1.3 "
        "times as long from some day on:\n\n" + table(head, rows),
        misses,
    )
