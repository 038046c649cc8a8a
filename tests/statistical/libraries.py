"""The same data put to slaopt and to independent libraries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from slaopt.experiment.behaviour import behaviour
from slaopt.experiment.durations import mean_effect
from slaopt.experiment.hierarchical import hierarchical_posterior
from slaopt.experiment.rates import rate_difference
from tests.experiment.arms import arm, observed
from tests.experiment.looks import DESIGN
from tests.statistical.arms import Units, counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One question, two answers."""

    what: str
    our_value: float
    their_value: float
    tolerance: float
    their_note: str = ""

    @property
    def ours(self) -> str:
        return f"{self.our_value:.5g}"

    @property
    def theirs(self) -> str:
        return f"{self.their_value:.5g}{self.their_note}"

    @property
    def agrees(self) -> bool:
        return abs(self.our_value - self.their_value) <= self.tolerance


def against_tea_tasting() -> Iterator[Answer]:
    """Welch's t of mean log durations, of rows and, as a ratio of sums, of units."""
    import tea_tasting

    rng = np.random.default_rng(1)
    c, t = rng.lognormal(0.0, 0.5, 4000), rng.lognormal(0.03, 0.5, 5000)
    ours = mean_effect(arm(c), arm(t))
    frame = pd.DataFrame({"arm": ["control"] * len(c) + ["test"] * len(t), "log": np.log(np.concatenate([c, t]))})
    experiment = tea_tasting.Experiment(log=tea_tasting.Mean("log"), variant="arm")
    theirs = experiment.analyze(frame, control="control")["log"]
    assert ours.interval is not None
    yield Answer(what="tea-tasting, mean log duration: difference", our_value=ours.difference,
                 their_value=theirs.effect_size, tolerance=1e-9)  # fmt: skip
    yield Answer(what="tea-tasting, mean log duration: low end", our_value=ours.interval.low,
                 their_value=theirs.effect_size_ci_lower, tolerance=1e-9)  # fmt: skip
    yield Answer(what="tea-tasting, mean log duration: high end", our_value=ours.interval.high,
                 their_value=theirs.effect_size_ci_upper, tolerance=1e-9)  # fmt: skip


def against_scipy() -> Iterator[Answer]:
    """Fisher's and Barnard's exact tests where violations are few, Welch's t where durations are compared."""
    for x_c, x_t, n in ((12, 3, 200), (40, 25, 400)):
        table = [[x_t, x_c], [n - x_t, n - x_c]]
        effect = behaviour(counted(np.array([x_c * 1.0]), np.array([n * 1.0]), each_row=True),
                           counted(np.array([x_t * 1.0]), np.array([n * 1.0]), each_row=True))  # fmt: skip
        p = 2 * stats.norm.sf(abs(effect.z or 0.0))
        exact = stats.barnard_exact(table, n=16).pvalue
        yield Answer(what=f"scipy, Barnard's exact test, {x_t} against {x_c} of {n}: p-value", our_value=p,
                     their_value=exact, tolerance=0.01)  # fmt: skip
    rng = np.random.default_rng(2)
    c, t = rng.lognormal(0.0, 0.5, 300), rng.lognormal(0.1, 0.7, 200)
    z = mean_effect(arm(c), arm(t)).z or 0.0
    welch = stats.ttest_ind(np.log(t), np.log(c), equal_var=False)
    yield Answer(what="scipy, Welch's t of log durations: p-value", our_value=2 * stats.norm.sf(abs(z)),
                 their_value=float(welch.pvalue), tolerance=1e-9)  # fmt: skip


def against_statsmodels() -> Iterator[Answer]:
    """Newcombe's interval, another method that is right there; Miettinen and Nurminen's against its published value."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    for x_c, x_t, n in ((48, 56, 80), (500, 400, 10_000)):
        m = 70 if n == 80 else n
        ours = rate_difference(x_c, n, x_t, m)
        low, high = confint_proportions_2indep(x_t, m, x_c, n, method="newcomb", compare="diff")
        for end, own, their in (("low", ours.low, low), ("high", ours.high, high)):
            yield Answer(what=f"statsmodels, Newcombe, {x_t}/{m} against {x_c}/{n}: {end} end", our_value=own,
                         their_value=float(their), tolerance=0.005)  # fmt: skip
    ours = rate_difference(48, 80, 56, 70)
    for end, own, published in (("low", ours.low, 0.0528), ("high", ours.high, 0.3382)):
        yield Answer(what=f"Newcombe 1998, Miettinen-Nurminen, 56/70 against 48/80: {end} end", our_value=own,
                     their_value=published, tolerance=5e-5)  # fmt: skip


def against_nuts(draws: int = 3000) -> Iterator[Answer]:
    """P(better) of the hierarchical model by quadrature and by NUTS."""
    from slaopt.experiment.model import fit_model

    rng = np.random.default_rng(3)
    for control, test in ((0.05, 0.045), (0.08, 0.05)):
        units = Units(name="", control=40, test=40)
        pairs = [units.drawn(40, rate, rng) for rate in (control, test)]
        fast = hierarchical_posterior(*pairs, rope=DESIGN.rope)
        began = time.process_time()
        seen = observed(*(counted(*pair) for pair in pairs))
        fit = fit_model(seen, replace(DESIGN, unit="tenant"), seed=4, draws=draws)
        seconds = time.process_time() - began
        name = f"NUTS, 40 + 40 units, {100 * control:g} % and {100 * test:g} %"
        note = f" ({fit.effective_draws:,.0f} effective draws, {seconds:.0f} s)"
        yield Answer(what=f"{name}: P(better)", our_value=fast.probability_better,
                     their_value=fit.probability_better, tolerance=0.02, their_note=note)  # fmt: skip
        for end in ("low", "high"):
            own, their = getattr(fast.interval, end), getattr(fit.interval, end)
            yield Answer(what=f"{name}: {end} end of the credible interval", our_value=own, their_value=their,
                         tolerance=0.001)  # fmt: skip
        yield Answer(what=f"{name}: intraclass correlation", our_value=fast.icc or 0.0, their_value=fit.icc,
                     tolerance=0.002)  # fmt: skip
