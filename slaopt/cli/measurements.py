"""Commands that read measurements: what they are, how services perform, what to do about thresholds."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from slaopt.cli.answers import print_json, print_lines, status_of
from slaopt.cli.opening import for_each, open_source
from slaopt.cli.options import json_option, reading_options, service_options, workspace_option

__all__ = ["analyze", "check", "recommend"]


@click.command()
@click.argument("source", metavar="PATH_OR_URL")
@reading_options
@workspace_option
@json_option
def check(source: str, as_json: bool, **options: Any) -> int:
    """Say what is understood of a source, what is rejected and why, and how good the data are.

    \b
    Example:  slaopt check requests.csv --column duration=took --unit ms
    """
    from slaopt.analysis import check_quality
    from slaopt.printing import check_lines
    from slaopt.sources import require_services

    opened = open_source(source, **options)
    intake = opened.source.inspect()
    qualities = opened.each(check_quality, intake) if intake.services else []
    if as_json:
        print_json({"intake": intake.to_dict(), "quality": [quality.to_dict() for quality in qualities]})
    else:
        print_lines(check_lines(intake, qualities))
    require_services(intake)
    return status_of(qualities)


@click.command()
@service_options
def analyze(source: str | None, services: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Tell how services performed: quantiles and rates with intervals, outliers, quality.

    \b
    Example:  slaopt analyze --source requests.csv --service checkout --threshold 2s
    """
    from slaopt.analysis import analyze as analyze_profiles
    from slaopt.printing import analysis_lines

    return for_each(source, services, options, as_json, analyze_profiles, analysis_lines)


@click.command()
@service_options
def recommend(source: str | None, services: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Recommend a threshold for each service, or say that the current one fits.

    \b
    Example:  slaopt recommend --source requests.csv --threshold 2s --objective 0.99
    """
    from slaopt.assess import recommend as recommend_threshold
    from slaopt.printing import recommendation_lines

    what_if = options["threshold"] is not None or options["objective"] is not None
    lines = partial(recommendation_lines, what_if=what_if)
    return for_each(source, services, options, as_json, recommend_threshold, lines)
