"""The archive gives back what was put in, in the same bytes, and refuses what is damaged."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slaopt.errors import InputError
from slaopt.intake import Column, ServiceIntake
from slaopt.profile import HOURS, STEPS, Profile, Profiles, SlotSums
from slaopt.report.archive import profiles_digest, read_profiles, write_profiles
from tests.report.runs import READING, contents, small

START = datetime(2026, 10, 1, tzinfo=UTC)


def assert_equal(one: Profile, two: Profile) -> None:
    for name in ("service", "start", "step", "slots", "timezone", "timestamp_is", "failures_are_violations"):
        assert getattr(one, name) == getattr(two, name), name
    assert np.array_equal(one.bounds, two.bounds)
    assert one.counts.shape == two.counts.shape
    assert (one.counts != two.counts).nnz == 0
    for name in SlotSums.__dataclass_fields__:
        assert np.array_equal(getattr(one.slot_sums, name), getattr(two.slot_sums, name), equal_nan=True), name


@st.composite
def any_profiles(draw: st.DrawFn) -> Profiles:
    n = draw(st.integers(0, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    hours = draw(st.integers(0, 30))
    times = np.datetime64("2026-10-01", "us") + rng.integers(0, max(hours, 1) * 3600, n) * np.timedelta64(1, "s")
    durations = rng.choice([0.0, 0.25, 3.0, 1e-7, 5e9], n) if draw(st.booleans()) else rng.lognormal(0, 2, n)
    settings = {
        "timezone": draw(st.sampled_from(["UTC", "Europe/Berlin"])),
        "timestamp_is": draw(st.sampled_from(["start", "end"])),
        "failures_are_violations": draw(st.booleans()),
    }
    service = draw(st.sampled_from(["checkout", "zahlung ü", "a/b", "支付 <b>"]))
    fraction = draw(st.sampled_from([1.0, 0.5, 3e9]))  # histograms extrapolate; billions do not fit 32 bits
    made = []
    for resolution in (HOURS, STEPS):
        profile = Profile.from_durations(
            times, durations, service=service, start=START, end=START + timedelta(hours=hours), resolution=resolution,
            failed=rng.random(n) < 0.2, thresholds=[0.7], **settings,
        )  # fmt: skip
        excluded = rng.choice([0.0, 0.25, 1.0], profile.slots)
        made.append(
            replace(profile, counts=profile.counts * fraction, slot_sums=replace(profile.slot_sums, excluded=excluded))
        )
    reading = replace(READING, columns=(Column(role="duration", name="ms", found="alias"),), statuses=(("ok", n),))
    intake = ServiceIntake(
        service=service, rows=n, accepted=n, first=draw(st.sampled_from([None, START])), reading=reading
    )
    return Profiles(service=service, hours=made[0], steps=made[1], intake=intake)


@settings(max_examples=60)
@given(any_profiles())
def test_what_is_read_is_what_was_written(tmp_path_factory: pytest.TempPathFactory, profiles: Profiles) -> None:
    directory = tmp_path_factory.mktemp("archive")
    write_profiles(profiles, directory)
    again = read_profiles(directory)
    assert again.service == profiles.service
    assert again.intake == profiles.intake
    for name in ("hours", "steps"):
        assert_equal(getattr(again, name), getattr(profiles, name))
    assert profiles_digest(again) == profiles_digest(profiles)
    other = directory / "again"
    write_profiles(again, other)
    assert contents(other) == {name: data for name, data in contents(directory).items() if "/" not in name}


def test_the_order_in_which_parts_were_added_leaves_no_trace(tmp_path: Path) -> None:
    whole = small()
    middle = whole.hours.start + timedelta(days=4)
    for name, order in (("one", 1), ("two", -1)):
        parts = [
            (profile.between(profile.start, middle), profile.between(middle, profile.end))[::order]
            for profile in (whole.hours, whole.steps)
        ]
        (first, second), (third, fourth) = parts
        write_profiles(replace(whole, hours=first + second, steps=third + fourth), tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_digest_tells_any_difference() -> None:
    profiles = small(days=7)
    maxima = profiles.steps.slot_sums.maxima.copy()
    maxima[np.flatnonzero(~np.isnan(maxima))[0]] *= 1 + 1e-15
    sums = replace(profiles.steps.slot_sums, maxima=maxima)
    others = [
        replace(profiles, service="Checkout"),
        replace(profiles, intake=replace(profiles.intake, rejected=1)),
        replace(profiles, hours=replace(profiles.hours, timezone="Europe/Berlin")),
        replace(profiles, steps=replace(profiles.steps, slot_sums=sums)),
        replace(profiles, hours=profiles.hours.scaled(1 + 1e-12)),
    ]
    assert len({profiles_digest(one) for one in [profiles, small(days=7), *others]}) == 1 + len(others)


def busy(rng: np.random.Generator, days: int = 30, a_day: int = 1_000_000) -> Profiles:
    """A busy service with the counts that lognormal durations with a Pareto tail would have."""
    made = []
    for resolution in (HOURS, STEPS):
        values = 0.3 * np.where(
            rng.random(300_000) < 0.05, 2 * rng.random(300_000) ** -0.67, rng.lognormal(0, 0.6, 300_000)
        )
        shape = Profile.from_durations(
            np.full(len(values), np.datetime64("2026-10-01")), values, service="busy",
            start=START, end=START + timedelta(hours=1), resolution=resolution,
        )  # fmt: skip
        slots = int(timedelta(days=days) / resolution.step)
        level = a_day * days / slots * np.exp(0.3 * rng.standard_normal(slots))
        counts = rng.poisson(level[:, None] * (shape.bucket_totals / len(values)))
        slot, bucket = np.nonzero(counts)
        sums = SlotSums.empty(slots)
        for name in ("sums", "log_sums", "minima", "maxima"):
            sums = replace(sums, **{name: rng.random(slots)})
        below = np.concatenate([shape.bounds[:1], shape.bounds[:-1]])
        made.append(
            Profile.from_buckets(
                service="busy", start=START, step=resolution.step, slot=slot, low=below[bucket],
                high=shape.bounds[bucket], count=counts[slot, bucket].astype(float), slot_sums=sums,
            )
        )  # fmt: skip
    intake = ServiceIntake(service="busy", rows=a_day * days, accepted=a_day * days)
    return Profiles(service="busy", hours=made[0], steps=made[1], intake=intake)


def test_thirty_days_of_a_busy_service_are_under_two_megabytes(tmp_path: Path, rng: np.random.Generator) -> None:
    files = write_profiles(busy(rng), tmp_path)
    assert sum(path.stat().st_size for path in files) < 2_000_000


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("archived")
    write_profiles(small(days=7, a_day=100), directory)
    return contents(directory)


def put(files: dict[str, bytes], directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return directory


def test_a_changed_byte_is_refused_or_changes_nothing(
    archived: dict[str, bytes], tmp_path: Path, rng: np.random.Generator
) -> None:
    right = profiles_digest(read_profiles(put(archived, tmp_path)))
    for name, data in archived.items():
        for place in rng.integers(0, len(data), 40):
            changed = bytearray(data)
            changed[place] ^= int(rng.integers(1, 256))
            (tmp_path / name).write_bytes(changed)
            try:
                digest = profiles_digest(read_profiles(tmp_path))
            except InputError as error:
                assert name in str(error)
            else:
                assert digest == right or name == "service.json"  # JSON has no checksum: its digest is the manifest's
        (tmp_path / name).write_bytes(data)


def _foreign_table() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"slot": [1], "value": ["x"]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["service.json", "hours.parquet", "steps_slots.parquet"])
@pytest.mark.parametrize(
    "content",
    [None, b"", b"PAR1", b"\x89PNG\r\n\x1a\n" + bytes(99), b"<html>", b"[1, 2]", b"{}", _foreign_table()],
    ids=["missing", "empty", "magic only", "png", "html", "list", "object", "other table"],
)
def test_a_foreign_file_is_refused_by_name(
    archived: dict[str, bytes], tmp_path: Path, name: str, content: bytes | None
) -> None:
    put(archived, tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_profiles(tmp_path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_truncated_file_is_refused_by_name(archived: dict[str, bytes], tmp_path: Path, share: float) -> None:
    for name, data in archived.items():
        put(archived, tmp_path)
        (tmp_path / name).write_bytes(data[: int(share * len(data))])
        with pytest.raises(InputError, match=name):
            read_profiles(tmp_path)


def _cells(**columns: object) -> pa.Table:
    return pa.table({"slot": [0], "above": [1.0], "up_to": [2.0], "count": [1]} | columns)


@pytest.mark.parametrize(
    "table",
    [
        _cells(slot=[10_000]),
        _cells(slot=[-1]),
        _cells(count=[-1]),
        _cells(count=[float("nan")]),
        _cells(up_to=[0.5]),
        _cells(up_to=[float("inf")]),
        _cells(above=[-1.0]),
        _cells(count=pa.array([None], type=pa.int64())),
        pa.table({"slot": [0, 0], "above": [1.0, 1.5], "up_to": [2.0, 3.0], "count": [1, 1]}),
    ],
    ids=["slot", "slot < 0", "count", "nan", "order", "infinite", "negative", "null", "overlap"],
)
def test_cells_that_make_no_sense_are_refused(archived: dict[str, bytes], tmp_path: Path, table: pa.Table) -> None:
    put(archived, tmp_path)
    pq.write_table(table, tmp_path / "hours.parquet")
    with pytest.raises(InputError, match=r"hours\.parquet"):
        read_profiles(tmp_path)


def test_files_of_two_archives_do_not_mix(archived: dict[str, bytes], tmp_path: Path) -> None:
    said = json.loads(archived["service.json"])
    said["hours"]["slots"] += 1
    put(archived | {"service.json": json.dumps(said).encode()}, tmp_path)
    with pytest.raises(InputError, match="slots"):
        read_profiles(tmp_path)
