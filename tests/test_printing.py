"""What is printed is what the results say, aligned and harmless to a terminal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slaopt.analysis import Quality
from slaopt.intake import Column, Example, Intake, Note, Reading, ServiceIntake
from slaopt.printing import check_lines, report_lines, visible
from slaopt.report import Report
from slaopt.result import Skipped

READING = Reading(
    source="requests.csv",
    format="csv",
    files=("requests.csv",),
    columns=(
        Column(role="timestamp", name="start", found="given"),
        Column(role="duration", name="latency", found="alias"),
        Column(role="status", name="state", found="alias"),
    ),
    stamps="naive",
    timezone="Europe/Berlin",
    decimal=",",
    statuses=(("ok", 900), ("failed", 12)),
)


def quality(name: str, score: float) -> Quality:
    return Quality(service=name, score=score, word="good" if score > 0.9 else "look", checks=(), sentence="")


def intake(*names: str, notes: tuple[Note, ...] = ()) -> Intake:
    services = tuple(ServiceIntake(service=name, rows=1_234, accepted=1_234) for name in names)
    moment = datetime(2026, 11, 3, 14, tzinfo=UTC)
    return Intake(
        reading=READING,
        rows=2_000,
        accepted=1_988,
        rejected=12,
        first=moment,
        last=moment,
        services=services,
        notes=notes,
    )


def test_check_prints_what_was_understood():
    assert list(check_lines(intake("b", "a"), [quality("b", 0.95), quality("a", 0.6)])) == [
        "source     requests.csv: csv",
        "timestamp  column start: as given; stamps naive; read in Europe/Berlin",
        "duration   column latency: by its usual name; unit s (assumed: --unit says another); decimal comma",
        "status     column state: by its usual name; ok 900, failed 12",
        "rows       2,000, 1,988 usable; 3 Nov 2026, 14:00 UTC to 3 Nov 2026, 14:00 UTC",
        "",
        "services   2, the worst first",
        "  a        1,234 rows  look, 0.60",
        "  b        1,234 rows  good, 0.95",
    ]


def test_each_example_says_row_or_line_though_a_folder_holds_both():
    places = (Example(file="a.parquet", line=7, unit="row"), Example(file="b.csv", line=9))
    note = Note(kind="rejected", reason="blank", count=2, remedy="…", examples=places)
    both = replace(intake("a", notes=(note,)), reading=replace(READING, format="csv, parquet"))
    lines = list(check_lines(both, []))
    assert lines[6:10] == [
        "rejected   2 rows: blank",
        "           → …",
        "           a.parquet, row 7",
        "           b.csv, line 9",
    ]


def test_check_prints_rejections_with_place_and_remedy():
    note = Note(
        kind="rejected",
        reason="duration is not a number",
        count=12,
        remedy="write plain numbers",
        examples=(Example(file="requests.csv", line=7, column="latency", text="\x1b[2Jfast"),) * 5,
    )
    lines = list(check_lines(intake("a", notes=(note,)), []))
    assert lines[6:11] == [
        "rejected   12 rows: duration is not a number",
        "           → write plain numbers",
        *["           requests.csv, line 7, column latency: '\\x1b[2Jfast'"] * 3,
    ]


def test_check_lists_the_worst_of_many_services():
    names = [f"service {number}" for number in range(50_000)]
    qualities = [quality(name, 1.0) for name in names[1:]] + [Skipped(service=names[0], reason="empty")]
    lines = list(check_lines(intake(*names), qualities))
    assert lines[6] == "services   50,000, the worst first"
    assert lines[7].endswith("not usable: empty")
    assert lines[-1] == "  … and 49,970 more; --json lists all"
    assert len(lines) < 50


@pytest.mark.parametrize(
    ("verdict", "recommended", "status", "said"),
    [
        ("raise", 2.5, "made", "Raise: 2 s → 2.5 s"),
        ("keep", 2.0, "reused", "Keep: 2 s (as before)"),
        ("not_suited", None, "made", "Not suited: low traffic: 2 s"),
    ],
)
def test_report_prints_a_line_for_each_service_and_the_path(verdict, recommended, status, said):
    report = Report(
        service="checkout",
        directory=Path("reports/checkout"),
        status=status,
        as_of=datetime(2026, 11, 3, 14, tzinfo=UTC),
        verdict=verdict,
        sentence="…",
        current_threshold=2.0,
        recommended_threshold=recommended,
        data_quality_score=1.0,
    )
    skipped = Skipped(service="x\x07", reason="too few\nexecutions")
    assert list(report_lines([report, skipped], Path("reports/index.html"))) == [
        f"checkout  {said}",
        "x\\x07     skipped: too few\\nexecutions",
        "",
        "reports/index.html",
    ]


@pytest.mark.parametrize("text", ["\x00", "a\u202eb", "\x9b31m", "\ud800", "line\nline", "\u2028"])
def test_nothing_that_moves_a_cursor_is_printed(text):
    assert visible(text).isprintable()
