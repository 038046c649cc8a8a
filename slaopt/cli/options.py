"""Options that mean the same in every command, and the values that they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

__all__ = [
    "Moment",
    "Seconds",
    "json_option",
    "key_option",
    "options",
    "place_options",
    "reading_options",
    "service_options",
    "source_option",
    "span_options",
    "store_option",
    "what_if_options",
    "workspace_option",
    "writing_options",
    "yes_option",
]

Command = Callable[..., Any]


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in recent versions only
    """A time in ISO 8601; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the time, or fail with an example."""
        from slaopt.wording import parse_moment

        try:
            return parse_moment(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(click.ParamType):  # type: ignore[type-arg]
    """A duration: a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the duration, or fail with the units that are known."""
        from slaopt.wording import parse_seconds

        try:
            return parse_seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _assignments(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    given = dict(value.partition("=")[::2] for value in values)
    roles = ("timestamp", "service", "duration", "unit", "status")
    for role, name in given.items():
        if role not in roles or not name:
            raise click.BadParameter(f"give ROLE=NAME, ROLE being one of {', '.join(roles)}", ctx, param)
    return given


def options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join options into one decorator; help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


workspace_option = click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Folder with params/ and reports/ (default: SLAOPT_WORKSPACE, else the nearest).",
)
store_option = click.option(
    "--store", metavar="URL", help="The SLA store: a file or a database URL (default: SLAOPT_STORE, else params, else "
    "slaopt.db in the workspace).",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
key_option = click.option("--key", help="Key of this request, of your own choice: with the same key it is done once.")
place_options = options(store_option, workspace_option, json_option)  # of a command that works on the store
yes_option = click.option("--yes", is_flag=True, help="Do not ask at a terminal.")
writing_options = options(key_option, yes_option, place_options)  # of a command that writes into the store
reading_options = options(
    click.option("--table", help="Table of a SQL source, `schema.table` too."),
    click.option("--column", "columns", multiple=True, metavar="ROLE=NAME", callback=_assignments,
                 help="Name a column, e.g. duration=latency_ms. Roles: timestamp, service, duration, unit, status."),
    click.option("--unit", help="Unit of the duration column: s, ms, us, ns, min, h."),
    click.option("--timezone", help="Zone of time stamps that carry none (default UTC)."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of durations."),
)  # fmt: skip
span_options = options(
    click.option("--as-of", type=Moment(), help="End of the period (default: first full hour after the latest stamp)."),
    click.option("--days", type=click.IntRange(7, 365), help="Length of the period (default 30)."),
)
what_if_options = options(
    click.option("--service", "services", multiple=True, help="Only this service; may be given again."),
    click.option("--threshold", type=Seconds(), help="What-if: another current threshold (seconds, or 300ms)."),
    click.option("--objective", type=click.FloatRange(0, 1, min_open=True, max_open=True),
                 help="What-if: another objective, 0–1."),
)  # fmt: skip
source_option = click.option("--source", help="Path, glob, folder, database URL, or a name of params `sources:`.")
service_options = options(  # of a command that computes something of each service
    source_option, what_if_options, span_options, reading_options, workspace_option, store_option, json_option
)
