"""`slaopt experiment design`: what a test would find, before anybody is asked to start it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from slaopt.cli.answers import print_json, print_lines, status_of
from slaopt.cli.experiment.reading import reading_options
from slaopt.cli.opening import open_source
from slaopt.cli.options import Moment, Seconds, json_option, options, source_option, store_option, workspace_option
from slaopt.cli.stores import address_of, announce, consult, what_if

if TYPE_CHECKING:
    from slaopt.experiment import PlannedDesign
    from slaopt.params import Params
    from slaopt.profile import Profiles
    from slaopt.result import Skipped
    from slaopt.sources import Source

__all__ = ["DESIGNED", "METRICS", "design", "design_options", "designed", "margins"]

METRICS = ("other_rate", "mean", "p95", "p99")  # the guardrails of a design, which is not loaded for help alone

DESIGNED = {  # options that say what is designed: arguments of `design_for`
    "test_threshold": "test_threshold",
    "length": "days",
    "looks": "looks",
    "split": "traffic_split",
    "unit": "unit",
    "units": "units",
    "icc": "icc",
    "effect": "smallest_effect",
    "guardrails": "guardrails",
    "level": "significance_level",
    "mode": "mode",
    "force": "force",
}


def margins(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, float] | None:
    """Read `p95=0.1`, or fail with the metrics that are known; None: none was said."""
    given: dict[str, float] = {}
    for value in values:
        metric, _, share = value.partition("=")
        try:
            given[metric] = float(share)
        except ValueError:
            raise click.BadParameter(f"{value!r}: give METRIC=SHARE, such as p95=0.1", ctx, param) from None
        if metric not in METRICS:
            raise click.BadParameter(f"{metric!r} is none of {', '.join(METRICS)}", ctx, param)
    return given or None


design_options = options(  # of every command that designs a test from measurements
    source_option,
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
                 help=f"Margin of a guardrail, e.g. p95=0.1; may be given again. Metrics: {', '.join(METRICS)}."),
    click.option("--level", type=click.FloatRange(0.01, 0.1), help="Significance level (default 0.05)."),
    click.option("--mode", type=click.Choice(["planned", "open_ended"]), help="How looks share the error."),
    click.option("--force", is_flag=True, help="Overrule what speaks against the design; it is kept in it."),
    reading_options,
    click.option("--as-of", type=Moment(), help="End of the past that is looked at (default: the latest stamp)."),
)  # fmt: skip


@click.command()
@click.argument("service")
@design_options
@workspace_option
@store_option
@json_option
def design(service: str, source: str | None, store: str | None, as_json: bool, **given: Any) -> int:
    """Tell what a test of a threshold would find, from the service's past, or why it could not answer.

    With a column of units, their number, sizes and alikeness are counted.

    \b
    Example:  slaopt experiment design checkout --test 2.6s --source requests.csv --column unit=tenant
    """
    from slaopt.printing import design_lines

    results = designed(service, source, store, given)
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        print_lines(design_lines(results))
    return status_of(results)


def designed(
    service: str, source: str | None, store: str | None, given: dict[str, Any]
) -> list[PlannedDesign | Skipped]:
    """Design a test from the measurements that the options name; what cannot be looked at is Skipped."""
    wanted = {name: given.pop(name) for name in DESIGNED}
    threshold, columns = given.pop("threshold"), given["columns"]
    opened = open_source(source, unit=given.pop("duration_unit"), **given)
    opened.counted = (wanted["test_threshold"],)
    intake = opened.source.inspect()
    settled = consult(address_of(store, opened.book, opened.workspace), opened.book, (service,))
    announce(settled, all_of=())
    opened.book = what_if(settled.book, threshold=threshold, objective=None)
    services, refused = settled.select((service,), [entry.service for entry in intake.services])
    by = columns.get("assigned")
    if by is not None:
        wanted["unit"] = wanted["unit"] or by
    compute = partial(_planned, source=opened.source, wanted=wanted)
    return [*opened.each(compute, intake, services), *refused]


def _planned(profiles: Profiles, params: Params, *, source: Source, wanted: dict[str, Any]) -> PlannedDesign:
    """Design from the past, and from what its units did where rows name them."""
    from slaopt.experiment import design_for
    from slaopt.experiment.design import EACH_ROW
    from slaopt.forecast.curve import LEARN_DAYS
    from slaopt.sources.units import units_before

    counted, control, test = None, params.threshold, wanted["test_threshold"]
    unit = wanted["unit"] or params.experiments.unit
    if unit != EACH_ROW and wanted["units"] is None and control is not None:
        end = profiles.hours.end
        start = end - timedelta(days=LEARN_DAYS)
        counted = units_before(
            source, profiles.service, start, end, unit=unit, common_threshold=control, other_threshold=test
        )  # fmt: skip
    return design_for(
        profiles,
        params.experiments,
        unit_counts=counted,
        control_threshold=control,
        **{argument: wanted[name] for name, argument in DESIGNED.items()},
    )
