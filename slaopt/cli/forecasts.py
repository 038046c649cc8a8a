"""The command that looks ahead: violation rates to expect at given thresholds."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from slaopt.cli.opening import for_each
from slaopt.cli.options import (
    Moment,
    Seconds,
    json_option,
    reading_options,
    source_option,
    store_option,
    workspace_option,
)

__all__ = ["forecast"]


class Horizon(click.ParamType):  # type: ignore[type-arg]  # generic in recent versions only
    """The length of a window; the text is kept, as answers name it so."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the text, or fail with an example."""
        from slaopt.forecast.service import parse_horizon

        try:
            parse_horizon(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


@click.command()
@source_option
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    type=Seconds(),
    help="Threshold (seconds, or 300ms); may be given again (default: the current one, else quantiles).",
)
@click.option(
    "--horizon",
    "horizons",
    multiple=True,
    type=Horizon(),
    help="Days or weeks ahead, such as 7d or 2w; may be given again (default: 7d, 14d and 30d).",
)
@click.option(
    "--as-of", type=Moment(), help="Where the window begins (default: first full hour after the latest stamp)."
)
@reading_options
@workspace_option
@store_option
@json_option
def forecast(
    source: str | None,
    services: tuple[str, ...],
    thresholds: tuple[float, ...],
    horizons: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> int:
    """Forecast the share of executions that will violate a threshold, with prediction intervals.

    \b
    Example:  slaopt forecast --source requests.csv --service checkout --threshold 2s --horizon 14d
    """  # fmt: skip
    from slaopt.forecast.service import USUAL, forecast_service
    from slaopt.printing import forecast_lines

    compute = partial(forecast_service, thresholds=thresholds, horizons=horizons or USUAL)
    return for_each(source, services, options, as_json, compute, forecast_lines, counted=thresholds)
