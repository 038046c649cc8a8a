"""The life of a threshold A/B test: proposed, approved, started, looked at, ended, and its threshold adopted or not."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slaopt.apply.experiments.adopting import adopt
    from slaopt.apply.experiments.amending import amend
    from slaopt.apply.experiments.ends import ExperimentOutcome, stop
    from slaopt.apply.experiments.kept import details, looks_of, progress
    from slaopt.apply.experiments.proposing import design_now, propose_experiment, test_first
    from slaopt.apply.experiments.watching import ExperimentPass, experiment_watch

__all__ = [
    "ExperimentOutcome",
    "ExperimentPass",
    "adopt",
    "amend",
    "design_now",
    "details",
    "experiment_watch",
    "looks_of",
    "progress",
    "propose_experiment",
    "stop",
    "test_first",
]

_HOMES = {  # imported when first used, since approvals of other changes need none of it
    "adopting": ("adopt",),
    "amending": ("amend",),
    "ends": ("ExperimentOutcome", "stop"),
    "kept": ("details", "looks_of", "progress"),
    "proposing": ("design_now", "propose_experiment", "test_first"),
    "watching": ("ExperimentPass", "experiment_watch"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"slaopt.apply.experiments.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
