"""Options of experiment commands on how measurements read: there, `unit` is what is assigned, not that of durations."""

from __future__ import annotations

from collections.abc import Sequence

import click

from slaopt.cli.options import options

__all__ = ["reading_options"]

ROLES = ("timestamp", "service", "duration", "duration_unit", "status", "unit", "arm")


def _columns(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Read `unit=tenant`, or fail with the roles that are known; give them as sources know them."""
    given = dict(value.partition("=")[::2] for value in values)
    for role, name in given.items():
        if role not in ROLES or not name:
            raise click.BadParameter(f"give ROLE=NAME, ROLE being one of {', '.join(ROLES)}", ctx, param)
    if not given:
        return given
    from slaopt.sources.observing import columns_of

    return columns_of(given)


reading_options = options(
    click.option("--table", help="Table of a SQL source, `schema.table` too."),
    click.option("--column", "columns", multiple=True, metavar="ROLE=NAME", callback=_columns,
                 help="Name a column, e.g. unit=tenant (what is assigned as a whole) or arm=variant. "
                 f"Roles: {', '.join(ROLES)}."),
    click.option("--duration-unit", help="Unit of the duration column: s, ms, us, ns, min, h."),
    click.option("--timezone", help="Zone of time stamps that carry none (default UTC)."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of durations."),
)  # fmt: skip
