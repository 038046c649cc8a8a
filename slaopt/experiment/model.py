"""The hierarchical model fitted by MCMC: checks of the fit, of the model and of the priors, for the final report.

Each look has the same posterior by quadrature in milliseconds. What sampling adds is a second way to the same answer,
replicated data to hold the model against, and draws that tell how far the answer hangs on the priors. PyMC compiles
with numba, which needs no C++ compiler.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from slaopt.errors import InputError
from slaopt.experiment.design import Design
from slaopt.experiment.found import Posterior
from slaopt.experiment.hierarchical import KAPPA_PRIOR, mean_prior
from slaopt.experiment.observed import Observed
from slaopt.result import Interval, Result, Skipped

if TYPE_CHECKING:
    from slaopt.experiment.evaluation import Evaluation

__all__ = ["Fit", "Replicated", "Sensitivity", "fit_model", "fit_of"]

Floats = NDArray[np.float64]

CHAINS, TUNE, DRAWS = 4, 1000, 1000
REPLICATES = 1000
MOST_UNITS = 5000  # of both arms
CONVERGED, ENOUGH = 1.01, 400.0  # R-hat at most, effective draws at least (Vehtari et al., Bayesian Analysis 2021)
CLOSE = 0.02  # of the probability that test is better, between both ways to it
TAIL = 0.025  # of replicated data, on either side: a statistic further out does not fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicated(Result):
    """A statistic of the units' rates, as measured and in data that the model makes."""

    name: str
    arm: str
    measured: float
    interval: Interval  # of the replicated ones
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity(Result):
    """The answer under another prior, by reweighting the draws."""

    prior: str
    probability_better: float
    difference: float
    effective_draws: float  # few: this prior is too far off for reweighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit(Result):
    """The fitted model: how well it was sampled, whether it fits, and on what its answer hangs."""

    probability_better: float
    difference: float
    interval: Interval  # credible, of the difference of rates
    icc: float
    rhat: float  # the greatest
    effective_draws: float  # the least
    divergences: int
    draws: int
    fast: float | None  # P(better) by quadrature
    replicated: tuple[Replicated, ...]
    sensitivity: tuple[Sensitivity, ...]
    difference_draws: Floats = field(metadata={"published": None}, repr=False, compare=False)

    @property
    def converged(self) -> bool:
        """The chains agree, and say enough."""
        return self.rhat <= CONVERGED and self.effective_draws >= ENOUGH and self.divergences == 0

    @property
    def agrees(self) -> bool | None:
        """Both ways give the same probability."""
        return None if self.fast is None else abs(self.fast - self.probability_better) <= CLOSE


def fit_model(
    observed: Observed, design: Design, posterior: Posterior | None = None, *, seed: int = 0, draws: int = DRAWS
) -> Fit:
    """Fit x ~ BetaBinomial(n, mu kappa, (1 - mu) kappa) of each unit by NUTS, with the priors of the fast posterior.

    Parameters
    ----------
    posterior
        The fast one, to be held against.
    draws
        Of each of four chains.

    Raises
    ------
    InputError
        If units are not known, or an arm has fewer than two.
    """
    arms = [_units(observed, name) for name in ("control", "test")]
    if observed.control.each_row or observed.test.each_row:
        raise InputError("each execution is a unit of its own: the posterior is exact, there is no hierarchy to fit")
    if min(len(n) for _, n in arms) < 2:
        raise InputError("an arm has fewer than two units: how much units differ cannot be seen")
    if sum(len(n) for _, n in arms) > MOST_UNITS:
        raise InputError(f"more than {MOST_UNITS} units: their sums say all, and sampling would take minutes")
    prior = mean_prior(design.prior_rate, design.prior_size, *((x.astype(float), n.astype(float)) for x, n in arms))
    trace = _sampled(arms, prior, seed=seed, draws=draws)
    mu = trace.posterior["mu"].to_numpy().reshape(-1, 2)
    logs = trace.posterior["log_kappa"].to_numpy().reshape(-1)
    difference = mu[:, 1] - mu[:, 0]
    low, high = np.quantile(difference, (design.significance_level / 2, 1 - design.significance_level / 2))
    rhat, effective = _mixing(trace)
    return Fit(
        probability_better=float((difference < 0).mean()),
        difference=float(difference.mean()),
        interval=Interval(low=float(low), high=float(high), level=1 - design.significance_level, kind="credible"),
        icc=float(special.expit(-logs).mean()),
        rhat=rhat,
        effective_draws=effective,
        divergences=int(trace.sample_stats["diverging"].to_numpy().sum()),
        draws=len(difference),
        fast=None if posterior is None else posterior.probability_better,
        replicated=_replicated(arms, mu, logs, np.random.default_rng(seed)),
        sensitivity=_sensitivity(mu, logs, prior),
        difference_draws=difference,
    )


def fit_of(evaluation: Evaluation, *, seed: int = 0, draws: int = DRAWS) -> Fit | Skipped:
    """Fit the model to what an evaluation saw, or say why there is nothing to fit."""
    try:
        return fit_model(
            evaluation.observed, evaluation.design, evaluation.comparison.posterior, seed=seed, draws=draws
        )  # fmt: skip
    except InputError as error:
        return Skipped(service=evaluation.design.service, reason=str(error))


def _units(observed: Observed, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    arm = observed.arm(name)
    some = arm.n > 0
    return arm.common_violations[some].round().astype(np.int64), arm.n[some].round().astype(np.int64)


def _sampled(
    arms: list[tuple[NDArray[np.int64], NDArray[np.int64]]], prior: tuple[float, float], *, seed: int, draws: int
) -> Any:
    import pymc

    arm = np.repeat([0, 1], [len(n) for _, n in arms])
    with pymc.Model():
        mu = pymc.Beta("mu", *prior, shape=2)
        logs = pymc.Normal("log_kappa", *KAPPA_PRIOR)
        kappa = pymc.math.exp(logs)
        rate = mu[arm]
        violations, executions = (np.concatenate(side) for side in zip(*arms, strict=True))
        pymc.BetaBinomial("x", n=executions, alpha=rate * kappa, beta=(1 - rate) * kappa, observed=violations)
        return pymc.sample(
            draws=draws, tune=TUNE, chains=CHAINS, cores=1, random_seed=seed, progressbar=False,
            init="adapt_diag", initvals=_starts(arms, seed), target_accept=0.9,
            compile_kwargs={"mode": "NUMBA"}, compute_convergence_checks=False,
        )  # fmt: skip


def _starts(arms: list[tuple[NDArray[np.int64], NDArray[np.int64]]], seed: int) -> list[dict[str, Any]]:
    """Start each chain around the rate of both arms, well apart; far out the density is too steep to come back from."""
    rng = np.random.default_rng(seed)
    violations, executions = (float(sum(side[i].sum() for side in arms)) for i in (0, 1))
    middle = special.logit((violations + 0.5) / (executions + 1))
    return [
        {"mu": special.expit(middle + rng.uniform(-0.5, 0.5, 2)), "log_kappa": KAPPA_PRIOR[0] + rng.uniform(-1, 1)}
        for _ in range(CHAINS)
    ]


def _mixing(trace: Any) -> tuple[float, float]:
    """The greatest R-hat and the least number of effective draws, bulk and tail."""
    import arviz

    worst: Any = arviz.rhat  # without annotations
    enough: Any = arviz.ess
    names = ["mu", "log_kappa"]
    rhat = max(float(np.max(worst(trace, var_names=names)[name])) for name in names)
    effective = min(
        float(np.min(enough(trace, var_names=names, method=method)[name]))
        for method in ("bulk", "tail")
        for name in names
    )
    return rhat, effective


STATISTICS: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("spread of the units' rates", lambda rates: rates.std(axis=-1)),
    ("highest rate of a unit", lambda rates: rates.max(axis=-1)),
    ("share of units without violations", lambda rates: (rates == 0).mean(axis=-1)),
)


def _replicated(
    arms: list[tuple[NDArray[np.int64], NDArray[np.int64]]], mu: Floats, logs: Floats, rng: np.random.Generator
) -> tuple[Replicated, ...]:
    """Hold the measurements against replicated ones (posterior predictive checks; Rubin, Annals of Statistics 1984)."""
    some = rng.integers(0, len(mu), REPLICATES)
    kappa = np.exp(logs[some])[:, None]
    found = []
    for place, (name, (x, n)) in enumerate(zip(("control", "test"), arms, strict=True)):
        rate = mu[some, place][:, None]
        drawn = rng.binomial(n, rng.beta(rate * kappa, (1 - rate) * kappa, size=(REPLICATES, len(n))))
        for title, statistic in STATISTICS:
            made, measured = statistic(drawn / n), float(statistic((x / n)[None])[0])
            low, high = np.quantile(made, (TAIL, 1 - TAIL))
            interval = Interval(low=float(low), high=float(high), level=1 - 2 * TAIL, kind="prediction")
            fits = interval.covers(measured)
            found.append(Replicated(name=title, arm=name, measured=measured, interval=interval, fits=fits))
    return tuple(found)


def _sensitivity(mu: Floats, logs: Floats, prior: tuple[float, float]) -> tuple[Sensitivity, ...]:
    """Weigh the draws by other priors (importance sampling)."""
    mean, spread = KAPPA_PRIOR
    used = stats.beta.logpdf(mu, *prior).sum(axis=1)
    kappa = stats.norm.logpdf(logs, mean, spread)
    others: tuple[tuple[str, Floats], ...] = (
        ("as used", np.zeros(len(logs))),
        ("flat: rates Beta(1, 1)", -used),
        ("Jeffreys: rates Beta(0.5, 0.5)", stats.beta.logpdf(mu, 0.5, 0.5).sum(axis=1) - used),
        ("units less alike: log kappa ~ N(log 100, 1)", stats.norm.logpdf(logs, math.log(100), 1) - kappa),
        ("units more alike: log kappa ~ N(log 5, 1)", stats.norm.logpdf(logs, math.log(5), 1) - kappa),
        ("alikeness hardly known: log kappa ~ N(log 20, 2)", stats.norm.logpdf(logs, mean, 2) - kappa),
    )
    difference = mu[:, 1] - mu[:, 0]
    found = []
    for name, log_weight in others:
        weight = special.softmax(log_weight)
        found.append(
            Sensitivity(
                prior=name,
                probability_better=float(weight @ (difference < 0)),
                difference=float(weight @ difference),
                effective_draws=float(1 / (weight**2).sum()),
            )
        )
    return tuple(found)
