"""The section of docs/evidence.md on the rule that decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tests.evidence.tables import said, table
from tests.statistical.decisions import (
    RULES,
    STARTS,
    Case,
    Results,
    cases,
    inside,
    losses_of_rules,
    results,
    said_and_better,
    said_and_met,
)
from tests.statistical.real import DATA, real_cases

SEED, FRESH = 11, 12
MOST, MOST_FRESH, EVERY = 90, 45, 42  # services, services, days between the origins of a real series
LEVELS = (0.0, 0.05, 0.2, 0.4, 0.6, 0.75, 0.85, 0.95, 0.99, 1.000001)
CONFIDENCE = (0.0, 0.5, 0.65, 0.75, 0.85, 0.92, 0.97, 1.0)
BEATEN = {"tightest that met the objective": 1.0, "p99": 25.0, "half the budget used": -0.4}
HINDSIGHT = 5.0

INTRODUCTION = """## The rule that decides

Services of `tests/optimize/simulation.py` under objectives of 0.95, 0.99 and 0.999, 30 days measured and 30 days after:
{services} of seed {seed} ({simulated} cases), {fresh_services} fresh ones of seed {fresh_seed} ({fresh} cases), which
no constant was chosen on. Real: pings, test runs, incidents and cold starts (`tests/statistical/real.py`), 20 to 300 a
day, objectives of 0.9, 0.95 and 0.99, {real} cases. *Fitting* is the tightest threshold that keeps the budget in 90 %
of a year's months with at most 1.5 pages a week; of a real series the tightest that met the objective in the 30 days
before. A step is 5.9 %. Behind ± stands one standard error.

"""


def decisions(runs: int) -> Iterator[str | list[str]]:
    """Yield the text on the rule, then what stays below its bar."""
    part = min(1.0, runs / 1000)
    sets = {
        "simulated": list(cases(services=max(int(MOST * part), 5), seed=SEED)),
        "fresh": list(cases(services=max(int(MOST_FRESH * part), 5), seed=FRESH)),
        "real": list(real_cases(every=int(EVERY / part))) if DATA.exists() else [],
    }
    sets = {name: of for name, of in sets.items() if of}
    for name, of in sets.items():
        said(f"{name}: {len(of)} cases")
    yield INTRODUCTION.format(
        services=MOST, seed=SEED, simulated=len(sets["simulated"]), fresh_services=MOST_FRESH, fresh_seed=FRESH,
        fresh=len(sets["fresh"]), real=len(sets.get("real", [])),
    )  # fmt: skip
    known = {name: of for name, of in sets.items() if name != "real"}
    bars = list(_bars(known))
    yield table(["figure", "bar", *known], [[name, bar, *seen] for name, bar, seen, _ in bars]) + "\n"
    yield _starts(sets)
    yield _against(sets)
    yield _chances(sets)
    confident, misses = _confident(sets)
    yield confident
    yield _months(sets)
    yield [miss for *_, missed in bars for miss in missed] + misses


def _bars(sets: dict[str, list[Case]]) -> Iterator[tuple[str, str, list[str], list[str]]]:
    """Name, bar, figure of each set, and misses."""
    fitting = {name: results(of, 1.0) for name, of in sets.items()}
    none = {name: results(of, None) for name, of in sets.items()}
    losses = {name: losses_of_rules(of) for name, of in sets.items()}
    yield _share("fitting start, kept", 0.85, {name: one.kept for name, one in fitting.items()})
    yield _share("fitting start, objective met after", 0.86, {name: one.met for name, one in fitting.items()})
    yield _share("no current, objective met after", 0.84, {name: one.met for name, one in none.items()})
    near = {name: np.abs(one.steps) <= 3.01 for name, one in none.items()}
    yield _share("no current, within three steps of the fitting one", 0.60, near)
    reach = {name: float(np.quantile(np.abs(one.steps), 0.9)) for name, one in none.items()}
    far = [f"{name}: nine in ten within {steps:.1f} steps, not 9" for name, steps in reach.items() if steps > 9]
    yield "no current, nine in ten within so many steps", "≤ 9", [f"{steps:.1f}" for steps in reach.values()], far
    for rule, least in BEATEN.items():
        differ = {name: one[:, RULES.index(rule)] - one[:, 0] for name, one in losses.items()}
        yield _mean(f"loss of “{rule}” above the rule's", least, differ)
    hindsight = {name: one[:, -1] - one[:, 0] for name, one in losses.items()}
    yield _mean("the same, of the best in hindsight", -HINDSIGHT, hindsight)


def _share(name: str, bar: float, seen: dict[str, np.ndarray]) -> tuple[str, str, list[str], list[str]]:
    found = {of: (float(one.mean()), float(np.sqrt(bar * (1 - bar) / len(one)))) for of, one in seen.items()}
    missed = [f"the rule, {of}, {name}: {x:.3f} under {bar}" for of, (x, error) in found.items() if x < bar - 2 * error]
    return name, f"≥ {bar:.2f}", [f"{x:.3f} ± {error:.3f}" for x, error in found.values()], missed


def _mean(name: str, bar: float, seen: dict[str, np.ndarray]) -> tuple[str, str, list[str], list[str]]:
    found = {of: (float(one.mean()), float(one.std() / np.sqrt(len(one)))) for of, one in seen.items()}
    missed = [f"the rule, {of}, {name}: {x:.2f} under {bar}" for of, (x, error) in found.items() if x < bar - 2 * error]
    return name, f"≥ {bar:g}", [f"{x:.2f} ± {error:.2f}" for x, error in found.values()], missed


def _starts(sets: dict[str, list[Case]]) -> str:
    rows = [
        _row(name, results(of, start), results(of, start, strategy="conservative"))
        for name, of in sets.items()
        for start in (None, *STARTS)
    ]
    head = ["services", "start", "raised", "kept", "lowered", "objective met after", "median step", "90 % within"]
    return (
        "From several starts, balanced (in parentheses kept under the conservative strategy):\n\n"
        + table([*head, "loss before → after"], rows)
        + "\n"
    )


def _row(name: str, one: Results, conservative: Results) -> list[str]:
    start = "none" if one.start is None else "fitting" if one.start == 1 else f"{one.start:g} × fitting"
    moved = ["–"] * 3
    loss = f"{one.loss.mean():.1f}"
    if one.start is not None:
        moved = [f"{x.mean():.2f}" for x in (one.raised, one.kept, one.lowered)]
        moved[1] += f" ({conservative.kept.mean():.2f})"
        loss = f"{one.loss_before.mean():.1f} → {loss}"
    reach = np.quantile(np.abs(one.steps), 0.9)
    return [name, start, *moved, f"{one.met.mean():.2f}", f"{np.median(one.steps):+.1f}", f"{reach:.1f}", loss]


def _against(sets: dict[str, list[Case]]) -> str:
    rows = []
    for name, of in sets.items():
        losses = losses_of_rules(of)
        differ = losses - losses[:, :1]
        errors = differ.std(axis=0) / np.sqrt(len(differ))
        told = [f"{x:+.1f} ± {e:.1f}" for x, e in zip(differ.mean(axis=0)[1:], errors[1:], strict=True)]
        rows.append([name, f"{losses[:, 0].mean():.1f}", *told])
    return (
        "Loss of the month after without a current threshold, pages a month, and how much more other rules cost:\n\n"
        + table(["services", *RULES], rows)
        + "\n"
    )


def _chances(sets: dict[str, list[Case]]) -> str:
    rows = []
    for name, of in sets.items():
        pairs = said_and_met(of)
        for low, high in pairwise(LEVELS):
            inside_level = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high)]
            if len(inside_level):
                mean, met = inside_level.mean(axis=0)
                span = f"{low:g}–{min(high, 1):g}"
                rows.append([name, span, str(len(inside_level)), f"{mean:.3f}", f"{met:.3f}"])
    return (
        "The chance of keeping the objective, said, and how often it was met in the month after, at every threshold "
        "looked at:\n\n" + table(["services", "said", "pairs", "mean", "met"], rows) + "\n"
    )


def _confident(sets: dict[str, list[Case]]) -> tuple[str, list[str]]:
    rows, misses = [], []
    for name, of in sets.items():
        pairs = said_and_better(of, (None, *STARTS))
        for low, high in pairwise(CONFIDENCE):
            one = pairs[(pairs[:, 0] >= low) & (pairs[:, 0] < high)]
            if not len(one):
                continue
            mean, better, gain, seen = one.mean(axis=0)
            error = float(np.sqrt(max(better * (1 - better), 0.01) / len(one)))
            rows.append(
                [name, f"{low:g}–{high:g}", str(len(one)), f"{mean:.3f}", f"{better:.3f} ± {error:.3f}",
                 f"{gain:.1f}", f"{seen:.1f}"]
            )  # fmt: skip
            misses += _unreliable(name, low, float(better), error)
    return (
        "Confidence, said, and how often the loss of the month after was lower (bars: of 0.75–0.85 between 0.76 and "
        "0.90, of 0.92–0.97 at least 0.90); gains in pages a month. All changes that the rule likes best, made or not; "
        "of a change that is a step, those of its aim:\n\n"
        + table(["services", "confidence", "changes", "mean", "better", "gain said", "gain seen"], rows)
        + "\n"
    ), misses


def _unreliable(name: str, low: float, better: float, error: float) -> list[str]:
    least, most = {0.75: (0.76, 0.90), 0.92: (0.90, 1.0)}.get(low, (0.0, 1.0))
    if least - 2 * error <= better <= most + 2 * error:
        return []
    return [f"confidence from {low}, {name}: {better:.3f} better, not {least}–{most}"]


def _months(sets: dict[str, list[Case]]) -> str:
    rows = [[name, *(_held(one) for one in inside(of).values())] for name, of in sets.items()]
    return (
        "How often the violations and pages of the month after lay in their 80 % intervals, at the fitting threshold "
        "(pages are whole, so more is usual):\n\n" + table(["services", "violations", "pages"], rows) + "\n"
    )


def _held(one: Sequence[bool] | np.ndarray) -> str:
    share = float(np.mean(one))
    return f"{share:.3f} ± {np.sqrt(share * (1 - share) / len(one)):.3f}"
