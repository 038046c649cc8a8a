"""What handlers work with: workspace, settings, store, threads for the store, and a process for computing."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, ParamSpec, TypeVar

from slaopt.apply.opening import ledger_around
from slaopt.errors import ParamsError, SlaoptError
from slaopt.params import ParamsBook, load_params
from slaopt.server.answers import Answers
from slaopt.server.computing import Computing
from slaopt.server.desk import Desk, verified
from slaopt.server.faults import AwayError
from slaopt.server.freshness import Fresh
from slaopt.server.limits import Limits
from slaopt.server.planning import Planning
from slaopt.store import find_store, locate_store, make_store

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.report.verify import Verification
    from slaopt.store import Store

__all__ = ["Context", "Mode"]

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")
Mode = Literal["approval server", "lab"]

logger = logging.getLogger("slaopt.server")
PATIENT = 16  # calls that wait for a report to be verified, or for whoever writes
THREADS = 8  # transactions at a time; those that write wait for one another
GLANCE = 1.0  # seconds for which settings are not looked at again by one who only reads


class Context:
    """One a server. It opens with the first request, so that a workspace may be made after the server was begun.

    Parameters
    ----------
    workspace
        None: there is none, and every request is told so.
    mode
        On an approval server people have no kernels, and roles hold. In JupyterLab they have.
    address
        Of the store; None: the environment's, that of params, or the workspace's own.
    clock
        Gives the time; tests set it.
    limits
        What the server puts up with.
    """

    def __init__(
        self, workspace: Path | None, *, mode: Mode, address: str | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self.workspace, self.mode, self.now = workspace, mode, clock
        self.limits = limits or Limits()
        self.desk = Desk()
        self.fresh = Fresh(self._version, self.run)
        self.answers = Answers(lambda: self.ledger)
        self.computing = Computing(self)
        self.planning = Planning(self)
        self._given = address
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="slaopt")
        self._patient = ThreadPoolExecutor(PATIENT, thread_name_prefix="slaopt-patient")
        self._ledger: Ledger | None = None
        self._signature: tuple[object, ...] = ()
        self._changes = 0  # of the settings
        self._looked = -GLANCE

    @property
    def ledger(self) -> Ledger:
        """The store and the settings as they are for the request at hand.

        Raises
        ------
        AwayError
            If there is no workspace, or no store yet.
        """
        if self._ledger is None:
            raise AwayError(
                "there is no store yet: make the workspace's with slaopt init, or its first report"
                if self.workspace
                else "there is no workspace of slaopt here: make one with slaopt init DIR, and start Jupyter in it, or "
                "name one in SLAOPT_WORKSPACE"
            )
        return self._ledger

    @property
    def is_open(self) -> bool:
        """Whether there is a store to work with."""
        return self._ledger is not None

    @property
    def store(self) -> Store:
        """The store. Raises as `ledger`."""
        return self.ledger.store

    @property
    def book(self) -> ParamsBook:
        """The settings. Raises as `ledger`."""
        return self.ledger.book

    @property
    def reports(self) -> Path:
        """The folder of reports. Raises as `ledger`."""
        if self.ledger.reports is None:
            raise AwayError("there is no folder of reports")
        return self.ledger.reports

    async def run(self, call: Callable[Arguments, Made], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
        """Call a function in a thread: for all that waits, as the store does."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **kwargs))

    async def wait_for(
        self, call: Callable[Arguments, Made], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Made:
        """Call a function that writes, or waits for the desk: in a thread that nobody who only reads stands behind."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._patient, partial(call, *args, **kwargs))

    async def compute(
        self, call: Callable[Arguments, Made], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Made:
        """Call a function in the desk's process: for all that computes. Both ways its data is pickled."""
        return await asyncio.wrap_future(self.desk.submit(call, *args, **kwargs))

    async def warm(self) -> None:
        """Read what is asked for first, if there is anything yet, so that the first to ask does not wait for it."""
        with contextlib.suppress(SlaoptError):
            await self.refresh(writing=False)
            await self.run(self.answers.overview, at=self.now())

    async def refresh(self, *, writing: bool) -> None:
        """Open what is not open, and take settings that have changed: always for one who writes, else now and then.

        Raises
        ------
        ParamsError
            If the settings are wrong, and one writes; who only looks does so with those from before.
        """
        now = asyncio.get_running_loop().time()
        if writing or self._ledger is None or now - self._looked >= GLANCE:
            self._looked = now
            try:
                await self.run(self.look)
            except ParamsError as error:
                if writing or self._ledger is None:
                    raise
                logger.warning("the settings from before hold: %s", error)

    def look(self) -> None:
        """Take settings and store as they are now. Waits for files; a server's handlers call `refresh`."""
        if self.workspace is None:
            return
        signature = _signature(self.workspace)
        if self._ledger is not None and signature == self._signature:
            return
        book = load_params(self.workspace)
        address = locate_store(self._given, os.environ.get("SLAOPT_STORE"), book.default.store, self.workspace)
        if address is None:
            return
        store = self._ledger.store if self._ledger is not None else self._opened(address)
        if store is not None:
            around = ledger_around(store, book, self.workspace)
            self._ledger = replace(around, verify=self._verifying(address))
            self._signature, self._changes = signature, self._changes + 1

    def close(self) -> None:
        """End threads and process."""
        self.desk.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._patient.shutdown(wait=False, cancel_futures=True)

    def _opened(self, address: str) -> Store | None:
        """The approval server makes its store; JupyterLab leaves a folder as it is."""
        return make_store(address) if self.mode == "approval server" else find_store(address)

    def _verifying(self, address: str) -> Callable[[Path, Store], Verification]:
        return lambda report, _: self.desk.submit(verified, report, address).result()

    def _version(self) -> tuple[int, ...]:
        with self.store.reading() as transaction:
            return (*transaction.version(), self._changes)


def _signature(workspace: Path) -> tuple[object, ...]:
    """What changes when somebody edits params: of each file its name, size and time."""
    params = workspace / "params"
    files = sorted([params / "default.yaml", *params.glob("services/*.y*ml")])
    return tuple((str(file), stat.st_size, stat.st_mtime_ns) for file in files if (stat := _stat(file)))


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None
