"""The errors that slaopt raises on purpose, and the exit code each one means on the command line.

SlaoptError
├── InputError            2  a file, a value or a call that cannot be used as it is
│   └── ParamsError       2  a setting that is unknown or out of its bounds
├── RefusedError          4  a rule forbids it
│   └── StaleError        4  what is there is no longer what was looked at
└── UnreachableError      5  a database or another remote part did not answer

A message names the place, the problem and the remedy. Anything else that is raised is a bug and stays loud.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = ["InputError", "ParamsError", "RefusedError", "SlaoptError", "StaleError", "UnreachableError"]


class SlaoptError(Exception):
    """Base of all errors that slaopt raises on purpose."""

    exit_code: ClassVar[int] = 2


class InputError(SlaoptError):
    """Measurements or arguments that cannot be used as they are."""


class ParamsError(InputError):
    """A setting that is unknown, of the wrong type or out of its bounds."""


class RefusedError(SlaoptError):
    """A rule of slaopt forbids what was asked for."""

    exit_code = 4


class StaleError(RefusedError):
    """Somebody changed a value since it was looked at, and that is not overwritten."""


class UnreachableError(SlaoptError):
    """A database or another remote part could not be reached."""

    exit_code = 5
