"""The one decision of a look: which rule speaks, what it says, and the numbers and margins that it said it by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slaopt.experiment.boundaries import FURTHEST, median_unbiased
from slaopt.experiment.design import EACH_ROW, Design
from slaopt.experiment.found import Comparison, Decision, GuardrailLook, Look, Recommendation, Verdict
from slaopt.experiment.guard import guarded
from slaopt.experiment.more import units_needed
from slaopt.experiment.observed import Remark
from slaopt.experiment.reading import FEWEST_TO_DECIDE, Reading, read
from slaopt.experiment.telling import told

__all__ = ["RECOMMENDED", "SURE", "look_at"]

SURE = 0.95  # probability of a difference as good as none, from which on arms count as equivalent
RECOMMENDED: dict[Verdict, Recommendation | None] = {
    "ship": "adopt",
    "ship_low_risk": "adopt",
    "equivalent": "adopt",
    "stop_harm": "reject",
    "inconclusive": "extend",
    "continue": None,
    "invalid": None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """All that the rules see."""

    comparison: Comparison
    design: Design
    reading: Reading
    guardrails: tuple[GuardrailLook, ...]
    last: bool

    @property
    def better(self) -> bool:
        """The primary question is answered, and well."""
        interval = self.reading.interval
        return interval is not None and interval.high < 0

    @property
    def worse(self) -> bool:
        interval = self.reading.interval
        return interval is not None and interval.low > 0

    @property
    def safe(self) -> bool:
        """Shipping costs next to nothing in expectation."""
        posterior = self.comparison.posterior
        return posterior is not None and posterior.expected_loss_of_shipping < self.design.tolerated_loss

    @property
    def inside(self) -> bool:
        """The bound of every guardrail is inside its margin."""
        stated = {guardrail.metric for guardrail in self.design.guardrails}
        return all(guardrail.inside for guardrail in self.guardrails if guardrail.metric in stated)


def look_at(
    comparison: Comparison,
    design: Design,
    *,
    earlier: Sequence[Look],
    number: int,
    at: datetime | None,
    last: bool,
    remarks: Sequence[Remark],
    sizes: tuple[float, float],
    unit_sizes: tuple[float, float],
) -> Look:
    """Decide what one look at an experiment says; in doubt, nothing.

    The rules stand in `_flaw` and `_rule`, the first that applies holds. Interval and p-value are those of the design's
    mode and hold at every look. Probabilities of the posterior are told at each and stop nothing by themselves: rules
    that stop by them err far more often than they say (de Heide and Grünwald, arXiv 1708.08278).

    Parameters
    ----------
    earlier
        The looks before, oldest first: what they spent of the error is known from them alone.
    last
        The horizon is reached, whatever the traffic was.
    sizes, unit_sizes
        Executions and units of (control, test).

    Raises
    ------
    ValueError
        If `number` is not that after the earlier looks' numbers.
    """
    if earlier and number <= earlier[-1].number:
        raise ValueError(f"look {number} comes after look {earlier[-1].number}")
    flaw = _flaw(comparison, design, earlier, remarks, unit_sizes, last=last)
    if flaw is not None:
        return _undecided(
            comparison, flaw, earlier, number=number, at=at, last=last, sizes=sizes, unit_sizes=unit_sizes
        )
    reading = read(comparison, design, earlier=earlier, number=number, last=last, sizes=sizes, unit_sizes=unit_sizes)
    guardrails = guarded(comparison, design, reading)
    case = _Case(comparison=comparison, design=design, reading=reading, guardrails=guardrails, last=last)
    return Look(
        number=number,
        at=at,
        fraction=reading.fraction,
        information=reading.information,
        z=reading.z,
        boundary=reading.boundary,
        interval=reading.interval,
        p_value=reading.p_value,
        is_significant=reading.significant,
        estimate=comparison.primary.difference,
        standard_error=comparison.primary.standard_error,
        guardrails=guardrails,
        sample_sizes=sizes,
        unit_sizes=unit_sizes,
        decision=_decision(case, earlier, unit_sizes),
        last=last,
    )


def _flaw(
    comparison: Comparison,
    design: Design,
    earlier: Sequence[Look],
    remarks: Sequence[Remark],
    unit_sizes: tuple[float, float],
    *,
    last: bool,
) -> Decision | None:
    """Why nothing can be concluded: the arms' sizes, now or before, then the measurements, units and estimate."""
    if comparison.sample_ratio.flagged:
        return _invalid("sample_ratio", comparison.sample_ratio.sentence)
    before = [look.decision for look in earlier if look.decision.rule == "sample_ratio"]
    if before:  # a monitor that holds at every look keeps what it found
        return before[-1]
    decisive = [remark.sentence for remark in remarks if remark.decisive]
    if decisive:
        return _invalid("measurements", " ".join(decisive))
    if design.unit != EACH_ROW and min(unit_sizes) < FEWEST_TO_DECIDE:
        fewest = f"An arm has {min(unit_sizes):.0f} units; nothing is decided with fewer than {FEWEST_TO_DECIDE}."
        return _unknown("too_few_units", fewest, last=last)
    primary = comparison.primary
    if primary.z is None or primary.interval is None or not primary.standard_error > 0:
        why = primary.why or "The difference of the violation rates has no estimate."
        return _unknown("no_estimate", why, last=last)
    return None


def _invalid(rule: str, sentence: str) -> Decision:
    return Decision(verdict="invalid", recommendation=None, rule=rule, sentence=sentence)


def _unknown(rule: str, sentence: str, *, last: bool) -> Decision:
    """What more measurements may mend, unless these were the last."""
    verdict: Verdict = "invalid" if last else "continue"
    return Decision(verdict=verdict, recommendation=None, rule=rule, sentence=sentence)


def _undecided(
    comparison: Comparison,
    decision: Decision,
    earlier: Sequence[Look],
    *,
    number: int,
    at: datetime | None,
    last: bool,
    sizes: tuple[float, float],
    unit_sizes: tuple[float, float],
) -> Look:
    """A look that asks nothing, spends nothing and says nothing of the effect."""
    error = comparison.primary.standard_error
    known = math.isfinite(error) and error > 0
    return Look(
        number=number,
        at=at,
        fraction=earlier[-1].fraction if earlier else 0.0,
        information=error**-2 if known else 0.0,
        z=None,
        boundary=None,
        interval=None,
        p_value=None,
        is_significant=False,
        estimate=comparison.primary.difference,
        standard_error=error,
        guardrails=(),
        sample_sizes=sizes,
        unit_sizes=unit_sizes,
        decision=decision,
        last=last,
    )


def _rule(case: _Case) -> tuple[Verdict, str]:
    """The verdict, and the name of the rule that gave it."""
    if case.worse or any(guardrail.harmed for guardrail in case.guardrails):
        return "stop_harm", "harm_boundary"
    if case.better and case.safe and case.inside:
        return "ship", "benefit_boundary"
    if not case.last:
        return "continue", "between_looks" if case.reading.boundary is not None else "withheld"
    posterior = case.comparison.posterior
    if posterior is not None and case.inside:
        if posterior.probability_equivalent > SURE:
            return "equivalent", "equivalence"
        if case.safe:
            return "ship_low_risk", "expected_loss"
    return "inconclusive", "horizon"


def _decision(case: _Case, earlier: Sequence[Look], unit_sizes: tuple[float, float]) -> Decision:
    verdict, rule = _rule(case)
    more = None
    if verdict == "inconclusive":
        more = units_needed(case.comparison, case.design, case.guardrails, case.reading, units=sum(unit_sizes))
    return Decision(
        verdict=verdict,
        recommendation=RECOMMENDED[verdict],
        rule=rule,
        sentence=told(
            verdict, case.comparison, case.design, case.reading, case.guardrails,
            better=case.better, safe=case.safe, units_needed=more,
        ),
        numbers=_numbers(case, earlier, ended=verdict != "continue"),
        margins=_margins(case),
        units_needed=more,
    )  # fmt: skip


def _numbers(case: _Case, earlier: Sequence[Look], *, ended: bool) -> dict[str, float | None]:
    posterior, reading = case.comparison.posterior, case.reading
    numbers: dict[str, float | None] = {
        "z": reading.z,
        "boundary": reading.boundary,
        "harm_boundary": reading.harm_boundary,
        "p_value": reading.p_value,
        "sample_ratio_evidence": case.comparison.sample_ratio.evidence,
        "median_unbiased": _median_unbiased(case, earlier) if ended else None,
    }
    if posterior is not None:
        numbers |= {
            "probability_better": posterior.probability_better,
            "probability_equivalent": posterior.probability_equivalent,
            "expected_loss_of_shipping": posterior.expected_loss_of_shipping,
            "expected_loss_of_keeping": posterior.expected_loss_of_keeping,
        }
    return numbers


def _median_unbiased(case: _Case, earlier: Sequence[Look]) -> float | None:
    """Estimate at stopping of a planned test; an early stop makes the plain one look greater than it is."""
    if case.design.mode != "planned" or case.reading.boundary is None:
        return None
    asked = [(look.information, look.boundary) for look in earlier if look.boundary is not None]
    asked.append((case.reading.information, case.reading.boundary))
    if asked[-1][1] >= FURTHEST:
        return case.comparison.primary.difference
    information, bounds = zip(*asked, strict=True)
    return median_unbiased(case.comparison.primary.difference, information, bounds)


def _margins(case: _Case) -> dict[str, float]:
    design = case.design
    margins = {
        "significance_level": design.significance_level,
        "harm_level": design.harm_level,
        # of all harm boundaries together, if nothing is worse
        "harm_false_alarms_at_most": min(1.0, design.harm_level * len(case.guardrails)),
        "tolerated_loss": design.tolerated_loss,
        "rope": design.rope,
        "probability_equivalent": SURE,
    }
    return margins | {f"margin_{guardrail.metric}": guardrail.margin for guardrail in design.guardrails}
