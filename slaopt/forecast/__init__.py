"""What will be: violation rates of the coming windows, with intervals, and how such forecasts fared before."""

from __future__ import annotations

from slaopt.forecast.backtest import Backtest, BacktestRow, backtest
from slaopt.forecast.curve import Curve, Forecast, forecast_curve
from slaopt.forecast.service import ServiceForecast, forecast

__all__ = [
    "Backtest",
    "BacktestRow",
    "Curve",
    "Forecast",
    "ServiceForecast",
    "backtest",
    "forecast",
    "forecast_curve",
]
