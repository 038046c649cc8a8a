"""Planned tests carried out execution by execution, by code of its own, beside what the rehearsal and formulas say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

from slaopt.experiment.past import Past, UnitsBefore
from slaopt.experiment.power import Bounds, Terms, bounds_of, planned_power
from slaopt.experiment.rehearsal import judged, rehearse

SIGMA = 0.5  # of log durations
MARGIN = 0.1  # of both guardrails
FIGURES = ("found", "significant", "harmed", "shipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A service of lognormal durations of median 1 s, and a test of it."""

    name: str
    rate: float
    effect: float  # by which violations fall in the test arm; negative: rise
    per_day: float = 2000.0
    days: int = 10
    split: float = 0.5
    units: int | None = None
    icc: float = 0.0
    mode: str = "planned"

    @property
    def threshold(self) -> float:
        """Log seconds."""
        return float(SIGMA * stats.norm.isf(self.rate))

    @property
    def tail(self) -> float:
        """Log seconds of p95."""
        return float(SIGMA * stats.norm.isf(0.05))

    def terms(self) -> Terms:
        return Terms(
            rate=self.rate, split=self.split, executions=self.per_day * self.days,
            shares=np.arange(1, self.days + 1) / self.days, level=0.05, harm_level=0.05, mode=self.mode,
            units=None if self.units is None else float(self.units), icc=self.icc,
        )  # fmt: skip

    def past(self) -> tuple[Past, dict[str, int]]:
        """Four weeks of days that are all alike, at the threshold and p95."""
        cuts = np.unique([self.threshold, self.tail])
        rates = stats.norm.sf(cuts / SIGMA)
        ends = np.concatenate([[-np.inf], cuts, [np.inf]]) / SIGMA
        parts = [stats.truncnorm(low, high) for low, high in pairwise(ends)]
        past = Past(
            cuts=np.exp(cuts),
            n=np.full(28, self.per_day),
            above=self.per_day * np.tile(rates, (28, 1)),
            log_means=SIGMA * np.array([part.mean() for part in parts]),
            log_variances=SIGMA**2 * np.array([part.var() for part in parts]),
        )
        return past, {"rate": int(np.argmin(abs(cuts - self.threshold))), "p95": int(np.argmin(abs(cuts - self.tail)))}


CASES = (
    Case(name="executions, 5 → 4 %", rate=0.05, effect=0.2),
    Case(name="executions, nothing changes", rate=0.05, effect=0.0),
    Case(name="executions, 5 → 6 %", rate=0.05, effect=-0.2),
    Case(name="executions, 30 % in the test arm, 5 → 4 %", rate=0.05, effect=0.2, split=0.3),
    Case(name="open-ended, 5 → 4 %", rate=0.05, effect=0.2, mode="open_ended"),
    Case(name="40 units, 8 → 3 %", rate=0.08, effect=0.625, per_day=1000, units=40, icc=0.05),
    Case(name="40 units, nothing changes", rate=0.08, effect=0.0, per_day=1000, units=40, icc=0.05),
    Case(name="300 units, 8 → 5.6 %", rate=0.08, effect=0.3, units=300, icc=0.05),
    Case(name="300 units, nothing changes", rate=0.08, effect=0.0, units=300, icc=0.05),
    Case(name="20 units, nothing changes", rate=0.08, effect=0.0, per_day=500, units=20, icc=0.05),
)


def rehearsed(case: Case, *, runs: int, seed: int) -> dict[str, tuple[float, float]]:
    """What the product's rehearsal says: share and Monte-Carlo error of each of FIGURES."""
    past, cuts = case.past()
    units = case.units and UnitsBefore(
        n=np.ones(case.units), violations=np.full(case.units, np.nan), icc=case.icc, counted=False
    )
    paths = rehearse(
        past, case.terms(), days=case.days, units=units or None, metrics=cuts, margins={"mean": MARGIN, "p95": MARGIN},
        densities={"p95": float(stats.norm.pdf(case.tail / SIGMA) / SIGMA)}, effect=case.effect, runs=runs,
        rng=np.random.default_rng(seed),
    )  # fmt: skip
    found = judged(paths, bounds_of(case.terms()))
    return {name: (getattr(found, name).value, getattr(found, name).error) for name in FIGURES}


def carried_out(case: Case, *, runs: int, seed: int) -> dict[str, float]:
    """Share of tests, each carried out execution by execution, of each of FIGURES."""
    rng, bounds = np.random.default_rng(seed), bounds_of(case.terms())
    ended = [_test(case, bounds, rng) for _ in range(runs)]
    return {name: float(np.mean([one[name] for one in ended])) for name in FIGURES}


def computed(case: Case) -> float:
    """Power in closed form."""
    return planned_power(case.terms(), effect=case.effect)


def _test(case: Case, bounds: Bounds, rng: np.random.Generator) -> dict[str, bool]:
    rows = rng.poisson(case.per_day * case.days)
    if case.units is None:
        unit, in_test = np.arange(rows), rng.random(rows) < case.split
        rate = np.full(rows, case.rate)
    else:
        size = 1 / case.icc - 1
        unit = rng.integers(0, case.units, rows)
        in_test = (rng.random(case.units) < case.split)[unit]
        rate = rng.beta(case.rate * size, (1 - case.rate) * size, case.units)[unit]
    violates = rng.random(rows) < rate * np.where(in_test, 1 - case.effect, 1.0)
    low = stats.norm.cdf(case.threshold / SIGMA)
    logs = SIGMA * stats.norm.ppf(np.where(violates, low + (1 - low) * rng.random(rows), low * rng.random(rows)))
    found = {"found": False, "significant": False, "harmed": False, "shipped": False}
    for look in range(case.days):
        seen = slice(0, round(rows * (look + 1) / case.days))  # times are uniform, and rows in their order
        scores = _scores(case, logs[seen], violates[seen], unit[seen], in_test[seen])
        benefit, harm = bounds.benefit[look], bounds.harm[look]
        good = scores["rate"][0] <= -benefit
        found["found"] |= good
        found["significant"] |= abs(scores["rate"][0]) >= benefit
        if found["harmed"] or found["shipped"]:
            continue
        if any(z >= harm for z, _ in scores.values()) or scores["rate"][0] >= benefit:
            found["harmed"] = True
        elif good and all(room >= benefit for name, (_, room) in scores.items() if name != "rate"):
            found["shipped"] = True
    return {name: bool(value) for name, value in found.items()}


def _scores(
    case: Case, logs: np.ndarray, violates: np.ndarray, unit: np.ndarray, in_test: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Standard errors from 0, and to the margin, of each metric."""
    room = np.log1p(MARGIN)
    if case.units is None:
        c, t = (logs[~in_test], logs[in_test])
        both = 1 / len(c) + 1 / len(t)
        pooled, one, two = (some.mean() for some in (violates, violates[~in_test], violates[in_test]))
        apart = one * (1 - one) / len(c) + two * (1 - two) / len(t)
        rate = (two - one) / np.sqrt(max(pooled * (1 - pooled) * both, apart))
        mean, error = t.mean() - c.mean(), np.sqrt(t.var() / len(t) + c.var() / len(c))
        density = stats.norm.pdf(case.tail / SIGMA) / SIGMA
        tail = np.quantile(t, 0.95) - np.quantile(c, 0.95)
        tail_error = np.sqrt(0.05 * 0.95 * both) / density
        return {"rate": (rate, 0.0), "mean": (mean / error, (room - mean) / error),
                "p95": (tail / tail_error, (room - tail) / tail_error)}  # fmt: skip
    density = stats.norm.pdf(case.tail / SIGMA) / SIGMA
    scored = {}
    for name, values in (("rate", violates), ("mean", logs), ("p95", (logs > case.tail) / density)):
        (one, first, some), (two, second, others) = (_ratio(values[arm], unit[arm]) for arm in (~in_test, in_test))
        error = np.sqrt(first + second)
        if not error > 0 or min(some, others) < 5:
            scored[name] = (0.0, -np.inf)
            continue
        z = (two - one) / error
        normal = stats.norm.isf(stats.t.sf(abs(z), case.units - 2)) * np.sign(z)
        scored[name] = (float(normal), float((room - (two - one)) / error))
    return scored


def _ratio(values: np.ndarray, unit: np.ndarray) -> tuple[float, float, int]:
    """Mean of an arm, its variance over units, and their number."""
    there, place = np.unique(unit, return_inverse=True)
    n, total = np.bincount(place).astype(float), np.bincount(place, values)
    if len(there) < 2:
        return 0.0, np.inf, len(there)
    mean = total.sum() / n.sum()
    left = total - mean * n
    return float(mean), float(len(there) / (len(there) - 1) * (left**2).sum() / n.sum() ** 2), len(there)
