"""Find SLA thresholds that fit how services really perform, and say how sure that is.

>>> import slaopt
>>> profiles = slaopt.read("requests.csv", service="checkout", threshold=2.0)  # doctest: +SKIP
>>> slaopt.recommend(profiles)  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slaopt import charts, experiment, samples
    from slaopt.assess import analyze, assess, recommend
    from slaopt.errors import SlaoptError
    from slaopt.forecast import forecast
    from slaopt.params import Params, load_params
    from slaopt.profile import Profile, Profiles
    from slaopt.report import open_portfolio, open_run
    from slaopt.sources import connect, read

__version__ = "0.1.0"

__all__ = [
    "Params",
    "Profile",
    "Profiles",
    "SlaoptError",
    "analyze",
    "assess",
    "charts",
    "connect",
    "experiment",
    "forecast",
    "load_params",
    "open_portfolio",
    "open_run",
    "read",
    "recommend",
    "samples",
]

_HOMES = {
    "Params": "params",
    "Profile": "profile",
    "Profiles": "profile",
    "SlaoptError": "errors",
    "analyze": "assess",
    "assess": "assess",
    "connect": "sources",
    "forecast": "forecast",
    "load_params": "params",
    "open_portfolio": "report",
    "open_run": "report",
    "read": "sources",
    "recommend": "assess",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import slaopt` costs nothing."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"slaopt.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"slaopt.{name}")
    raise AttributeError(f"module 'slaopt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


class _Package(ModuleType):
    def __setattr__(self, name: str, value: Any) -> None:
        # importing the module slaopt.assess sets it on the package, where its function of the same name belongs
        function = name in ("assess", "forecast") and isinstance(value, ModuleType)
        super().__setattr__(name, getattr(value, name) if function else value)


sys.modules[__name__].__class__ = _Package
