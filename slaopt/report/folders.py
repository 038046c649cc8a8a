"""Where reports lie: their names, the folders in which they are made, and how they come into place whole.

    reports/<slug>-<hash8>/<as-of>-<digest8>/      a report
    reports/.work-…/                               of a live run; locked as long as that lives

A run that is killed leaves its folder unlocked, and the next run removes it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from slaopt.errors import InputError
from slaopt.report.manifest import MANIFEST, Manifest, file_digest
from slaopt.report.names import service_folder

__all__ = ["is_whole", "locked", "newest_reports", "place", "report_folder", "service_folder", "touch", "work_folder"]

REPORT_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{4}Z-[0-9a-f]{8}")


def report_folder(reports: Path, manifest: Manifest) -> Path:
    """Give the folder of a report: the same for the same input at the same version."""
    return reports / manifest.place


def newest_reports(reports: Path) -> list[Path]:
    """List the newest report of each service folder: the latest as-of, of those the one made or asked for last."""
    newest = []
    for folder in sorted(path for path in reports.glob("[!.]*") if path.is_dir()):
        made = [path for path in folder.iterdir() if REPORT_NAME.fullmatch(path.name) and path.is_dir()]
        if made:
            newest.append(max(made, key=lambda path: (path.name[:16], path.stat().st_mtime_ns, path.name)))
    return newest


def is_whole(directory: Path) -> bool:
    """Tell whether a report is there with all its files as they were written."""
    try:
        manifest = Manifest.read(directory)
        return (
            bool(manifest.files)
            and manifest.to_bytes() == (directory / MANIFEST).read_bytes()
            and all(file_digest(directory / name) == digest for name, digest in manifest.files.items())
        )
    except (InputError, OSError):
        return False


@contextmanager
def work_folder(reports: Path) -> Iterator[Path]:
    """Give a folder beside the reports to work in, gone afterwards; folders that dead runs left go first."""
    reports.mkdir(parents=True, exist_ok=True)
    with locked(reports):
        for stale in sorted(reports.glob(".work-*")):
            _remove_unless_live(stale)
        folder = Path(mkdtemp(prefix=".work-", dir=reports))
        lock = (folder / "lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    with lock:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def locked(reports: Path) -> Iterator[None]:
    """Keep other runs waiting while folders are made, moved or listed."""
    with (reports / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def place(folder: Path, target: Path) -> None:
    """Move a whole report to its place; where another run has put the same one, that stays."""
    target.parent.mkdir(exist_ok=True)
    with locked(target.parent.parent):
        if is_whole(target):
            return
        if target.exists():
            os.rename(target, folder.with_name(f"{folder.name}-damaged"))
        os.rename(folder, target)


def touch(report: Path) -> None:
    """Make a report the last one that was asked for."""
    os.utime(report)


def _remove_unless_live(folder: Path) -> None:
    lock = folder / "lock"
    if lock.exists():
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            shutil.rmtree(folder, ignore_errors=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
