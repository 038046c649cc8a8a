"""Fresh measurements: what has settled, one scan for all, and what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from slaopt.apply.fresh import LONGEST, SETTLING, Wanted, read_fresh, settled
from slaopt.errors import InputError, UnreachableError
from slaopt.intake import ServiceIntake
from slaopt.profile import HOURS, STEPS, Profile, Profiles
from slaopt.result import Skipped
from tests.report.runs import END, Held, small

AT = END - timedelta(hours=3, minutes=23)
STEP = timedelta(minutes=5)


def taking(duration, **settings):
    """A day of executions that take so long, seconds."""
    start = END - timedelta(days=1)
    times = np.datetime64(start.replace(tzinfo=None), "us") + np.arange(0, 86_400, 60) * 10**6
    hours, steps = (
        Profile.from_durations(
            times, np.full(len(times), duration), service="a", start=start, end=END, resolution=resolution, **settings
        )
        for resolution in (HOURS, STEPS)
    )
    return Profiles(service="a", hours=hours, steps=steps, intake=ServiceIntake(service="a", rows=1, accepted=1))


@pytest.mark.parametrize(
    ("duration", "settings", "wait"),
    [
        (1.0, {}, SETTLING),
        (1800.0, {}, SETTLING + timedelta(minutes=30)),
        (1800.0, {"timestamp_is": "end"}, SETTLING),
        (1e6, {}, SETTLING + LONGEST),
    ],
)
def test_settled_is_what_has_had_time_to_end(duration, settings, wait):
    moment = settled(taking(duration, **settings), at=END)
    assert END - wait - 2 * STEP < moment <= END - wait
    assert (moment - END) % STEP == timedelta(0)


def test_where_nothing_was_executed_the_clock_alone_counts():
    empty = taking(1.0)
    empty = replace(empty, hours=empty.hours.where(np.zeros(24, dtype=bool)))
    assert settled(empty, at=END) == END - SETTLING


def test_all_services_are_read_in_one_scan_and_cut_to_what_has_settled():
    asked = []

    class Counting(Held):
        def profiles(self, services, start, end, **more):
            asked.append((services, start, end, more["thresholds"]))
            return super().profiles(services, start, end, **more)

    wanted = [
        Wanted(service="a", start=AT - timedelta(hours=30), thresholds=(0.7,)),
        Wanted(service="b", start=AT - timedelta(hours=50, minutes=10), thresholds=(1.0, 1.2)),
    ]
    found = read_fresh(Counting([small("a"), small("b")]), wanted, at=AT)
    hour = AT.replace(minute=0)
    span = (hour - timedelta(hours=50), hour + timedelta(hours=1))
    assert asked == [(["a", "b"], *span, {"a": (0.7,), "b": (1.0, 1.2)})]
    assert found["a"].start >= AT - timedelta(hours=30)
    assert found["b"].start == AT - timedelta(hours=50, minutes=7)
    assert found["a"].end == found["b"].end
    assert AT - SETTLING - 2 * STEP < found["a"].end <= AT - SETTLING


def test_a_source_that_is_away_is_asked_once():
    asked = []

    class Away:
        def profiles(self, services, *_, **__):
            asked.append(services)
            raise UnreachableError("db.example: does not answer")

    wanted = [Wanted(service=name, start=AT, thresholds=(1.0,)) for name in ("a", "b")]
    found = read_fresh(Away(), wanted, at=AT)
    assert {name: one.reason for name, one in found.items()} == dict.fromkeys("ab", "db.example: does not answer")
    assert asked == [["a", "b"]]


def test_a_service_that_breaks_the_scan_takes_no_other_with_it():
    class Torn(Held):
        def profiles(self, services, *args, **more):
            for item in super().profiles(services, *args, **more):
                if item.service == "b":
                    raise InputError("b is torn")
                yield item

    wanted = [Wanted(service=name, start=AT - timedelta(days=1), thresholds=(1.0,)) for name in "abc"]
    found = read_fresh(Torn([small("a"), small("b"), small("c")]), wanted, at=AT)
    assert found["b"] == Skipped(service="b", reason="b is torn")
    assert all(isinstance(found[name], Profile) for name in "ac")


def test_nothing_wanted_reads_nothing():
    class Never:
        def profiles(self, *_, **__):
            raise AssertionError("asked")

    assert read_fresh(Never(), [], at=AT) == {}
