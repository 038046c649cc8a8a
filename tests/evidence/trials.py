"""The section of docs/evidence.md on experiments that really ran."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical.trials import LATENCY, METRICS, TOTALS, Watched, halves, latencies, slowed, totals

SEED = 20261130
SPLITS = 5  # of a thousand runs, for each of seven experiments


def trials(runs: int) -> Iterator[str | list[str]]:
    """Yield the text of the section, then what misses its bar; nothing where the data are not here."""
    if not (TOTALS.exists() and LATENCY.exists()):
        yield ""
        return
    found = list(totals())
    rows = [_counted(f"metric {metric}", [one for one in found if one.metric == metric]) for metric in METRICS]
    misses: list[str] = []
    slow = _slow(misses)
    same = _same(max(2, runs // SPLITS), misses)
    yield (
        "## Experiments that really ran\n\n"
        f"Running totals of 78 experiments of an online retailer (ASOS), {len(found)} series with "
        f"{sum(one.looks for one in found):,} looks: how many of them are significant at level 0.05. A plain test at "
        "each look calls many that its own last look takes back. Metric 1 is a share of users, as a violation rate is "
        "of executions; the others are sums that grow while a user stays, so that their differences move with time. "
        "Which effects were real nobody knows.\n\n"
        + table(HEAD, [*rows, _counted("all", found)])
        + "\nRequest latencies of a test system with slow-downs injected into some requests: each slow arm against the "
        "control, compared at the control’s 95th percentile (bar: all are stopped for harm).\n\n"
        + table(["experiment", "arm", "above the line, control", "test", "verdict", "p-value"], slow)
        + "\nRandom halves of the same controls against each other, one look (two Monte-Carlo errors are allowed):\n\n"
        + table(["what", "bar", "measured"], same)
        + "\n"
    )  # fmt: skip
    yield misses


HEAD = ["series", "number", "plain, last look", "plain, some look", "of these taken back", "planned", "open-ended"]


def _counted(name: str, some: list[Watched]) -> list[str]:
    back = sum(one.plain_at_some_look and not one.plain_at_end for one in some)
    counts = [
        sum(getattr(one, rule) for one in some)
        for rule in ("plain_at_end", "plain_at_some_look", "planned", "open_ended")
    ]
    said(f"{name}: {counts}, taken back {back}")
    return [name, str(len(some)), str(counts[0]), str(counts[1]), str(back), str(counts[2]), str(counts[3])]


def _slow(misses: list[str]) -> list[list[str]]:
    rows = []
    for name, measured in latencies():
        for arm in ("slow_1", "slow_2"):
            evaluation = slowed(measured, arm)
            primary, verdict = evaluation.comparison.primary, evaluation.look.decision.verdict
            rates = [f"{100 * rate:.1f} %" for rate in (primary.control, primary.test)]
            rows.append([name, arm, *rates, verdict, f"{evaluation.look.p_value or 1:.1g}"])
            misses += [f"{name}, {arm}: {verdict}"] * (verdict != "stop_harm")
    return rows


def _same(splits: int, misses: list[str]) -> list[list[str]]:
    rng = np.random.default_rng(SEED)
    looks = [halves(rows, rng).look for _, rows in latencies() for _ in range(splits)]
    n = len(looks)
    counted = (
        ("called significant", 0.05, [look.is_significant for look in looks]),
        ("violation rate stops for harm", 0.05, [look.guardrails[0].harmed for look in looks]),
        ("any of five metrics stops for harm", 0.25, [any(g.harmed for g in look.guardrails) for look in looks]),
        ("called better and shipped", 0.025, [look.decision.verdict == "ship" for look in looks]),
    )
    rows = []
    for what, bar, flags in counted:
        share = float(np.mean(flags))
        error = sqrt(max(share * (1 - share), 1 / n) / n)
        rows.append([f"{what}, of {n:,} halvings", f"≤ {bar}", f"{share:.3f} ± {error:.3f}"])
        misses += [f"A/A halves, {what}: {share:.3f}"] * (share > bar + 2 * sqrt(bar * (1 - bar) / n))
    return rows
