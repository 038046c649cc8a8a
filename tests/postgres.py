"""A real PostgreSQL server for tests: its own temporary cluster on a loopback port, gone when the tests are done."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.parts import postgresql, server_user

USER, PASSWORD, DATABASE = "slaopt", "correct-horse-battery", "postgres"
PATIENCE = 30.0  # seconds
FAST_AND_LOSSY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "timezone": "Asia/Kolkata"}


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a server and give the SQLAlchemy URL of its database, password included.

    The server's own time zone is far from UTC, so that nothing can lean on it.
    """
    programs, user = postgresql(), server_user()
    if programs is None or user is None:
        raise RuntimeError("call parts.require('postgresql') first")
    folder = Path(tempfile.mkdtemp(prefix="slaopt-postgresql-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user: dict[str, Any] = {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}}
        if os.geteuid() == 0:
            as_user |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        _initialize(programs, folder, as_user)
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": str(folder)}
        options = [f"-c{name}={value}" for name, value in (settings | FAST_AND_LOSSY).items()]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *options], stdout=log, stderr=log, **as_user
            )
        _await(process, port, folder / "log")
        yield f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}"
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # its fast shutdown
            process.wait(PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def _initialize(programs: Path, folder: Path, as_user: dict[str, Any]) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-U", USER, f"--pwfile={password}", "-A", "scram-sha-256",
         "--encoding=UTF8", "--locale=C", "--no-sync"],
        check=True, capture_output=True, **as_user,
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname=DATABASE).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
