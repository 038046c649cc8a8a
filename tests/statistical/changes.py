"""How often trends, seasons and change points are claimed: where there are none, and where they were put in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
from scipy import stats

from slaopt.analysis.changepoints import ChangePoint, change_points
from slaopt.analysis.levels import DailyLevels, daily_levels
from slaopt.analysis.load import load_correlation
from slaopt.analysis.seasonality import hour_pattern, weekday_pattern
from slaopt.analysis.trend import SenTrend, analyze_trend, sen_trend
from slaopt.profile import Profile
from tests.statistical.simulated import Service, monte_carlo_error, profile_of

AGO = 10  # days before the end at which a step lies


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A share of runs, and the bar that it has to keep."""

    name: str
    share: float
    runs: int
    seed: int
    at_most: float | None = None
    at_least: float | None = None
    beside: dict[str, float] = field(default_factory=dict)  # what other methods, or other questions, gave on these runs

    @property
    def error(self) -> float:
        return monte_carlo_error(min(max(self.share, 0.5 / self.runs), 1 - 0.5 / self.runs), self.runs)

    @property
    def bar(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return "–" if self.at_least is None else f"at least {self.at_least:g}"

    def misses(self) -> list[str]:
        """The bar, where it is missed by more than two Monte-Carlo errors."""
        over = self.at_most is not None and self.share - self.at_most > 2 * monte_carlo_error(self.at_most, self.runs)
        under = self.at_least is not None and self.at_least - self.share > 2 * monte_carlo_error(
            self.at_least, self.runs
        )
        return [f"{self.name}: {self.share:.3f}, {self.bar}"] if over or under else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service, and the bars of what is claimed of it."""

    service: Service
    at_most: float | None = None
    at_least: float | None = None
    unrest: float = 0.0  # sd of a daily AR(1) of rho 0.6 beside the hourly one
    slots: int = 6  # hours

    def figure(self, name: str, share: float, runs: int, seed: int, **beside: float) -> Figure:
        return Figure(
            name=name, share=share, runs=runs, seed=seed, at_most=self.at_most, at_least=self.at_least, beside=beside
        )

    def profiles(self, runs: int, seed: int) -> Iterator[Profile]:
        rng = np.random.default_rng(seed)
        for _ in range(runs):
            profile = self.service.profile(rng, hours=self.slots)
            yield restless(profile, self.unrest, rng) if self.unrest else profile


def restless(profile: Profile, sd: float, rng: np.random.Generator) -> Profile:
    """Move whole days by an AR(1) of rho 0.6."""
    per_day = round(24 * 3600 / profile.step.total_seconds())
    days = profile.slots // per_day
    noise = np.empty(days)
    noise[0] = rng.normal()
    for day in range(1, days):
        noise[day] = 0.6 * noise[day - 1] + 0.8 * rng.normal()
    shift = np.round(sd * noise * 128 / np.log(2)).astype(int)
    counts = profile.counts.toarray()
    moved = [np.roll(row, step) for row, step in zip(counts, np.repeat(shift, per_day), strict=True)]
    return profile_of(np.array(moved), profile.bounds, step=profile.step)


def known(levels: DailyLevels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, day numbers and weekends of the days that have a level."""
    place = levels.known
    return levels.values[place], levels.number[place], levels.weekend[place].astype(float)


TRENDS = {
    "none, rho 0.6": Case(service=Service(), at_most=0.06),
    "none, rho 0.9": Case(service=Service(rho=0.9), at_most=0.08),
    "none, incidents": Case(service=Service(incidents=True), at_most=0.06),
    "none, 30 a day": Case(service=Service(per_day=30), at_most=0.06),
    "none, heavy unrest from day to day": Case(service=Service(), unrest=0.1),
    "1 % a day": Case(service=Service(trend=0.01), at_least=0.94),
    "1 % a day, incidents": Case(service=Service(trend=0.01, incidents=True), at_least=0.88),
    "1 % a day, rho 0.9": Case(service=Service(trend=0.01, rho=0.9), at_least=0.50),
    "0.5 % a day": Case(service=Service(trend=0.005), at_least=0.40),
    "0.5 % a day, rho 0.9": Case(service=Service(trend=0.005, rho=0.9)),
    "none, 90 days": Case(service=Service(days=90), at_most=0.06),
    "none, 90 days, rho 0.9": Case(service=Service(days=90, rho=0.9), at_most=0.08),
    "none, 14 days": Case(service=Service(days=14), at_most=0.06),
}


def sen(levels: DailyLevels) -> SenTrend:
    return sen_trend(*known(levels))


def trends(name: str, *, runs: int, seed: int) -> Figure:
    """Share of runs in which a trend of the daily p95 is significant, and in which its interval holds the truth."""
    case = TRENDS[name]
    claimed = covered = whole = newey_west = 0
    for profile in case.profiles(runs, seed):
        trend = sen(daily_levels(profile, 0.95))
        claimed += trend.p_value < 0.05
        covered += trend.low <= case.service.trend <= trend.high
        whole += analyze_trend(profile).direction in ("improving", "degrading")
        newey_west += newey_west_p(daily_levels(profile, 0.95)) < 0.05
    return case.figure(
        name, claimed / runs, runs, seed, covered=covered / runs, said=whole / runs,
        newey_west=newey_west / runs,
    )  # fmt: skip


def newey_west_p(levels: DailyLevels) -> float:
    """P-value of the slope by least squares with Newey and West's errors (statsmodels)."""
    import statsmodels.api as sm

    values, days, weekend = known(levels)
    columns = np.column_stack([np.ones(len(days)), days, weekend])
    lags = int(4 * (len(days) / 100) ** (2 / 9))
    return float(sm.OLS(values, columns).fit(cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True).pvalues[1])


STEP = Service(jump=(30 - AGO, 1.3))
CHANGES = {
    "none, rho 0.6": Case(service=Service(), at_most=0.05),
    "none, rho 0.9": Case(service=Service(rho=0.9), at_most=0.05),
    "none, incidents": Case(service=Service(incidents=True), at_most=0.05),
    "none, 30 a day": Case(service=Service(per_day=30), at_most=0.05),
    "none, heavy unrest from day to day": Case(service=Service(), unrest=0.1),
    "none, 14 days": Case(service=Service(days=14), at_most=0.05),
    "none, 120 days": Case(service=Service(days=120), at_most=0.05),
    "none, 120 days, rho 0.9": Case(service=Service(days=120, rho=0.9), at_most=0.05),
    "×1.3 ten days ago": Case(service=STEP, at_least=0.90),
    "×1.3 ten days ago, rho 0.9, sd 0.1": Case(service=replace(STEP, rho=0.9, sd=0.1), at_least=0.90),
    "×1.3 ten days ago, incidents": Case(service=replace(STEP, incidents=True), at_least=0.85),
    "×1.3 ten days ago, rho 0.9": Case(service=replace(STEP, rho=0.9)),
    "×1.3 ten days ago, 30 a day": Case(service=replace(STEP, per_day=30)),
    "×1.3 ten days ago, of 120": Case(service=replace(STEP, days=120, jump=(120 - AGO, 1.3)), at_least=0.90),
}


def changes(name: str, *, runs: int, seed: int) -> Figure:
    """Share of runs in which a change of the level is claimed; where a step was put in, how it was placed."""
    case = CHANGES[name]
    step = None if case.service.jump is None else int(case.service.jump[0])
    claimed = abrupt = within = held = pelt = 0
    for profile in case.profiles(runs, seed):
        levels = daily_levels(profile)
        found = change_points(profile, levels=levels)
        claimed += bool(found)
        abrupt += any(change.abrupt for change in found)
        pelt += bool(pelt_changes(levels))
        if step is not None and found:
            nearest = min(found, key=lambda change: abs(place(levels, change) - step))
            within += abs(place(levels, nearest) - step) <= 1
            held += nearest.earliest <= levels.dates[step] <= nearest.latest
    beside = {"abrupt": abrupt / runs, "pelt": pelt / runs}
    if step is not None:
        beside |= {"within_a_day": within / runs, "location": held / max(claimed, 1)}
    return case.figure(name, claimed / runs, runs, seed, **beside)


def place(levels: DailyLevels, change: ChangePoint) -> int:
    return levels.dates.index(change.start)


def pelt_changes(levels: DailyLevels) -> list[int]:
    """First days of new levels by PELT with squared errors and a penalty of 3 log n (ruptures)."""
    import ruptures

    values, _, weekend = known(levels)
    columns = np.column_stack([np.ones(len(values)), weekend])
    free = values - weekend * np.linalg.lstsq(columns, values, rcond=None)[0][1]
    noise = 1.4826 * np.median(np.abs(np.diff(free) - np.median(np.diff(free)))) / np.sqrt(2)
    model = ruptures.Pelt(model="l2", min_size=3, jump=1).fit(free / max(noise, 1e-9))
    return [int(day) for day in model.predict(pen=3 * np.log(len(free)))[:-1]]


def nearby(*, runs: int, seed: int) -> Figure:
    """Share of runs in which ×1.3 ten days ago is placed within a day."""
    figure = changes("×1.3 ten days ago", runs=runs, seed=seed)
    return replace(
        figure,
        name="×1.3 ten days ago, placed within a day",
        share=figure.beside["within_a_day"],
        at_least=0.80,
        beside={},
    )


BUMP = Case(service=Service(jump=(10, 1.3), until=22), at_least=0.85)


def bumps(*, runs: int, seed: int) -> Figure:
    """Share of runs in which ×1.3 from 20 to 8 days ago is found at both ends, each within two days."""
    found = pelt = 0
    for profile in BUMP.profiles(runs, seed):
        levels = daily_levels(profile)
        ends = [(place(levels, change), change.factor > 1) for change in change_points(profile, levels=levels)]
        found += any(up and abs(day - 10) <= 2 for day, up in ends) and any(
            not up and abs(day - 22) <= 2 for day, up in ends
        )
        days = pelt_changes(levels)
        pelt += any(abs(day - 10) <= 2 for day in days) and any(abs(day - 22) <= 2 for day in days)
    return BUMP.figure("×1.3 from 20 to 8 days ago, both ends", found / runs, runs, seed, pelt=pelt / runs)


LINE = Case(service=Service(trend=0.01), at_most=0.15)


def lines(*, runs: int, seed: int) -> Figure:
    """Share of runs in which a trend of 1 % a day is called an abrupt change."""
    abrupt = claimed = pelt = 0
    for profile in LINE.profiles(runs, seed):
        levels = daily_levels(profile)
        found = change_points(profile, levels=levels)
        abrupt += any(change.abrupt for change in found)
        claimed += bool(found)
        pelt += bool(pelt_changes(levels))
    return LINE.figure("1 % a day, called abrupt", abrupt / runs, runs, seed, any=claimed / runs, pelt=pelt / runs)


FLAT = Service(daily=0.0, weekend=0.0)
HOURS = {
    "none, rho 0.6": Case(service=FLAT, at_most=0.08, slots=1),
    "none, rho 0.9": Case(service=replace(FLAT, rho=0.9), at_most=0.08, slots=1),
    "none, incidents": Case(service=replace(FLAT, incidents=True), at_most=0.08, slots=1),
    "none, 14 days": Case(service=replace(FLAT, days=14), at_most=0.08, slots=1),
    "none, 30 a day": Case(service=replace(FLAT, per_day=30), at_most=0.08, slots=1),
    "amplitude 0.1": Case(service=replace(FLAT, daily=0.1), at_least=0.95, slots=1),
    "amplitude 0.05": Case(service=replace(FLAT, daily=0.05), slots=1),
}
WEEKDAYS = {
    "none, rho 0.6": Case(service=FLAT, at_most=0.07),
    "none, rho 0.9": Case(service=replace(FLAT, rho=0.9), at_most=0.07),
    "none, incidents": Case(service=replace(FLAT, incidents=True), at_most=0.07),
    "none, 14 days": Case(service=replace(FLAT, days=14), at_most=0.07),
    "none, 30 a day": Case(service=replace(FLAT, per_day=30), at_most=0.07),
    "none, 90 days": Case(service=replace(FLAT, days=90), at_most=0.07),
    "weekend −0.15": Case(service=replace(FLAT, weekend=-0.15), at_least=0.85),
    "weekend −0.1": Case(service=replace(FLAT, weekend=-0.1)),
    "weekend −0.15, ×1.4 ten days ago": Case(service=replace(FLAT, weekend=-0.15, jump=(20, 1.4))),
}


def hours(name: str, *, runs: int, seed: int) -> Figure:
    """Share of runs in which a season by hour of day is significant, and in which it is claimed."""
    case = HOURS[name]
    patterns = [hour_pattern(profile) for profile in case.profiles(runs, seed)]
    seen, claimed = (np.mean([getter(pattern) for pattern in patterns]) for getter in (significant, was_claimed))
    return case.figure(name, float(seen), runs, seed, claimed=float(claimed))


def weekdays(name: str, *, runs: int, seed: int) -> Figure:
    """Share of runs in which a season by weekday is significant, and in which it is claimed."""
    case = WEEKDAYS[name]
    patterns, plain = [], 0
    for profile in case.profiles(runs, seed):
        levels = daily_levels(profile)
        patterns.append(weekday_pattern(levels, change_points(profile, levels=levels)))
        values, _, weekend = known(levels)
        plain += stats.f_oneway(values[weekend == 1], values[weekend == 0]).pvalue <= 0.05
    seen, claimed = (np.mean([getter(pattern) for pattern in patterns]) for getter in (significant, was_claimed))
    return case.figure(name, float(seen), runs, seed, claimed=float(claimed), plain=plain / runs)


def significant(pattern) -> bool:
    return pattern is not None and pattern.p_value <= 0.05


def was_claimed(pattern) -> bool:
    return pattern is not None and pattern.claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """What is found of an elasticity of durations to load."""

    name: str
    runs: int
    seed: int
    truth: float
    mean: float
    covered: float
    claimed: float
    refused: float


LOADS: dict[str, tuple[float, float, float, float]] = {  # elasticity, an hour, sd of the log load, rho of the level
    "0.4 at 150 an hour": (0.4, 150, 0.3, 0.6),
    "0.4 at 150 an hour, rho 0.9": (0.4, 150, 0.3, 0.9),
    "none at 150 an hour": (0.0, 150, 0.3, 0.6),
    "none at 150 an hour, rho 0.9": (0.0, 150, 0.3, 0.9),
    "0.4 at 10,000 an hour": (0.4, 10_000, 0.3, 0.6),
    "0.4 at 20 an hour": (0.4, 20, 0.3, 0.6),
    "load that repeats daily, 150 an hour": (0.4, 150, 0.02, 0.6),
}


def loaded(elasticity: float, per_hour: float, sd: float, rho: float, rng: np.random.Generator) -> Profile:
    """Draw 30 days whose load follows an AR(1) of rho 0.8 beside its day, and whose level follows the load."""
    service = Service(per_day=24 * per_hour, rho=rho)
    level = service.levels(rng)
    load = sd * replace(service, rho=0.8, sd=1.0, daily=0.0, weekend=0.0).levels(rng)
    expected = np.resize(service.season()[0], len(level)) * np.exp(load - sd**2 / 2)
    shift = np.round((level + elasticity * load) * 128 / np.log(2)).astype(int)
    shares = np.diff(service.shape(np.arange(-500, 501) * np.log(2) / 128), prepend=0.0)
    counts = rng.poisson(expected[:, None] * shares)
    margin = int(np.abs(shift).max())
    moved = np.zeros((len(level), len(shares) + 2 * margin))
    rows = np.arange(len(level))[:, None]
    moved[rows, margin + shift[:, None] + np.arange(len(shares))] = counts
    index = np.arange(-500 - margin, 501 + margin)
    return profile_of(moved, 2.0 ** (index / 128), step=timedelta(hours=1))


def loads(name: str, *, runs: int, seed: int) -> Slope:
    """Mean of the elasticities found, and how often their interval holds the truth and leaves out 0."""
    rng = np.random.default_rng(seed)
    truth = LOADS[name][0]
    found = [load_correlation(loaded(*LOADS[name], rng)) for _ in range(runs)]
    told = [each for each in found if each.elasticity is not None and each.interval is not None]
    some = max(len(told), 1)
    return Slope(
        name=name, runs=runs, seed=seed, truth=truth,
        mean=float(np.mean([each.elasticity for each in told])) if told else float("nan"),
        covered=sum(each.interval.covers(truth) for each in told) / some,
        claimed=sum(each.claimed for each in told) / some,
        refused=1 - len(told) / runs,
    )  # fmt: skip
