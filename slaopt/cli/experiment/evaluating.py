"""`slaopt experiment evaluate`: an answer for data that were collected elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slaopt.cli.answers import DONE, SKIPPED, print_json, print_lines
from slaopt.cli.experiment.designing import margins
from slaopt.cli.experiment.reading import ROLES
from slaopt.cli.options import Seconds, json_option, options, workspace_option

if TYPE_CHECKING:
    from slaopt.experiment import Evaluation

__all__ = ["COLLECTED", "collected_options", "evaluate", "evaluated"]


def _columns(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    given = dict(value.partition("=")[::2] for value in values)
    for role, name in given.items():
        if role not in ROLES or not name:
            raise click.BadParameter(f"give ROLE=NAME, ROLE being one of {', '.join(ROLES)}", ctx, param)
    return given


def _arms(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, str]:
    control, comma, test = (part.strip() for part in value.partition(","))
    if not (comma and control and test) or control == test or "," in test:
        raise click.BadParameter("give both names, control first: --arms old,new", ctx, param)
    return control, test


COLLECTED = (  # arguments of the options below
    "control_threshold", "test_threshold", "columns", "arms", "split", "duration_unit", "timezone", "decimal", "level",
    "effect", "guardrails", "service",
)  # fmt: skip
collected_options: Callable[..., Any] = options(  # of every command that takes data collected elsewhere
    click.option("--control", "control_threshold", type=Seconds(), help="The control's threshold (seconds, or 300ms)."),
    click.option("--test", "test_threshold", type=Seconds(), help="Threshold of the test arm."),
    click.option("--column", "columns", multiple=True, metavar="ROLE=NAME", callback=_columns,
                 help=f"Name a column, e.g. unit=tenant. Roles: {', '.join(ROLES)}."),
    click.option("--arms", default="control,test", show_default=True, callback=_arms, metavar="CONTROL,TEST",
                 help="How the arms are named."),
    click.option("--split", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.5, show_default=True,
                 help="Share of the units that the test arm was to get."),
    click.option("--duration-unit", help="Unit of the duration column: s, ms, us, ns, min, h."),
    click.option("--timezone", help="Zone of time stamps that carry none (default UTC)."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of durations."),
    click.option("--level", type=click.FloatRange(0.01, 0.1), help="Significance level (default 0.05)."),
    click.option("--effect", type=click.FloatRange(0.01, 1),
                 help="Smallest change of the violation rate worth finding, a share of it (default 0.2)."),
    click.option("--guardrail", "guardrails", multiple=True, metavar="METRIC=SHARE", callback=margins,
                 help="Margin of a guardrail, e.g. p95=0.1; may be given again."),
    click.option("--service", default="", help="Name of the service, for its settings and for the page."),
)  # fmt: skip


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@collected_options
@workspace_option
@json_option
def evaluate(file: Path, workspace: Path | None, as_json: bool, **given: Any) -> int:
    """Evaluate a test whose data were collected elsewhere: columns arm and duration, if you have them unit and time.

    One look is taken at all of the data, as with a fixed horizon. Where nothing can be concluded, the exit code is 3.

    \b
    Example:  slaopt experiment evaluate trial.csv --control 2s --test 2.6s --column unit=tenant
    """
    from slaopt.printing import evaluation_lines

    evaluation = evaluated(file, workspace, given)
    if as_json:
        print_json(evaluation.to_dict())
    else:
        print_lines(evaluation_lines(evaluation))
    return SKIPPED if evaluation.look.decision.verdict == "invalid" else DONE


def evaluated(file: Path, workspace: Path | None, given: dict[str, Any]) -> Evaluation:
    """Read a file and evaluate it, with the settings of the workspace where there is one."""
    from slaopt.errors import InputError
    from slaopt.experiment import evaluate as evaluate_counts
    from slaopt.params import load_params
    from slaopt.sources.collected import read_experiment
    from slaopt.workspace import find_workspace, workspace_around

    if given["control_threshold"] is None or given["test_threshold"] is None:
        raise InputError(f"{file}: say which thresholds the arms had: --control 2s --test 2.6s")
    place = find_workspace(workspace) if workspace else workspace_around(Path.cwd())
    book = load_params(place)
    rules = book.of(given["service"]).experiments
    said = {"significance_level": given["level"], "smallest_effect": given["effect"]}
    rules = rules.model_copy(update={name: value for name, value in said.items() if value is not None})
    observed = read_experiment(
        file, control_threshold=given["control_threshold"], test_threshold=given["test_threshold"], arms=given["arms"],
        columns=given["columns"], duration_unit=given["duration_unit"], timezone=given["timezone"],
        decimal=given["decimal"], book=book, service=given["service"],
    )  # fmt: skip
    return evaluate_counts(
        observed, control_threshold=given["control_threshold"], test_threshold=given["test_threshold"],
        unit=given["columns"].get("unit"), traffic_split=given["split"], rules=rules,
        guardrails=given["guardrails"] or None, service=given["service"],
    )  # fmt: skip
