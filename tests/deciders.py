"""What tests of commands about approvals share: a workspace with reports and people, and being logged in as one."""

from __future__ import annotations

import os
import pty
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from slaopt.apply.people import Session, keep_terminal_session, token_digest
from slaopt.store import default_store, open_store

ENOUGH = 60.0  # seconds that a command may take at a terminal


def become(name: str, workspace: Path) -> None:
    """Log somebody in at the terminal without the work that a password makes, on purpose."""
    store, at, token = open_store(default_store(workspace)), datetime.now(UTC), secrets.token_urlsafe(32)
    expires = at + timedelta(hours=1)
    with store.begin() as transaction:
        user = transaction.people.find(name)
        assert user is not None
        transaction.people.begin_session(
            name, token_digest=token_digest(token), kind="terminal", expires_at=expires, at=at
        )
    keep_terminal_session(store.label, Session(token=token, user=user, expires_at=expires))


class Typed(NamedTuple):
    """How a command ended at a terminal, and all that was shown there."""

    status: int
    shown: str


def at_terminal(*arguments: str, typed: tuple[str | Callable[[str], str], ...] = (), cwd: Path) -> Typed:
    """Run a command with a terminal, and type a line there each time it asks; one may hang on what is shown."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "slaopt", *arguments]
    process = subprocess.Popen(
        command, cwd=cwd, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    os.close(theirs)
    guard = threading.Timer(ENOUGH, process.kill)
    guard.start()
    shown, lines = b"", list(typed)
    assert process.stdout is not None
    try:
        while part := os.read(process.stdout.fileno(), 65_536):
            shown += part
            if lines and shown.rstrip(b" ").endswith((b":", b"]:")):
                time.sleep(0.2)  # a prompt that hides what is typed throws away what was typed before
                line = lines.pop(0)
                os.write(ours, f"{line if isinstance(line, str) else line(shown.decode())}\n".encode())
        return Typed(process.wait(), shown.decode())
    finally:
        guard.cancel()
        process.stdout.close()
        os.close(ours)
