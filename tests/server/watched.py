"""slaopt's command line with an eye on its event loop: `python -m tests.server.watched serve …`.

Every callback that keeps the loop's thread busy is noted, in processor time: others may want the machine too.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from slaopt.cli import main

LEAST = 0.010  # seconds; what is shorter is not noted
PLACE = Path(os.environ.get("SLAOPT_TEST_BUSY", os.devnull))


def watch() -> None:
    run = asyncio.events.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        before = time.thread_time()
        run(handle)
        busy = time.thread_time() - before
        if busy > LEAST:
            with PLACE.open("a", encoding="utf-8") as file:
                file.write(f"{busy:.4f} {handle!r}\n")

    asyncio.events.Handle._run = timed  # type: ignore[method-assign]


if __name__ == "__main__":
    watch()
    main()
