"""The portfolio: the newest report of each service, those first that need attention."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from slaopt.errors import InputError
from slaopt.params import Params
from slaopt.report import open_portfolio
from slaopt.report.folders import newest_reports, service_folder
from slaopt.report.manifest import RESULT
from slaopt.report.portfolio import PortfolioRow, read_skipped, write_skipped
from slaopt.result import Skipped
from tests.report.runs import END, handmade, read_json, small, write_notebook


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The result of a real assessment, to be varied."""
    directory = tmp_path_factory.mktemp("real")
    write_notebook(directory / "notebook.ipynb", "run", [])
    made = handmade(directory, small(), Params(threshold=2.0), directory / "notebook.ipynb")
    return read_json(made / RESULT)


def outcome(threshold: float, rate: float, pages: float) -> dict[str, float]:
    return {"threshold": threshold, "violation_rate": rate, "pages_per_week": pages}


def put(
    reports: Path, real: Any, service: str, *, verdict: str = "keep", gain: float | None = None,
    now: dict[str, float] | None = None, then: dict[str, float] | None = None, quality: float = 1.0,
    end: datetime = END, digest: str = "00000000", gate: str | None = None, impact: Any = None,
) -> Path:  # fmt: skip
    result = json.loads(json.dumps(real))
    result["analysis"] |= {"service_type": service, "end": end.isoformat(), "data_quality_score": quality}
    result["recommendation"] |= {
        "verdict": verdict, "gain": gain, "gate": gate, "now": now, "then": then, "sentence": service,
        "impact": impact,
    }  # fmt: skip
    directory = reports / service_folder(service) / f"{end:%Y-%m-%dT%H%MZ}-{digest}"
    directory.mkdir(parents=True)
    (directory / RESULT).write_text(json.dumps(result))
    return directory


def names(rows: Iterable[PortfolioRow]) -> list[str]:
    return [row.service for row in rows]


def test_what_is_worth_most_comes_first_then_what_is_wrong(tmp_path: Path, real: Any) -> None:
    put(tmp_path, real, "kept")
    put(tmp_path, real, "kept with poor data", quality=0.6)
    put(tmp_path, real, "gain 4", verdict="raise", gain=4.0, now=outcome(2, 0.04, 5.0), then=outcome(2.5, 0.01, 0.5))
    put(tmp_path, real, "rare", verdict="not_suited")
    put(tmp_path, real, "gain 30", verdict="lower", gain=30.0, now=outcome(9, 0, 0.0), then=outcome(5, 0.001, 0.25))
    put(tmp_path, real, "first", verdict="set", then=outcome(5, 0.001, 0.1))
    put(tmp_path, real, "broken", verdict="data_problem", quality=0.2)
    put(tmp_path, real, "hopeless", verdict="objective", now=outcome(2, 0.3, 40.0))
    portfolio = open_portfolio(tmp_path)
    assert names(portfolio.rows) == [
        "gain 30", "gain 4", "first", "hopeless", "broken", "rare", "kept with poor data", "kept",
    ]  # fmt: skip
    assert portfolio.changes == 3
    assert portfolio.rows[1].violation_rate_then == 0.01
    assert portfolio.rows[2].pages_now is None
    assert len(portfolio.to_frame()) == 8


def month(pages: tuple[float | None, float], cost: float | None = None) -> dict[str, Any]:
    now, then = pages
    rows = [{"name": "pages", "now": None if now is None else {"value": now}, "then": {"value": then}, "change": None}]
    rows += [] if cost is None else [{"name": "cost", "now": None, "then": None, "change": {"value": cost}}]
    return {"rows": rows, "currency": None if cost is None else "EUR"}


def test_what_all_changes_would_save_is_added_up(tmp_path: Path, real: Any) -> None:
    put(tmp_path, real, "one", verdict="raise", impact=month((20.0, 2.0), -300.0))
    put(tmp_path, real, "two", verdict="lower", impact=month((0.0, 1.0), 40.0))
    put(tmp_path, real, "first", verdict="set", impact=month((None, 1.0)))  # nothing to compare it with
    put(tmp_path, real, "kept", impact=month((9.0, 9.0), 0.0))
    portfolio = open_portfolio(tmp_path)
    assert (portfolio.pages_now, portfolio.pages_then) == (20.0, 3.0)
    assert [(cost.currency, cost.value) for cost in portfolio.cost_changes] == [("EUR", -260.0)]


def test_a_change_that_waits_for_a_second_week_says_so(tmp_path: Path, real: Any) -> None:
    put(tmp_path, real, "waiting", gate="first week")
    (row,) = open_portfolio(tmp_path).rows
    assert (row.verdict, row.words) == ("keep", "Wait for a second week")


def test_a_row_tells_what_the_result_says(tmp_path: Path, real: Any) -> None:
    directory = put(tmp_path, real, "checkout")
    (row,) = open_portfolio(tmp_path).rows
    assert unquote(row.href) == f"{directory.parent.name}/{directory.name}/report.html"
    assert row.current_threshold == 2.0
    assert list(row.sparkline) == real["analysis"]["daily"]["violations"]
    assert row.sparkline_of == "violation_rate"
    assert row.quality == real["analysis"]["quality"]["word"]
    assert row.confidence_score == real["recommendation"]["confidence_score"]


def test_without_a_current_threshold_the_sparkline_is_the_95th_percentile(tmp_path: Path, real: Any) -> None:
    changed = real | {"analysis": real["analysis"] | {"daily": real["analysis"]["daily"] | {"violations": None}}}
    put(tmp_path, changed, "checkout")
    (row,) = open_portfolio(tmp_path).rows
    assert row.sparkline_of == "p95"
    assert list(row.sparkline) == real["analysis"]["daily"]["p95"]


def test_the_newest_report_counts_and_of_those_the_one_asked_for_last(tmp_path: Path, real: Any) -> None:
    put(tmp_path, real, "one", end=END - timedelta(days=1), digest="ffffffff")
    first = put(tmp_path, real, "one", digest="22222222")
    second = put(tmp_path, real, "one", digest="11111111")
    put(tmp_path, real, "old", end=END - timedelta(days=3))
    (tmp_path / service_folder("one") / "failed.ipynb").write_text("")
    (tmp_path / service_folder("one") / "2027-kept-by-hand").mkdir()
    (tmp_path / ".work-x" / "checkout-12345678").mkdir(parents=True)
    for newest, moment in ((first, 2), (second, 1)):
        os.utime(newest, (moment, moment))
    assert first in newest_reports(tmp_path)
    os.utime(second, (3, 3))
    assert second in newest_reports(tmp_path)
    portfolio = open_portfolio(tmp_path)
    assert portfolio.as_of == END
    assert {row.service: row.age_days for row in portfolio.rows} == {"one": 0.0, "old": 3.0}


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"analysis": {}, "recommendation": {}}'])
def test_a_damaged_result_is_listed_as_skipped(tmp_path: Path, real: Any, content: str | None) -> None:
    put(tmp_path, real, "good")
    damaged = put(tmp_path, real, "bad") / RESULT
    damaged.unlink()
    if content is not None:
        damaged.write_text(content)
    portfolio = open_portfolio(tmp_path)
    assert names(portfolio.rows) == ["good"]
    assert [entry.service for entry in portfolio.skipped] == [service_folder("bad")]


def test_without_reports_the_portfolio_is_empty(tmp_path: Path) -> None:
    portfolio = open_portfolio(tmp_path)
    assert (portfolio.as_of, portfolio.changes, portfolio.rows, portfolio.skipped) == (None, 0, (), ())
    assert portfolio.to_dict()["rows"] == []
    assert "service_type" in portfolio.to_frame()
    with pytest.raises(InputError, match="no folder of reports"):
        open_portfolio(tmp_path / "missing")


def note(reports: Path, *results: Skipped, source: str, complete: bool, reported: str | None = None) -> list[str]:
    made = [small(reported, days=1).hours] if reported else []
    write_skipped(reports, reports, [*results, *made], source=source, complete=complete)
    return [f"{entry.service}: {entry.reason}" for entry in read_skipped(reports)]


def test_skipped_services_are_kept_until_a_run_knows_better(tmp_path: Path) -> None:
    a, b, c = (Skipped(service=name, reason="too few") for name in "abc")
    assert note(tmp_path, a, b, source="one", complete=True) == ["a: too few", "b: too few"]
    assert note(tmp_path, c, source="two", complete=True) == ["a: too few", "b: too few", "c: too few"]
    again = Skipped(service="a", reason="still too few")
    assert note(tmp_path, again, source="one", complete=False) == ["a: still too few", "b: too few", "c: too few"]
    assert note(tmp_path, source="one", complete=False, reported="a") == ["b: too few", "c: too few"]
    assert note(tmp_path, source="one", complete=True) == ["c: too few"]
    (tmp_path / "skipped.json").write_text("[1]")
    with pytest.raises(InputError, match=r"skipped\.json"):
        read_skipped(tmp_path)


def test_hundreds_of_services_are_listed_in_a_moment(tmp_path: Path, real: Any) -> None:
    for number in range(300):
        put(tmp_path, real, f"service {number}")
    started = time.process_time()
    assert len(open_portfolio(tmp_path).rows) == 300
    assert time.process_time() - started < 3
