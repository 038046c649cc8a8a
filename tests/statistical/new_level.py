"""How often what is said after a change of the level holds the new level, and is of the true days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from slaopt.analysis import analyze_trend, quantile_estimate, violation_rate
from slaopt.analysis.level import level_since
from tests.statistical.simulated import START, Service, monte_carlo_error

DAY = timedelta(days=1)
BAR = 0.90
CASES = {
    "x1.5 12 days ago": Service(jump=(18.0, 1.5), per_day=3_000),
    "x1.3 10 days ago": Service(jump=(20.0, 1.3), per_day=3_000),
    "x1.3 20 days ago": Service(jump=(10.0, 1.3), per_day=3_000),
    "x1.3 10 days ago, sd 0.1": Service(jump=(20.0, 1.3), per_day=3_000, sd=0.1),
    "/1.5 12 days ago, 100 a day": Service(jump=(18.0, 1 / 1.5), per_day=100),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Shares of the runs, of the violation rate and of the median: by the cut found, by the true day, and uncut."""

    runs: int
    cut: float  # share of the runs in which the period was cut
    right: float  # of these: share in which it was cut on the true day
    found: np.ndarray  # (2,)
    true: np.ndarray
    uncut: np.ndarray

    def misses(self, name: str) -> list[str]:
        """Figures below the bar by more than two Monte-Carlo errors."""
        allowed = BAR - 2 * monte_carlo_error(BAR, self.runs)
        return [f"new level, {name}: {share:.3f}" for share in self.found if share < allowed]


def held(service: Service, *, runs: int, seed: int) -> Held:
    assert service.jump is not None
    day, factor = service.jump
    truth, rng = replace(service, jump=None).truth(), np.random.default_rng(seed)
    threshold, rate = truth.threshold(0.05)
    true = rate, factor * truth.quantile(0.5)
    start = START + day * DAY
    cuts, shares = [], []
    for _ in range(runs):
        profile = service.profile(rng, hours=1)
        since = level_since(profile, analyze_trend(profile))
        cuts.append(since)
        spans = [profile.between(moment, profile.end) for moment in (since or profile.start, start, profile.start)]
        shares.append(
            [
                [
                    violation_rate(span, factor * threshold).interval.covers(true[0]),
                    quantile_estimate(span, 0.5).interval.covers(true[1]),
                ]
                for span in spans
            ]
        )
    found, by_truth, uncut = np.mean(shares, axis=0)
    known = [cut for cut in cuts if cut is not None]
    right = np.mean([cut == start for cut in known]) if known else float("nan")
    return Held(runs=runs, cut=len(known) / runs, right=float(right), found=found, true=by_truth, uncut=uncut)
