"""How often whole experiments err, from counts to verdict: `look_at` is asked at each look, as when one runs.

What is tolerated as an expected loss is met by all, which is the worst case for shipping what is no better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from slaopt.experiment import ArmUnits, Design, Look
from slaopt.experiment.behaviour import behaviour
from slaopt.experiment.observed import SUMS
from tests.experiment.looks import DESIGN, SIZE, compared, look, open_ended, rate_effect
from tests.statistical.sequential import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Experiments of one kind, told apart by their name."""

    name: str
    design: Design
    effect: float = 0.0
    clusters: int = 0  # in each arm; 0: each execution is assigned by itself
    icc: float = 0.05
    entering: bool = False  # whole clusters come look by look, instead of rows of the same ones

    @property
    def control(self) -> float:
        return self.design.control_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Shares of the experiments, each ended by its first verdict."""

    name: str
    significant: Measured  # the two-sided test of the primary question
    shipped: Measured
    harm: Measured
    misled: int  # looks whose p-value, interval and verdict spoke against each other


def _clustered(clusters: int, icc: float, rows: int) -> Design:
    executions = clusters * rows
    information = executions / (2 * 0.05 * 0.95 * (1 + (rows - 1) * icc))
    return replace(
        DESIGN, unit="tenant", looks=14, information=information, units=2 * clusters, executions=2 * executions, icc=icc
    )


FIFTY = replace(DESIGN, looks=50)
CASES = (
    Case(name="planned, no effect", design=FIFTY),
    Case(name="planned, 5 → 4 %", design=FIFTY, effect=-0.01),
    Case(name="planned, 5 → 6 %", design=FIFTY, effect=0.01),
    Case(name="open-ended, no effect", design=open_ended(FIFTY)),
    Case(name="open-ended, 5 → 4 %", design=open_ended(FIFTY), effect=-0.01),
    Case(name="open-ended, few violations, no effect", design=open_ended(FIFTY, control_rate=0.01)),
    Case(name="20 + 20 tenants, no effect", design=_clustered(20, 0.05, 280), clusters=20),
    Case(name="5 + 5 tenants, no effect", design=_clustered(5, 0.05, 280), clusters=5),
    Case(name="40 + 40 tenants that enter, no effect", design=_clustered(40, 0.05, 100), clusters=40, entering=True),
)


def verdicts(case: Case, *, runs: int, seed: int) -> Verdicts:
    rng = np.random.default_rng(seed)
    ended: list[tuple[bool, str, float]] = []
    misled = 0
    for _ in range(runs):
        looks = _experiment(case, rng)
        misled += sum(map(_misleads, looks))
        last = looks[-1]
        ended.append((last.is_significant, last.decision.verdict, last.number / case.design.looks))
    significant, verdict, share = map(np.array, zip(*ended, strict=True))

    def measured(of: np.ndarray) -> Measured:
        return Measured(share=float(of.mean()), runs=runs, stopped=float(np.where(of, share, 1.0).mean()))

    return Verdicts(
        name=case.name,
        significant=measured(significant),
        shipped=measured(verdict == "ship"),
        harm=measured(verdict == "stop_harm"),
        misled=misled,
    )


def _experiment(case: Case, rng: np.random.Generator) -> list[Look]:
    looks: list[Look] = []
    effects = _tenants(case, rng) if case.clusters else _executions(case, rng)
    for number, (effect, executions, units) in enumerate(effects, start=1):
        comparison = compared(effect, size=units, loss=0.0)
        found = look(comparison, executions, design=case.design, earlier=tuple(looks), number=number, units=units)
        looks.append(found)
        if found.decision.verdict in ("ship", "stop_harm"):
            break
    return looks


def _executions(case: Case, rng: np.random.Generator):
    looks = case.design.looks
    step = SIZE // looks
    arms = [np.cumsum(rng.binomial(step, rate, looks)) for rate in (case.control, case.control + case.effect)]
    for number, (control, test) in enumerate(zip(*arms, strict=True), start=1):
        n = step * number
        if control + test:
            yield rate_effect(control / n, test / n, n), n, n


def _tenants(case: Case, rng: np.random.Generator):
    """Tenants of one size with rates of their own, Beta around the arm's, compared as experiments are."""
    looks, kappa = case.design.looks, 1 / case.icc - 1
    rows = round(case.design.executions / (2 * case.clusters))
    own = [
        rng.beta(rate * kappa, (1 - rate) * kappa, case.clusters)
        for rate in (case.control, case.control + case.effect)
    ]  # fmt: skip
    step = rows if case.entering else rows // looks
    counts = [np.cumsum(rng.binomial(step, rates, (1 if case.entering else looks, case.clusters)), 0) for rates in own]
    for number in range(1, looks + 1):
        here = case.clusters * number // looks if case.entering else case.clusters
        n = step if case.entering else step * number
        arms = [_counted(arm[0 if case.entering else number - 1, :here], n) for arm in counts]
        if here > 1 and np.isfinite((effect := behaviour(*arms)).standard_error):
            yield effect, n * here, here


def _counted(violations: np.ndarray, executions: int) -> ArmUnits:
    """An arm of which nothing is known but its violations: all that the primary question asks."""
    units = len(violations)
    nothing = {name: np.zeros(units) for name in SUMS} | {
        "n": np.full(units, float(executions)), "common_violations": violations.astype(float),
    }  # fmt: skip
    return ArmUnits(
        unit_hashes=np.array([f"{number:064x}" for number in range(units)]),
        first_seen=np.full(units, np.datetime64("NaT", "us")),
        bounds=np.empty(0), counts=csr_array((units, 0)), each_row=False, **nothing,
    )  # fmt: skip


def _misleads(found: Look) -> bool:
    if found.interval is None or found.p_value is None:
        return found.is_significant
    agree = found.is_significant == (found.p_value <= 0.05) == (not found.interval.covers(0))
    shipped = found.decision.verdict != "ship" or found.interval.high < 0
    return not (agree and shipped)
