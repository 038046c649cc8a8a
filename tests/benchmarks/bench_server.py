"""How the approval server bears load, over loopback: a burst, a minute of steady requests, and computing meanwhile.

    python tests/benchmarks/bench_server.py [--seconds 60] [--json]

The store has 500 services. The client opens all connections before, sends all requests of a burst at once, and those
of the minute at fixed times, whether the ones before are answered or not. Bars are ratios within one run, but for the
minute: its 95th percentile is below 100 ms, and the event loop is never blocked for more than 50 ms. A heartbeat in the
server measures that: how much later than asked for a timer fires, and how long the longest single callback of the loop
took; what other programs took from the server meanwhile does not count as blocked. In a burst the timer also waits for
its turn among a thousand requests: there the longest callback counts.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
API = "/api/v1/sla-optimization"
SERVICES = 500
BURST = 1_000
ROUNDS = 9
A_SECOND = 100
BARS = {
    "burst: GET recommendation ÷ empty": 1.5,
    "burst: POST recommendation ÷ empty": 1.5,
    "steady: p95, ms": 100.0,
    "steady: uncached ÷ alone": 3.0,
    "steady: event loop late, ms": 50.0,
    "burst: longest callback, ms": 50.0,
    "failures": 0.0,
}
STRATEGIES, PRIORITIES = ("conservative", "aggressive"), ("reliability", "efficiency", "cost")
Figures = dict[str, float]


@dataclass
class Answer:
    """What came back, and after how many seconds."""

    status: int
    size: int
    seconds: float
    body: bytes


class Connection:
    """One connection that is kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: str) -> None:
        self._reader, self._writer, self._headers = reader, writer, headers

    @classmethod
    async def to(cls, host: str, port: int, headers: str) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection(host, port), headers)

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request and read the whole answer."""
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        begun = time.perf_counter()
        self._writer.write(f"{head}\r\n".encode() + content)
        answered = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.lower().split(": ", 1) for line in answered.split("\r\n")[1:] if ": " in line)
        made = await self._body(lines)
        return Answer(int(answered.split(" ", 2)[1]), len(made), time.perf_counter() - begun, made)

    async def _body(self, lines: dict[str, str]) -> bytes:
        if "content-length" in lines:
            return await self._reader.readexactly(int(lines["content-length"]))
        made = b""
        while size := int(await self._reader.readline(), 16):
            made += await self._reader.readexactly(size)
            await self._reader.readline()
        await self._reader.readline()
        return made

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


@dataclass
class Client:
    """A user who is logged in, with as many connections as are wanted."""

    host: str
    port: int
    headers: str

    async def connections(self, number: int) -> list[Connection]:
        """Open connections, some at a time."""
        opened: list[Connection] = []
        while len(opened) < number:
            wanted = range(min(50, number - len(opened)))
            opened += await asyncio.gather(*(Connection.to(self.host, self.port, self.headers) for _ in wanted))
        return opened


def percentile(answers: Sequence[Answer], share: float) -> float:
    """The latency that this share of the answers does not exceed, milliseconds."""
    ordered = sorted(answer.seconds for answer in answers)
    return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def failed(answers: Sequence[Answer]) -> int:
    """How many did not answer as they should."""
    return sum(answer.status != 200 for answer in answers)


async def burst(client: Client, requests: Sequence[tuple[str, str, Any]]) -> list[Answer]:
    """Send all requests at once, each on its own connection."""
    opened = await client.connections(len(requests))
    answers = await asyncio.gather(
        *(connection.ask(*request) for connection, request in zip(opened, requests, strict=True))
    )
    for connection in opened:
        connection.close()
    return answers


async def bursts(client: Client, names: Sequence[str], server: psutil.Process) -> Figures:
    """Compare bursts of recommendations with bursts of empty requests of the same method, in turns.

    The CPU time of the server hangs less on what else the machine does.
    """

    def asked(number: int) -> dict[str, str]:
        return {"service_type": names[number % len(names)]}

    kinds: dict[str, list[tuple[str, str, Any]]] = {
        "GET empty": [("GET", f"{API}/bench", None)] * BURST,
        "GET recommendation": [
            ("GET", f"{API}/bench/recommendation/{names[n % len(names)]}", None) for n in range(BURST)
        ],
        "POST empty": [("POST", f"{API}/bench", asked(n)) for n in range(BURST)],
        "POST recommendation": [("POST", f"{API}/recommendations", asked(n)) for n in range(BURST)],
    }
    await burst(client, kinds["POST recommendation"][:SERVICES])  # what is stored is read once
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    used: dict[str, float] = dict.fromkeys(kinds, 0.0)
    failures, rates = 0, []
    await heartbeat(client)
    for _ in range(ROUNDS):
        for kind, requests in kinds.items():
            begun, before = time.perf_counter(), cpu(server)
            answers = await burst(client, requests)
            used[kind] += cpu(server) - before
            rates.append(len(answers) / (time.perf_counter() - begun))
            failures += failed(answers)
            found[kind].append(percentile(answers, 0.95))
            await asyncio.sleep(4)  # so that the limit of requests a second is kept
    beat = await heartbeat(client)
    middle = {kind: sorted(values)[ROUNDS // 2] for kind, values in found.items()}
    return {
        **{f"burst: {kind}, p95, ms": value for kind, value in middle.items()},
        "burst: GET recommendation ÷ empty": middle["GET recommendation"] / middle["GET empty"],
        "burst: POST recommendation ÷ empty": middle["POST recommendation"] / middle["POST empty"],
        "burst: CPU, GET recommendation ÷ empty": used["GET recommendation"] / used["GET empty"],
        "burst: CPU, POST recommendation ÷ empty": used["POST recommendation"] / used["POST empty"],
        "burst: answers a second": sorted(rates)[len(rates) // 2],
        "burst: longest callback, ms": beat["longest"],
        "burst: event loop late, ms": beat["late"],
        "burst: failures": failures,
    }


async def steady(client: Client, names: Sequence[str], seconds: float) -> Figures:
    """Ask for stored recommendations at a fixed pace, and now and then for one that has to be computed."""
    uncached = [
        {"service_type": service, "optimization_strategy": strategy, "business_priority": priority}
        for service in ("login", "catalog") for strategy in STRATEGIES for priority in PRIORITIES
    ]  # fmt: skip
    (extra,) = await client.connections(1)
    path = f"{API}/recommendations"
    await extra.ask("POST", path, {"service_type": "login", "business_priority": "cost"})  # the desk is warm then
    alone = [await extra.ask("POST", path, body) for body in uncached[::2]]
    opened = await client.connections(200)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in opened:
        free.put_nowait(connection)
    answers: list[Answer] = []

    async def ask(number: int) -> None:
        connection = await free.get()
        answers.append(await connection.ask("POST", path, {"service_type": names[(7 * number) % len(names)]}))
        free.put_nowait(connection)

    async def compute() -> list[Answer]:
        made = []
        for body in uncached[1::2]:
            await asyncio.sleep(seconds / (len(uncached) // 2 + 1))
            made.append(await extra.ask("POST", path, body))
        return made

    await heartbeat(client)
    computing = asyncio.ensure_future(compute())
    begun, tasks = time.perf_counter(), []
    for number in range(round(A_SECOND * seconds)):
        await asyncio.sleep(max(0.0, begun + number / A_SECOND - time.perf_counter()))
        tasks.append(asyncio.ensure_future(ask(number)))
    await asyncio.gather(*tasks)
    meanwhile = await computing
    beat = await heartbeat(client)
    again = [await extra.ask("POST", path, body) for body in uncached]
    same = [one.body for one in again] == [one.body for pair in zip(alone, meanwhile, strict=True) for one in pair]
    for connection in (*opened, extra):
        connection.close()
    return {
        "steady: requests": len(answers),
        "steady: p50, ms": percentile(answers, 0.5),
        "steady: p95, ms": percentile(answers, 0.95),
        "steady: p99, ms": percentile(answers, 0.99),
        "steady: uncached alone, ms": percentile(alone, 0.5),
        "steady: uncached meanwhile, ms": percentile(meanwhile, 0.5),
        "steady: uncached ÷ alone": percentile(meanwhile, 0.5) / percentile(alone, 0.5),
        "steady: the same again, ms": percentile(again, 0.5),
        "steady: event loop late, ms": beat["late"],
        "steady: longest callback, ms": beat["longest"],
        "steady: failures": failed([*answers, *alone, *meanwhile, *again]) + (not same),
    }


async def heartbeat(client: Client) -> Figures:
    """Ask the server how long its event loop was kept since it was asked before."""
    (connection,) = await client.connections(1)
    answer = await connection.ask("GET", f"{API}/bench/heartbeat")
    connection.close()
    beat: Figures = json.loads(answer.body)
    return beat


def cpu(process: psutil.Process) -> float:
    """Seconds that a process has computed."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def loaded(client: Client, names: Sequence[str], seconds: float, server: psutil.Process) -> Figures:
    """All of it."""
    found = await bursts(client, names, server)
    await asyncio.sleep(5)
    found |= await steady(client, names, seconds)
    return found | {"failures": found["burst: failures"] + found["steady: failures"]}


def figures(seconds: float) -> Figures:
    """Make a workspace, serve it in a process of its own, and measure."""
    from tests.server.many import fill
    from tests.server.running import log_into, make_workspace, store_of

    with tempfile.TemporaryDirectory() as place:
        workspace = make_workspace(Path(place) / "workspace", people={"dora": "admin", "ann": "analyst"})
        names = fill(store_of(workspace), SERVICES, older=1)
        command = [sys.executable, __file__, "--serve", str(workspace)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().strip()
                wait(url)
                return asyncio.run(loaded(_logged_in(url, log_into), names, seconds, psutil.Process(server.pid)))
            finally:
                server.terminate()


def wait(url: str) -> None:
    """Wait until the server answers."""
    import httpx

    until = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}login", timeout=5)
            return
        except httpx.TransportError:
            assert time.monotonic() < until, "the server did not answer"
            time.sleep(0.1)


def _logged_in(url: str, log_into: Any) -> Client:
    import httpx

    with httpx.Client(base_url=url, timeout=60) as browser:
        assert log_into(browser, "ann").status_code == 303
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        parts = urlsplit(url)
        headers = f"Host: {parts.netloc}\r\nCookie: {cookies}\r\nX-XSRFToken: {browser.cookies['_xsrf']}\r\n"
        return Client(str(parts.hostname), int(parts.port or 80), headers)


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _kept(begun: tuple[float, float], *, of: float = 0.0) -> float:
    """Milliseconds beyond `of` that have passed, as far as this process itself was computing in them."""
    wall, used = (1_000 * (now - then) for now, then in zip(_clocks(), begun, strict=True))
    return min(max(0.0, wall - of), used)


def serve(workspace: Path) -> None:
    """The approval server as it is, with a heartbeat and two handlers more: an empty one, and one of a GET."""
    import os
    import socket

    from slaopt.server import rest
    from slaopt.server.answers import Asked
    from slaopt.server.base import SlaoptHandler, needs
    from slaopt.server.models import Recommend
    from slaopt.server.serving import Serving
    from slaopt.server.serving import serve as begin

    beat = {"late": 0.0, "longest": 0.0}
    run = asyncio.Handle._run  # type: ignore[attr-defined]

    def timed(handle: asyncio.Handle) -> None:
        begun = _clocks()
        run(handle)
        beat["longest"] = max(beat["longest"], _kept(begun))

    asyncio.Handle._run = timed  # type: ignore[attr-defined]

    async def beating() -> None:
        while True:
            begun = _clocks()
            await asyncio.sleep(0.005)
            beat["late"] = max(beat["late"], _kept(begun, of=5))

    class EmptyHandler(SlaoptHandler):
        @needs("read")
        async def get(self) -> None:
            self.answer({})

        @needs("read")
        async def post(self) -> None:
            self.json_body(Recommend)
            self.answer({})

    class OneHandler(SlaoptHandler):
        @needs("read")
        async def get(self, name: str) -> None:
            self.answer(await self.context.computing.answer(Asked("recommendation", name)))

    class HeartbeatHandler(SlaoptHandler):
        task: Any = None

        @needs("read")
        async def get(self) -> None:
            HeartbeatHandler.task = HeartbeatHandler.task or asyncio.ensure_future(beating())
            told = dict(beat)
            beat.update(late=0.0, longest=0.0)
            self.answer(told)

    served = rest.routes
    rest.routes = lambda base_url: [
        *served(base_url), (f"{API}/bench", EmptyHandler, {}), (f"{API}/bench/heartbeat", HeartbeatHandler, {}),
        (f"{API}/bench/recommendation/([^/]+)", OneHandler, {}),
    ]  # fmt: skip
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    os.environ |= {"HOME": str(workspace), "JUPYTER_RUNTIME_DIR": str(workspace / "runtime")}
    print(f"http://127.0.0.1:{port}/", flush=True)
    with (workspace / "server.log").open("w") as log:
        os.dup2(log.fileno(), 2)
        begin(Serving(workspace=workspace, port=port))


def main() -> int:
    """Print the figures; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--seconds", type=float, default=60.0, help="of steady load (default: 60)")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve)
        return 0
    found = figures(given.seconds)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            bar = f"   at most {BARS[name]:g}" if name in BARS else ""
            print(f"{name:<40} {value:>10,.2f}{bar}")
    return int(any(found[name] > bar for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
