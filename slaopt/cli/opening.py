"""From the options of a command to a source with its settings, and one computation for each service."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from slaopt.cli.answers import complain, print_json, print_lines, status_of
from slaopt.cli.stores import address_of, announce, consult, what_if
from slaopt.errors import InputError, SlaoptError

if TYPE_CHECKING:
    from slaopt.intake import Intake
    from slaopt.params import Params, ParamsBook
    from slaopt.profile import Profiles
    from slaopt.result import Result, Skipped
    from slaopt.sources import Source

__all__ = ["Opened", "for_each", "measured", "open_source"]

Computed = TypeVar("Computed")


class Opened:
    """A source with its settings, and the span that was asked for."""

    def __init__(self, source: Source, book: ParamsBook, as_of: datetime | None, workspace: Path | None) -> None:
        self.source, self.book, self.as_of, self.workspace = source, book, as_of, workspace
        self.counted: Sequence[float] = ()  # thresholds that are counted exactly beside those of the settings

    def each(
        self, compute: Callable[[Profiles, Params], Computed], intake: Intake, services: Sequence[str] | None = None
    ) -> list[Computed | Skipped]:
        """Compute something of each service (None: of all); a terminal shows how far it is."""
        from tqdm import tqdm

        from slaopt.result import Skipped
        from slaopt.sources import scan

        results: list[Computed | Skipped] = []
        total = len(intake.services if services is None else set(services))
        with tqdm(total=total, desc="services", unit="", file=sys.stderr, disable=None, leave=False) as bar:
            for item in scan(
                self.source, self.book, intake=intake, services=services, as_of=self.as_of, counted=self.counted
            ):
                if isinstance(item, Skipped):
                    results.append(item)
                else:
                    results.append(compute(item, self.book.of(item.service)))
                bar.update()
        return results


def open_source(
    source: str | None,
    *,
    workspace: Path | None = None,
    days: int | None = None,
    as_of: datetime | None = None,
    **reading: Any,
) -> Opened:
    """Connect to a source under the settings of the workspace; flags override.

    Raises
    ------
    InputError
        If there is no source, or it cannot be opened.
    """
    from slaopt.params import load_params
    from slaopt.sources import connect
    from slaopt.workspace import find_workspace

    try:
        found: Path | None = find_workspace(workspace)
    except InputError:
        if workspace is not None or "SLAOPT_WORKSPACE" in os.environ:
            raise
        found = None  # a stranger's file needs no workspace: the built-in settings hold
    book = load_params(found, overrides={"days": days})
    wanted = source or book.default.source
    if not wanted:
        raise InputError("no source: give --source PATH_OR_URL, or set `source:` in params/default.yaml")
    return Opened(connect(wanted, book=book, now=datetime.now(UTC), **reading), book, as_of, found)


def measured(source: str | None, *, workspace: Path | None, **reading: Any) -> Source | None:
    """Open the measurements of a watch anew, as of now; None, with the reason on stderr: it does the rest without."""
    try:
        return open_source(source, workspace=workspace, **reading).source
    except SlaoptError as error:
        complain(str(error))
        return None


def for_each(
    source: str | None,
    services: tuple[str, ...],
    options: dict[str, Any],
    as_json: bool,
    compute: Callable[[Profiles, Params], Result],
    lines: Callable[[list[Any]], Iterable[str]],
    *,
    counted: Sequence[float] = (),
) -> int:
    """Compute something of each service and print it: lines for people, or JSON; give the exit code.

    What an existing store decides holds; what-if flags override it. Nothing is written there. Thresholds in `counted`
    are counted exactly beside those of the settings.
    """
    store, threshold, objective = (options.pop(name, None) for name in ("store", "threshold", "objective"))
    opened = open_source(source, **options)
    opened.counted = counted
    intake = opened.source.inspect()
    there = [entry.service for entry in intake.services]
    settled = consult(address_of(store, opened.book, opened.workspace), opened.book, services or there)
    announce(settled, all_of=() if services else there)
    opened.book = what_if(settled.book, threshold=threshold, objective=objective)
    wanted, refused = settled.select(services, there)
    results = opened.each(compute, intake, wanted) + refused
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        print_lines(lines(results))
    return status_of(results)
