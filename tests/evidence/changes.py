"""The section of docs/evidence.md on trend, season, change points and load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.evidence.tables import said, table
from tests.statistical import changes as simulated
from tests.statistical.changes import Case, Figure

SEED = 20261305
LONG = 60  # days, above which fewer runs are made

TREND = (
    "A trend of the daily p95 is *significant* at 5 %; the *interval* is the 95 % interval of the slope. *Said*: what "
    "the whole analysis calls improving or degrading, after it looked for abrupt changes and kept the days since the "
    "last one. Beside it *Newey–West*: least squares with heteroskedasticity- and autocorrelation-consistent errors of "
    "statsmodels on the same days. *Unrest from day to day*: a daily AR(1) of rho 0.6 and standard deviation 0.1 in "
    "addition."
)
SEASON = (
    "*Claimed*: significant at 5 % and more than 5 % of the variance. Levels have no season but what is named. Beside "
    "it, for weekdays, the plain F test of scipy between weekends and other days."
)
CHANGE = (
    "Share of runs with any change claimed, and with an *abrupt* one; among all runs, those with one *within a day* of "
    "the true one; among claims, those whose *days* from earliest to latest hold the true one. Beside it *PELT*: "
    "ruptures, squared errors, penalty 3 log n, on the same days less their weekend effect."
)
LOAD = (
    "The load of an hour varies by an AR(1) of rho 0.8 beside its day (standard deviation of the log as named), the "
    "level follows it. *Covered* and *claimed* are shares of the runs that were not refused."
)


def changes(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on trend, season, change points and load, then what misses its bars."""
    yield "## Trend, season, change points and load\n\n"
    trends = _figures(simulated.trends, simulated.TRENDS, SEED, min(runs, 600))
    yield _part("### Trend", TREND, trends, {"covered": "interval holds", "said": "said", "newey_west": "Newey–West"})
    hours = _figures(simulated.hours, simulated.HOURS, SEED + 100, min(runs, 300))
    yield _part("### Season by hour of day", SEASON, hours, {"claimed": "claimed"})
    weekdays = _figures(simulated.weekdays, simulated.WEEKDAYS, SEED + 200, min(runs, 600))
    yield _part("### Season by weekday", "", weekdays, {"claimed": "claimed", "plain": "plain F"})
    found = _figures(simulated.changes, simulated.CHANGES, SEED + 300, min(runs, 600))
    placed = [
        told(function(runs=min(runs, 600), seed=SEED + 400 + place))
        for place, function in enumerate((simulated.nearby, simulated.bumps, simulated.lines))
    ]
    beside = {"abrupt": "abrupt", "within_a_day": "within a day", "location": "days hold it", "pelt": "PELT"}
    yield _part("### Change points", CHANGE, found + placed, beside)
    yield _loads(min(runs, 200))
    yield [miss for figure in (*trends, *hours, *weekdays, *found, *placed) for miss in figure.misses()]


def _figures(figure: Callable[..., Figure], cases: Mapping[str, Case], seed: int, runs: int) -> list[Figure]:
    return [
        told(figure(name, runs=min(runs, 200) if case.service.days > LONG else runs, seed=seed + place))
        for place, (name, case) in enumerate(cases.items())
    ]


def told(figure: Figure) -> Figure:
    said(f"{figure.name}: {figure.share:.3f} ({figure.bar}) {'; '.join(figure.misses())}")
    return figure


def _part(title: str, text: str, figures: list[Figure], beside: Mapping[str, str]) -> str:
    rows = [
        [figure.name, str(figure.seed), str(figure.runs), f"{figure.share:.3f} ± {figure.error:.3f}", figure.bar]
        + [f"{figure.beside[key]:.3f}" if key in figure.beside else "–" for key in beside]
        for figure in figures
    ]
    head = ["service", "seed", "runs", "share of runs", "bar", *beside.values()]
    return f"{title}\n\n{text}{chr(10) * 2 if text else ''}{table(head, rows)}\n"


def _loads(runs: int) -> str:
    rows = []
    for place, name in enumerate(simulated.LOADS):
        slope = simulated.loads(name, runs=runs, seed=SEED + 500 + place)
        said(f"{name}: {slope.mean:.3f}, covered {slope.covered:.3f}")
        figures = ["–"] * 3 if slope.refused == 1 else [f"{x:.3f}" for x in (slope.mean, slope.covered, slope.claimed)]
        rows.append([name, str(slope.seed), str(runs), *figures, f"{slope.refused:.2f}"])
    return f"### Load\n\n{LOAD}\n\n" + table(
        ["service", "seed", "runs", "mean elasticity", "covered", "claimed", "refused"], rows
    )
