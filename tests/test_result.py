"""What every result can do."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from slaopt.result import Interval, Result, Skipped, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Result):
    service: str = field(metadata={"published": "service_type"})
    value: float
    hidden: int = field(default=1, metadata={"published": None})
    interval: Interval | None = None


def test_published_names_replace_the_fields_and_hidden_ones_stay_inside():
    result = Sample(service="a", value=1.5, interval=Interval(low=1, high=2, level=0.9))
    assert result.to_dict() == {
        "service_type": "a",
        "value": 1.5,
        "interval": {"low": 1, "high": 2, "level": 0.9, "kind": "confidence"},
    }
    assert list(result.to_frame().columns) == ["service_type", "value", "interval"]


def test_json_never_holds_nan():
    values = {"a": float("nan"), "b": np.array([1.0, np.inf]), "c": np.float64("-inf"), "d": np.int64(3)}
    assert json.dumps(plain(values), allow_nan=False) == '{"a": null, "b": [1.0, null], "c": null, "d": 3}'


def test_times_and_spans_have_a_plain_form():
    assert plain((datetime(2026, 1, 2, tzinfo=UTC), timedelta(minutes=1))) == ["2026-01-02T00:00:00+00:00", 60.0]


def test_what_has_no_plain_form_is_loud():
    with pytest.raises(TypeError, match="object has no plain form"):
        plain(object())


def test_html_escapes_what_users_gave():
    shown = Skipped(service="<script>alert(1)</script>", reason="a & b")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a &amp; b" in shown
