"""Where the store is: what was said first, or the file beside the params."""

from __future__ import annotations

from pathlib import Path

from slaopt.errors import InputError

__all__ = ["DEFAULT_NAME", "default_store", "locate_store"]

DEFAULT_NAME = "slaopt.db"


def locate_store(given: str | None, environment: str | None, setting: str | None, workspace: Path | None) -> str | None:
    """Give the store's address: the option, else the environment's, else the params', else the workspace's own file.

    A relative path in the params is relative to the workspace; elsewhere to the current folder. None where there is
    neither an address nor a workspace.
    """
    from slaopt.databases import filled

    for address in (given, environment):
        if address:
            return filled(address, whose="store")
    if setting:
        return _beside(filled(setting, whose="store"), workspace)
    return default_store(workspace) if workspace is not None else None


def default_store(workspace: Path) -> str:
    """Give the address of a workspace's own store."""
    return f"sqlite:///{workspace / DEFAULT_NAME}"


def sqlite_path(address: str) -> Path | None:
    """Give the file that an address means, a plain path included; None where it means a server.

    Raises
    ------
    InputError
        If it names no file.
    """
    scheme, found, _ = address.partition("://")
    if not found:
        return Path(address)
    if scheme.split("+")[0].lower() != "sqlite":
        return None
    path = address.partition(":///")[2]  # as it stands: no sign has a meaning in it
    if not path or path == ":memory:" or path.startswith("file:"):
        raise InputError("a store in memory keeps nothing; name a file: sqlite:///path/to/slaopt.db")
    return Path(path)


def _beside(address: str, workspace: Path | None) -> str:
    path = sqlite_path(address)
    if path is None or path.is_absolute() or workspace is None:
        return address
    return f"sqlite:///{workspace / path}"
