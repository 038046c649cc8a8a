"""Designs, comparisons and looks made of a few numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from slaopt.experiment import Comparison, Design, Effect, Guardrail, Look, Posterior, look_at, sample_ratio
from slaopt.result import Interval

START = datetime(2026, 11, 2, tzinfo=UTC)
CONTROL = 0.05
SIZE = 10_000  # executions of an arm over the days

DESIGN = Design(
    service="checkout",
    control_threshold=2.5,
    test_threshold=2.0,
    common_threshold=2.5,
    unit="request",
    traffic_split=0.5,
    days=10,
    looks=5,
    control_rate=CONTROL,
    rope=0.005,
    tolerated_loss=0.0005,
    guardrails=(Guardrail(metric="p95", margin=0.1),),
    units=2 * SIZE,
    executions=2 * SIZE,
    information=SIZE / (2 * CONTROL * (1 - CONTROL)),
)


def rate_effect(control: float, test: float, size: float, *, degrees: float | None = None, metric="rate") -> Effect:
    """Rates of two arms of one size, with the error of independent executions."""
    error = float(np.sqrt((control * (1 - control) + test * (1 - test)) / size))
    interval = Interval(low=test - control - 1.96 * error, high=test - control + 1.96 * error, level=0.95)
    return Effect(
        metric=metric, control=control, test=test, difference=test - control, standard_error=error, degrees=degrees,
        interval=interval,
    )  # fmt: skip


def log_effect(metric, difference: float, error: float, *, control: float = 2.0) -> Effect:
    interval = Interval(low=difference - 1.96 * error, high=difference + 1.96 * error, level=0.95)
    test = control * float(np.exp(difference))
    return Effect(
        metric=metric, control=control, test=test, difference=difference, standard_error=error, degrees=None,
        interval=interval,
    )  # fmt: skip


def posterior(*, equivalent: float = 0.5, loss: float = 0.0) -> Posterior:
    return Posterior(
        model="beta", prior="none", probability_better=0.9, probability_equivalent=equivalent,
        expected_loss_of_shipping=loss, expected_loss_of_keeping=0.01, difference=-0.01,
        interval=Interval(low=-0.02, high=0.0, level=0.95, kind="credible"), quantiles=(),
    )  # fmt: skip


def compared(primary: Effect, *guardrails: Effect, size: float = SIZE, **belief: float) -> Comparison:
    return Comparison(
        primary=primary, mechanical=None, own_rates=(primary.control, primary.test),
        guardrails=guardrails or (log_effect("p95", 0.0, 0.001),), posterior=posterior(**belief),
        sample_ratio=sample_ratio(size, size, traffic_split=0.5), avoided_per_1000=-1000 * primary.difference,
    )  # fmt: skip


def look(
    comparison: Comparison, size: float, *, design: Design = DESIGN, earlier=(), number=None, units=None, **given
) -> Look:
    """Look once at arms of `size` executions each."""
    number = number or len(earlier) + 1
    given = {"last": number == design.looks, "remarks": (), "at": START + timedelta(days=2 * number)} | given
    unit_sizes = (size, size) if units is None else (units, units)
    return look_at(
        comparison, design, earlier=earlier, number=number, sizes=(size, size), unit_sizes=unit_sizes, **given
    )


def run(rates, *, design: Design = DESIGN, control: float = CONTROL, size: int = SIZE, **belief) -> list[Look]:
    """All looks at a test arm whose rates so far were these, one a look, of arms that grow evenly."""
    looks: list[Look] = []
    for number, rate in enumerate(rates, start=1):
        n = size * number / len(rates)
        comparison = compared(rate_effect(control, rate, n), size=n, **belief)
        looks.append(look(comparison, n, design=design, earlier=tuple(looks), last=number == len(rates)))
    return looks


def open_ended(design: Design = DESIGN, **changes) -> Design:
    return replace(design, mode="open_ended", **changes)
