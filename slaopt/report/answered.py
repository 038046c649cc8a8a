"""What a report answers of itself: its analysis and its recommendation, each under the settings that they hang on.

The same run asked with the same settings answers the same, so an answer is computed once and kept in the store. What
is long and stays in the archive anyway (candidates, injected degradations, replayed pages) is not kept there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from slaopt.params import Params

__all__ = ["Kind", "answer_of", "answers_of", "settings_of"]

Kind = Literal["analysis", "recommendation"]

SETTINGS: Mapping[Kind, tuple[str, ...]] = {
    "analysis": ("confidence_level", "days", "objective", "threshold"),
    "recommendation": ("business_priority", "max_threshold", "min_threshold", "objective", "strategy", "threshold"),
}  # what may be asked for, and what the store may have decided since; all other settings are the run's own
ONLY_ARCHIVED = ("candidates", "cells_now", "cells_then", "pages_now", "pages_then")


def settings_of(kind: Kind, params: Params) -> str:
    """Write the settings that an answer hangs on, in one form.

    >>> settings_of("analysis", Params(threshold=2.0))
    '{"confidence_level":0.95,"days":30,"objective":0.99,"threshold":2.0}'
    """
    values = {name: getattr(params, name) for name in SETTINGS[kind]}
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def answer_of(kind: Kind, result: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is kept of a result: the published analysis; the published recommendation without what is long."""
    published = result[kind]
    return {name: value for name, value in published.items() if name not in ONLY_ARCHIVED}


def answers_of(result: Mapping[str, Any], params: Params) -> dict[Kind, tuple[str, dict[str, Any]]]:
    """Give the answers that come with a report, by kind: settings and answer."""
    return {kind: (settings_of(kind, params), answer_of(kind, result)) for kind in SETTINGS}
