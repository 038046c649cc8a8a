"""Files that are broken, hostile or not what they seem: refused by name or read right with a warning, never misread."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from slaopt import cli
from slaopt.errors import InputError
from slaopt.intake import Intake, Note
from slaopt.params import load_params
from slaopt.printing import check_lines
from slaopt.profile import Profiles
from slaopt.sources import connect, scan

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEADER = "timestamp,service,duration_ms\n"


def rows(n: int, *, start: int = 0) -> str:
    """Good rows: the i-th a minute after the one before, 100 ms and more."""
    return "".join(f"2026-11-20T{i // 60:02d}:{i % 60:02d}:00Z,checkout,{100 + i}\n" for i in range(start, start + n))


GOOD = HEADER + rows(5)


def inspect(path: Path, **options: object) -> Intake:
    return connect(str(path), book=load_params(None), now=NOW, **options).inspect()  # type: ignore[arg-type]


def counted(path: Path, **options: object) -> list[Profiles]:
    book = load_params(None)
    source = connect(str(path), book=book, now=NOW, **options)  # type: ignore[arg-type]
    return [item for item in scan(source, book) if isinstance(item, Profiles)]


def note(intake: Intake, words: str) -> Note:
    found = [one for one in intake.notes if words in one.reason]
    assert found, [one.reason for one in intake.notes]
    return found[0]


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "the file is empty"),
    "blank.csv": (b"\n \n\n", "nothing but blanks"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG picture"),
    "picture.csv.gz": (gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(100)), "PNG picture"),
    "page.csv": (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "HTML"),
    "letter.csv": (b"%PDF-1.7 ...", "PDF"),
    "book.csv": (b"PK\x03\x04" + bytes(50), "spreadsheet"),
    "ops.csv": (b"SQLite format 3\x00" + bytes(50), "sqlite:///"),
    "packed.csv": (b"BZh91AY&SY", "unpack"),
    "noise.csv": (bytes(range(256)) * 4, "binary"),
    "cut.csv.gz": (gzip.compress(GOOD.encode())[:-12], "damaged or cut off"),
    "cut.parquet": (b"PAR1" + bytes(20), "damaged"),
    "joined.csv": (GOOD.encode().replace(b"\n", b"\r\n") + GOOD.split("\n")[1].encode() + b"\n", "end in two ways"),
    "wrong.csv": (b"when,what,how\n1,2,3\n", "no column for timestamp and duration among 'when', 'what', 'how'"),
    "one.csv": (b"timestamp,service\n2026-11-20T00:00:00Z,checkout\n", "--column duration=NAME"),
    "none.csv": (b"2026-11-20T00:00:00Z,checkout,100\n2026-11-20T00:01:00Z,checkout,101\n", "no column names"),
    "twice.csv": (b"timestamp,service,duration_ms,duration_ms\n", "duration_ms"),
    "both.csv": (b"timestamp,service,duration_ms,duration_s\n", "could both be the duration"),
    "other.json": (b'{"status": "ok",\n "data": [1, 2]}', "JSON, but not one object a line"),
    "numbers.json": (b"[1, 2, 3]", "array of objects"),
    "cut.json": (b'[{"timestamp": "2026-11-20T00:00:00Z", "durat', "breaks off"),
    "keys.jsonl": (b'{"a": 1}\n{"a": 2}\n', "among 'a'"),
    "line.csv": (b"x" * 10_000_000, "line 1"),
    "units.csv": (
        b"timestamp,service,duration_ms,duration_unit\n2026-11-20T00:00:00Z,checkout,100,s\n",
        "say which holds: --unit",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_of_measurements_is_refused_by_name(name, tmp_path):
    content, words = REFUSED[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        inspect(path)
    assert words in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@dataclass(frozen=True)
class Case:
    content: bytes | str
    accepted: int
    seconds: float | None = None  # the longest duration
    notes: tuple[tuple[str, int], ...] = ()  # reason and count
    line: int | None = None  # of the first example of the first note
    services: tuple[str, ...] = ("checkout",)


READ: dict[str, Case] = {
    "good.csv": Case(GOOD, 5, 0.104),
    "header-only.csv": Case(HEADER, 0, services=()),
    "crlf.csv": Case(GOOD.replace("\n", "\r\n"), 5, 0.104),
    "bom.csv": Case("\ufeff" + GOOD, 5, 0.104),
    "utf16.csv": Case(GOOD.encode("utf-16"), 5, 0.104),
    "semicolons.csv": Case(GOOD.replace(",", ";"), 5, 0.104),
    "tabs.tsv": Case(GOOD.replace(",", "\t"), 5, 0.104),
    "excel.csv": Case("sep=;\n" + GOOD.replace(",", ";"), 5, 0.104),
    "unsorted.csv": Case(HEADER + "".join(reversed(rows(5).splitlines(keepends=True))), 5, 0.104),
    "doubled.csv": Case(GOOD + rows(5), 10, 0.104),
    "nan.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,NaN\n", 5, 0.104, (("not finite", 1),), 7),
    "infinite.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,inf\n", 5, 0.104, (("not finite", 1),), 7),
    "huge.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,1e308\n", 5, 0.104, (("longer than 300 years", 1),), 7),
    "negative.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,-3\n", 5, 0.104, (("negative", 1),), 7),
    "blank.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,\n", 5, 0.104, (("duration is blank", 1),), 7),
    "underscore.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,1_000\n", 5, 0.104, (("not a number", 1),), 7),
    "words.csv": Case(GOOD + "2026-11-20T01:00:00Z,checkout,timed out\n", 5, 0.104, (("not a number", 1),), 7),
    "with-units.csv": Case(
        "timestamp,service,duration\n2026-11-20T00:00:00Z,checkout,12 ms\n2026-11-20T00:01:00Z,checkout,1.5s\n", 2, 1.5
    ),
    "zero.csv": Case(HEADER + "2026-11-20T01:00:00Z,checkout,0\n" * 3, 3, 0.0),
    "decimal-comma.csv": Case(
        "timestamp;service;duration_s\n2026-11-20T00:00:00Z;checkout;0,25\n2026-11-20T00:01:00Z;checkout;1,5\n", 2, 1.5,
        (("decimal comma", 2),),
    ),
    "thousands.csv": Case(
        'timestamp,service,duration_ms\n2026-11-20T00:00:00Z,checkout,"1,234.5"\n2026-11-20T00:01:00Z,checkout,"1,500"\n',
        2, 1.5, (("thousands separators", 2),),
    ),
    "which-comma.csv": Case(
        "timestamp;service;duration_ms\n2026-11-20T00:00:00Z;checkout;1,234\n2026-11-20T00:01:00Z;checkout;15\n", 1,
        0.015, (("comma that may part decimals or thousands", 1),), 2,
    ),
    "naive.csv": Case(GOOD.replace("Z,", ","), 5, 0.104),
    "mixed-zones.csv": Case(
        GOOD + "2026-11-20T02:00:00+02:00,checkout,7\n2026-11-20T00:00:00,checkout,8\n", 7, 0.104,
        (("some times carry a zone and others do not", 1),),
    ),
    "1970.csv": Case(GOOD + "1970-01-01T00:00:00Z,checkout,7\n", 5, 0.104, (("before 1990", 1),), 7),
    "2262.csv": Case(GOOD + "2262-04-11T23:47:16Z,checkout,7\n", 6, 0.104, (("in the future", 1),)),
    "nonsense-time.csv": Case(GOOD + "yesterday,checkout,7\n", 5, 0.104, (("timestamp cannot be read", 1),), 7),
    "no-time.csv": Case(GOOD + ",checkout,7\n", 5, 0.104, (("timestamp is blank", 1),), 7),
    "no-such-day.csv": Case(GOOD + "2026-02-30T00:00:00Z,checkout,7\n", 5, 0.104, (("cannot be read", 1),), 7),
    "dates.csv": Case(HEADER + "2026-11-20,checkout,7\n", 1, 0.007, (("dates without a time of day", 1),)),
    "day-or-month.csv": Case(
        HEADER + "01/02/2026 10:00,checkout,7\n", 0, None, (("day first or month first", 1),), 2, ()
    ),
    "day-first.csv": Case(
        HEADER + "01/02/2026 10:00,checkout,7\n13/02/2026 10:00,checkout,8\n", 2, 0.008, (("read day first", 2),)
    ),
    "month-first.csv": Case(
        HEADER + "01/02/2026 10:00 PM,checkout,7\n02/13/2026 10:00 AM,checkout,8\n", 2, 0.008, (("month first", 2),)
    ),
    "day-and-month.csv": Case(
        HEADER + "13/02/2026 10:00,checkout,7\n02/13/2026 10:00,checkout,8\n", 0, None,
        (("day first or month", 2),), 2, (),
    ),
    "german.csv": Case(HEADER + "20.11.2026 10:00:00,checkout,7\n", 1, 0.007),
    "epoch-s.csv": Case(HEADER + "1763600000,checkout,7\n", 1, 0.007),
    "epoch-ms.csv": Case(HEADER + "1763600000000,checkout,7\n", 1, 0.007),
    "epoch-ns.csv": Case(HEADER + "1763600000000000000,checkout,7\n", 1, 0.007),
    "no-service.csv": Case(GOOD + "2026-11-20T01:00:00Z, ,7\n", 5, 0.104, (("service is blank", 1),), 7),
    "control.csv": Case(GOOD + "2026-11-20T01:00:00Z,che\x1b[31mckout,7\n", 5, 0.104, (("control characters", 1),), 7),
    "long-name.csv": Case(
        GOOD + f"2026-11-20T01:00:00Z,{'x' * 10_000_000},7\n", 5, 0.104, (("longer than 100 characters", 1),), 7
    ),
    "hostile.csv": Case(
        GOOD
        + "2026-11-20T01:00:00Z,../../etc/passwd,7\n2026-11-20T01:00:00Z,<script>alert(1)</script>,7\n"
        + "2026-11-20T01:00:00Z,'; DROP TABLE rows; --,7\n",
        8, 0.104, (), None, ("'; DROP TABLE rows; --", "../../etc/passwd", "<script>alert(1)</script>", "checkout"),
    ),
    "case.csv": Case(
        GOOD + "2026-11-20T01:00:00Z,Checkout,7\n", 6, 0.104, (("differ only in case", 0),), None,
        ("Checkout", "checkout"),
    ),
    "accents.csv": Case(
        HEADER + "2026-11-20T01:00:00Z,caf\u00e9,7\n2026-11-20T01:00:00Z, cafe\u0301 ,8\n", 2, 0.008, (), None,
        ("café",),
    ),
    "ragged.csv": Case(
        HEADER + "2026-11-20T01:00:00Z,checkout\n" + rows(2) + "2026-11-20T01:00:00Z,checkout,7,8,9\n", 2, 0.101,
        (("row cannot be read", 2),), 2,
    ),
    "unclosed.csv": Case(
        HEADER + rows(2) + '2026-11-20T01:00:00Z,"checkout,7\n' + rows(3), 2, 0.101, (("never closed", 4),), 4
    ),
    "quoted.csv": Case(
        HEADER + '2026-11-20T01:00:00Z,"a\nb",7\n' + rows(2) + "2026-11-20T01:00:00Z,checkout,-1\n", 2, 0.101,
        (("control characters", 1), ("negative", 1)), 2,
    ),
    "latin1.csv": Case(
        GOOD.encode() + "2026-11-20T01:00:00Z,café,7\n".encode("latin-1"), 5, 0.104, (("row cannot be read", 1),), 7
    ),
    "long-line.csv": Case(
        HEADER + rows(2) + "2026-11-20T01:00:00Z," + "x" * 20_000_000 + ",7\n" + rows(1), 3, 0.101,
        (("row cannot be read", 1),), 4,
    ),
    "broken.jsonl": Case(
        '{"timestamp": "2026-11-20T00:00:00Z", "service": "checkout", "duration_ms": 7}\n{"timestamp": "2026-\n\n'
        '{"timestamp": "2026-11-20T00:00:00Z", "service": "checkout", "duration_ms": null}\n[1]\n',
        1, 0.007, (("row cannot be read", 1), ("timestamp is blank", 1), ("duration is blank", 1)), 2,
    ),
    "array.json": Case(
        json.dumps([{"ts": 1763600000, "service": "checkout", "latency_ms": 7}, {"ts": 1763600001, "service": "x"}]),
        1, 0.007, (("duration is blank", 1),), 2,
    ),
    "packed.csv.gz": Case(gzip.compress(GOOD.encode()), 5, 0.104),
    "packed-by-another-name.csv": Case(gzip.compress(GOOD.encode()), 5, 0.104),
    "packed.csv.zst": Case(pa.compress(GOOD.encode(), codec="zstd", asbytes=True), 5, 0.104),
    "plain-inside.csv.gz": Case(GOOD, 5, 0.104),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_read_right_and_the_rest_is_named(name, tmp_path):
    case = READ[name]
    path = tmp_path / name
    path.write_bytes(case.content if isinstance(case.content, bytes) else case.content.encode())
    intake = inspect(path)
    assert intake.accepted == case.accepted
    assert tuple(item.service for item in intake.services if item.accepted) == case.services
    assert intake.rows == intake.accepted + intake.rejected
    for reason, count in case.notes:
        assert note(intake, reason).count == count
        assert note(intake, reason).remedy
    if case.line is not None:
        example = note(intake, case.notes[0][0]).examples[0]
        assert (example.file, example.line) == (str(path), case.line)
    assert len(intake.notes) == len(case.notes), [one.reason for one in intake.notes]
    if case.seconds is not None:
        longest = max(np.nanmax(item.hours.slot_sums.maxima) for item in counted(path))
        assert longest == case.seconds


def table(path: Path, **columns: object) -> Path:
    parquet.write_table(pa.table(columns), path)
    return path


STAMPS = pa.array([datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in range(3)], pa.timestamp("us", tz="UTC"))


@pytest.mark.parametrize(
    ("durations", "seconds"),
    [
        (pa.array([2.2, 1.1, None], pa.float32()), 2.2),  # 2.2 in 32 bits is a little more
        (pa.array([2, 1, None], pa.int32()), 2.0),
        (pa.array(["2.2", "1.1", ""]), 2.2),
        (pa.array([2_200, 1_100, None], pa.duration("ms")), 2.2),
    ],
)
def test_parquet_durations_of_any_type_are_seconds(durations, seconds, tmp_path):
    path = table(tmp_path / "typed.parquet", timestamp=STAMPS, duration=durations)
    (profiles,) = counted(path)
    assert float(np.nanmax(profiles.hours.slot_sums.maxima)) == seconds
    assert profiles.service == "typed"
    found = note(inspect(path), "duration is blank")
    assert (found.count, found.examples[0].line) == (1, 3)


@pytest.mark.parametrize(
    "stamps",
    [
        STAMPS.cast(pa.timestamp("ns", tz="UTC")),
        STAMPS.cast(pa.timestamp("ms", tz="Europe/Berlin")),
        pa.array([stamp.as_py().isoformat() for stamp in STAMPS]),
        pa.array([int(stamp.as_py().timestamp()) for stamp in STAMPS]),
        pa.array([stamp.as_py().timestamp() * 1000 for stamp in STAMPS]),
    ],
)
def test_parquet_times_of_any_type_are_utc(stamps, tmp_path):
    intake = inspect(table(tmp_path / "typed.parquet", timestamp=stamps, duration_s=[1.0, 2.0, 3.0]))
    assert (intake.first, intake.last) == (STAMPS[0].as_py(), STAMPS[2].as_py())


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"timestamp": [True, False], "duration": [1.0, 2.0]}, "of type BOOLEAN holds no times"),
        ({"timestamp": STAMPS[:2], "duration": [[1.0], [2.0]]}, "holds no durations"),
        ({"timestamp": STAMPS[:2], "duration": [{"a": 1}, {"a": 2}]}, "holds no durations"),
    ],
)
def test_parquet_columns_of_another_type_are_refused(columns, words, tmp_path):
    path = table(tmp_path / "odd.parquet", **columns)
    with pytest.raises(InputError, match=words):
        inspect(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gone.csv", "there is no such file or folder"),
        ("requests.cvs", "did you mean"),
        ("*.parquet", "no file matches"),
        ("hollow", "the folder holds no CSV"),
        ("http://example.com/a.csv", "download"),
        ("s3://bucket/a.parquet?secret=x", "download"),
        ("a\0b.csv", "NUL"),
        ("x" * 5_000, "cannot be opened"),
    ],
)
def test_places_that_lead_nowhere_are_named(text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("requests.csv").write_text(GOOD)
    Path("hollow").mkdir()
    Path("hollow/notes.md").write_text("nothing")
    with pytest.raises(InputError, match=words) as refusal:
        inspect(Path(text)) if "://" not in text else connect(text, book=load_params(None), now=NOW)
    assert "secret" not in str(refusal.value)
    assert len(str(refusal.value)) < 500


def test_a_folder_is_read_though_some_of_its_files_are_broken(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.tsv").write_text(GOOD.replace(",", "\t"))
    (tmp_path / "deep").mkdir()
    table(tmp_path / "deep" / "c.parquet", ts=STAMPS, service=["checkout"] * 3, latency=[0.1, 0.2, 0.3])
    (tmp_path / "d.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "e.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "f.csv.gz").write_bytes(
        gzip.compress(np.random.default_rng(0).bytes(3_000_000).hex().encode())[:-900_000]
    )
    (tmp_path / "g.csv").write_text("when,what\n1,2\n")
    (tmp_path / ".hidden.csv").write_text("garbage")
    (tmp_path / "README.md").write_text("garbage")
    intake = inspect(tmp_path)
    assert intake.accepted == 13
    assert intake.reading.format == "csv, parquet, tsv"
    left_out = {Path(one.examples[0].file or "").name for one in intake.notes if one.reason.startswith("left out")}
    assert left_out == {"d.csv", "e.parquet", "f.csv.gz", "g.csv"}
    (profiles,) = counted(tmp_path)
    assert profiles.hours.executions.sum() == 13


def test_a_folder_of_text_and_tables_says_line_or_row_by_file(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD + "2026-11-20T01:00:00Z,checkout,fast\n")
    table(tmp_path / "b.parquet", ts=[*STAMPS[:2], None], service=["checkout"] * 3, latency=[0.1, 0.2, 0.3])
    intake = inspect(tmp_path)
    places = {Path(one.file or "").name: (one.unit, one.line) for note in intake.notes for one in note.examples}
    assert places == {"a.csv": ("line", 7), "b.parquet": ("row", 3)}
    said = "\n".join(check_lines(intake, []))
    assert "a.csv, line 7," in said
    assert "b.parquet, row 3," in said


def test_a_file_that_breaks_off_late_is_left_out_whole(tmp_path):
    lines = "".join(f"2026-11-20T00:00:00Z,{np.random.default_rng(i).bytes(40).hex()},7\n" for i in range(60_000))
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((HEADER + lines).encode())[:-100_000])
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(GOOD.encode()))
    intake = inspect(tmp_path)
    assert intake.accepted == 10
    assert [Path(one.examples[0].file or "").name for one in intake.notes] == ["b.csv.gz"]


def test_a_folder_without_one_readable_file_says_why(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(InputError, match=r"none of 2 files can be read.*empty"):
        inspect(tmp_path)


def test_names_with_signs_of_patterns_are_files(tmp_path):
    path = tmp_path / "requests [1]*?.csv"
    path.write_text(GOOD + "2026-11-20T01:00:00Z,checkout,-1\n")
    intake = inspect(path)
    assert intake.accepted == 5
    assert note(intake, "negative").examples[0].file == str(path)
    copy = tmp_path / "it's.parquet"
    table(copy, timestamp=STAMPS, duration_s=[1.0, 2.0, 3.0])
    assert inspect(copy).accepted == 3


def test_clock_changes_are_said(tmp_path):
    path = tmp_path / "berlin.csv"
    path.write_text(
        HEADER + "2026-03-29 01:59:59,checkout,1\n2026-03-29 02:30:00,checkout,2\n2026-03-29 03:00:00,checkout,3\n"
        "2026-10-25 02:30:00,checkout,4\n2026-10-25 03:00:00,checkout,5\n"
    )
    intake = inspect(path, timezone="Europe/Berlin")
    assert (intake.accepted, intake.rejected) == (4, 1)
    skipped = note(intake, "does not exist where the clock went forward")
    assert (skipped.count, skipped.examples[0].line) == (1, 3)
    assert note(intake, "showed twice were read as the earlier one").count == 1
    assert intake.first == datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    assert intake.last == datetime(2026, 10, 25, 2, tzinfo=UTC)


def test_local_times_of_parquet_are_read_in_the_zone_that_is_given(tmp_path):
    local = pa.array([datetime(2026, 10, 25, 1), datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 3)])
    path = table(tmp_path / "local.parquet", timestamp=local, duration_s=[1.0, 2.0, 3.0])
    assert inspect(path).reading.stamps == "naive"
    intake = inspect(path, timezone="Europe/Berlin")
    assert (intake.first, intake.last) == (
        datetime(2026, 10, 24, 23, tzinfo=UTC),
        datetime(2026, 10, 25, 2, tzinfo=UTC),
    )
    assert note(intake, "showed twice").count == 1


def test_a_table_is_for_databases(tmp_path):
    with pytest.raises(InputError, match="--table is for databases"):
        connect(str(tmp_path), book=load_params(None), now=NOW, table="ops")


def test_what_is_said_wins_over_what_is_seen(tmp_path):
    path = tmp_path / "said.csv"
    path.write_text('when,who,took,value\n2026-11-20T00:00:00,checkout,"1,234",9\n')
    assert float(counted(path, columns={"timestamp": "when"}, decimal=".")[0].hours.slot_sums.maxima.max()) == 1_234.0
    intake = inspect(
        path, columns={"timestamp": "when", "service": "WHO"}, unit="ms", decimal=",", timezone="Asia/Tokyo"
    )
    assert intake.first == datetime(2026, 11, 19, 15, tzinfo=UTC)
    found = {column.role: (column.name, column.found) for column in intake.reading.columns}
    assert found == {"timestamp": ("when", "given"), "service": ("who", "given"), "duration": ("took", "alias")}
    with pytest.raises(InputError, match="did you mean 'took'"):
        inspect(path, columns={"timestamp": "when", "duration": "tok"})
    for wrong in ({"unit": "parsec"}, {"timezone": "Mars/Olympus"}, {"columns": {"colour": "took"}}):
        with pytest.raises(InputError, match="give"):
            inspect(path, **wrong)


def test_keys_inside_of_others_can_be_named(tmp_path):
    path = tmp_path / "nested.jsonl"
    path.write_text(json.dumps({"@timestamp": "2026-11-20T00:00:00Z", "http": {"took": 7, "a/b~c": "checkout"}}) + "\n")
    with pytest.raises(InputError, match=r"among '@timestamp', 'http.took', 'http.a/b~c'"):
        inspect(path)
    (profiles,) = counted(path, columns={"duration": "http.took", "service": "http.a/b~c"}, unit="ms")
    assert (profiles.service, profiles.hours.slot_sums.sums.sum()) == ("checkout", 0.007)


def test_a_column_of_units_is_honoured_row_by_row(tmp_path):
    path = tmp_path / "units.csv"
    path.write_text(
        "timestamp,duration,duration_unit\n2026-11-20T00:00:00Z,2300,ms\n2026-11-20T00:00:00Z,2,Seconds\n"
        "2026-11-20T00:00:00Z,1,min\n2026-11-20T00:00:00Z,5,\n2026-11-20T00:00:00Z,5,parsec\n"
    )
    intake = inspect(path)
    assert (intake.accepted, intake.reading.unit) == (4, "by row")
    bad = note(intake, "unit is no unit of time")
    assert (bad.count, bad.examples[0].line, bad.examples[0].text) == (1, 6, "parsec")
    (profiles,) = counted(path)
    assert profiles.hours.slot_sums.sums.sum() == 2.3 + 2 + 60 + 5


def test_a_column_called_unit_may_be_of_something_else(tmp_path):
    path = tmp_path / "unit.csv"
    path.write_text("timestamp,duration,unit\n2026-11-20T00:00:00Z,2,percent\n")
    intake = inspect(path)
    assert note(intake, "not taken for a unit of time").remedy
    assert (intake.reading.unit, intake.reading.unit_from) == ("s", "default")


def test_fifty_thousand_services_are_kept_apart(tmp_path):
    names = pa.array([f"service-{i:05d}" for i in range(50_000)])
    stamps = pa.array([datetime(2026, 11, 20, tzinfo=UTC)] * 50_000, pa.timestamp("us", tz="UTC"))
    path = table(tmp_path / "many.parquet", timestamp=stamps, service=names, duration_s=np.arange(50_000) / 1000)
    source = connect(str(path), book=load_params(None), now=NOW)
    intake = source.inspect()
    assert len(intake.services) == 50_000
    day = datetime(2026, 11, 20, tzinfo=UTC)
    some = ["service-00007", "service-49999"]
    found = [item.hours.slot_sums.sums.sum() for item in source.profiles(some, day, day + timedelta(days=1))]  # type: ignore[union-attr]
    assert found == [0.007, 49.999]


def test_too_many_services_are_no_services(tmp_path):
    names = pa.array([str(i) for i in range(100_001)])
    stamps = pa.array([0] * 100_001, pa.timestamp("us", tz="UTC"))
    path = table(tmp_path / "ids.parquet", timestamp=stamps, service=names, duration_s=np.ones(100_001))
    with pytest.raises(InputError, match="more than 100,000 different values"):
        inspect(path)


@pytest.mark.parametrize("name", [*REFUSED, *READ])
def test_the_console_shows_no_traceback_and_no_warning(name, tmp_path, monkeypatch, capfd):
    content = REFUSED[name][0] if name in REFUSED else READ[name].content
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = set(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["slaopt", "check", str(path), "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capfd.readouterr()
    if name in REFUSED:
        assert (ended.value.code, out) == (2, "")
        assert err.startswith("slaopt: ")
        assert len(err.splitlines()) == 1
    else:
        if name == "header-only.csv":
            assert (ended.value.code, err) == (cli.BAD, f"slaopt: {path}: holds no rows\n")
        else:
            assert ended.value.code in (cli.DONE, cli.SKIPPED)
            assert err == ""
        assert json.loads(out, parse_constant=lambda text: pytest.fail(f"{text} in JSON"))
    assert "Error" not in err
    assert set(tmp_path.rglob("*")) == before


def test_a_quote_that_is_never_closed_loses_the_rest_and_says_where(tmp_path):
    path = tmp_path / "quote.csv"
    path.write_text(GOOD + '2026-11-20T01:00:00Z,"checkout,7\n' + rows(999, start=5))
    intake = inspect(path)
    lost = note(intake, "a quote is never closed")
    assert (lost.count, lost.examples[0].line, intake.rows, intake.accepted) == (1000, 7, 1005, 5)
    assert len(intake.notes) == 1


def test_a_second_column_of_durations_is_named_unless_one_is_given(tmp_path):
    path = tmp_path / "two.csv"
    path.write_text("timestamp,service,duration,latency_ms\n2026-11-20T01:00:00Z,checkout,0.1,100\n")
    warning = note(inspect(path), "'latency_ms'")
    assert "--column duration=latency_ms" in warning.remedy
    assert not inspect(path, columns={"duration": "duration"}).notes
