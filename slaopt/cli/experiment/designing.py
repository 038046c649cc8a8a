"""`slaopt experiment design`: what a test would find, before anybody is asked to start it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from slaopt.cli.opening import for_each
from slaopt.cli.options import Moment, Seconds, json_option, options, source_option, store_option, workspace_option
from slaopt.experiment.design import GUARDRAILS

if TYPE_CHECKING:
    from slaopt.experiment import PlannedDesign
    from slaopt.params import Params
    from slaopt.profile import Profiles

__all__ = ["design", "design_options", "margins"]


def margins(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, float]:
    """Read `p95=0.1`, or fail with the metrics that are known."""
    given: dict[str, float] = {}
    for value in values:
        metric, _, share = value.partition("=")
        try:
            given[metric] = float(share)
        except ValueError:
            raise click.BadParameter(f"{value!r}: give METRIC=SHARE, such as p95=0.1", ctx, param) from None
        if metric not in GUARDRAILS:
            raise click.BadParameter(f"{metric!r} is none of {', '.join(GUARDRAILS)}", ctx, param)
    return given


design_options = options(  # of every command that designs a test
    click.option("--test", "test_threshold", type=Seconds(), required=True,
                 help="Threshold of the test arm (seconds, or 300ms)."),
    click.option("--control", "threshold", type=Seconds(), help="The control's threshold (default: the one in force)."),
    click.option("--days", "length", type=click.IntRange(3, 60), help="Length of the test (default 14)."),
    click.option("--looks", type=click.IntRange(1, 60), help="Planned looks, spread evenly (default: one a day)."),
    click.option("--split", type=click.FloatRange(0.1, 0.9), help="Share of the units in the test arm (default 0.5)."),
    click.option("--unit", help="What is assigned as a whole: tenant, team, instance (default: each request)."),
    click.option("--units", type=click.IntRange(2), help="Number of units, where measurements do not name them."),
    click.option("--icc", type=click.FloatRange(0, 1, max_open=True),
                 help="Correlation of violations within a unit, where it is known."),
    click.option("--effect", type=click.FloatRange(0.01, 1),
                 help="Smallest change of the violation rate worth finding, a share of it (default 0.2)."),
    click.option("--guardrail", "guardrails", multiple=True, metavar="METRIC=SHARE", callback=margins,
                 help=f"Margin of a guardrail, e.g. p95=0.1; may be given again. Metrics: {', '.join(GUARDRAILS)}."),
    click.option("--level", type=click.FloatRange(0.01, 0.1), help="Significance level (default 0.05)."),
    click.option("--mode", type=click.Choice(["planned", "open_ended"]), help="How looks share the error."),
    click.option("--force", is_flag=True, help="Overrule what speaks against the design; it is kept in it."),
)  # fmt: skip


@click.command()
@click.argument("service")
@source_option
@design_options
@click.option("--as-of", type=Moment(), help="End of the past that is looked at (default: the latest stamp).")
@workspace_option
@store_option
@json_option
def design(service: str, source: str | None, as_json: bool, **given: Any) -> int:
    """Tell what a test of a threshold would find, from the service's past, or why it could not answer.

    \b
    Example:  slaopt experiment design checkout --test 2.6s --source requests.csv --days 28
    """
    from slaopt.printing import design_lines

    test = given.pop("test_threshold")
    names = ("length", "looks", "split", "unit", "units", "icc", "effect", "guardrails", "level", "mode", "force")
    wanted = {name: given.pop(name) for name in names}

    def compute(profiles: Profiles, params: Params) -> PlannedDesign:
        from slaopt.experiment import design_for

        return design_for(
            profiles,
            params.experiments,
            test_threshold=test,
            control_threshold=params.threshold,
            unit=wanted["unit"],
            units=wanted["units"],
            icc=wanted["icc"],
            days=wanted["length"],
            looks=wanted["looks"],
            traffic_split=wanted["split"],
            significance_level=wanted["level"],
            smallest_effect=wanted["effect"],
            guardrails=wanted["guardrails"] or None,
            mode=wanted["mode"],
            force=wanted["force"],
        )

    return for_each(source, (service,), given, as_json, compute, design_lines, counted=(test,))
