"""Services whose violation rate is known at every hour: what a watch, a drift test and the alerts make of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property

import numpy as np
from scipy import optimize, signal, special, stats

from slaopt.analysis import alerts
from slaopt.analysis.drift import Drift, drift
from slaopt.analysis.extremes import fit_gumbel
from slaopt.analysis.usual import Usual, statistic
from slaopt.analysis.watch import WITHIN
from slaopt.buckets import counted_bounds
from slaopt.optimize.criteria import fires, rollback
from slaopt.profile import Profile
from tests.statistical.simulated import START, Service, monte_carlo_error, profile_of

STEP, DAY = timedelta(minutes=5), timedelta(days=1)
A_DAY, AN_HOUR = 288, 12  # steps
BOUNDS = np.array([1.0, 2.0])  # seconds: within the threshold of 1 s, and above it
SIGMA = 0.5
LEARNED, QUARTER = 30, 90  # days


@dataclass(frozen=True)
class Watched:
    """Lognormal durations against a threshold of 1 s that is violated at a mean `rate`."""

    per_day: float
    rate: float
    sd: float = 0.05
    rho: float = 0.6

    @property
    def name(self) -> str:
        return f"{self.per_day:,.0f} a day, {100 * self.rate:g} %, sd {self.sd:g}, rho {self.rho:g}"

    @cached_property
    def season(self) -> tuple[np.ndarray, np.ndarray]:
        """Executions an hour and log level of each hour of the week, Monday first."""
        return Service(per_day=self.per_day).season()

    @cached_property
    def middle(self) -> float:
        """Log of the level at which the mean violation rate is `rate`."""
        traffic, level = self.season
        wide = np.hypot(SIGMA, self.sd)

        def excess(middle: float) -> float:
            return float(traffic @ special.ndtr((middle + level) / wide) / traffic.sum()) - self.rate

        return float(optimize.brentq(excess, -8, 2))

    def draw(self, rng: np.random.Generator, days: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Executions within the threshold and above it, and the true violation rate, of each step, (steps,) each."""
        hours = days * 24
        shocks = rng.standard_normal(hours)
        shocks[1:] *= np.sqrt(1 - self.rho**2)
        noise = self.sd * signal.lfilter([1.0], [1.0, -self.rho], shocks)
        traffic, level = (np.resize(one, hours) for one in self.season)
        rate = np.repeat(special.ndtr((self.middle + level + noise) / SIGMA), AN_HOUR)
        executed = np.repeat(traffic / AN_HOUR, AN_HOUR)
        return rng.poisson(executed * (1 - rate)), rng.poisson(executed * rate), rate

    def profile(self, rng: np.random.Generator, days: int = LEARNED) -> Profile:
        kept, violated, _ = self.draw(rng, days)
        return counted(kept, violated)


def counted(kept: np.ndarray, violated: np.ndarray, *, first: int = 0) -> Profile:
    """A Profile of five-minute steps from executions within the threshold of 1 s and above it, (steps,) each."""
    counts = np.stack([kept, violated], axis=1).astype(float)
    return profile_of(counts, BOUNDS, step=STEP, start=START + first * STEP)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchCase:
    """A service, and what its watch must keep to; None: shown, without a bar."""

    service: Watched
    alarms: float | None = 1.0  # at most, a quarter
    six: float | None = None  # least share of tripled violation rates that are seen within 6 h
    day: float | None = None
    short: bool = False


WATCHES = (
    WatchCase(service=Watched(1e6, 0.05), six=0.97, short=True),
    WatchCase(service=Watched(1e6, 0.01), six=0.85, short=True),
    WatchCase(service=Watched(1e6, 0.01, rho=0.9)),
    WatchCase(service=Watched(1e6, 0.01, sd=0.1)),
    WatchCase(service=Watched(1e6, 0.01, sd=0.1, rho=0.9)),
    WatchCase(service=Watched(1e4, 0.001, sd=0.1)),
    WatchCase(service=Watched(1e3, 0.05), day=0.90, short=True),
    WatchCase(service=Watched(1e3, 0.01)),
    WatchCase(service=Watched(1e3, 0.05, sd=0.1, rho=0.9)),
    WatchCase(service=Watched(30, 0.05, sd=0.1), short=True),
    WatchCase(service=Watched(30, 0.01, sd=0.1)),
    WatchCase(service=Watched(1e6, 0.01, sd=0.2), alarms=None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What watches learned from 30 days did in the quarter after; every array (runs, …)."""

    alarms: np.ndarray  # (runs,) in a quarter in which nothing was changed
    either: np.ndarray  # (runs,) the same, of both rollback rules together
    tripled: np.ndarray  # (runs, 2) share of the starts of a tripled violation rate seen within 6 h, 24 h
    said: np.ndarray  # (runs, 2) the same, as reckoned beforehand
    claimed: np.ndarray  # (runs, 2) the factor said to be seen; NaN: none
    kept: np.ndarray  # (runs, 2) share of the starts at which that factor was seen; NaN


def watched(service: Watched, *, runs: int, seed: int, starts: int = 20, quarter: int = QUARTER) -> Seen:
    """Learn, look at a quarter as it is, and at days in which the violation rate rises from some moment on."""
    rng = np.random.default_rng(seed)
    objective = 1 - 1.5 * service.rate  # a third of the budget is left
    alarms, either, found = np.empty(runs), np.empty(runs), np.empty((4, runs, 2))
    for run in range(runs):
        kept, violated, rate = service.draw(rng, LEARNED + quarter)
        history = counted(kept[: LEARNED * A_DAY], violated[: LEARNED * A_DAY])
        made = rollback(history, 1.0, objective=objective, seed=run)
        one, before = made.watch, (LEARNED - 1) * A_DAY
        after = counted(kept[before:], violated[before:], first=before)
        fired = [fires(rule, after, 1.0, objective=objective, watch=one)[A_DAY:] for rule in made.rules]
        alarms[run] = onsets(np.flatnonzero(fired[0]))
        either[run] = onsets(np.flatnonzero(np.any(fired, axis=0)))
        factors = np.array([np.nan if each.factor is None else each.factor for each in one.detectable])
        begins = rng.integers((LEARNED + 1) * A_DAY, len(kept) - A_DAY, starts)
        raised = [_raised(rng, kept, violated, rate, one.usual, begins, factor) for factor in (3.0, *factors)]
        found[:, run] = (
            raised[0], [each.x3_seen for each in one.detectable], factors, [raised[1][0], raised[2][1]]
        )  # fmt: skip
    return Seen(alarms=alarms, either=either, tripled=found[0], said=found[1], claimed=found[2], kept=found[3])


def onsets(hot: np.ndarray) -> int:
    """Alarms more than a day after the one before, (steps that alarm,)."""
    return int(1 + np.sum(np.diff(hot) > A_DAY)) if len(hot) else 0


def _raised(
    rng: np.random.Generator,
    kept: np.ndarray,
    violated: np.ndarray,
    rate: np.ndarray,
    learned: Usual,
    begins: np.ndarray,
    factor: float,
) -> list[float]:
    """Share of the starts at which a violation rate times `factor` is seen within 6 h and 24 h."""
    if np.isnan(factor):
        return [np.nan, np.nan]
    hours = np.empty(len(begins))
    for i, begin in enumerate(begins):
        span = slice(begin - A_DAY, begin + A_DAY)
        turned = rng.binomial(kept[span], np.minimum((factor - 1) * rate[span] / (1 - rate[span]), 1.0))
        turned[:A_DAY] = 0
        looks = statistic(learned, counted(kept[span] - turned, violated[span] + turned, first=span.start))[A_DAY:]
        hot = np.flatnonzero(looks > learned.bound)
        hours[i] = (hot[0] + 1) / AN_HOUR if len(hot) else np.inf
    return [float((hours <= within).mean()) for within in WITHIN]


KEPT = 0.90  # least share of the starts at which the factor that was said to be seen in 95 % is seen


def error_of(values: np.ndarray) -> float:
    """Standard error of the mean over the runs, NaN left out."""
    known = values[~np.isnan(values)]
    return float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else np.nan


def watch_misses(case: WatchCase, seen: Seen) -> list[str]:
    """Bars that are missed by more than two Monte-Carlo errors."""
    name = case.service.name
    missed = []
    if case.alarms is not None and seen.alarms.mean() - case.alarms > 2 * error_of(seen.alarms):
        missed.append(f"watch, {name}: {seen.alarms.mean():.2f} alarms a quarter")
    if case.alarms is not None and seen.either.mean() - case.alarms > 2 * error_of(seen.either):
        missed.append(f"rollback rules, {name}: {seen.either.mean():.2f} alarms a quarter")
    for column, hours, bar in ((0, 6, case.six), (1, 24, case.day)):
        share = seen.tripled[:, column]
        if bar is not None and bar - share.mean() > 2 * max(error_of(share), np.sqrt(bar * (1 - bar) / share.size / 8)):
            missed.append(f"watch, {name}: a tripled rate seen within {hours} h in {share.mean():.3f}")
        kept = seen.kept[:, column]
        if (~np.isnan(kept)).sum() > 1 and KEPT - np.nanmean(kept) > 2 * error_of(kept):
            missed.append(f"watch, {name}: what it claims within {hours} h is seen in {np.nanmean(kept):.3f}")
    return missed


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftCase:
    """A service, and the least share of durations × 1.3 that alarm on the third day; None: shown, without a bar."""

    name: str
    service: Service
    seen: float | None
    alarms: float | None = 1.0


DRIFTS = (
    DriftCase(name="1,000 a day, sd 0.1, rho 0.6", service=Service(sd=0.1), seen=0.95),
    DriftCase(name="1,000 a day, sd 0.1, rho 0.9", service=Service(sd=0.1, rho=0.9), seen=0.88),
    DriftCase(name="1,000 a day, sd 0.2, rho 0.6", service=Service(), seen=0.88),
    DriftCase(name="1,000,000 a day, sd 0.2, rho 0.6", service=Service(per_day=1e6), seen=None),
    DriftCase(name="1,000 a day, sd 0.2, rho 0.6, incidents", service=Service(incidents=True), seen=None),
    DriftCase(name="30 a day, sd 0.2, rho 0.6", service=Service(per_day=30), seen=None),
    DriftCase(name="1,000 a day, sd 0.2, rho 0.9", service=Service(rho=0.9), seen=None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """What the drift test did from day to day of a quarter; (runs,) each but `seen`."""

    alarms: np.ndarray  # rises of the level alarm in a quarter without drift
    shapes: np.ndarray  # rises of the index above its own bound
    seen: np.ndarray  # (runs × starts,) whether durations × 1.3 alarmed on the third day


def drifted(service: Service, *, runs: int, seed: int, starts: int = 8) -> Drifted:
    """Learn 30 days, and look at every day of the quarter after; in it, durations × 1.3 from some days on."""
    rng = np.random.default_rng(seed)
    alarms, shapes, seen = np.empty(runs), np.empty(runs), []
    for run in range(runs):
        profile = replace(service, days=LEARNED + QUARTER).profile(rng)
        before = profile.between(profile.start, profile.start + LEARNED * DAY)

        def looked(last: int, factor: float = 1.0, profile: Profile = profile, before: Profile = before) -> Drift:
            end = before.end + last * DAY
            return drift(before, profile.between(end - 3 * DAY, end).scaled(factor))

        days = [looked(last) for last in range(3, QUARTER + 1)]
        alarms[run] = _rises([day.alarm for day in days])
        shapes[run] = _rises([(day.psi or 0) > (day.psi_bound or 0) for day in days])
        seen += [looked(int(last), 1.3).alarm for last in np.linspace(4, QUARTER, starts)]
    return Drifted(alarms=alarms, shapes=shapes, seen=np.array(seen))


def drift_misses(case: DriftCase, found: Drifted) -> list[str]:
    """Bars that are missed by more than two Monte-Carlo errors."""
    missed = []
    if case.alarms is not None and found.alarms.mean() - case.alarms > 2 * error_of(found.alarms):
        missed.append(f"drift, {case.name}: {found.alarms.mean():.2f} alarms a quarter")
    if case.seen is not None and case.seen - found.seen.mean() > 2 * monte_carlo_error(case.seen, found.seen.size):
        missed.append(f"drift, {case.name}: × 1.3 seen in {found.seen.mean():.3f}")
    return missed


def _rises(flags: list[bool]) -> int:
    return int(np.sum(np.diff(np.array([False, *flags]).astype(int)) > 0))


def rare_values(*, days: int, runs: int, seed: int) -> dict[str, np.ndarray]:
    """The value that is passed once in 180 days, from so many days of a standard Gumbel: ours, and scipy's."""
    rng = np.random.default_rng(seed)
    drawn = rng.gumbel(size=(runs, days))
    ours = np.array([fit_gumbel(one).once_in(180) for one in drawn])
    likely = np.array([stats.gumbel_r.isf(1 / 180, *stats.gumbel_r.fit(one)) for one in drawn])
    return {"L-moments": ours, "maximum likelihood": likely, "truth": np.array([stats.gumbel_r.isf(1 / 180)])}


def bursting(rng: np.random.Generator, *, days: int = 30, per_step: float = 20.0, sd: float = 0.15) -> Profile:
    """Lognormal durations of median 0.3 s with a wandering level and a few incidents, counted at what replay needs."""
    bounds = counted_bounds(0.02, 40)
    shocks = sd * np.sqrt(1 - 0.6**2) * rng.standard_normal(days * 24)
    level = signal.lfilter([1.0], [1.0, -0.6], shocks)
    for start in rng.integers(0, days * 24, days // 10):
        level[start : start + rng.integers(1, 7)] += np.log(rng.uniform(2, 5))
    traffic = per_step * (1 + 0.6 * np.sin(2 * np.pi * np.arange(days * 24) / 24))
    cdf = special.ndtr((np.log(np.append(bounds[:-1], np.inf) / 0.3) - level[:, None]) / SIGMA)
    expected = np.repeat(np.diff(cdf, axis=1, prepend=0.0) * traffic[:, None], AN_HOUR, axis=0)
    return profile_of(rng.poisson(expected).astype(float), bounds, step=STEP)


TRIED = (0.7, 0.9, 1.1, 1.4, 2.0)  # thresholds, seconds


def start_errors(*, services: int, seed: int, per_step: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Tightness minus that from 512 starts, and the standard error that was said, (services, thresholds) each."""
    rng = np.random.default_rng(seed)
    off, said = np.empty((2, services, len(TRIED)))
    for i in range(services):
        steps = bursting(rng, per_step=per_step)
        few = alerts.tightness(steps, TRIED, objective=0.99)
        many = alerts.tightness(steps, TRIED, objective=0.99, degradations=alerts.Degradations(starts=512))
        off[i] = [one.value - more.value for one, more in zip(few, many, strict=True)]
        said[i] = [one.error for one in few]
    return off, said


def healthy_and_trickling(per_day: float, *, runs: int, seed: int, rate: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Pages a week at half a budget of 1 % in 30 days, and whether a trickle of `rate` over six days gives a ticket.

    (runs,) each.
    """
    rng = np.random.default_rng(seed)
    pages, told = np.empty(runs), np.empty(runs, dtype=bool)
    for run in range(runs):
        n = rng.poisson(per_day / A_DAY, 30 * A_DAY)
        bad = rng.binomial(n, 0.005)
        [healthy] = alerts.replay(counted(n - bad, bad), [1.0], objective=0.99)
        pages[run] = healthy.pages_per_week
        bad[-6 * A_DAY :] = rng.binomial(n[-6 * A_DAY :], rate)
        since = START + 24 * DAY
        [ill] = alerts.replay(counted(n - bad, bad), [1.0], objective=0.99, since=since)
        told[run] = ill.tickets_per_week > 0 or len(ill.pages) > 0
    return pages, told
