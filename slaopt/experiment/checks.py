"""What is wrong with the measurements of an experiment: each thing by name, and whether anything can be concluded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from slaopt.experiment.behaviour import FEWEST_EXECUTIONS, behaviour
from slaopt.experiment.comparing import ratio_of
from slaopt.experiment.counting import LONGEST
from slaopt.experiment.design import Design
from slaopt.experiment.observed import ArmUnits, Observed, Remark
from slaopt.experiment.quantiles import ENOUGH_ABOVE
from slaopt.wording import count, percent, seconds

__all__ = ["remarks_of"]

FEWEST_UNITS = 5  # of an arm; decisions are refused below
HALF = 0.5
EQUAL = 1e-12


def remarks_of(observed: Observed, design: Design, *, final: bool = False) -> tuple[Remark, ...]:
    """Give the remarks that were made when measuring, and those that follow from the counts.

    Decisive are an arm without executions, durations that never vary, sizes of the arms that contradict the split, and
    one unit by which alone the answer holds or falls. What more measurements may mend is not.
    """
    arms = (("control", observed.control), ("test", observed.test))
    empty = [name for name, arm in arms if arm.executions == 0]
    made = [remark for remark in observed.remarks if remark.kind not in ("one_arm", "sample_ratio")]
    if empty:
        sentence = f"There are no executions in {' and '.join(empty)}: nothing can be compared."
        return *made, Remark(kind="one_arm", sentence=sentence, count=len(empty), decisive=True)
    ratio = ratio_of(observed, design, final=final)
    if ratio.flagged:
        made.append(Remark(kind="sample_ratio", sentence=ratio.sentence, decisive=True))
    for name, arm in arms:
        made += [remark for remark in (_small(name, arm), _few(name, arm), _constant(name, arm)) if remark]
    made += _extremes(observed, design)
    for name, other in (("control", observed.test), ("test", observed.control)):
        made += _outlying_unit(name, observed.arm(name), other, design)
        made += _outlying_row(name, observed.arm(name))
    return tuple(made)


def _small(name: str, arm: ArmUnits) -> Remark | None:
    if arm.executions < FEWEST_EXECUTIONS:
        why = f"nothing is estimated with fewer than {FEWEST_EXECUTIONS}"
    elif arm.each_row and arm.executions * 0.01 < ENOUGH_ABOVE:
        why = "too few to say anything of the 99th percentile"
    else:
        return None
    return Remark(
        kind="tiny_arm", sentence=f"The {name} arm has {count(arm.executions)} executions, {why}.", count=arm.executions
    )


def _few(name: str, arm: ArmUnits) -> Remark | None:
    units = int((arm.n > 0).sum())
    if arm.each_row or units >= FEWEST_UNITS:
        return None
    found = f"{units} unit{'' if units == 1 else 's'}"
    sentence = f"The {name} arm has {found}; nothing is decided with fewer than {FEWEST_UNITS}."
    return Remark(kind="few_units", sentence=sentence, count=units)


def _constant(name: str, arm: ArmUnits) -> Remark | None:
    n, total, squares = arm.executions, float(arm.sums.sum()), float(arm.squares.sum())
    if n < FEWEST_EXECUTIONS or squares - total**2 / n > EQUAL * squares:
        return None
    sentence = f"Every execution of the {name} arm took {seconds(total / n)}: that is no measurement of durations."
    return Remark(kind="constant", sentence=sentence, count=n, decisive=True)


def _extremes(observed: Observed, design: Design) -> list[Remark]:
    found = sum(float(arm.common_violations.sum()) for arm in (observed.control, observed.test))
    total = observed.control.executions + observed.test.executions
    above = f"above {seconds(design.common_threshold)}"
    if found == 0:
        sentence = f"None of {count(total)} executions is {above}: violation rates cannot be compared there."
        return [Remark(kind="none_violates", sentence=sentence, count=total)]
    if found == total:
        sentence = (
            f"All of {count(total)} executions are {above}: violation rates cannot be compared there. If durations are "
            "in another unit than was read, name it (ms, s, min)."
        )
        return [Remark(kind="all_violate", sentence=sentence, count=total)]
    return []


def _outlying_unit(name: str, arm: ArmUnits, other: ArmUnits, design: Design) -> list[Remark]:
    """A unit that makes half of its arm's executions, violations or variance; decisive if the answer is its alone."""
    if arm.each_row or (arm.n > 0).sum() < 3 or (other.n > 0).sum() < 2:
        return []
    rate = float(arm.common_violations.sum()) / arm.executions
    square = (arm.common_violations - rate * arm.n) ** 2
    most = int(square.argmax()) if square.any() else int(arm.n.argmax())
    parts = [arm.n, arm.common_violations, square]
    shares = [float(part[most] / part.sum()) if part.any() else 0.0 for part in parts]
    if max(shares) <= HALF:
        return []
    level = 1 - design.significance_level
    rest = _without(arm, most)
    answers = [_answer(*(pair if name == "control" else pair[::-1]), level) for pair in ((arm, other), (rest, other))]
    decisive = answers[0] != answers[1]
    alone = " Without it the answer is another one." if decisive else ""
    sentence = (
        f"One unit of the {name} arm has {percent(shares[0])} of its executions and {percent(shares[1])} of its "
        f"violations.{alone}"
    )
    return [Remark(kind="outlier", sentence=sentence, count=1, decisive=decisive)]


def _answer(control: ArmUnits, test: ArmUnits, level: float) -> int:
    """-1, 0 or 1: better, not known, worse."""
    interval = behaviour(control, test, confidence_level=level).interval
    return 0 if interval is None else int(interval.low > 0) - int(interval.high < 0)


def _without(arm: ArmUnits, unit: int) -> ArmUnits:
    kept = np.arange(len(arm.n)) != unit
    names = ("n", "common_violations", "other_violations", "between", "sums", "squares", "log_sums", "log_squares")
    counts = csr_array(arm.counts[np.flatnonzero(kept)])
    return replace(
        arm, unit_hashes=arm.unit_hashes[kept], first_seen=arm.first_seen[kept], zeros=arm.zeros[kept], counts=counts,
        **{field: getattr(arm, field)[kept] for field in names},
    )  # fmt: skip


def _outlying_row(name: str, arm: ArmUnits) -> list[Remark]:
    """An execution that makes more than half of the durations' variance."""
    used = arm.counts.indices[arm.counts.data > 0]
    if not len(used):
        return []
    top = int(used.max())
    number = float(arm.counts.data[arm.counts.indices == top].sum())
    n, total, squares = arm.executions, float(arm.sums.sum()), float(arm.squares.sum())
    spread = squares - total**2 / n
    longest = min(float(arm.bounds[top]), LONGEST)
    if (
        number > 1
        or n < FEWEST_EXECUTIONS
        or not spread > EQUAL * squares
        or (longest - total / n) ** 2 <= HALF * spread
    ):
        return []
    sentence = (
        f"One execution of the {name} arm took {seconds(longest)} and makes most of the variance of durations. Rates "
        "and typical durations hardly feel it; an arithmetic mean would be decided by it, so none is tested."
    )
    return [Remark(kind="outlier", sentence=sentence, count=1)]
