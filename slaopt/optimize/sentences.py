"""The sentences of a recommendation, made from its figures: what is lost is said in the same breath as what is won."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from slaopt.analysis.alerts import BURN_RATE_WINDOWS, QUIET, RESEND, BurnRateWindow, factor, never_firing
from slaopt.optimize.candidates import Bound
from slaopt.optimize.choose import LIKELY
from slaopt.optimize.outcome import Outcome
from slaopt.params import Params
from slaopt.wording import chance, count, day, number, parse_seconds, percent, seconds

if TYPE_CHECKING:
    from slaopt.optimize.decide import Gate
    from slaopt.optimize.earlier import Earlier
    from slaopt.optimize.impact import Estimate, Figure, Impact

__all__ = [
    "bound_sentence",
    "chance_sentence",
    "change_sentence",
    "base_for",
    "base_of",
    "comparison",
    "data_sentence",
    "failures_sentence",
    "frequencies",
    "frequency",
    "gain_sentence",
    "impact_sentence",
    "keep_sentence",
    "kept_sentence",
    "objective_sentence",
    "pages",
    "policy_sentence",
    "sensitivity_sentence",
    "set_sentence",
    "step_sentence",
    "week_sentence",
    "written",
]

Floats = NDArray[np.float64]

PARTS = {"budget": "error budget", "pages": "pages", "missed": "slowdowns not seen"}
SLOWDOWNS = "slowdowns that double the duration of half the executions for an hour"


def pages(per_week: float) -> str:
    """Write pages a week.

    >>> pages(0.2333), pages(5.83), pages(42.0)
    ('0.2', '5.8', '42')
    """
    return number(per_week, 2 if per_week >= 1 else 1)


def written(threshold: float) -> str:
    """Write a threshold to its last digit: in seconds too where a longer unit would not be exact.

    >>> written(2.125), written(0.3), written(300), written(1400)
    ('2.125 s', '300 ms', '5 min', '1,400 s (23.3 min)')
    """
    short = seconds(threshold, 4)
    if parse_seconds(short.replace(",", "")) == threshold:
        return short
    exact = f"{number(threshold, 12)} s"
    return f"{exact} ({seconds(threshold)})" if threshold >= 120 else exact


def frequency(rate: float, base: int = 1_000) -> str:
    """Write how many of `base` executions a rate is.

    >>> frequency(0.0412), frequency(0.00002), frequency(0.0)
    ('41', 'under 0.1', '0')
    """
    return "under 0.1" if 0 < base * rate < 0.1 else number(base * rate, 2)


def frequencies(outcome: Outcome, base: int = 1_000) -> str:
    """Write how many of `base` executions violate, with the interval."""
    middle = frequency(outcome.violation_rate, base)
    about = middle if middle.startswith("under") else f"about {middle}"
    low, high = base * outcome.interval.low, base * outcome.interval.high
    return f"{about} ({number(low, 2) if low >= 0.1 else '0'}–{number(high, 2) if high >= 0.1 else '0.1'})"


def base_of(*outcomes: Outcome | None) -> int:
    """Choose of how many executions to speak for outcomes beside each other."""
    return base_for(*(outcome.violation_rate for outcome in outcomes if outcome is not None))


def base_for(*rates: float) -> int:
    """Choose of how many executions to speak: 1,000, or a million where that would be less than one violation.

    >>> base_for(0.01, 0.00001), base_for(0.00001), base_for(0.0), base_for()
    (1000, 1000000, 1000, 1000)
    """
    greatest = max(rates, default=0.0)
    return 1_000 if greatest >= 0.0005 or greatest == 0 else 1_000_000


def comparison(now: Outcome | None, then: Outcome | None) -> list[list[str]]:
    """List now → then as rows of text, the heads first; one column where there is nothing to compare, or no rows."""
    sides = [("now", now), ("then", then)]
    if now is not None and then is not None and now.threshold == then.threshold:
        sides = sides[:1]
    known = [(head, side) for head, side in sides if side is not None]
    if not known:
        return []
    base = base_of(*(side for _, side in known))
    return [
        ["", *(head for head, _ in known)],
        ["threshold", *(written(side.threshold) for _, side in known)],
        [f"violations of {base:,} executions", *(frequencies(side, base) for _, side in known)],
        ["chance of keeping the objective", *(chance(side.achievability) for _, side in known)],
        ["pages a week", *(pages(side.pages_per_week) for _, side in known)],
        ["slowdowns tried that would be seen", *(_share(side.tightness) for _, side in known)],
    ]


def change_sentence(now: Outcome, then: Outcome, *, objective: float) -> str:
    """Say what another threshold would change, won and lost."""
    raised = then.threshold > now.threshold
    head = f"{'Raise' if raised else 'Lower'} {written(now.threshold)} to {written(then.threshold)}: "
    base = base_of(now, then)
    before = frequency(now.violation_rate, base)
    violating = f"of {base:,} executions {frequencies(then, base)} would violate instead of {before}"
    paging = _moved("pages would", pages(now.pages_per_week), pages(then.pages_per_week),
                    then.pages_per_week - now.pages_per_week, "a week")  # fmt: skip
    kept, missed = (now.achievability, then.achievability), percent(objective)
    if raised:
        keeping = _moved(f"the chance of keeping {missed} would", chance(kept[0]), chance(kept[1]), kept[1] - kept[0])
        return f"{head}{violating}, {keeping}, and {paging}; {_seen(now, then)}."
    missing = _moved(
        f"the chance of missing {missed} would", chance(1 - kept[0]), chance(1 - kept[1]), kept[0] - kept[1]
    )
    return f"{head}{_seen(now, then)}; {violating}, {missing}, and {paging}."


def keep_sentence(now: Outcome, *, objective: float, why: str) -> str:
    """Say how the current threshold stands, and why it is kept."""
    base, seen = base_of(now), _of_hundred(now.example_caught)
    return (
        f"Keep {written(now.threshold)}: of {base:,} executions {frequencies(now, base)} are expected to violate, "
        f"the chance of keeping {percent(objective)} is {chance(now.achievability)}, "
        f"and there {'is' if pages(now.pages_per_week) == '1' else 'are'} {_paging(now.pages_per_week)}; "
        f"of 100 {SLOWDOWNS}, {seen} {'is' if seen == '1' else 'are'} seen{_overall(now)}. {why}"
    )


def set_sentence(then: Outcome, *, objective: float) -> str:
    """Say what a first threshold would mean."""
    base = base_of(then)
    return (
        f"Set {written(then.threshold)}, there is no threshold yet: "
        f"of {base:,} executions {frequencies(then, base)} would violate, "
        f"the chance of keeping {percent(objective)} would be {chance(then.achievability)}, "
        f"and there would be {_paging(then.pages_per_week)}; "
        f"of 100 {SLOWDOWNS}, {_of_hundred(then.example_caught)} would be seen{_overall(then)}."
    )


def objective_sentence(
    achievability: Floats, seen: Floats, thresholds: Floats, *, objective: float, otherwise: str
) -> str:
    """Say that no threshold keeps the objective and still sees much; arrays (thresholds,)."""
    best = int(np.argmax(np.where(achievability >= LIKELY, seen, -1.0)))
    return (
        f"The objective is the question: no threshold keeps {percent(objective)} and still sees much; at best, at "
        f"{written(float(thresholds[best]))}, alerts would catch {_share(float(seen[best]))} of the slowdowns tried. "
        f"{_if_it_stays(otherwise)}"
    )


def data_sentence(score: float, fewest: float, worst: str) -> str:
    """Say that the measurements are too poor for a recommendation."""
    return (
        f"No recommendation: the quality of the measurements is {number(score, 2)} of 1, and {number(fewest)} is "
        f"needed. {worst}"
    )


def kept_sentence(
    gate: Gate,
    best: float,
    *,
    gain: float,
    minimum: float,
    confidence: float | None,
    asked: float,
    strategy: str,
    earlier: Earlier | None = None,
) -> str:
    """Say which gate held the current threshold."""
    if gate == "best":
        return "No other allowed threshold is better."
    if gain <= 0:
        return f"The best change, to {written(best)}, would gain nothing."
    change = f"The best change, to {written(best)}, would gain {_pages_a_month(gain)}"
    if gate == "gain":
        return f"{change}, and a change must gain {number(minimum)}."
    sure = chance(confidence or 0.0)
    if gate == "confidence":
        return f"{change}; that it gains anything is {sure} sure, and {percent(asked)} is asked ({strategy})."
    then = "the rule would have kept the threshold"
    if earlier is not None and earlier.verdict != "keep":
        then = f"the rule would have gone the other way, to {written(earlier.threshold)}"
    return f"{change} ({sure} sure), but a week earlier {then}: a change waits for two weeks in a row."


def week_sentence(earlier: Earlier | None, *, changed: datetime | None, timezone: str) -> str:
    """Say on how many weekly assessments a change rests."""
    if changed is not None:
        return (
            f"The level changed on {day(changed, timezone)} and has held since: one assessment is enough for a change."
        )
    if earlier is None:
        return "Measurements do not reach back far enough to ask the same a week earlier: this one assessment counts."
    return f"A week earlier the rule would have gone the same way, to {written(earlier.threshold)}."


def impact_sentence(impact: Impact) -> str:
    """Say what a month would bring, before and after."""
    told = []
    for row in impact.rows:
        after = _estimated(row.then, row.name, impact.currency)
        before = "" if row.now is None or row.now == row.then else f" instead of {_range(row.now, row.name)}"
        told.append(after + before)
    return f"In 30 days: {'; '.join(told)}."


def _estimated(estimate: Estimate, name: Figure, currency: str | None) -> str:
    return f"{_range(estimate, name)} {currency if name == 'cost' else name}"


def _range(estimate: Estimate, name: Figure) -> str:
    write = {"violations": count, "pages": pages, "cost": number}[name]
    value, low, high = (write(x) for x in (estimate.value, estimate.interval.low, estimate.interval.high))
    return f"{value} ({low}–{high})"


def step_sentence(aim: float, *, max_change: float) -> str:
    """Say where a change is a step to."""
    return f" It is a step to {written(aim)}, since a change may be {percent(max_change)} at most."


def gain_sentence(gains: dict[str, float], *, aim: float | None) -> str:
    """Say what a change is worth, or the aim that it is a step to, and the part of the loss that is its main reason."""
    main = max(gains, key=lambda part: gains[part])
    parts = ", ".join(f"{PARTS[part]} {_signed(value)}" for part, value in gains.items())
    subject = "the change gains" if aim is None else f"it is a step to {written(aim)}, which would gain"
    return f"The main reason is {_THE[main]}: {subject} {_pages_a_month(sum(gains.values()))} ({parts})."


def chance_sentence(now: Outcome | None, then: Outcome, *, objective: float) -> str | None:
    """Say how the chance of keeping the objective moves."""
    after = then.achievability
    if now is None or now.threshold == then.threshold:
        return f"The chance of keeping {percent(objective)} is {chance(after)}."
    before = now.achievability
    return (
        _moved(f"The chance of keeping {percent(objective)} would", chance(before), chance(after), after - before) + "."
    )


def sensitivity_sentence(choice: float, *, half: float, double: float) -> str:
    """Say what the choice would be if not seeing a slowdown cost half or twice as much."""
    if half == double == choice:
        return "If not seeing a slowdown cost half or twice as much, the choice would be the same."
    return (
        f"If not seeing a slowdown cost half as much, the choice would be {written(half)}; if twice as much, "
        f"{written(double)}."
    )


def bound_sentence(bound: Bound, *, reached: bool, candidate: float, params: Params) -> str:
    """Name what kept the choice from going further."""
    beyond = (
        "; the rule would go further"
        if reached
        else f", and no allowed threshold keeps {percent(params.objective)} with a chance of 80 %"
    )
    match bound:
        case "max_change":
            limit = f"a change may be {percent(params.max_change)} at most (max_change)"
        case "min_threshold":
            limit = f"{written(candidate)} is the tightest that min_threshold allows"
        case "max_threshold":
            limit = f"{written(candidate)} is the loosest that max_threshold allows"
        case "measured":
            limit = f"nothing longer than {written(candidate)} was measured"
    return f"A bound holds the choice: {limit}{beyond}."


def failures_sentence(share: float, *, objective: float, otherwise: str) -> str:
    """Say that failures alone use up more than the error budget."""
    return (
        f"The objective is the question: no threshold keeps {percent(objective)}, since {percent(share)} of the "
        f"executions failed, and failures count as violations. {_if_it_stays(otherwise)}"
    )


def policy_sentence(*, objective: float) -> str:
    """Name the alerts that were replayed, and those that can never fire."""
    alerts = ", ".join(_alert(window) for window in BURN_RATE_WINDOWS)
    silent = never_firing(objective)
    never = ""
    if silent:
        names = " and ".join(_alert(window) for window in silent)
        never = (
            f" At an objective of {percent(objective)}, {names} can never fire: not even violations alone burn so fast."
        )
    return (
        f"Replayed: {alerts}. What fires within {_length(QUIET)} is the same alert; one that keeps firing is sent "
        f"again every {_length(RESEND)} and counts again.{never}"
    )


def _if_it_stays(otherwise: str) -> str:
    return f"If it stays: {otherwise[0].lower()}{otherwise[1:]}"


def _alert(window: BurnRateWindow) -> str:
    times = number(factor(window))
    rate = "the budget’s rate" if times == "1" else f"{times} times the budget’s rate"
    return f"a {window.severity} at {rate} over {_length(window.long)} and {_length(window.short)}"


def _length(span: timedelta) -> str:
    return seconds(span.total_seconds())


_THE = {"budget": "the error budget", "pages": "the pages", "missed": "what would not be seen"}


def _pages_a_month(value: float) -> str:
    figure = number(value, 2)
    return f"about {figure} {'page' if figure == '1' else 'pages'} a month"


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{number(abs(value), 2)}"


def _share(value: float) -> str:
    """A share that was simulated: two digits, of 97 % too."""
    return f"{number(100 * value, 2)} %"


def _of_hundred(share: float) -> str:
    return {0: "none", 100: "all"}.get(round(100 * share), f"{round(100 * share)}")


def _moved(subject: str, before: str, after: str, change: float, unit: str = "") -> str:
    tail = f" {unit}" if unit else ""
    if before == after:
        return f"{subject} stay {after if after.startswith(('under', 'over')) else f'at {after}'}{tail}"
    return f"{subject} {'rise' if change > 0 else 'fall'} from {before} to {after}{tail}"


def _seen(now: Outcome, then: Outcome) -> str:
    """What the alerts would see: by the example, and over all slowdowns tried where the example does not tell all."""
    before, after = _of_hundred(now.example_caught), _of_hundred(then.example_caught)
    still = "still " if 0 < then.example_caught < now.example_caught else ""
    instead = ", as now" if before == after else f" instead of {before}"
    example = f"of 100 {SLOWDOWNS}, {after} would {still}be seen{instead}"
    share, was = _share(then.tightness_relative), _share(now.tightness_relative)
    if share == was or not (then.threshold < now.threshold or before == after):
        return example
    return f"{example}; of all slowdowns tried it would see {share} of what the most watchful threshold sees, not {was}"


def _overall(outcome: Outcome) -> str:
    """What is seen of all slowdowns tried, where the example alone would say that nothing or everything is."""
    if 0.005 <= outcome.example_caught < 0.995:
        return ""
    share = _share(outcome.tightness_relative)
    return f", and of all slowdowns tried {share} of what the most watchful threshold sees"


def _paging(per_week: float) -> str:
    if per_week == 0:
        return "no pages"
    figure = pages(per_week)
    return f"{figure} {'page' if figure == '1' else 'pages'} a week"
