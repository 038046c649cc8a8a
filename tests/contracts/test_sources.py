"""One body, every adapter: the same rows give the same Profiles and the same counts, and these are the true ones.

The truth comes from the rows themselves, by `Profile.from_durations`, numpy and pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from slaopt.excluded import BusinessHours, Excluded, Maintenance, excluded_steps
from slaopt.intake import Intake
from slaopt.params import Params, ParamsBook
from slaopt.profile import HOURS, STEPS, Profile, Profiles, Resolution
from slaopt.result import Skipped
from slaopt.sources import connect, scan

END = datetime(2026, 11, 3, 14, tzinfo=UTC)
START = END - timedelta(days=10)
SERVICES = ("checkout", "login", "zürich")
THRESHOLD = 2.345  # no round number: counted exactly only because it is asked for

Write = Callable[[Mapping[str, Sequence[Any]]], str]


def book(*, services: Mapping[str, Params] | None = None, **default: Any) -> ParamsBook:
    return ParamsBook(default=Params(**default), services=services or {})


class Rows:
    """Random executions: a few services, some failures, durations on bounds of buckets and at zero among them."""

    def __init__(self, rng: np.random.Generator, count: int = 1500) -> None:
        offsets = np.sort(rng.integers(0, (END - START) // timedelta(microseconds=1), count))
        offsets[:3] = 0, 3_600_000_000 - 1, 3_600_000_000  # the first slot, the end of one, the start of the next
        self.times = np.datetime64(START.replace(tzinfo=None), "us") + offsets.astype("timedelta64[us]")
        self.durations = np.round(rng.lognormal(0.3, 0.8, count), 3)
        special = [0.0, 1.0, 2.0, 4.0, 2.5, 2.5 / 1.5, THRESHOLD, THRESHOLD / 4, 1e-9, 5e9, 2.0 ** (1 / 128)]
        self.durations[: len(special)] = special
        self.services = rng.choice(SERVICES, count)
        self.failed = rng.random(count) < 0.05
        self.failed[: len(special)] = False

    @property
    def stamps(self) -> list[datetime]:
        return [time.replace(tzinfo=UTC) for time in self.times.tolist()]

    @property
    def columns(self) -> dict[str, list[Any]]:
        return {
            "timestamp": self.stamps,
            "service": self.services.tolist(),
            "duration": self.durations.tolist(),
            "status": np.where(self.failed, "Failed", "ok").tolist(),
        }

    def profile(
        self, service: str, resolution: Resolution, *, kept: np.ndarray | None = None, thresholds: Sequence[float] = ()
    ) -> Profile:
        mine = self.services == service
        if kept is not None:
            mine &= kept
        return Profile.from_durations(
            self.times[mine], self.durations[mine], service=service, start=START, end=END, resolution=resolution,
            thresholds=thresholds, failed=self.failed[mine],
        )  # fmt: skip


def assert_same(one: Profile, two: Profile) -> None:
    """Exactly the same counts in the same buckets; sums up to rounding."""
    one, two = one._canonical(), two._canonical()
    assert (one.service, one.start, one.step, one.slots) == (two.service, two.start, two.step, two.slots)
    np.testing.assert_array_equal(one.bounds, two.bounds)
    assert (one.counts != two.counts).nnz == 0
    for name in ("sums", "log_sums", "minima", "maxima", "failures"):
        np.testing.assert_allclose(
            getattr(one.slot_sums, name), getattr(two.slot_sums, name), rtol=1e-9, atol=1e-9, err_msg=name
        )


def by_name(items: Any) -> dict[str, Profiles]:
    profiles = list(items)
    assert [item.service for item in profiles] == sorted(item.service for item in profiles)
    assert not [item for item in profiles if isinstance(item, Skipped)]
    return {item.service: item for item in profiles}


def reasons(intake: Intake, kind: str = "rejected") -> dict[str, int]:
    return {note.reason: note.count for note in intake.notes if note.kind == kind}


def test_profiles_are_those_of_the_raw_rows(write: Write, rng: np.random.Generator) -> None:
    rows = Rows(rng)
    source = connect(write(rows.columns), book=book(), now=END)
    found = by_name(source.profiles(None, START, END, thresholds={"checkout": [THRESHOLD]}))
    assert list(found) == sorted(SERVICES)
    for service, profiles in found.items():
        thresholds = [THRESHOLD] if service == "checkout" else []
        assert_same(profiles.hours, rows.profile(service, HOURS, thresholds=thresholds))
        assert_same(profiles.steps, rows.profile(service, STEPS, thresholds=thresholds))
    checkout = rows.durations[(rows.services == "checkout") & ~rows.failed]
    for threshold in (THRESHOLD, THRESHOLD / 4, 2.5, 1.0):
        assert found["checkout"].steps.violations(threshold).exact
        assert found["checkout"].steps.violations(threshold).lower.sum() == np.sum(checkout > threshold)


def test_a_part_of_the_period_and_of_the_services(write: Write, rng: np.random.Generator) -> None:
    rows = Rows(rng)
    source = connect(write(rows.columns), book=book(), now=END)
    start, end = START + timedelta(days=2), END - timedelta(days=3)
    login, missing = source.profiles(["nobody", "login"], start, end)
    assert isinstance(login, Profiles)
    assert_same(login.hours, rows.profile("login", HOURS).between(start, end))
    assert_same(login.steps, rows.profile("login", STEPS).between(start, end))
    mine = rows.times[rows.services == "login"]
    inside = mine[
        (mine >= np.datetime64(start.replace(tzinfo=None))) & (mine < np.datetime64(end.replace(tzinfo=None)))
    ]
    assert login.intake.rows == len(inside)
    assert login.intake.first == inside.min().item().replace(tzinfo=UTC)
    assert login.intake.last == inside.max().item().replace(tzinfo=UTC)
    assert isinstance(missing, Skipped)
    assert missing.service == "nobody"


def test_intake_counts_are_those_of_the_raw_rows(write: Write, rng: np.random.Generator) -> None:
    rows = Rows(rng)
    source = connect(write(rows.columns), book=book(), now=END)
    intake, found = source.inspect(), by_name(source.profiles(None, START, END))
    assert (intake.rows, intake.accepted, intake.rejected) == (len(rows.times), int(np.sum(~rows.failed)), 0)
    assert (intake.first, intake.last) == (min(rows.stamps), max(rows.stamps))
    assert dict(intake.reading.statuses) == {"ok": int(np.sum(~rows.failed)), "Failed": int(np.sum(rows.failed))}
    assert (intake.reading.unit, intake.reading.stamps, intake.reading.timezone) == ("s", "with zone", "UTC")
    assert [column.role for column in intake.reading.columns] == ["timestamp", "service", "duration", "status"]
    for whole in intake.services:
        mine = rows.services == whole.service
        counted = rows.durations[mine & ~rows.failed]
        _, frequencies = np.unique(counted, return_counts=True)
        period = found[whole.service].intake
        for part in (whole, period):
            assert (part.rows, part.accepted, part.failed) == (np.sum(mine), len(counted), np.sum(mine & rows.failed))
            assert (part.rejected, part.excluded, part.doubles, part.future) == (0, 0, 0, 0)
            assert part.most_frequent == frequencies.max()
            assert part.first == rows.times[mine].min().item().replace(tzinfo=UTC)


def test_rejected_rows_are_counted_by_reason(write: Write) -> None:
    good = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    broken: list[tuple[Any, Any, Any, Any]] = [
        (None, "checkout", 1.0, "ok"),
        (datetime(1970, 1, 1, tzinfo=UTC), "checkout", 1.0, "ok"),
        (good, "  ", 1.0, "ok"),
        (good, None, 1.0, "ok"),
        (good, "bad\x07name", 1.0, "ok"),
        (good, "x" * 101, 1.0, "ok"),
        (good, "checkout", None, "ok"),
        (good, "checkout", float("inf"), "ok"),
        (good, "checkout", -0.5, "ok"),
        (good, "checkout", 2e10, "ok"),
        (good, "checkout", None, "failed"),  # a failed execution needs no duration
        (None, None, None, "ok"),  # only the first reason counts
    ]
    rows = [(good, "checkout", 1.5, "ok"), (good, "checkout", 2.5, None), *broken]
    columns = dict(zip(("timestamp", "service", "duration", "status"), zip(*rows, strict=True), strict=True))
    source = connect(write(columns), book=book(), now=END)
    intake = source.inspect()
    assert reasons(intake) == {
        "timestamp is blank": 2,
        "timestamp lies before 1990": 1,
        "service is blank": 2,
        "service has control characters": 1,
        "service is longer than 100 characters": 1,
        "duration is blank": 1,
        "duration is not finite": 1,
        "duration is negative": 1,
        "duration is longer than 300 years": 1,
    }
    assert (intake.rows, intake.accepted, intake.rejected) == (14, 2, 11)
    assert all(note.examples for note in intake.notes)
    (profiles,) = source.profiles(None, START, END)
    assert isinstance(profiles, Profiles)
    part = profiles.intake
    # rows without a usable time belong to every period
    assert (part.rows, part.accepted, part.failed, part.rejected) == (9, 2, 1, 6)
    assert profiles.hours.executions.sum() == 2
    assert profiles.hours.slot_sums.failures.sum() == 1


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_excluded_time_is_left_out_step_by_step(write: Write, rng: np.random.Generator, zone: str) -> None:
    rows = Rows(rng)
    maintenance = Maintenance.model_validate(
        {"from": START + timedelta(days=3, minutes=7), "to": START + timedelta(days=3, minutes=31)}
    )
    excluded = Excluded(
        business_hours=BusinessHours.model_validate({"from": "08:30", "to": "18:00"}), maintenance=(maintenance,)
    )
    own = Params(service="login", failed_statuses=("ok",))  # counts around the clock, and the wrong way round
    source = connect(write(rows.columns), book=book(timezone=zone, excluded=excluded, services={"login": own}), now=END)
    found = by_name(source.profiles(None, START, END))
    mask = excluded_steps(excluded, timezone=zone, start=START, end=END)
    kept = ~mask[(rows.times - np.datetime64(START.replace(tzinfo=None), "us")) // np.timedelta64(5, "m")]
    for service in ("checkout", "zürich"):
        truth = rows.profile(service, STEPS, kept=kept)
        assert_same(found[service].steps, truth)
        assert_same(found[service].hours, rows.profile(service, HOURS, kept=kept))
        np.testing.assert_array_equal(found[service].steps.slot_sums.excluded, mask)
        intake, mine = found[service].intake, rows.services == service
        assert intake.excluded == np.sum(mine & ~kept)
        assert intake.accepted == np.sum(mine & kept & ~rows.failed)
        assert intake.failed == np.sum(mine & kept & rows.failed)
    rows.failed = ~rows.failed
    assert_same(found["login"].hours, rows.profile("login", HOURS))


@pytest.mark.parametrize(("column", "factor"), [("latency_ms", 1e3), ("took_us", 1e6), ("duration_min", 1 / 60)])
def test_units_of_the_column(write: Write, rng: np.random.Generator, column: str, factor: float) -> None:
    rows = Rows(rng, 500)
    columns = rows.columns
    values = np.array(columns.pop("duration")) * factor
    if factor > 1:  # whole numbers, as such columns hold them
        values = np.round(values)
        rows.durations = values / factor
    else:
        rows.durations = values * 60
    source = connect(write(columns | {column: values.tolist()}), book=book(), now=END, columns={"duration": column})
    assert (source.inspect().reading.unit_from, source.inspect().reading.unit) == (
        "column name",
        column.rpartition("_")[2],
    )
    for service, profiles in by_name(source.profiles(None, START, END)).items():
        assert_same(profiles.hours, rows.profile(service, HOURS))


def test_a_unit_for_each_row(write: Write, rng: np.random.Generator) -> None:
    rows = Rows(rng, 500)
    units = rng.choice(["ms", "Seconds", "furlong"], len(rows.times))
    units[:20] = "Seconds"
    values = np.where(units == "ms", np.round(rows.durations * 1000), rows.durations)
    rows.durations = np.where(units == "ms", values / 1000, values)
    written = [None if at in (0, 5) else str(unit) for at, unit in enumerate(units)]  # without a word: seconds
    columns = rows.columns | {"duration": values.tolist(), "duration_unit": written}
    source = connect(write(columns), book=book(), now=END)
    intake = source.inspect()
    assert (intake.reading.unit, intake.reading.unit_from) == ("by row", "unit column")
    lost = (units == "furlong") & ~rows.failed
    assert reasons(intake) == {"unit is no unit of time": np.sum(lost)}
    for service, profiles in by_name(source.profiles(None, START, END)).items():
        assert_same(profiles.steps, rows.profile(service, STEPS, kept=~lost))


def test_epoch_numbers(write: Write, rng: np.random.Generator) -> None:
    rows = Rows(rng, 500)
    milliseconds = rows.times.astype("datetime64[ms]")
    rows.times = milliseconds.astype("datetime64[us]")
    source = connect(write(rows.columns | {"timestamp": milliseconds.astype(int).tolist()}), book=book(), now=END)
    assert source.inspect().reading.stamps == "epoch"
    for service, profiles in by_name(source.profiles(None, START, END)).items():
        assert_same(profiles.steps, rows.profile(service, STEPS))


def test_times_without_zone_are_read_where_they_were_written(write: Write) -> None:
    zone = ZoneInfo("Europe/Berlin")
    local = [
        datetime(2026, 10, 25, 1, 59, 59),
        datetime(2026, 10, 25, 2, 30),  # twice: the earlier one is taken
        datetime(2026, 10, 25, 3, 0),
        datetime(2026, 3, 29, 1, 59, 59, 999999),
        datetime(2026, 3, 29, 2, 30),  # never: the clock went forward
        datetime(2026, 3, 29, 3, 0),
    ]
    columns = {"timestamp": local, "service": ["a"] * 6, "duration": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]}
    source = connect(write(columns), book=book(), now=END, timezone="Europe/Berlin")
    intake = source.inspect()
    assert (intake.reading.stamps, intake.reading.timezone) == ("naive", "Europe/Berlin")
    assert reasons(intake) == {"timestamp does not exist where the clock went forward": 1}
    assert list(reasons(intake, "warning").values()) == [1]
    assert intake.first == local[3].replace(tzinfo=zone).astimezone(UTC)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    (profiles,) = source.profiles(None, start, END)
    assert isinstance(profiles, Profiles)
    times = [moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None) for moment in local]
    kept = [0, 1, 2, 3, 5]
    truth = Profile.from_durations(
        [times[at] for at in kept], [columns["duration"][at] for at in kept], service="a", start=start, end=END
    )
    assert_same(profiles.hours, truth)


def test_names_that_mean_the_same_service_are_one(write: Write) -> None:
    moment = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    names = ["café", " cafe\u0301", "café ", "Café", 'a"b', "50 % off: {x}", "'; DROP TABLE x; --", "../../etc", "<b>"]
    columns = {"timestamp": [moment] * 9, "service": names, "duration": [float(at + 1) for at in range(9)]}
    source = connect(write(columns), book=book(), now=END)
    intake = source.inspect()
    expected = sorted({"café", *names[3:]})
    assert [item.service for item in intake.services] == expected
    assert [note.reason for note in intake.notes] == ["services 'Café' and 'café' differ only in case"]
    found = by_name(source.profiles(None, START, END))
    assert list(found) == expected
    assert found["café"].intake.rows == 3
    assert found["café"].hours.slot_sums.sums.sum() == 6.0
    assert list(by_name(source.profiles(["café", "<b>"], START, END))) == ["<b>", "café"]


def test_rows_of_the_future_and_empty_services(write: Write) -> None:
    times = [END - timedelta(hours=1), END + timedelta(days=400), END - timedelta(days=300)]
    columns = {"timestamp": times, "service": ["a", "a", "old"], "duration": [1.0, 1.0, 1.0]}
    source = connect(write(columns), book=book(), now=END)
    intake = source.inspect()
    assert intake.last == times[0]
    assert reasons(intake, "warning") == {"times lie in the future": 1}
    new, old = source.profiles(None, START, END)
    assert isinstance(new, Profiles)
    assert isinstance(old, Profiles)
    assert (new.intake.rows, new.intake.future) == (1, 1)
    assert (old.intake.rows, old.hours.executions.sum()) == (0, 0)
    _, ended = scan(source, book(), as_of=END)
    assert isinstance(ended, Profiles)
    assert (ended.intake.rows, ended.intake.last) == (0, times[2])
