"""How fast the pages of the approval server are with 500 services: what the server takes, and what a browser shows.

    python tests/benchmarks/bench_pages.py [--json] [--services N]

Wall-clock seconds of a server and a Chromium on this machine, medians but for the first of each. `first view` is from
the address to the first service on the screen, in a browser that has seen nothing of this server, at a server that has
answered nothing but a login; `ratio` is a page's time against that of an empty handler for the same person, in one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
PAGES = ("", "recommendations", "history")
RUNS = 9
BAR = 2.0  # seconds until the first view


def seconds(task: Callable[[], Any]) -> float:
    """Wall-clock seconds of a task."""
    begun = time.perf_counter()
    task()
    return time.perf_counter() - begun


def served(server: Any) -> dict[str, Any]:
    """What the server takes for each page: the first time, again, and to say that nothing has changed."""
    told = {}
    with server.client("bob") as client:
        ping = statistics.median(seconds(lambda: client.get("slaopt/ping")) for _ in range(3 * RUNS))
        for page in PAGES:
            first = seconds(lambda page=page: client.get(f"slaopt/{page}").raise_for_status())
            answers = [client.get(f"slaopt/{page}") for _ in range(RUNS)]
            again = statistics.median(answer.elapsed.total_seconds() for answer in answers)
            known = {"If-None-Match": answers[-1].headers["ETag"]}
            same = statistics.median(
                seconds(lambda p=page, k=known: client.get(f"slaopt/{p}", headers=k)) for _ in range(RUNS)
            )
            told[page or "overview"] = {
                "kilobytes": round(len(answers[-1].content) / 1e3), "first": first, "again": again, "unchanged": same,
                "ratio": again / ping,
            }  # fmt: skip
        told["ping"] = {"again": ping}
    return told


def viewed(server: Any, browser: Any, page: str) -> dict[str, Any]:
    """What a person waits for a page, in a browser of their own."""
    with server.client("cid") as client:
        cookies = [{"name": name, "value": value, "url": server.url} for name, value in client.cookies.items()]
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_cookies(cookies)
    sheet = context.new_page()

    def look() -> None:
        answer = sheet.goto(f"{server.pages}{page}")
        assert answer.ok, server.said
        sheet.locator(".services tbody tr, .past tbody tr, .card").first.wait_for()

    told = {"first view": seconds(look), "again": statistics.median(seconds(look) for _ in range(RUNS))}
    context.close()
    return told


def measure(services: int) -> dict[str, Any]:
    """Measure on a workspace with so many services."""
    from playwright.sync_api import sync_playwright

    from tests.parts import chromium
    from tests.server.many import fill
    from tests.server.running import approval_server, make_workspace, store_of

    with tempfile.TemporaryDirectory() as place, sync_playwright() as started:
        workspace = make_workspace(Path(place) / "workspace", services=())
        fill(store_of(workspace), services)
        browser = started.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        told: dict[str, Any] = {"services": services, "browser": {}}
        for page in PAGES:
            with approval_server(workspace) as server:
                told["browser"][page or "overview"] = viewed(server, browser, page)
        with approval_server(workspace) as server:
            told["server"] = served(server)
        browser.close()
    return told


def main() -> int:
    """Print the figures; fail where the first view takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--services", type=int, default=500)
    given = parser.parse_args()
    told = measure(given.services)
    if given.json:
        print(json.dumps(told, indent=1))
    else:
        for page, found in told["browser"].items():
            print(f"{page}, in a browser: first view {found['first view']:.2f} s, again {found['again']:.2f} s")
        for page, found in told["server"].items():
            print(f"{page}, served: " + ", ".join(f"{name} {value:.3g}" for name, value in found.items()))
    worst = max(found["first view"] for found in told["browser"].values())
    return int(worst > BAR)


if __name__ == "__main__":
    sys.exit(main())
