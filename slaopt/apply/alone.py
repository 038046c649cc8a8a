"""One pass of the watch at a time: a lock for each store, gone with the process that holds it.

Two passes at once would do nothing twice, since each change is compared with what is there; they would only both read
all measurements.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slaopt.errors import InputError

__all__ = ["alone"]


@contextmanager
def alone(label: str) -> Iterator[bool]:
    """Give whether nobody else of this machine's user is at work on the store of that label, and keep others out.

    Raises
    ------
    InputError
        If no lock can be made.
    """
    path = _folder() / f"watch-{hashlib.sha256(label.encode()).hexdigest()[:16]}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be made ({error.strerror}); name a folder that can be written in XDG_STATE_HOME"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(lock)


def _folder() -> Path:
    given = os.environ.get("XDG_STATE_HOME")
    return Path(given or Path.home() / ".local" / "state") / "slaopt"
