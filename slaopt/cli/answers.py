"""What every command answers with: an exit code, lines to read or JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from slaopt.result import Result

__all__ = [
    "BAD",
    "DIFFERENT",
    "DONE",
    "INTERRUPTED",
    "SKIPPED",
    "UNREAD",
    "complain",
    "print_json",
    "print_lines",
    "status_of",
]

DONE, DIFFERENT, BAD, SKIPPED, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141


def status_of(results: Iterable[Result]) -> int:
    """Give the exit code of results: some services were skipped, or none."""
    from slaopt.result import Skipped

    return SKIPPED if any(isinstance(result, Skipped) for result in results) else DONE


def print_json(value: Any) -> None:
    """Print for programs."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))  # escaped to ASCII: no locale can spoil it


def print_lines(lines: Iterable[str]) -> None:
    """Print for people, as the lines come."""
    for line in lines:
        click.echo(line)


def complain(message: str) -> None:
    """Say on stderr what is wrong, in one line that no control character can spoil."""
    from slaopt.printing import visible

    click.echo(f"slaopt: {visible(' '.join(message.split()))}", err=True)
