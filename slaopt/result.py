"""What every result can do: become a dict for programs, a frame for analysts and HTML for notebooks."""

from __future__ import annotations

import dataclasses
import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Interval", "Result", "Skipped", "html_table", "plain"]

IntervalKind = Literal["confidence", "credible", "prediction"]


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows: numbers that are not finite become null, times ISO 8601, spans seconds."""
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (np.bool_, np.integer)):
        return value.item()
    if isinstance(value, int):
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no plain form")


class Result:
    """Mixin of frozen dataclasses. A field's `published` metadata is its name outside; `published=None` hides it."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the published fields, nested results included, in a form that JSON can hold."""
        published: dict[str, Any] = {}
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            name = field.metadata.get("published", field.name)
            if name is not None:
                published[name] = plain(getattr(self, field.name))
        return published

    def to_frame(self) -> pd.DataFrame:
        """Give the published fields as a frame of one row; results that are tables override this."""
        import pandas as pd

        return pd.DataFrame([self.to_dict()])

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(_cell(value))}</td></tr>'
            for name, value in self.to_dict().items()
        )
        return f'<table class="fields">{rows}</table>'


def html_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write texts as an HTML table, escaped; the first of each row is its head."""
    top = "".join(f'<th scope="col">{html.escape(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Result):
    """Where a quantity lies: both ends, the level 0–1 and what kind of statement it is."""

    low: float
    high: float
    level: float
    kind: IntervalKind = "confidence"

    def covers(self, value: float) -> bool:
        """Tell whether the value lies inside, ends included.

        >>> Interval(low=1.0, high=2.0, level=0.95).covers(2.0)
        True
        """
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped(Result):
    """A service for which something could not be done, and why."""

    service: str = dataclasses.field(metadata={"published": "service_type"})
    reason: str
