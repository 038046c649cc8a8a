"""`slaopt experiment …`: threshold A/B tests from design to verdict."""

from __future__ import annotations

import click

from slaopt.cli.experiment.designing import design
from slaopt.cli.experiment.evaluating import evaluate
from slaopt.cli.experiment.reporting import report
from slaopt.cli.experiment.running import adopt, amend, list_experiments, propose, show, stop, watch

__all__ = ["experiment"]


@click.group()
def experiment() -> None:
    """Test a threshold on part of the traffic before it holds for all.

    \b
    Example:
      slaopt experiment design checkout --test 2.6s
    """


for command in (design, propose, list_experiments, show, watch, amend, stop, adopt, evaluate, report):
    experiment.add_command(command)
