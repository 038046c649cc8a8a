"""Lines about a pass of the watch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slaopt.printing.text import LONGEST_NAME, visible, width_of

if TYPE_CHECKING:
    from slaopt.apply.watched import Watched

__all__ = ["watched_lines"]

WIDEST_STATE = len("rolled back")


def watched_lines(results: Sequence[Watched]) -> Iterator[str]:
    """Say what became of each proposal and change, one line each."""
    if not results:
        yield "nothing is watched, and nothing is due"
    width = width_of(result.service for result in results)
    for result in results:
        yield (
            f"{visible(result.service, LONGEST_NAME):<{width}}  {result.state:<{WIDEST_STATE}}  "
            f"{visible(result.sentence)}"
        )
