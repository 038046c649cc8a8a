"""Answers that many ask for at once: made once, never older than the question, and away from the event loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from slaopt.server.desk import Desk
from slaopt.server.freshness import Fresh
from slaopt.server.limits import KNOWN, Limit


class Store:
    """A store that counts how often it is asked."""

    def __init__(self) -> None:
        self.version, self.asked, self.computed = 1, 0, 0

    def ask(self) -> tuple[int, ...]:
        self.asked += 1
        seen = self.version
        time.sleep(0.02)
        return (seen,)

    def compute(self) -> int:
        self.computed += 1
        time.sleep(0.02)
        return self.version


async def in_thread(call: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call, *args)


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(body())  # type: ignore[arg-type]


def test_a_thousand_at_once_cost_two_questions_and_one_computation():
    store = Store()

    async def body() -> None:
        fresh = Fresh(store.ask, in_thread)
        answers = await asyncio.gather(*(fresh.get("all", store.compute) for _ in range(1_000)))
        assert set(answers) == {1}
        assert (store.asked, store.computed) == (2, 1)  # the first asks; the others come while it does, and share one

    run(body)


def test_no_answer_is_older_than_its_question():
    store = Store()

    async def body() -> None:
        fresh = Fresh(store.ask, in_thread)

        async def asker(n: int) -> None:
            await asyncio.sleep(n * 0.003)
            store.version += 1
            wanted = store.version
            assert await fresh.get("all", store.compute) >= wanted

        await asyncio.gather(*(asker(n) for n in range(60)))
        assert store.asked < 60

    run(body)


def test_a_request_asks_once_and_the_next_one_anew():
    store = Store()

    async def body() -> None:
        fresh = Fresh(store.ask, in_thread)

        async def request() -> list[int]:
            fresh.hold()
            first = await fresh.get("a", store.compute)
            store.version += 1
            return [first, await fresh.get("a", store.compute)]

        assert await asyncio.create_task(request()) == [1, 1]
        assert store.asked == 1
        assert (await asyncio.create_task(request()))[0] == 2
        assert store.asked == 2

    run(body)


def test_one_who_asked_before_a_change_leaves_newer_answers_as_they_are():
    store = Store()

    async def body() -> None:
        fresh = Fresh(store.ask, in_thread)

        async def early() -> int:
            fresh.hold()
            await fresh.get("other", lambda: None)
            store.version += 1
            await asyncio.create_task(fresh_get())
            before = store.computed
            answer = await fresh.get("all", store.compute)
            assert store.computed == before
            return answer

        async def fresh_get() -> int:
            fresh.hold()
            return await fresh.get("all", store.compute)

        assert await asyncio.create_task(early()) == 2

    run(body)


def test_what_did_not_change_is_not_made_again_but_for_its_age():
    store = Store()

    async def body() -> None:
        fresh = Fresh(store.ask, in_thread, age=0.3)
        for _ in range(3):
            await fresh.get("all", store.compute)
        assert store.computed == 1
        await asyncio.sleep(0.35)
        await fresh.get("all", store.compute)
        assert store.computed == 2

    run(body)


def test_what_failed_is_tried_again():
    async def body() -> None:
        calls: list[int] = []

        def failing() -> int:
            calls.append(1)
            if len(calls) == 1:
                raise ValueError("once")
            return 7

        fresh = Fresh(lambda: (1,), in_thread)
        with pytest.raises(ValueError, match="once"):
            await fresh.get("all", failing)
        assert await fresh.get("all", failing) == 7

    run(body)


def test_a_version_that_cannot_be_asked_for_fails_for_all_who_wait_and_then_no_more():
    async def body() -> None:
        broken = [True]

        def ask() -> tuple[int, ...]:
            time.sleep(0.02)
            if broken[0]:
                raise OSError("away")
            return (1,)

        fresh = Fresh(ask, in_thread)
        failed = await asyncio.gather(*(fresh.get("all", lambda: 1) for _ in range(10)), return_exceptions=True)
        assert all(isinstance(error, OSError) for error in failed)
        broken[0] = False
        assert await fresh.get("all", lambda: 1) == 1

    run(body)


def test_only_so_many_answers_are_kept():
    async def body() -> None:
        fresh = Fresh(lambda: (1,), in_thread, most=3)
        made: list[int] = []
        for n in (1, 2, 3, 1, 4, 1, 2):  # 2 was used longest ago when 4 came
            await fresh.get(n, lambda n=n: made.append(n))
        assert made == [1, 2, 3, 4, 2]

    run(body)


@pytest.mark.parametrize("after", [0.01, 0.03, 0.1])  # while the first asks, the others ask, and all wait for one
def test_clients_who_give_up_take_nothing_from_the_others(after: float):
    store = Store()

    def compute() -> int:
        time.sleep(0.2)
        return store.compute()

    async def body() -> None:
        fresh = Fresh(store.ask, in_thread)
        askers = [asyncio.ensure_future(fresh.get("all", compute)) for _ in range(7)]
        await asyncio.sleep(after)
        for gone in askers[:2]:
            gone.cancel()
        assert await asyncio.gather(*askers[2:]) == [1] * 5

    run(body)


def test_limits_forget_clients_rather_than_fill_memory():
    limit = Limit(burst=1, per_second=0.1)
    for n in range(KNOWN + 100):
        assert limit.wait(str(n), at=0.0) == 0.0
    assert len(limit._left) == KNOWN
    assert limit.wait(str(KNOWN + 99), at=0.0) == pytest.approx(10.0)


def test_the_desk_goes_on_after_its_process_was_killed():
    desk = Desk()
    try:
        first = desk.submit(os.getpid).result(timeout=120)
        os.kill(first, 9)
        time.sleep(1)
        second = desk.submit(os.getpid).result(timeout=120)
        assert len({first, second, os.getpid()}) == 3
    finally:
        desk.close()
