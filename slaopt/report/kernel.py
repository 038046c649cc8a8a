"""The side of a warm kernel: how it starts, forgets the last notebook, and hands over what a notebook found.

`python -m slaopt.report.kernel -f CONNECTION_FILE` is an ipykernel that needs no kernelspec.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["RESULT_NAME", "fresh", "hand_over", "hand_over_evaluation", "quick_jsonschema"]

RESULT_NAME = "assessment"  # the variable in which a service's notebook leaves its Assessment
EVALUATION_NAME = "evaluation"  # likewise an experiment's notebook its Evaluation
SKIPPED = "skipped.json"


@contextmanager
def quick_jsonschema() -> Iterator[None]:
    """Import jsonschema without its grammar of international addresses, which nothing here checks: 0.9 s less."""
    grammar = "rfc3987_syntax"
    if "jsonschema" in sys.modules or grammar in sys.modules:
        yield
        return
    sys.modules[grammar] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[grammar]


def fresh(folder: str) -> None:
    """Forget all variables of the last notebook, count cells from 1 and work in another folder."""
    _shell().reset(new_session=True)  # type: ignore[no-untyped-call]
    os.chdir(folder)


def hand_over(folder: str) -> None:
    """Write the Assessment that the notebook left, the very one on its page, or why there is none."""
    from slaopt.assess import Assessment
    from slaopt.report.manifest import RESULT
    from slaopt.result import Skipped

    found = _shell().user_ns.get(RESULT_NAME)
    if isinstance(found, Assessment | Skipped):
        name = RESULT if isinstance(found, Assessment) else SKIPPED
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(found.to_dict(), file, indent=1, ensure_ascii=False, allow_nan=False)


def hand_over_evaluation(folder: str) -> None:
    """Write the Evaluation that an experiment's notebook left, the very one on its page."""
    from slaopt.experiment import Evaluation
    from slaopt.report.manifest import RESULT

    found = _shell().user_ns.get(EVALUATION_NAME)
    if isinstance(found, Evaluation):
        with open(os.path.join(folder, RESULT), "w", encoding="utf-8") as file:
            json.dump(found.to_dict(), file, indent=1, ensure_ascii=False, allow_nan=False)


def _shell() -> InteractiveShell:
    from IPython.core.interactiveshell import InteractiveShell

    return InteractiveShell.instance()


def main() -> None:
    """Run the kernel until it is told to stop."""
    with quick_jsonschema():
        importlib.import_module("jsonschema")
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


if __name__ == "__main__":
    main()
