"""The forecast of one service: the thresholds and horizons that were asked for, as a table."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from slaopt.analysis.enough import begun, too_little
from slaopt.errors import InputError
from slaopt.forecast.curve import LEARN_DAYS, Forecast, flat, forecast_curve
from slaopt.forecast.history import day_counts
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Result, Skipped
from slaopt.wording import parse_seconds, percent, seconds, span

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "USUAL", "ServiceForecast", "cells", "forecast", "forecast_service", "parse_horizon"]

USUAL = ("7d", "14d", "30d")
LONGEST = 90  # days; nothing was ever tried beyond 30, and levels move
COLUMNS = ("threshold", "horizon", "violations", "80 % interval", "95 % interval", "confidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceForecast(Result):
    """Violation rates to expect of one service at each threshold over each horizon."""

    service: str = field(metadata={"published": "service_type"})
    as_of: datetime
    forecasts: tuple[Forecast, ...]
    horizons: tuple[str, ...] = field(metadata={"published": None})  # of each forecast, as it was asked for

    def to_dict(self) -> dict[str, Any]:
        """Give the published fields, horizons as they were asked for."""
        named = zip(self.forecasts, self.horizons, strict=True)
        told = [one.to_dict() | {"horizon": horizon} for one, horizon in named]
        return Result.to_dict(self) | {"forecasts": told}

    def to_frame(self) -> pd.DataFrame:
        """Give one row for each threshold and horizon, the ends of intervals in columns of their own."""
        import pandas as pd

        return pd.DataFrame([flat(row) for row in self.to_dict()["forecasts"]])

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in COLUMNS)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in cells(self)
        )  # fmt: skip
        return f'<table class="forecast"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def cells(result: ServiceForecast) -> list[tuple[str, ...]]:
    """Write each forecast for people, under `COLUMNS`."""
    return [
        (
            seconds(one.threshold),
            horizon,
            percent(one.violation_rate),
            span(percent(one.interval_80.low), percent(one.interval_80.high)),
            span(percent(one.interval_95.low), percent(one.interval_95.high)),
            one.confidence + (f": {one.reason}" if one.reason else ""),
        )
        for one, horizon in zip(result.forecasts, result.horizons, strict=True)
    ]


def parse_horizon(text: str | float) -> float:
    """Read the length of a window: a bare number is days, d or w may follow.

    Raises
    ------
    ValueError
        If the text is no span of one to ninety days.

    >>> parse_horizon("7d"), parse_horizon("2w"), parse_horizon(30)
    (7.0, 14.0, 30.0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([dw]?)", str(text).strip().lower())
    days = float(found[1]) * (7 if found[2] == "w" else 1) if found else 0.0
    if not 1 <= days <= LONGEST:
        raise ValueError(f"{text!r} is no horizon: give days or weeks, such as 7d, 14d or 2w, up to {LONGEST}d")
    return days


def forecast_service(
    profiles: Profiles, params: Params, *, thresholds: Sequence[float] = (), horizons: Sequence[str] = USUAL
) -> ServiceForecast | Skipped:
    """Forecast at each threshold over each horizon.

    Parameters
    ----------
    profiles
        The history; windows begin at its end.
    params
        Settings of the service.
    thresholds
        Seconds; by default the current one, else the quantiles 0.75, 0.9, 0.95 and 0.99 of the last 30 days.
    horizons
        Lengths of the windows, such as `7d` or `2w`.
    """
    spans = {str(text): parse_horizon(text) for text in horizons}  # 7d and 1w both, where both are asked for
    recent = begun(profiles.hours.between(profiles.hours.end - timedelta(days=LEARN_DAYS), profiles.hours.end))
    if profiles.intake.rejected > profiles.intake.accepted and (reason := too_little(recent, profiles, params)):
        return Skipped(service=profiles.service, reason=reason)  # what is left of broken rows foretells nothing
    current = () if params.threshold is None else (params.threshold,)
    wanted = tuple(thresholds) or current or _quantiles(profiles.hours)
    if not wanted:
        return Skipped(service=profiles.service, reason=f"no duration in the last {LEARN_DAYS} days")
    curve = forecast_curve(profiles.hours, wanted, horizons=list(dict.fromkeys(spans.values())))
    if isinstance(curve, Skipped):
        return curve
    asked = [(threshold, text) for threshold in curve.thresholds.tolist() for text in spans]
    return ServiceForecast(
        service=profiles.service,
        as_of=profiles.hours.end,
        forecasts=tuple(curve.at(threshold, spans[text]) for threshold, text in asked),
        horizons=tuple(text for _, text in asked),
    )


def _quantiles(hours: Profile) -> tuple[float, ...]:
    counts = day_counts(hours)
    ends = counts.quantiles(slice(max(0, counts.days - LEARN_DAYS), counts.days))
    return tuple(float(f"{end:.3g}") for end in np.unique(ends))


def forecast(
    profiles: Profiles | Skipped,
    params: Params | None = None,
    *,
    thresholds: Sequence[float | str] | float | str = (),
    horizons: Sequence[float | str] | float | str = USUAL,
) -> ServiceForecast | Skipped:
    """Forecast a service's violation rate; settings that are not given are those that `read` was told.

    Parameters
    ----------
    profiles
        Measurements; windows begin at their end.
    params
        Settings.
    thresholds
        One or several, seconds or texts such as `300ms`; by default the current one, else quantiles.
    horizons
        One or several, days or texts such as `7d` or `2w`.

    Raises
    ------
    InputError
        If a threshold or a horizon cannot be read.
    """
    if isinstance(profiles, Skipped):
        return profiles
    settings = params or profiles.params or Params(service=profiles.service)
    try:
        asked = [parse_seconds(one) for one in _several(thresholds)]
        spans = [one if isinstance(one, str) else f"{one:g}d" for one in _several(horizons)]
        return forecast_service(profiles, settings, thresholds=asked, horizons=spans)
    except ValueError as error:
        raise InputError(str(error)) from error


def _several(given: Sequence[float | str] | float | str) -> Sequence[float | str]:
    return [given] if isinstance(given, (str, int, float)) else given
