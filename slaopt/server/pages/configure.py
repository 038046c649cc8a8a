"""The settings in force that decide over changes, written, with where each is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slaopt.wording import number, percent

if TYPE_CHECKING:
    from slaopt.params import Params, ParamsBook

__all__ = ["groups", "own_settings"]

Setting = tuple[str, str, str]  # what it is about, what holds, its name in params


def groups(book: ParamsBook) -> tuple[tuple[str, tuple[Setting, ...]], ...]:
    """Give the settings for all services, by subject."""
    return (("Who approves", _approving(book.default)), ("How long things hold", _lasting(book.default)),
            ("What is recommended", _recommending(book.default)))  # fmt: skip


def own_settings(book: ParamsBook) -> tuple[tuple[str, tuple[Setting, ...]], ...]:
    """Give of each service what differs from the settings for all."""
    every = [setting for _, settings in groups(book) for setting in settings]
    found = []
    for service, params in sorted(book.services.items()):
        mine = (*_approving(params), *_lasting(params), *_recommending(params))
        if differing := tuple(setting for setting in mine if setting not in every):
            found.append((service, differing))
    return tuple(found)


def _approving(params: Params) -> tuple[Setting, ...]:
    rules = params.approvals
    size = f"one threshold {percent(rules.significant_change)} or more above the other"
    critical = f"one threshold {number(1 + rules.critical_change)} times the other, or more"
    return (
        ("Two people approve", size, "approvals.significant_change"),
        ("Two people approve", f"a risk that is {rules.significant_risk}", "approvals.significant_risk"),
        ("A second factor is asked for", critical, "approvals.critical_change")
        if not rules.critical
        else ("A second factor is asked for", "every change", "approvals.critical"),
    )


def _lasting(params: Params) -> tuple[Setting, ...]:
    return (
        ("A report is good for", f"{number(params.report_valid_days)} days", "report_valid_days"),
        ("A change is watched for", f"{params.watch_days} days", "watch_days"),
    )


def _recommending(params: Params) -> tuple[Setting, ...]:
    return (
        ("Strategy", params.strategy, "strategy"),
        ("Priority", params.business_priority or "none", "business_priority"),
        ("Objective where the store has none", percent(params.objective), "objective"),
        ("A change is at most", percent(params.max_change), "max_change"),
    )
