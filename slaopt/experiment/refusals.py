"""Why a planned test could not answer, in words with the remedy: what is final, and what may be overruled."""

from __future__ import annotations

import math

from scipy import stats

from slaopt.experiment.prospects import Ground, PowerAnalysis
from slaopt.experiment.reading import FEWEST_TO_DECIDE
from slaopt.wording import chance, count, number, percent, seconds

__all__ = ["WEEK", "final_refusals", "refusals_of"]

WEEK = 7  # days; a shorter test has not seen each weekday
LONGEST = 60  # days of a test
RARELY = 0.05  # share of the tests that may come to nothing by an unlucky assignment


def final_refusals(ground: Ground, *, unit: str) -> tuple[str, ...]:
    """Say what no one can overrule: nothing would be decided, or nothing can differ."""
    terms, told = ground.terms, []
    if terms.units is not None:
        smaller = terms.units * min(terms.split, 1 - terms.split)
        if smaller < FEWEST_TO_DECIDE:
            needed = math.ceil(FEWEST_TO_DECIDE / min(terms.split, 1 - terms.split) - 1e-9)
            told.append(
                f"{count(terms.units)} units ({unit}) leave {number(smaller)} in the smaller arm, and with fewer than "
                f"{FEWEST_TO_DECIDE} nothing can be decided: at least {needed} are needed at this split; assign "
                "something finer."
            )
    days, common = len(ground.past.n), seconds(float(ground.past.cuts[ground.cuts["rate"]]))
    if ground.past.rates[ground.cuts["rate"]] <= 0:
        told.append(f"in {days} days no execution was above {common}, so that violations cannot become fewer.")
    elif terms.rate >= 1 or ground.past.rates[ground.cuts["rate"]] >= 1:
        told.append(f"in {days} days every execution was above {common}, which tells no arm from the other.")
    return tuple(told)


def refusals_of(ground: Ground, power: PowerAnalysis, *, unit: str) -> tuple[str, ...]:
    """Say what speaks against a design that could still be carried out, with `force`."""
    terms, told = ground.terms, []
    if ground.days < WEEK:
        told.append(
            f"{ground.days} days are less than a weekly cycle: plan {WEEK} at least, so that no weekday is left out."
        )
    if terms.units is not None and (lopsided := _lopsided(terms.units, terms.split)) > RARELY:
        enough = next(n for n in range(int(terms.units), 1000) if _lopsided(n, terms.split) <= RARELY)
        told.append(
            f"of {count(terms.units)} units ({unit}) chance leaves fewer than {FEWEST_TO_DECIDE} to an arm in "
            f"{chance(lopsided)} of tests, and then nothing is decided: {enough} are needed."
        )
    if power.power + power.doubt < power.wanted:
        told.append(_too_weak(ground, power, unit))
    return tuple(told)


def _lopsided(units: float, split: float) -> float:
    """Chance that an arm gets fewer units than a decision takes."""
    fewest = FEWEST_TO_DECIDE - 1
    return float(stats.binom.cdf(fewest, int(units), split) + stats.binom.cdf(fewest, int(units), 1 - split))


def _too_weak(ground: Ground, power: PowerAnalysis, unit: str) -> str:
    terms = ground.terms
    said = (
        f"a change by {percent(power.effect)} of the violation rate of {percent(terms.rate)} would be found in "
        f"{chance(power.power)} of tests only, not in {chance(power.wanted)}: "
    )
    remedies = [_more(ground, power, unit)]
    if power.minimum_detectable_effect is not None:
        remedies.append(f"look for a change by {percent(power.minimum_detectable_effect)}, which this test finds")
    return said + ", or ".join(remedy for remedy in remedies if remedy) + "."


def _more(ground: Ground, power: PowerAnalysis, unit: str) -> str:
    """What would be enough: executions, in so many days, or units."""
    terms, days = ground.terms, None
    if power.required_sample_size is not None:
        days = math.ceil(ground.days * power.required_sample_size / terms.executions - 1e-9)
        if days <= LONGEST or terms.units is None:
            longer = f"plan {days} days" if days <= LONGEST else f"that is longer than the {LONGEST} days of a test"
            there = f"{count(terms.executions)} come in {ground.days} days"
            return f"{count(power.required_sample_size)} executions are needed, {there}; {longer}"
    if terms.units is None or power.required_units is None:
        return "no amount of traffic is enough"
    never = "no number of days is" if days is None else f"{LONGEST} days are not"
    return (
        f"{never} enough with units as alike within as these (correlation {number(terms.icc, 2)}): about "
        f"{count(power.required_units)} are needed, there are {count(terms.units)}; assign something finer than {unit}"
    )
