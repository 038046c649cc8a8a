"""Notebooks executed by papermill in warm kernels of this very interpreter.

Starting a kernel and importing what a notebook needs takes longer than the notebook's own work, so a kernel runs one
notebook after another and forgets all variables in between. It needs no kernelspec and writes nothing into HOME.
"""

# mypy: disable-error-code="no-untyped-call, no-any-return"

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, TypeVar

from slaopt.errors import InputError
from slaopt.report.kernel import quick_jsonschema

with quick_jsonschema():
    import nbformat
    import papermill
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner
    from jupyter_core.utils import ensure_event_loop
    from nbclient import NotebookClient
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

__all__ = ["KernelPool", "WarmKernel", "execute_notebook"]

T = TypeVar("T")

ENGINE = "slaopt"
LOG = "kernel.log"
STARTING = 120  # seconds that a kernel may take to start on a busy machine
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class WarmKernel:
    """A kernel that runs one notebook after another; started when first used, and again after it died."""

    def __init__(self, home: Path) -> None:
        self._home = home  # for everything that Jupyter and IPython would write into HOME
        self._running: ExitStack | None = None
        self._client: NotebookClient | None = None

    def start(self) -> NotebookClient:
        """Give the client of the running kernel, started where it is not.

        Raises
        ------
        InputError
            If the kernel does not come up, with its last words.
        """
        if self._client is None:
            self._home.mkdir(parents=True, exist_ok=True)
            running = ExitStack()
            # local sockets: no port that another program may take, nothing that another user could connect to; their
            # paths must be short, which a workspace's may not be
            sockets = running.enter_context(TemporaryDirectory(prefix="slaopt-"))
            connection = {
                "transport": "ipc",
                "ip": f"{sockets}/kernel",
                "connection_file": f"{sockets}/connection.json",
            }
            manager = _Manager(**connection, shutdown_wait_time=1.0)
            client = NotebookClient(nbformat.v4.new_notebook(), km=manager, startup_timeout=STARTING, timeout=None)
            client.shutdown_kernel = "immediate"
            log = running.enter_context((self._home / LOG).open("wb"))  # what libraries say is not for the console
            settings = {"env": _environment(self._home), "cwd": str(self._home), "stdout": log, "stderr": log}
            try:
                running.enter_context(client.setup_kernel(cleanup_kc=True, **settings))
            except RuntimeError as error:
                running.close()
                said = (self._home / LOG).read_text(errors="replace").strip().splitlines()[-1:]
                told = ": ".join([str(error), *said])
                raise InputError(f"{sys.executable} does not run notebooks: {told}; install slaopt anew") from error
            self._running, self._client = running, client
        return self._client

    def call(self, function: str, *arguments: str) -> None:
        """Call a function of `slaopt.report.kernel` inside the kernel."""
        client = self.start()
        source = f"__import__('importlib').import_module('slaopt.report.kernel').{function}(*{arguments!r})"
        cell = nbformat.v4.new_code_cell(source)
        client.nb = nbformat.v4.new_notebook(cells=[cell])
        client.reset_execution_trackers()
        client.execute_cell(cell, 0, store_history=False)

    def run(self, managed: NotebookExecutionManager, folder: Path) -> None:
        """Run a notebook with nothing left of the one before; a cell that fails ends it and is marked."""
        self.call("fresh", str(folder))
        own = self.start()
        client = PapermillNotebookClient(managed, km=own.km, timeout=None, record_timing=False)
        client.kc = own.kc
        client.execute()

    def stop(self) -> None:
        """Stop the kernel; in the thread that started it."""
        running, self._running, self._client = self._running, None, None
        if running is not None:
            running.close()
        ensure_event_loop().close()

    def kill(self) -> None:
        """Kill the kernel's process, from any thread; whoever waits for it learns that it died."""
        client = self._client
        provisioner = client.km.provisioner if client is not None and client.km is not None else None
        if isinstance(provisioner, LocalProvisioner) and provisioner.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(provisioner.pid, signal.SIGKILL)


class KernelPool:
    """So many warm kernels, each with a thread that talks to it."""

    def __init__(self, home: Path, jobs: int) -> None:
        self._kernels = [WarmKernel(home / f"kernel-{number}") for number in range(jobs)]
        self._threads = [ThreadPoolExecutor(max_workers=1) for _ in self._kernels]
        self._tasks: list[Future[Any] | None] = [None] * jobs

    def submit(self, task: Callable[[WarmKernel], T]) -> Future[T]:
        """Give a task to a kernel that is free, the same one again where possible; wait where none is."""
        busy = [running for running in self._tasks if running is not None and not running.done()]
        if len(busy) == len(self._kernels):
            wait(busy, return_when=FIRST_COMPLETED)
        free = next(i for i, running in enumerate(self._tasks) if running is None or running.done())
        self._tasks[free] = future = self._threads[free].submit(task, self._kernels[free])
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:  # interrupted: nobody waits for what is running
            for kernel in self._kernels:
                kernel.kill()
        for thread, kernel in zip(self._threads, self._kernels, strict=True):
            thread.submit(kernel.stop)
        for thread in self._threads:
            thread.shutdown()


def execute_notebook(
    notebook: Path, output: Path, *, kernel: WarmKernel, folder: Path, parameters: Mapping[str, str]
) -> nbformat.NotebookNode:
    """Execute a notebook in a folder and write it with its outputs, without the times at which cells ran.

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell fails; the output holds the notebook as far as it ran.
    nbclient.exceptions.DeadKernelError
        If the kernel dies.
    """
    try:
        papermill.execute_notebook(
            _literal(notebook), _literal(output), parameters=dict(parameters), engine_name=ENGINE,
            kernel_name="python3", language="python", progress_bar=False, request_save_on_cell_execute=False,
            kernel=kernel, folder=folder,
        )  # fmt: skip
    finally:
        if output.exists():
            executed = nbformat.read(output, as_version=4)
            _forget_the_run(executed)
            nbformat.write(executed, output)
    return executed


def _forget_the_run(notebook: nbformat.NotebookNode) -> None:
    """Remove what differs from run to run: times, paths and random names."""
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.id = "injected-parameters"
    notebook.metadata.pop("papermill", None)


class _Manager(AsyncKernelManager):
    """Starts this very interpreter, whichever kernelspecs a user has installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        argv = [sys.executable, "-m", "slaopt.report.kernel", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="slaopt", language="python")


class _KernelEngine(Engine):  # type: ignore[misc]
    """papermill's way of running a notebook, in a kernel that is there already."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, kernel: WarmKernel, folder: Path, **settings: Any
    ) -> None:
        """Run it; papermill calls this."""
        kernel.run(nb_man, folder)


papermill_engines.register(ENGINE, _KernelEngine)


def _environment(home: Path) -> dict[str, str]:
    jupyter = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    own = {"IPYTHONDIR": str(home / "ipython"), "PYTHONHASHSEED": "0"}
    quiet = {} if "PYTHONWARNINGS" in os.environ else {"PYTHONWARNINGS": "ignore"}  # as on the command line
    compiled = {} if "PYTENSOR_FLAGS" in os.environ else {"PYTENSOR_FLAGS": f"base_compiledir={home / 'compiled'}"}
    return os.environ | jupyter | own | quiet | compiled | ONE_THREAD


def _literal(path: Path) -> str:
    """Protect braces, which papermill would fill with parameters."""
    return str(path).replace("{", "{{").replace("}", "}}")
