"""Whose approval a change takes: by its size, its risk, and what the settings say."""

from __future__ import annotations

from typing import Literal

from slaopt.params import ApprovalRules
from slaopt.store.records import Needs
from slaopt.wording import number, percent

__all__ = ["needs_of", "strictest"]

LEVELS = ("low", "medium", "high")
HAIR = 1e-9  # from 0.8 s to 1 s is a quarter, whatever floats say


def needs_of(current: float | None, proposed: float, *, risk: str | None, rules: ApprovalRules, solo: bool) -> Needs:
    """Say whose approval a change takes, and why.

    Parameters
    ----------
    current
        Seconds; None: there is no threshold yet, and a first one is always significant.
    risk
        None where nothing is known of it: that counts as high.
    solo
        One works alone: nobody else approves, a second factor is still wanted.
    """
    significant, critical = _significant(current, proposed, risk, rules), _critical(current, proposed, rules)
    significance: Literal["routine", "significant", "critical"] = "routine"
    if significant:
        significance = "significant"
    if critical:
        significance = "critical"
    return Needs(
        approvals=0 if solo else 2 if significant else 1,
        second_factor=bool(critical),
        significance=significance,
        why=(*significant, *critical),
    )


def strictest(one: Needs, other: Needs) -> Needs:
    """Join what was wanted when a proposal was filed with what is wanted now."""
    order = ("routine", "significant", "critical")
    return Needs(
        approvals=max(one.approvals, other.approvals),
        second_factor=one.second_factor or other.second_factor,
        significance=max(one.significance, other.significance, key=order.index),
        why=tuple(dict.fromkeys((*one.why, *other.why))),
    )


def _significant(current: float | None, proposed: float, risk: str | None, rules: ApprovalRules) -> tuple[str, ...]:
    """Say why two people have to approve; nothing where one is enough."""
    why = []
    if current is None:
        why.append("It is the first threshold of the service.")
    elif _size(current, proposed) >= min(rules.significant_change, rules.critical_change) - HAIR:
        why.append(f"It changes the threshold by {percent(abs(proposed / current - 1))}.")
    if LEVELS.index(risk or "high") >= LEVELS.index(rules.significant_risk):
        why.append(f"Its risk is {risk}." if risk else "Its risk is not known.")
    return tuple(why)


def _critical(current: float | None, proposed: float, rules: ApprovalRules) -> tuple[str, ...]:
    """Say why those who approve need a second factor; nothing where they do not."""
    if rules.critical:
        return ("Every change of this service takes a second factor.",)
    if current is not None and _size(current, proposed) >= rules.critical_change - HAIR:
        return (f"From a factor of {number(1 + rules.critical_change)} on a change takes a second factor.",)
    return ()


def _size(current: float, proposed: float) -> float:
    """Say by what share the greater is above the smaller: half as long weighs as much as twice as long."""
    return max(proposed / current, current / proposed) - 1
