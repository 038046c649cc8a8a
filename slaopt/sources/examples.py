"""Where rejected rows stand: file, line and the text that was refused."""

from __future__ import annotations

from slaopt.intake import Example
from slaopt.sources.base import Options
from slaopt.sources.load import Loaded
from slaopt.sources.notes import Rejection

__all__ = ["find_examples"]


def find_examples(loaded: Loaded, options: Options) -> dict[Rejection, list[Example]]:
    """Find up to three rows for each reason."""
    return {}
