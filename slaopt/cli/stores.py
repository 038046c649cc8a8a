"""The store behind a command: where it is, what it decides, and what of that is said aloud."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.cli.answers import complain
from slaopt.errors import InputError

if TYPE_CHECKING:
    from slaopt.params import ParamsBook
    from slaopt.store import Settled, Store

__all__ = ["address_of", "announce", "consult", "needed_address", "place_of", "stores_of", "what_if"]

ENVIRONMENT = "SLAOPT_STORE"


def address_of(given: str | None, book: ParamsBook, workspace: Path | None) -> str | None:
    """Give the store's address: the option, else the environment, else params, else the workspace's own file."""
    from slaopt.store import locate_store

    return locate_store(given, os.environ.get(ENVIRONMENT), book.default.store, workspace)


def place_of(
    given: str | None, workspace: Path | None, book: ParamsBook | None = None
) -> tuple[str, ParamsBook, Path | None]:
    """Give the store's address, the settings and the workspace for a command that needs a store.

    Raises
    ------
    InputError
        If nothing names a store and there is no workspace.
    """
    from slaopt.params import load_params
    from slaopt.workspace import find_workspace

    try:
        found: Path | None = find_workspace(workspace)
    except InputError:
        if workspace is not None or not (given or os.environ.get(ENVIRONMENT)):
            raise
        found = None
    settings = book or load_params(found)
    address = address_of(given, settings, found)
    if address is None:
        raise InputError("no store: give --store URL")
    return address, settings, found


def needed_address(given: str | None, workspace: Path | None, book: ParamsBook | None = None) -> str:
    """Give the store's address for a command that needs nothing else. Raises as `place_of`."""
    return place_of(given, workspace, book)[0]


def stores_of(reports: Iterable[Path], given: str | None, workspace: Path | None) -> list[Store | None]:
    """Give the store behind each report: that of the workspace it lies in, else of the current one; None without."""
    from slaopt.params import load_params
    from slaopt.store import find_store
    from slaopt.workspace import find_workspace, workspace_around

    named = find_workspace(workspace) if workspace is not None else None
    opened: dict[str | None, Store | None] = {None: None}
    found = []
    for report in reports:
        place = named or workspace_around(report) or workspace_around(Path.cwd())
        address = address_of(given, load_params(place), place)
        if address is not None and address not in opened:
            opened[address] = find_store(address)
        found.append(opened[address])
    return found


def consult(address: str | None, book: ParamsBook, services: Iterable[str]) -> Settled:
    """Give the settings that hold where the store has its say; where there is none, those of params."""
    from slaopt.store import Settled, find_store, settled

    store = None if address is None else find_store(address)
    return Settled(book=book) if store is None else settled(store, book, services, at=datetime.now(UTC))


def what_if(book: ParamsBook, *, threshold: float | None, objective: float | None) -> ParamsBook:
    """Give settings in which a flag overrides what store and params say, of all services, for the moment."""
    from slaopt.params import ParamsBook

    said: dict[str, object] = {}
    if threshold is not None:
        said |= {"threshold": threshold, "threshold_history": ()}
    if objective is not None:
        said["objective"] = objective
    return ParamsBook(
        default=book.default.model_copy(update=said),
        services={name: params.model_copy(update=said) for name, params in book.services.items()},
    )


def announce(settled: Settled, *, all_of: Iterable[str]) -> None:
    """Tell on stderr what differs between store and params, and who is left out of `all_of`."""
    for warning in settled.warnings:
        complain(warning)
    for name in all_of:
        if name in settled.left_out:
            complain(f"{name} is left out: {settled.left_out[name]}")
