"""Parts that only some machines have: found here, and skipped or demanded here, in one way for all tests.

Without a part its tests are skipped with a reason that begins with `needs`; SLAOPT_REQUIRE_ALL=1 makes that a failure.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
from pathlib import Path
from typing import Literal

import pytest

Part = Literal["postgresql", "chromium"]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
POSTGRESQL_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)
UNPRIVILEGED = ("postgres", "nobody")  # initdb refuses root: one of these runs the server instead


def chromium() -> str | None:
    """Path of a Chromium: SLAOPT_CHROMIUM, else the first one found."""
    if given := os.environ.get("SLAOPT_CHROMIUM"):
        return given if Path(given).exists() else None
    found = [shutil.which(name) for name in CHROMIUM_NAMES] + [app for app in CHROMIUM_APPS if Path(app).exists()]
    return next((path for path in found if path), None)


def postgresql() -> Path | None:
    """Folder of the newest PostgreSQL's programs, `initdb` and `postgres` among them."""
    candidates = [path for pattern in POSTGRESQL_FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    if initdb := shutil.which("initdb"):
        candidates.append(Path(initdb).resolve().parent)
    usable = [folder for folder in candidates if (folder / "initdb").exists() and (folder / "postgres").exists()]
    return max(usable, key=_version, default=None)


def server_user() -> pwd.struct_passwd | None:
    """The user who runs a test's PostgreSQL: oneself, or somebody without privileges where one is root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in UNPRIVILEGED if name in known), None)


def missing(part: Part) -> str | None:
    """Tell why a part cannot be used here and what to install; None where it can."""
    if part == "chromium":
        return None if chromium() else "needs Chromium: install it, or name it in SLAOPT_CHROMIUM"
    if postgresql() is None:
        return "needs PostgreSQL: install its server (Debian: apt install postgresql)"
    if server_user() is None:
        return f"needs PostgreSQL: it refuses root, and there is no user {' or '.join(UNPRIVILEGED)} to run it"
    if importlib.util.find_spec("psycopg") is None:
        return "needs PostgreSQL: its driver is missing (pip install slaopt[postgresql])"
    return None


def require(part: Part) -> None:
    """Skip the test where a part is missing, or fail it where SLAOPT_REQUIRE_ALL=1."""
    reason = missing(part)
    if reason is None:
        return
    if os.environ.get("SLAOPT_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _version(folder: Path) -> tuple[int, ...]:
    digits = "".join(character if character.isdigit() else " " for character in str(folder)).split()
    return tuple(int(number) for number in digits)
