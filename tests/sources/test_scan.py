"""Which period a scan covers, which services, and what `slaopt.read` remembers."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import slaopt
from slaopt.errors import InputError
from slaopt.params import Params, ParamsBook, SourceParams, ThresholdChange, load_params
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.sources import connect, scan
from slaopt.sources.stamps import full_hour_after, zone_pieces

LAST = datetime(2026, 11, 20, 13, 59, 59, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """200 days of `checkout`, 10 of `login` that ended five days earlier, and one stamp in the future."""
    rng = np.random.default_rng(0)
    hours = pd.Timestamp(LAST) - pd.to_timedelta(np.arange(200 * 24), unit="h")
    frame = pd.DataFrame({"timestamp": hours, "service": "checkout", "duration_s": rng.lognormal(0, 0.5, len(hours))})
    login = frame.head(240).assign(service="login", timestamp=frame["timestamp"].head(240) - pd.Timedelta(days=5))
    future = frame.head(1).assign(timestamp=pd.Timestamp(NOW) + pd.Timedelta(days=400))
    target = tmp_path_factory.mktemp("scan") / "requests.parquet"
    pd.concat([frame, login, future]).to_parquet(target)
    return target


def scanned(path: Path, book: ParamsBook | None = None, **options: object) -> list[Profiles | Skipped]:
    known = book or load_params(None)
    return list(scan(connect(str(path), book=known, now=NOW), known, **options))  # type: ignore[arg-type]


def test_the_period_ends_after_the_latest_stamp_that_is_not_in_the_future(path):
    found = scanned(path)
    assert [item.service for item in found] == ["checkout", "login"]
    for item in found:
        assert isinstance(item, Profiles)
        assert item.hours.end == item.steps.end == datetime(2026, 11, 20, 14, tzinfo=UTC)  # one for all services
        assert item.hours.start == item.steps.start == item.hours.end - timedelta(days=120)
    assert found[0].intake.future == 1


def test_each_service_has_the_history_it_asks_for(path):
    book = ParamsBook(default=Params(), services={"login": Params(service="login", history_days=40)})
    checkout, login = scanned(path, book)
    assert checkout.hours.slots == 120 * 24
    assert login.hours.slots == 40 * 24
    assert login.hours.executions.sum() == 240


def test_a_scan_reaches_no_further_than_the_measurements(path):
    book = load_params(None, overrides={"history_days": 730})
    checkout = scanned(path, book)[0]
    assert checkout.hours.start == datetime(2026, 5, 4, 14, tzinfo=UTC)
    assert checkout.hours.executions.sum() == 200 * 24


@pytest.mark.parametrize("minute", [0, 1])
def test_an_end_is_rounded_up_to_a_full_hour(path, minute):
    item = scanned(path, as_of=datetime(2026, 11, 1, 5, minute, tzinfo=UTC), services=["checkout"])[0]
    assert item.hours.end == datetime(2026, 11, 1, 5 + minute, tzinfo=UTC)
    assert item.hours.executions[-24:].sum() == 24


def test_an_end_without_a_zone_is_refused(path):
    with pytest.raises(InputError, match="time zone"):
        scanned(path, as_of=datetime(2026, 11, 1))


def test_named_services_come_sorted_and_the_missing_are_skipped(path):
    found = scanned(path, services=["login", "chekcout", "login"])
    assert [(item.service, type(item)) for item in found] == [("chekcout", Skipped), ("login", Profiles)]


def test_the_threshold_of_each_service_is_counted_exactly(path):
    book = ParamsBook(default=Params(), services={"checkout": Params(service="checkout", threshold=0.7531)})
    checkout, login = scanned(path, book)
    assert checkout.hours.violations(0.7531).exact
    assert checkout.steps.violations(0.7531 / 4).exact
    assert 0.7531 in checkout.hours.bounds
    assert 0.7531 not in login.hours.bounds


def test_thresholds_that_were_in_force_before_are_counted_exactly_too(path):
    history = tuple(
        ThresholdChange(since=LAST - timedelta(days=days), threshold=threshold)
        for days, threshold in ((9, 0.7531), (3, 0.4217))
    )
    params = Params(service="checkout", threshold=0.4217, threshold_history=history)
    checkout, login = scanned(path, ParamsBook(default=Params(), services={"checkout": params}))
    for threshold in (0.7531, 0.4217):
        assert checkout.hours.violations(threshold).exact
        assert checkout.steps.violations(threshold).exact
        assert threshold not in login.hours.bounds


def test_a_service_without_usable_rows_is_skipped(tmp_path):
    path = tmp_path / "requests.csv"
    path.write_text("timestamp,service,duration_s\n2026-11-20T00:00:00Z,checkout,1\n2026-11-20T01:00:00Z,login,-1\n")
    checkout, login = scanned(path)
    assert checkout.hours.end == datetime(2026, 11, 20, 2, tzinfo=UTC)  # the broken row has a time
    assert login == Skipped(service="login", reason="none of its 1 row can be used; slaopt check says why")
    path.write_text("timestamp,service,duration_s\nnever,checkout,1\n")
    assert [type(item) for item in scanned(path)] == [Skipped]


def test_a_source_may_have_a_name(path, monkeypatch):
    named = SourceParams(url=str(path), columns={"duration": "duration_s"}, unit="ms")
    book = ParamsBook(default=Params(sources={"live": named}), services={})
    intake = connect("live", book=book, now=NOW).inspect()
    assert (intake.reading.unit, intake.reading.unit_from) == ("ms", "given")
    assert connect("live", book=book, now=NOW, unit="min").inspect().reading.unit == "min"
    secret = ParamsBook(default=Params(sources={"db": SourceParams(url="sqlite:///${NOWHERE}")}), services={})
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(InputError, match="environment variable NOWHERE"):
        connect("db", book=secret, now=NOW)


def test_read_remembers_what_it_was_told(path):
    profiles = slaopt.read(path, "checkout", threshold="750ms", objective=0.95, days=14, as_of=LAST)
    assert (profiles.service, profiles.hours.end) == ("checkout", datetime(2026, 11, 20, 14, tzinfo=UTC))
    assert profiles.params is not None
    assert (profiles.params.threshold, profiles.params.objective, profiles.params.days) == (0.75, 0.95, 14)
    assert profiles.hours.violations(0.75).exact
    assert profiles.last(7).params == profiles.params


def test_read_takes_a_date_as_text(path):
    assert slaopt.read(path, "checkout", as_of="2026-11-10").hours.end == datetime(2026, 11, 10, tzinfo=UTC)
    assert slaopt.read(path, "checkout", as_of="2026-11-10T01:00+01:00").hours.end == datetime(2026, 11, 10, tzinfo=UTC)
    with pytest.raises(InputError, match="as_of: 'yesterday' is no time: give 2026-11-03T14:00:00Z"):
        slaopt.read(path, "checkout", as_of="yesterday")


def test_read_asks_which_service(path, tmp_path):
    with pytest.raises(InputError, match=r"holds 2 services; name one with service=…: 'checkout', 'login'"):
        slaopt.read(path)
    with pytest.raises(InputError, match="did you mean 'checkout'"):
        slaopt.read(path, "check-out")
    one = tmp_path / "exports.csv"
    one.write_text("timestamp,duration_s\n2026-11-20T00:00:00Z,1\n")
    assert slaopt.read(one).service == "exports"
    one.write_text("timestamp,duration_s\n")
    with pytest.raises(InputError, match="holds no rows"):
        slaopt.read(one)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"])
def test_local_times_are_brought_to_utc_as_zoneinfo_does(zone):
    from zoneinfo import ZoneInfo

    first, last = datetime(2025, 1, 1), datetime(2027, 1, 1)
    pieces = zone_pieces(zone, first, last)
    assert [pieces[0].start, pieces[-1].end] == [None, None]
    assert all(one.end == two.start for one, two in itertools.pairwise(pieces))
    local = first
    while local < last:
        (piece,) = (p for p in pieces if (p.start is None or p.start <= local) and (p.end is None or local < p.end))
        aware = local.replace(tzinfo=ZoneInfo(zone))
        there = aware.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
        assert there == (piece.kind != "never")
        if there:
            assert piece.offset == aware.utcoffset()
            assert (piece.kind == "twice") == (aware.replace(fold=1).utcoffset() != aware.utcoffset())
        local += timedelta(minutes=30)


def test_a_full_hour_after_a_full_hour_is_the_next():
    assert full_hour_after(LAST) == datetime(2026, 11, 20, 14, tzinfo=UTC)
    assert full_hour_after(datetime(2026, 11, 20, 14, tzinfo=UTC)) == datetime(2026, 11, 20, 15, tzinfo=UTC)
