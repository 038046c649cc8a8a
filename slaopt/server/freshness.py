"""Answers that many ask for at once are made once, and kept for as long as the store says the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["Fresh"]

Made = TypeVar("Made")
Version = tuple[int, ...]

MOST = 2_000  # answers that are kept; the one used longest ago goes first
AGE = 5.0  # seconds; a table that others write to changes without a version of ours


class Fresh:
    """A cache over the store's version, for use within one event loop.

    A caller never gets what was made from a store older than its call: the version is asked for after it came, in one
    query for all who came before that began.

    Parameters
    ----------
    version
        Asks the store what all answers hang on.
    run
        Calls a function away from the event loop.
    """

    def __init__(
        self, version: Callable[[], Version], run: Callable[..., Awaitable[Any]], *, most: int = MOST, age: float = AGE
    ) -> None:
        self._ask, self._run, self._most, self._age = version, run, most, age
        self._made: OrderedDict[Hashable, tuple[Version, float, asyncio.Task[Any]]] = OrderedDict()
        self._asking: asyncio.Task[Version] | None = None
        self._next: asyncio.Task[Version] | None = None
        self._held: ContextVar[list[Version] | None] = ContextVar("held", default=None)

    def hold(self) -> None:
        """Have one question do for all that this task asks for from now on, as a request does for one page."""
        self._held.set([])

    async def version(self) -> Version:
        """Give the store's version of now, or later."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._asked())
            return await asyncio.shield(self._asking)
        if self._next is None:  # one is on its way, and may have begun too early: all who come meanwhile share the next
            self._next = asyncio.ensure_future(self._after(self._asking))
        return await asyncio.shield(self._next)

    async def get(self, name: Hashable, compute: Callable[[], Made]) -> Made:
        """Give what `compute` makes of the store as it is; what fails is tried again by the next who asks."""
        version = await self._version_of_task()
        now = asyncio.get_running_loop().time()
        found = self._made.get(name)
        if found is None or found[0] < version or now - found[1] > self._age or _failed(found[2]):
            found = (version, now, asyncio.ensure_future(self._computed(compute)))
            self._made[name] = found
        self._made.move_to_end(name)
        while len(self._made) > self._most:
            self._made.popitem(last=False)
        made: Made = await asyncio.shield(found[2])
        return made

    async def _version_of_task(self) -> Version:
        held = self._held.get()
        if held is None:
            return await self.version()
        if not held:
            held.append(await self.version())
        return held[0]

    async def _asked(self) -> Version:
        version: Version = await self._run(self._ask)
        return version

    async def _after(self, asking: asyncio.Task[Version]) -> Version:
        await asyncio.wait([asking])
        self._asking, self._next = asyncio.current_task(), None
        return await self._asked()

    async def _computed(self, compute: Callable[[], Made]) -> Made:
        made: Made = await self._run(compute)
        return made


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
