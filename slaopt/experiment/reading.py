"""What the sequential design makes of the primary estimate at a look: how far it has to go, and what it may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slaopt.experiment.boundaries import FURTHEST, boundaries, repeated_interval, repeated_p_value
from slaopt.experiment.design import EACH_ROW, Design
from slaopt.experiment.found import Comparison, Look
from slaopt.experiment.open_ended import (
    FEWEST_CLUSTERS,
    FEWEST_EVENTS,
    TIGHTEST,
    anytime_boundary,
    anytime_p_value,
    event_concentration,
    event_interval,
)
from slaopt.experiment.shares import share_evidence
from slaopt.result import Interval
from slaopt.wording import count

__all__ = ["FEWEST_TO_DECIDE", "RARE", "Reading", "events", "read"]

FEWEST_TO_DECIDE = 5  # clusters in each arm
RARE = 500  # violations that the design expects; with fewer, open-ended tests go by the violations alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The primary estimate against its boundaries; None where a boundary is not drawn at this look."""

    fraction: float
    information: float
    z: float | None
    boundary: float | None  # two-sided
    harm_boundary: float | None  # one-sided, for each guardrail
    harm_boundary_of_rate: float | None  # where it is another, or not drawn
    interval: Interval | None  # at every look so far, this one included
    p_value: float | None
    withheld: str | None = None  # why nothing is said of the primary question

    @property
    def significant(self) -> bool:
        """Some look so far passed its boundary, so that the interval leaves out 0."""
        return self.interval is not None and not self.interval.covers(0)


def events(comparison: Comparison, sizes: tuple[float, float]) -> tuple[float, float]:
    """Violations of both arms at the common threshold."""
    primary = comparison.primary
    return round(primary.control * sizes[0], 6), round(primary.test * sizes[1], 6)


def read(
    comparison: Comparison,
    design: Design,
    *,
    earlier: Sequence[Look],
    number: int,
    last: bool,
    sizes: tuple[float, float],
    unit_sizes: tuple[float, float],
) -> Reading:
    """Read a look in the mode of the design; see `look_at`."""
    primary = comparison.primary
    information = primary.standard_error**-2
    fraction = _fraction(information, design, earlier, number=number, last=last)
    few = _too_early(design, sum(events(comparison, sizes)), min(unit_sizes), last=last)
    units = design.unit != EACH_ROW and min(unit_sizes) < _fewest_units(design)
    if design.mode == "planned":
        boundary, harm = _planned(information, fraction, design, earlier)
    else:
        optimal = TIGHTEST * design.information
        boundary = anytime_boundary(information, optimal=optimal, level=design.significance_level)
        harm = anytime_boundary(information, optimal=optimal, level=design.harm_level, sides=1)
    z, of_rate, interval, p_value = primary.z, harm, None, 1.0
    if few:
        boundary = of_rate = None
    elif _by_events(design):
        z, boundary, of_rate, interval, p_value = _of_events(comparison, design, sizes)
    elif boundary is not None and z is not None:
        interval = _clipped(
            repeated_interval(
                primary.difference, primary.standard_error, boundary, 1 - design.significance_level,
                degrees=primary.degrees,
            )
        )  # fmt: skip
        p_value = _p_value(z, information, fraction, boundary, design, earlier)
    told = [look for look in earlier if look.interval is not None]
    return Reading(
        fraction=fraction,
        information=information,
        z=z,
        boundary=boundary,
        harm_boundary=None if units else harm,
        harm_boundary_of_rate=None if units else of_rate,
        interval=_joined(interval, told[-1].interval if told else None),
        p_value=min(_so_far(earlier), p_value) if told or interval is not None else None,
        withheld=few,
    )


def _fraction(information: float, design: Design, earlier: Sequence[Look], *, number: int, last: bool) -> float:
    """Information fraction by which error is spent.

    It never runs ahead of the planned looks: an early standard error of few units may be far too small, and a test that
    has its information before its days are over keeps error for the rest of the week. The last look spends all.
    """
    if last:
        return 1.0
    planned = number / design.looks if number < design.looks else number / (number + 1)
    return max(min(information / design.information, planned), *(look.fraction for look in earlier), 0.0)


def _fewest_units(design: Design) -> int:
    return FEWEST_TO_DECIDE if design.mode == "planned" else FEWEST_CLUSTERS


def _too_early(design: Design, violations: float, units: float, *, last: bool) -> str | None:
    """Why the primary question is not yet looked at, or None."""
    if design.unit != EACH_ROW and units < _fewest_units(design):
        return f"an arm has fewer than {_fewest_units(design)} units"
    if violations < FEWEST_EVENTS and not (last and design.mode == "planned"):
        return f"{count(violations)} executions above the common threshold are fewer than {FEWEST_EVENTS}"
    return None


def _planned(
    information: float, fraction: float, design: Design, earlier: Sequence[Look]
) -> tuple[float | None, float | None]:
    """Boundaries of benefit and harm. Looks that did not ask have spent nothing."""
    asked = [look for look in earlier if look.boundary is not None]
    guarded = [look for look in earlier if any(g.boundary is not None for g in look.guardrails)]
    benefit = boundaries(
        [*(look.fraction for look in asked), fraction],
        information=[*(look.information for look in asked), information],
        level=design.significance_level, spending="obrien_fleming", sides=2,
    )[-1]  # fmt: skip
    harm = boundaries(
        [*(look.fraction for look in guarded), fraction],
        information=[*(look.information for look in guarded), information],
        level=design.harm_level, spending="pocock", sides=1,
    )[-1]  # fmt: skip
    # a fraction that has not grown spends nothing: both are infinite, and the look asks nothing
    new = np.isfinite(harm)
    return (min(float(benefit), FURTHEST) if new else None, float(harm) if new else None)


def _p_value(
    z: float, information: float, fraction: float, boundary: float, design: Design, earlier: Sequence[Look]
) -> float:
    level, so_far = design.significance_level, _so_far(earlier)
    if design.mode == "planned":
        asked = [look for look in earlier if look.boundary is not None]
        found = repeated_p_value(
            z,
            [*(look.fraction for look in asked), fraction],
            information=[*(look.information for look in asked), information],
            spending="obrien_fleming", sides=2, so_far=so_far,
        )  # fmt: skip
    else:
        found = anytime_p_value(z, information, optimal=TIGHTEST * design.information, level=level)
    # the root that gives it is known to four digits: on which side of the level it lies, the boundary says
    return min(found, level) if abs(z) > boundary else max(found, float(np.nextafter(level, 1)))


def _so_far(earlier: Sequence[Look]) -> float:
    return min((look.p_value for look in earlier if look.p_value is not None), default=1.0)


def _by_events(design: Design) -> bool:
    rare = design.control_rate * design.executions < RARE
    return design.mode == "open_ended" and design.unit == EACH_ROW and rare


def _of_events(
    comparison: Comparison, design: Design, sizes: tuple[float, float]
) -> tuple[float, float, float, Interval, float]:
    """Score, boundaries, interval and p-value of the primary question where violations are few: exact at any moment.

    All are put on the scale of the difference of rates, in which a share of violations like the split's is 0.
    """
    control, test = events(comparison, sizes)
    split, error = design.traffic_split, comparison.primary.standard_error
    pooled = (control + test) / sum(sizes)
    expected = design.control_rate * design.executions
    concentration = event_concentration(TIGHTEST * expected, level=design.significance_level)

    def difference(share: float) -> float:
        return pooled * (share / split - (1 - share) / (1 - split))

    def shares(level: float, sides: int) -> Interval:
        return event_interval(
            control, test, traffic_split=split, concentration=concentration, level=level, sides=2 if sides == 2 else 1
        )

    both, worse = shares(design.significance_level, 2), shares(design.harm_level, 1)
    found = difference(test / (control + test))
    near = both.low if found > 0 else both.high
    log_evidence = share_evidence(control, test, split, split=split, concentration=concentration)
    return (
        found / error,
        abs(found - difference(near)) / error,
        (found - difference(worse.low)) / error,
        _clipped(Interval(low=difference(both.low), high=difference(both.high), level=both.level)),
        float(np.exp(min(0.0, -float(log_evidence)))),
    )


def _clipped(interval: Interval) -> Interval:
    return Interval(low=max(interval.low, -1.0), high=min(interval.high, 1.0), level=interval.level)


def _joined(interval: Interval | None, before: Interval | None) -> Interval | None:
    """What both leave, as all looks' intervals hold at once; if nothing, that which decided, and the earlier first."""
    if interval is None or before is None:
        return interval or before
    low, high = max(interval.low, before.low), min(interval.high, before.high)
    if low <= high:
        return Interval(low=low, high=high, level=interval.level)
    return interval if before.covers(0) else before
