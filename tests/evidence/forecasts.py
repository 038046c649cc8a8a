"""The section of docs/evidence.md on forecasts: scores on public series against simple rules and one who knows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from slaopt.forecast.accuracy import hits
from slaopt.forecast.calibration import Constants
from tests.evidence.tables import said, table
from tests.statistical.forecasts import (
    COLUMNS,
    FAMILIES,
    NAIVE,
    SEED,
    SHIFT,
    Scores,
    available,
    real_windows,
    scores_of,
    simulated_windows,
    without_family,
)

MONTH = [(30, 7), (7, 7), (30, 14), (30, 30)]  # days learned from, horizon
SHORT = [(14, 7), (14, 14)]
LEVELS = ("high", "medium", "low")
GROUPS = {
    "cold": ("cold", "function_coldstart"),
    "itsm": ("itsm", "itsm_incidents"),
    "nab metrics": ("nab", "nab_metrics"),
    "nab durations": ("nab", "nab_durations"),
    "ping": ("net", "network_ping"),
    "test runs": ("net", "network_test_runs"),
}
INTRODUCTION = """## Forecasts

{windows} windows of public series, each at the quantiles 0.75, 0.9, 0.95 and 0.99 of the 30 days before it (7 days
where there are no more). The constants of the intervals are fitted without the family that is scored, 300 simulated
services (seed {seed}) weighing as much as a family. A *hit* is a forecast within 15 % of the rate that came;
*resolvable* are rates whose own binomial error is at most that, *foreseeable* those that would be if the period learned
from went on. *Oracle*: one who knows the rate and meets binomial noise. *Shift*: windows that begin 3 to 8 days
after a shift of the daily medians, found with the whole series in view. Errors are standard errors, windows of one
family and four weeks taken together.

"""
Figure = tuple[str, float, float | None, str, float, float]  # what, figure, error, column, least, most


def forecasts(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on forecasts, then what stays below its bar; no text without the public series."""
    if not available():
        said("forecasts: the public series are not here; the section stays as it is")
        return
    every = max(1, round(1000 / runs))
    windows = real_windows(MONTH, every=every)
    constants = without_family(windows + simulated_windows(services=max(300 // every, 20)))
    told = scores_of(windows, constants)
    short = scores_of(real_windows(SHORT, every=every), constants)["slaopt"]
    reached = list(_figures(told))
    yield (
        INTRODUCTION.format(windows=f"{len(windows):,}", seed=SEED)
        + _hits(told)
        + "\n"
        + _intervals(told)
        + "\nBy family, 30 → 14 days: hits of resolvable rates, median relative error, and share inside the 95 % "
        "interval over 7, 14 and 30 days.\n\n"
        + _families(told)
        + "\nWhat is said beforehand of the confidence, and what came (30 → 14 days):\n\n"
        + _confidence(told["slaopt"])
        + "\nLearned from 14 days: " + _short(short)
        + "\n### Figures to reach\n\n" + table(("what", "figure", "error", "bar"), map(_row, reached))
        + "\n### Constants without each family\n\n" + _constants(constants)
    )  # fmt: skip
    yield [f"forecasts, {what}, {column}: {figure:.3f}" for what, figure, _, column, low, high in reached
           if not low <= figure <= high]  # fmt: skip


def _percent(values: np.ndarray) -> str:
    return f"{100 * np.mean(values):.1f}" if len(values) else "–"


def _hits(told: dict[str, Scores]) -> str:
    rows = []
    for method, scores in told.items():
        cells = []
        for column in COLUMNS:
            one = scores.take(scores.column(column))
            shares = " / ".join(_percent(one.hit[mask]) for mask in (slice(None), one.resolvable, one.foreseeable))
            cells.append(f"{shares}; {100 * np.nanmedian(one.error):.1f}")
        rows.append([f"**{method}**" if method == "slaopt" else method, *cells])
    known = told["slaopt"]
    oracle = []
    for column in COLUMNS:
        one = known.take(known.column(column))
        oracle.append(" / ".join(_percent(one.oracle[mask]) for mask in (slice(None), one.resolvable, one.foreseeable)))
    head = ("hits in % of all / resolvable / foreseeable; median relative error in %", *COLUMNS)
    return table(head, [*rows, ["oracle", *oracle]])


def _intervals(told: dict[str, Scores]) -> str:
    rows = []
    for method, scores in told.items():
        cells = []
        for column in COLUMNS:
            one = scores.take(scores.column(column))
            cells.append(f"{_percent(one.covers(0.8))} / {_percent(one.covers(0.95))}; {one.loss.mean():.1f}")
        rows.append([f"**{method}**" if method == "slaopt" else method, *cells])
    head = ("inside the 80 / 95 % interval, %; pinball loss × 2, violations of 1,000", *COLUMNS)
    return table(head, rows)


def _families(told: dict[str, Scores]) -> str:
    rows = []
    for name, (family, file) in GROUPS.items():
        own = {
            method: one.take((one.family == family) & (one.file == file) & ~one.after_shift)
            for method, one in told.items()
        }  # fmt: skip
        fortnight = {method: one.take(one.horizon == 14) for method, one in own.items()}
        known = fortnight["slaopt"].resolvable
        shares = [_percent(fortnight[method].hit[known]) for method in ("slaopt", *NAIVE)]
        ceiling = _percent(fortnight["slaopt"].oracle[known])
        error = 100 * np.nanmedian(fortnight["slaopt"].error)
        cover = [_percent(own["slaopt"].covers(0.95)[own["slaopt"].horizon == days]) for days in (7, 14, 30)]
        rows.append([name, str(known.sum()), *shares, ceiling, f"{error:.0f}", " / ".join(cover)])
    head = ("family", "resolvable", "slaopt", *NAIVE, "oracle", "median error", "inside 95 %")
    return table(head, rows)


def _confidence(scores: Scores) -> str:
    one = scores.take(scores.column("14 days"))
    rows = []
    for level in LEVELS:
        chosen = one.take(one.confidence == level)
        rows.append(
            [level, _percent(one.confidence == level), _percent(chosen.hit), f"{100 * np.nanmedian(chosen.error):.0f}"]
        )
    return table(("confidence", "share of cells, %", "hits, %", "median error, %"), rows)


def _short(scores: Scores) -> str:
    parts = []
    for days in (7, 14):
        one = scores.take(scores.horizon == days)
        parts.append(
            f"{_percent(one.hit)} % hits over the next {days} days, {_percent(one.covers(0.8))} and "
            f"{_percent(one.covers(0.95))} % inside the 80 and 95 % intervals"
        )
    return "; ".join(parts) + ".\n"


def _figures(told: dict[str, Scores]) -> Iterator[Figure]:
    """Every figure that is to be reached."""
    scores = told["slaopt"]
    columns = {name: scores.take(scores.column(name)) for name in COLUMNS}
    for name, least, known in zip(COLUMNS, (0.18, 0.195, 0.205, 0.145), (0.26, 0.35, 0.275, 0.25), strict=True):
        one = columns[name]
        yield "hits, all", *_mean(one, one.hit), name, least, 1.0
        chosen = one.take(one.resolvable)
        yield "hits, resolvable", *_mean(chosen, chosen.hit), name, known, 1.0
    two, after = columns["14 days"], columns[SHIFT]
    foreseen, known = two.take(two.foreseeable), two.take(two.resolvable)
    yield "hits, foreseeable", *_mean(foreseen, foreseen.hit), "14 days", 0.33, 1.0
    yield "hits, resolvable, rate named for hits", *_mean(known, hits(known.best, known.rate)), "14 days", 0.38, 1.0
    yield "median error, all", float(np.nanmedian(two.error)), None, "14 days", 0.0, 0.375
    yield "median error, resolvable", float(np.nanmedian(known.error)), None, "14 days", 0.0, 0.23
    yield "median error, all", float(np.nanmedian(after.error)), None, SHIFT, 0.0, 0.435
    for name, one in columns.items():
        yield "inside 95 %", *_mean(one, one.covers(0.95)), name, 0.93, 0.98
        yield "inside 80 %", *_mean(one, one.covers(0.8)), name, 0.78, 0.90
        rivals = [told[rule].take(told[rule].column(name)).loss.mean() for rule in ("whole period", "last week")]
        yield "pinball / best binomial", float(one.loss.mean() / min(rivals)), None, name, 0.0, 0.89
    for family in FAMILIES:
        for name in COLUMNS[:3]:
            own = columns[name].take(columns[name].family == family)
            least = 0.77 if family == "nab" else 0.905
            yield f"inside 95 %, {family}", *_mean(own, own.covers(0.95)), name, least, 1.0
    ordinary = scores.take(~scores.after_shift)
    share = {level: float(ordinary.hit[ordinary.confidence == level].mean()) for level in LEVELS}
    yield "hits, high : low confidence", share["high"] / share["low"], None, "all", 1.8, np.inf


def _mean(scores: Scores, values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), scores.error_of(values.astype(float))


def _row(figure: Figure) -> list[str]:
    what, value, error, column, low, high = figure
    ratio = "/ best" in what or ":" in what
    written = (lambda x: f"{x:.2f}") if ratio else (lambda x: f"{100 * x:.1f} %")
    least, most = low > 0, high < (np.inf if ratio else 1)
    bar = (
        f"{written(low)} to {written(high)}"
        if least and most
        else f"≥ {written(low)}"
        if least
        else f"≤ {written(high)}"
    )
    return [f"{what}, {column}", written(value), "–" if error is None else written(error), bar]


def _constants(constants: dict[str, Constants]) -> str:
    names = ("shift", "narrow: 1", "log daily", "log apart", "wide: 1", "log apart", "weight")
    rows = [[name, *(f"{value:.2f}" for value in one.flat)] for name, one in constants.items()]
    return table(("fitted without", *names), [["none (shipped)", *rows[0][1:]], *rows[1:]])
