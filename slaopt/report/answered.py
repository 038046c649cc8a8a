"""What a report answers of itself: its analysis and its recommendation, each under the settings that they hang on.

The same run asked with the same settings answers the same, so an answer is computed once and kept in the store. What
is long and stays in the archive anyway (candidates, injected degradations, replayed pages) is not kept there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from slaopt.params import Params

__all__ = ["ASKED", "Kind", "answer_of", "answers_of", "settings_text"]

Kind = Literal["analysis", "recommendation"]

ASKED: Mapping[Kind, tuple[str, ...]] = {
    "analysis": ("confidence_level", "days", "objective", "threshold"),
    "recommendation": ("business_priority", "max_threshold", "min_threshold", "objective", "strategy", "threshold"),
}  # settings that may be asked for, or that the store may have decided since; all others are the run's own
ONLY_ARCHIVED = ("candidates", "cells_now", "cells_then", "pages_now", "pages_then")


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write the settings that an answer hangs on, in one form.

    >>> settings_text({"threshold": 2.0, "days": 30, "objective": None})
    '{"days":30,"objective":null,"threshold":2.0}'
    """
    return json.dumps(settings, sort_keys=True, separators=(",", ":"), allow_nan=False)


def answer_of(kind: Kind, published: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is kept of a published analysis or recommendation."""
    return {name: value for name, value in published.items() if name not in ONLY_ARCHIVED or kind == "analysis"}


def answers_of(result: Mapping[str, Any], params: Params) -> dict[Kind, tuple[str, dict[str, Any]]]:
    """Give the answers that come with a report's result, by kind: settings and answer."""
    return {
        kind: (settings_text({name: getattr(params, name) for name in names}), answer_of(kind, result[kind]))
        for kind, names in ASKED.items()
    }
