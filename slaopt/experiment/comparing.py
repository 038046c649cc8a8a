"""All that one look at an experiment's measurements gives, before anything is decided."""

from __future__ import annotations

from slaopt.experiment.behaviour import MOST_UNITS, behaviour
from slaopt.experiment.design import Design
from slaopt.experiment.durations import mean_effect
from slaopt.experiment.found import Comparison, Effect, Posterior, SampleRatio
from slaopt.experiment.hierarchical import hierarchical_posterior
from slaopt.experiment.mechanical import mechanical_effect, own_rate
from slaopt.experiment.observed import ArmUnits, Observed
from slaopt.experiment.posterior import beta_posterior
from slaopt.experiment.ratio import sample_ratio
from slaopt.experiment.tails import quantile_effect

__all__ = ["compare", "ratio_of"]


def compare(observed: Observed, design: Design, *, final: bool = False) -> Comparison:
    """Compare both arms: the primary effect, what the moved line does by itself, guardrails, and the posterior.

    The primary effect and the guardrail `other_rate` are of behaviour, at a threshold that is common to both arms; each
    arm's rate at its own threshold is reported, and never tested. Where each row is a unit, executions are taken as
    assigned one by one; else units are what varies.

    Parameters
    ----------
    final
        The experiment is over: the sizes of the arms are tested once more at their end.

    Raises
    ------
    ValueError
        If the thresholds of measurements and design differ.
    """
    thresholds = (observed.common_threshold, observed.other_threshold)
    if thresholds != (design.common_threshold, design.other_threshold):
        raise ValueError(f"measured at {thresholds}, designed for {(design.common_threshold, design.other_threshold)}")
    control, test = observed.control, observed.test
    level = 1 - design.significance_level
    primary = behaviour(control, test, confidence_level=level)
    guardrails = (
        behaviour(control, test, metric="other_rate", confidence_level=level),
        mean_effect(control, test, confidence_level=level),
        quantile_effect(control, test, metric="p95", confidence_level=level),
        quantile_effect(control, test, metric="p99", confidence_level=level),
    )
    return Comparison(
        primary=primary,
        mechanical=mechanical_effect(control, design),
        own_rates=(own_rate(control, design, design.control_threshold), own_rate(test, design, design.test_threshold)),
        guardrails=guardrails,
        posterior=_posterior(control, test, design, primary),
        sample_ratio=ratio_of(observed, design, final=final),
        avoided_per_1000=-1000 * primary.difference,
    )


def ratio_of(observed: Observed, design: Design, *, final: bool = False) -> SampleRatio:
    """Hold the sizes of both arms, in units of assignment, against the split."""
    return sample_ratio(observed.control.units, observed.test.units, traffic_split=design.traffic_split, final=final)


def _posterior(control: ArmUnits, test: ArmUnits, design: Design, primary: Effect) -> Posterior | None:
    """Of units, hierarchical; where they are very many, of executions that count as many as they are worth."""
    if not (control.executions and test.executions):
        return None
    level, rope = 1 - design.significance_level, design.rope
    rate, size = design.prior_rate, design.prior_size
    if not control.each_row and max(len(control.n), len(test.n)) <= MOST_UNITS:
        return hierarchical_posterior(
            (control.common_violations, control.n), (test.common_violations, test.n),
            rope=rope, confidence_level=level, prior_rate=rate, prior_size=size,
        )  # fmt: skip
    effect = 1.0 if control.each_row else max(primary.design_effect or 1.0, 1.0)
    return beta_posterior(
        float(control.common_violations.sum()) / effect, control.executions / effect,
        float(test.common_violations.sum()) / effect, test.executions / effect,
        rope=rope, confidence_level=level, prior_rate=rate, prior_size=size, worth=effect,
    )  # fmt: skip
