"""The command that watches changes in force: one pass, or one every few minutes."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from slaopt.cli.actors import ledger_of
from slaopt.cli.answers import DONE, SKIPPED, complain, print_lines
from slaopt.cli.opening import measured
from slaopt.cli.options import json_option, options, reading_options, source_option, store_option, workspace_option
from slaopt.errors import SlaoptError

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.apply.watched import Watched

__all__ = ["watch"]

SHORTEST = 10.0  # seconds between two passes
UNSEEN = ("blind", "refused")


class Pause(click.ParamType):  # type: ignore[type-arg]  # generic in recent versions only
    """The time from one pass to the next: seconds, or a number with s, m, min or h."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the time, or fail with an example."""
        from slaopt.wording import parse_seconds

        text = str(value).strip()
        minutes = text.removesuffix("m") if text.endswith("m") else None
        try:
            pause = parse_seconds(text if minutes is None else f"{minutes}min")
        except ValueError:
            self.fail(f"{text!r} is no time: give 5m, 300s or 1h", param, ctx)
        if pause < SHORTEST:
            self.fail(f"{text} is too short: give at least {SHORTEST:g} s", param, ctx)
        return pause


@click.command()
@click.option("--every", type=Pause(), help="Watch on, one pass every so often, such as 5m (default: one pass).")
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@options(source_option, reading_options, workspace_option, store_option, json_option)
def watch(
    every: float | None, services: tuple[str, ...], source: str | None, workspace: Path | None, store: str | None,
    as_json: bool, **reading: Any,
) -> int:  # fmt: skip
    """Watch changes in force: commit what is due, roll back what turns out badly, keep the rest in the end.

    One pass suits cron. With --every it watches until it is told to stop (SIGTERM, Ctrl-C), and finishes its pass then.

    \b
    Example:  slaopt watch --every 5m --source metrics/
    """
    _log()

    def one_pass() -> list[Watched]:
        return _pass(ledger_of(store, workspace), source, services, reading)

    if every is not None:
        return _watch_on(one_pass, every, as_json=as_json)
    results = one_pass()
    _tell(results, as_json=as_json)
    return SKIPPED if any(result.state in UNSEEN for result in results) else DONE


def _pass(ledger: Ledger, source: str | None, services: tuple[str, ...], reading: dict[str, Any]) -> list[Watched]:
    """Make one pass, unless another one is at work on the store: then it is left to that."""
    from slaopt.apply.alone import alone
    from slaopt.apply.watch import watch as watch_changes

    with alone(ledger.store.label) as free:
        if not free:
            complain(f"another watch is at work on {ledger.store.label}: this pass is left to it")
            return []
        there = measured(source, workspace=ledger.workspace, **reading) if ledger.is_on else None
        return watch_changes(ledger, there, at=datetime.now(UTC), services=services or None)


def _watch_on(one_pass: Callable[[], list[Watched]], every: float, *, as_json: bool) -> int:
    """Make one pass after the other; what is wrong with one is said, and the next one tries again."""
    told: dict[tuple[int | None, str | None], str] = {}
    wrong: str | None = None  # with the pass before
    stopped = _stop_on_signals()
    while not stopped.is_set():
        begun = time.monotonic()
        try:
            results = one_pass()
        except SlaoptError as error:
            if str(error) != wrong:
                complain(str(error))
            wrong = str(error)
        else:
            wrong = None
            news = results if as_json else [one for one in results if told.get(_key(one)) != one.state]
            told = {_key(one): one.state for one in results}
            if news:
                _tell(news, as_json=as_json)
        stopped.wait(max(every - (time.monotonic() - begun), 0.0))
    return DONE


def _key(one: Watched) -> tuple[int | None, str | None]:
    return one.proposal_id, one.change_id


def _stop_on_signals() -> Event:
    """Have SIGTERM and Ctrl-C stop after the pass at work; a second Ctrl-C interrupts it."""
    stopped = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopped.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


def _tell(results: Sequence[Watched], *, as_json: bool) -> None:
    from slaopt.printing import watched_lines

    if as_json:
        print_lines(json.dumps(result.to_dict(), allow_nan=False) for result in results)
    else:
        print_lines(watched_lines(results))
    sys.stdout.flush()


class _Once(logging.Filter):
    """Lets through what was not said of a service right before."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[Any, str] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        service = record.args[0] if isinstance(record.args, tuple) and record.args else None
        message = record.getMessage()
        new = self._said.get(service) != message
        self._said[service] = message
        return new


class _Lines(logging.Formatter):
    """One line for each record, which no control character can spoil."""

    def format(self, record: logging.LogRecord) -> str:
        from slaopt.printing import visible

        moment = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return visible(f"{moment} {record.levelname} {record.name} {' '.join(record.getMessage().split())}")


def _log() -> None:
    """Have the watch's log go to stderr, once."""
    logger = logging.getLogger("slaopt.watch")
    for old in [one for one in logger.handlers if isinstance(one.formatter, _Lines)]:
        logger.removeHandler(old)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    handler.addFilter(_Once())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
