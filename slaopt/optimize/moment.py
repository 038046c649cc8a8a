"""What the rule reads at one moment: the grid, the period replayed on it, and the forecast of the 30 days after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from slaopt.forecast import Curve, forecast_curve
from slaopt.optimize.candidates import Grid, grid_of
from slaopt.optimize.decide import Decision, decide
from slaopt.optimize.scores import Ladder, ladder_of
from slaopt.params import Params
from slaopt.profile import Profile, Profiles
from slaopt.result import Skipped

__all__ = ["Moment", "moment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """All that a decision rests on."""

    hours: Profile  # of the period
    steps: Profile
    grid: Grid
    ladder: Ladder
    curve: Curve

    def decision(self, params: Params) -> Decision:
        """Apply the rule."""
        return decide(self.grid, self.ladder, params)


def moment(
    profiles: Profiles,
    params: Params,
    *,
    start: datetime,
    end: datetime,
    since: datetime | None = None,
    asked: float | None = None,
) -> Moment | Skipped:
    """Replay the period [start, end) and forecast from all that the Profiles hold before its end.

    Parameters
    ----------
    since
        Rates, pages and injected slowdowns count from then on; the forecast learns from the whole period.
    asked
        A threshold that is to be among the candidates.
    """
    hours, steps = profiles.hours.between(start, end), profiles.steps.between(start, end)
    grid = grid_of(hours, params)
    if asked is not None:
        grid = grid.including(asked)
    if not grid.candidates:
        return Skipped(service=profiles.service, reason="no duration is longer than 0 s")
    curve = forecast_curve(profiles.hours.between(profiles.hours.start, end), grid.thresholds)
    if isinstance(curve, Skipped):
        return curve
    ladder = ladder_of(
        replace(profiles, hours=hours, steps=steps),
        grid.thresholds,
        curve=curve,
        objective=params.objective,
        confidence_level=params.confidence_level,
        since=since,
    )
    if why := ladder.rates[0].why:
        return Skipped(service=profiles.service, reason=why)
    return Moment(hours=hours, steps=steps, grid=grid, ladder=ladder, curve=curve)
