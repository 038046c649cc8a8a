"""What is asked of people at a terminal: whether they are sure, a password, a code. Programs are asked nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

import click

from slaopt.cli.answers import complain
from slaopt.errors import InputError

__all__ = ["at_terminal", "declined", "read_code", "read_new_password", "read_password"]

PASSWORD = "SLAOPT_PASSWORD"


def at_terminal() -> bool:
    """Tell whether somebody could answer."""
    return sys.stdin.isatty()


def declined(question: str, *, yes: bool, shown: Iterable[str] = ()) -> bool:
    """Show what is about to happen and ask; true where the answer is no. Who said yes is not asked, nor a program."""
    if yes or not at_terminal():
        return False
    for line in shown:
        click.echo(line, err=True)
    if click.confirm(question, err=True):
        return False
    complain("nothing is changed")
    return True


def read_password(prompt: str) -> str:
    """Give a password: from `SLAOPT_PASSWORD`, else typed unseen, else the first line of standard input.

    Raises
    ------
    InputError
        If there is none.
    """
    if given := os.environ.get(PASSWORD):
        return given
    if at_terminal():
        return str(click.prompt(prompt, hide_input=True, err=True))
    return _line(f"no password: type it at a terminal, give it as {PASSWORD}, or as a line of standard input")


def read_new_password(name: str) -> str:
    """Give a new password, typed twice at a terminal. Raises as `read_password`."""
    from slaopt.apply.people import SHORTEST

    if os.environ.get(PASSWORD) or not at_terminal():
        return read_password("")
    prompt = f"New password of {name} (at least {SHORTEST} characters)"
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True, err=True))


def read_code(given: str | None) -> str:
    """Give a code of a second factor: the option, else what is typed.

    Raises
    ------
    InputError
        If there is none.
    """
    if given is not None:
        return given
    if at_terminal():
        return str(click.prompt("Code of the second factor", err=True))
    return _line("no code of the second factor: type it at a terminal, or give --code")


def _line(otherwise: str) -> str:
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InputError(otherwise)
    return line
