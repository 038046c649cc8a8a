"""The process that computes for the server, so that neither the event loop nor the store's threads wait for it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from slaopt.report.verify import Verification

__all__ = ["Desk", "verified"]

Arguments = ParamSpec("Arguments")
Computed = TypeVar("Computed")


class Desk:
    """One other process, begun with the first task, and again where it was killed. All that goes there is pickled."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def warm(self) -> None:
        """Begin the process, and have it import what it will need."""
        self.submit(os.getpid)

    def submit(
        self, compute: Callable[Arguments, Computed], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Future[Computed]:
        """Have something computed there, after what was asked for before."""
        with self._lock:
            try:
                return self._opened().submit(compute, *args, **kwargs)
            except BrokenProcessPool:
                self._pool = None
                return self._opened().submit(compute, *args, **kwargs)

    def close(self) -> None:
        """End the process; what has not begun is not done."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _opened(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # spawned: a fork of a process with threads may hang
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_prepared)
        return self._pool


def verified(report: Path, address: str) -> Verification:
    """Compute a report again from its archive and compare it with the store at that address."""
    from slaopt.report.verify import verify_report
    from slaopt.store import find_store

    return verify_report(report, find_store(address))


def _prepared() -> None:
    """Leave interrupts to the server, end with it however it ends, and import what computing takes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server = multiprocessing.parent_process()
    if server is not None:
        threading.Thread(target=_end_with, args=(server.join,), daemon=True).start()
    import slaopt.assess
    import slaopt.report.verify  # noqa: F401


def _end_with(ended: Callable[[], None]) -> None:
    ended()
    os._exit(0)
