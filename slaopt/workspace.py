"""The workspace: the folder in which params, reports and notebooks live."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from slaopt.errors import InputError

__all__ = ["EXPLORE", "REPORT_NOTEBOOKS", "find_workspace", "init_workspace", "notebook_path", "workspace_around"]

MARK = Path("params", "default.yaml")  # a folder that has it is a workspace
EXPLORE = "explore"  # the notebook that is for people; reports are made from the others
REPORT_NOTEBOOKS = ("service_report", "portfolio", "experiment_report")


def find_workspace(path: Path | None) -> Path:
    """Find the workspace: the one given, else `SLAOPT_WORKSPACE`, else the nearest parent of the current folder.

    Raises
    ------
    InputError
        If that folder is no workspace, or there is none around.
    """
    given = path or Path(os.environ.get("SLAOPT_WORKSPACE", ""))
    if given != Path():
        if not (given / MARK).is_file():
            raise InputError(f"{given}: no workspace, {MARK} is missing; make one with `slaopt init {given}`")
        return given.resolve()
    here = Path.cwd()
    if (found := workspace_around(here)) is not None:
        return found
    raise InputError(
        f"{here}: no workspace here or above ({MARK} marks one); "
        "make one with `slaopt init DIR`, or name yours with --workspace"
    )


def workspace_around(folder: Path) -> Path | None:
    """Give the workspace that a folder is or lies in, None where it lies in none."""
    place = folder.resolve()
    return next((parent for parent in (place, *place.parents) if (parent / MARK).is_file()), None)


def init_workspace(directory: Path, *, notebooks: Iterable[str] = (EXPLORE,)) -> list[Path]:
    """Make a workspace, or add what is missing to one; no file is ever overwritten. The files made are returned.

    Parameters
    ----------
    directory
        Made where missing.
    notebooks
        Names of the notebooks to copy. A workspace's own copy of a report notebook is used instead of the shipped one.

    Raises
    ------
    InputError
        If a file is in the place of the folder.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory}: is a file, not a folder; give another name")
    for folder in ("params/services", "reports", "notebooks"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    shipped = _shipped()
    wanted = [MARK, *(Path("notebooks", f"{name}.ipynb") for name in notebooks)]
    missing = [file for file in wanted if not (directory / file).exists()]
    for file in missing:
        shutil.copyfile(shipped / file, directory / file)
    return [directory / file for file in missing]


def notebook_path(workspace: Path, name: str) -> Path:
    """Give the notebook of that name: the workspace's own copy, else the shipped one."""
    file = Path("notebooks", f"{name}.ipynb")
    own = workspace / file
    return own if own.is_file() else _shipped() / file


def _shipped() -> Path:
    """The folder that holds what slaopt ships: inside the installed package, or the clone around it."""
    package = Path(__file__).resolve().parent
    inside = package / "_workspace"
    return inside if inside.is_dir() else package.parent
