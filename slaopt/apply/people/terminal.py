"""The terminal's sessions: tokens in a file that its owner alone can read, one for each store."""

from __future__ import annotations

import getpass
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.errors import InputError

if TYPE_CHECKING:
    from slaopt.apply.people.logins import Session

__all__ = ["forget_terminal_session", "keep_terminal_session", "os_user", "sessions_file", "terminal_session"]


def sessions_file() -> Path:
    """Where the tokens are: `slaopt/sessions.json` below `XDG_CONFIG_HOME`, which is `~/.config` by default."""
    folder = os.environ.get("XDG_CONFIG_HOME")
    return (Path(folder) if folder else Path.home() / ".config") / "slaopt" / "sessions.json"


def terminal_session(label: str) -> str | None:
    """Give the token of the session that the terminal has with the store of that label; None where it has none.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    return _read().get(_key(label))


def keep_terminal_session(label: str, session: Session) -> None:
    """Keep the token of a session for the next commands."""
    _write(_read() | {_key(label): session.token})


def forget_terminal_session(label: str) -> None:
    """Forget the token of the session with the store of that label."""
    kept = _read()
    if kept.pop(_key(label), None) is not None:
        _write(kept)


def os_user() -> str:
    """Give the name of the operating system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry
        return "unknown"


def _key(label: str) -> str:
    """A store by one name: that of a file does not hang on the current folder."""
    scheme, found, path = label.partition(":///")
    return f"{scheme}:///{Path(path).resolve()}" if found and scheme == "sqlite" else label


def _read() -> dict[str, str]:
    path = sessions_file()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(f"{path}: holds no sessions of slaopt; remove it, and log in again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no sessions of slaopt; remove it, and log in again")
    return {str(label): str(token) for label, token in found.items()}


def _write(sessions: dict[str, str]) -> None:
    path = sessions_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sessions")  # readable by its owner alone
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(sessions, file, indent=1)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
