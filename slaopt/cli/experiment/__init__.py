"""`slaopt experiment …`: threshold A/B tests from design to verdict."""

from __future__ import annotations

import click

from slaopt.cli.experiment.designing import design
from slaopt.cli.experiment.evaluating import evaluate
from slaopt.cli.experiment.reporting import report

__all__ = ["experiment"]


@click.group()
def experiment() -> None:
    """Test a threshold on part of the traffic before it holds for all.

    \b
    Example:
      slaopt experiment design checkout --test 2.6s
    """


experiment.add_command(design)
experiment.add_command(evaluate)
experiment.add_command(report)
