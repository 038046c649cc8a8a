"""The decision rule: from what the period showed at each threshold to a choice, and what held it where it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from slaopt.optimize.candidates import Bound, Grid
from slaopt.optimize.choose import LIKELY, Choice, choose
from slaopt.optimize.confidence import ASKED, chance_of_gain, own_spread
from slaopt.optimize.pareto import non_dominated
from slaopt.optimize.scores import EXAMPLE, FREE_SHARE, CandidateScore, Ladder, Losses, Prices, losses_of
from slaopt.params import Params
from slaopt.result import Result

__all__ = ["FEWEST_BUDGETED", "MUCH", "Decision", "Gate", "confirmed", "decide", "made_for", "scores_of"]

Gate = Literal["best", "gain", "confidence", "first week"]

FEWEST_BUDGETED = 5.0  # violations that the budget allows in a month; with fewer no alert can tell chance from trouble
MUCH = 0.1  # tightness under which a threshold sees little
DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Result):
    """The rule's outcome. Indices are places on the ladder."""

    grid: Grid
    ladder: Ladder
    losses: Losses
    current: int | None
    choice: int  # what the rule likes best of the candidates
    aim: int  # where the choice is a step to: what the rule would like best if a change were not limited
    gate: Gate | None  # what held a kept threshold
    against: int | None  # the current threshold, or without one the tightest candidate that met the objective
    confidence: float | None  # that the aim has a lower loss than that; None where they are the same
    asked: float  # the confidence that a change needs
    bound: Bound | None  # what kept the choice from going further
    reached: bool  # whether a candidate keeps the objective likely enough
    half_cost: int  # the choice, if not seeing a slowdown cost half as much
    double_cost: int
    simple: int | None  # tightest threshold that used at most half the budget

    @property
    def gain(self) -> float | None:
        """Pages a month that the aim gains over the current threshold."""
        return None if self.current is None else float(sum(self.gains.values()))

    @property
    def recommended(self) -> int:
        """The choice, or the current threshold where it is kept."""
        return self.choice if self.gate is None or self.current is None else self.current

    @property
    def direction(self) -> int:
        """+1 where a looser threshold is recommended, −1 a tighter one, 0 where the current one is kept."""
        return 0 if self.current is None else int(np.sign(self.recommended - self.current))

    @property
    def gains(self) -> dict[str, float]:
        """The gain of the aim by part of the loss, negative where it gets worse; empty without a current one."""
        if self.current is None:
            return {}
        return {
            part: float(getattr(self.losses, part)[self.current] - getattr(self.losses, part)[self.aim])
            for part in ("budget", "pages", "missed")
        }

    @property
    def failures_break_objective(self) -> bool:
        """Whether failures alone use up more than the error budget."""
        return self.ladder.failed > self.ladder.budget

    @property
    def objective_in_question(self) -> bool:
        """Whether no threshold can keep the objective, or none that does sees much."""
        if self.failures_break_objective:
            return True
        keeps = self.ladder.achievability >= LIKELY
        return bool(keeps.any()) and float(self.ladder.seen[keeps].max()) < MUCH


def decide(grid: Grid, ladder: Ladder, params: Params) -> Decision:
    """Apply the rule to what the period showed on the ladder of the grid's thresholds."""
    prices = Prices.of(params)
    losses = losses_of(ladder, prices)
    within = grid.index
    chosen = _choose(ladder, losses, within, params.threshold)
    half, double = (
        _choose(ladder, losses_of(ladder, replace(prices, missed=prices.missed * times)), within, params.threshold)
        for times in (0.5, 2.0)
    )
    free = _choose(ladder, losses, np.arange(len(ladder.thresholds)), params.threshold)
    bound = _bound(grid, ladder, chosen, free)
    choice = int(within[chosen.index])
    aim = free.index if bound == "max_change" and free.reached else choice
    current = None if params.threshold is None else int(np.argmin(np.abs(ladder.thresholds - params.threshold)))
    simple = _tightest(ladder, FREE_SHARE)
    against = _tightest(ladder, 1.0, within) if current is None else current
    asked = ASKED[params.strategy]
    confidence = None if against is None else _confidence(ladder, losses, aim, against)
    gate = None if current is None else _gate(losses, choice, aim, current, confidence, asked, params.minimum_gain)
    return Decision(
        grid=grid,
        ladder=ladder,
        losses=losses,
        current=current,
        choice=choice,
        aim=aim,
        gate=gate,
        against=against,
        confidence=confidence,
        asked=asked,
        bound=bound,
        reached=chosen.reached,
        half_cost=int(within[half.index]),
        double_cost=int(within[double.index]),
        simple=simple,
    )


def confirmed(decision: Decision, earlier: Decision) -> Decision:
    """Hold a change that the assessment of a week earlier would not have made in the same direction."""
    if decision.direction and earlier.direction != decision.direction:
        return replace(decision, gate="first week")
    return decision


def made_for(decision: Decision, threshold: float) -> Decision:
    """Put a threshold that somebody asks for in the place of the choice, with the confidence that it has."""
    asked = decision.grid.place(threshold)
    against = decision.against
    confidence = None if against is None else _confidence(decision.ladder, decision.losses, asked, against)
    return replace(decision, choice=asked, aim=asked, gate=None, bound=None, confidence=confidence)


def scores_of(decision: Decision) -> tuple[CandidateScore, ...]:
    """Give the scores of the candidates, with the exact front among them."""
    ladder, losses, within = decision.ladder, decision.losses, decision.grid.index
    achievability, seen = ladder.achievability, ladder.seen
    current = None if decision.current is None else float(ladder.thresholds[decision.current])
    stability = None if current is None else np.abs(np.log(ladder.thresholds / current))
    merits = [1 - achievability, -seen, ladder.pages_a_month, *([] if stability is None else [stability])]
    front = non_dominated(np.column_stack(merits)[within])
    return tuple(
        CandidateScore(
            threshold=float(ladder.thresholds[i]),
            current=i == decision.current,
            rate=ladder.rates[i],
            expected_rate=float(ladder.expected[i]),
            expected_interval=ladder.expected_interval(i),
            achievability=float(achievability[i]),
            pages_per_week=ladder.replays[i].pages_per_week,
            tickets_per_week=ladder.replays[i].tickets_per_week,
            tightness=float(seen[i]),
            tightness_relative=float(seen[i] / ladder.most_seen),
            example_caught=ladder.tightness[i].caught(**EXAMPLE),
            stability=None if stability is None else float(stability[i]),
            loss=float(losses.total[i]),
            loss_budget=float(losses.budget[i]),
            loss_pages=float(losses.pages[i]),
            loss_missed=float(losses.missed[i]),
            on_front=bool(front[place]),
            recommended=i == decision.recommended,
        )
        for place, i in enumerate(within.tolist())
    )


def _choose(ladder: Ladder, losses: Losses, within: NDArray[np.int64], current: float | None) -> Choice:
    return choose(ladder.thresholds[within], losses.total[within], ladder.achievability[within], current=current)


def _gate(
    losses: Losses, choice: int, aim: int, current: int, confidence: float | None, asked: float, minimum_gain: float
) -> Gate | None:
    """What holds the current threshold.

    Far from what fits, all allowed thresholds may be as bad as the current one: a step counts what its aim gains.
    """
    if choice == current:
        return "best"
    if losses.total[current] - losses.total[aim] < minimum_gain:
        return "gain"
    return "confidence" if confidence is not None and confidence < asked else None


def _confidence(ladder: Ladder, losses: Losses, choice: int, against: int) -> float | None:
    if choice == against:
        return None
    differ = ladder.daily_pages(against) - ladder.daily_pages(choice)
    return chance_of_gain(losses.drawn[against] - losses.drawn[choice], own_spread(differ))


def _bound(grid: Grid, ladder: Ladder, chosen: Choice, free: Choice) -> Bound | None:
    """What keeps the choice from where the rule would go if every threshold were allowed."""
    if not chosen.reached:
        return grid.loose_bound
    if chosen.index == 0 and ladder.thresholds[free.index] < grid.candidates[0]:
        return grid.tight_bound
    return None


def _tightest(ladder: Ladder, share: float, within: NDArray[np.int64] | None = None) -> int | None:
    """The tightest threshold that used at most so much of the error budget in the period, of all or of some places."""
    kept = np.array([rate.violations_upper <= share * ladder.budget * rate.n for rate in ladder.rates])
    places = np.arange(len(kept)) if within is None else within
    return int(places[np.argmax(kept[places])]) if kept[places].any() else None
