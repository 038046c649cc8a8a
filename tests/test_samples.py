"""The samples are what they say: the truth they state is the truth they simulate."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy import integrate, stats

from slaopt import samples
from slaopt.params import load_params
from slaopt.samples import SERVICES, Incidents, LogNormal, Pareto, service, write_samples

ROOT = Path(__file__).parent.parent
each_service = pytest.mark.parametrize("sample", SERVICES, ids=lambda sample: sample.name)


@each_service
def test_the_true_rate_is_that_of_long_simulations(sample, end, rng):
    rates = []
    for _ in range(12):
        times, durations = sample.simulate(rng, end, days=30)
        assert len(times)
        rates.append(np.mean(durations > sample.threshold))
    error = max(np.std(rates) / np.sqrt(len(rates)), 1e-6)
    assert np.mean(rates) == pytest.approx(sample.violation_rate(sample.threshold, end=end), abs=4 * error)


@each_service
@pytest.mark.parametrize("q", [0.5, 0.99])
def test_the_true_quantile_is_exceeded_by_the_rest(sample, q, end):
    assert sample.violation_rate(sample.quantile(q, end=end), end=end) == pytest.approx(1 - q, rel=1e-6)


def test_noise_has_the_spread_and_autocorrelation_that_it_states(rng):
    sample = service("catalog")
    noise = sample._noise(rng, 200_000)
    assert np.std(noise) == pytest.approx(sample.noise, rel=0.03)
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(sample.rho, abs=0.01)


@pytest.mark.parametrize("part", [LogNormal(sigma=0.5, scale=4.0), Pareto(alpha=1.5, scale=2.0)])
def test_parts_draw_what_their_survival_says(part, rng):
    draws = part.draw(rng, 20_000)
    assert stats.kstest(draws, lambda x: 1 - part.survival(x)).pvalue > 0.001


def test_the_rate_without_season_is_a_lognormal_tail(end):
    sample = service("checkout")
    sigma = np.hypot(sample.parts[0].sigma, sample.noise)
    exact = stats.lognorm(s=sigma, scale=sample.median).sf(sample.threshold)
    assert sample.violation_rate(sample.threshold, end=end) == pytest.approx(exact, rel=1e-6)


def test_incidents_are_as_frequent_as_they_state(rng):
    incidents = Incidents(per_month=3)
    shares = [np.mean(incidents.draw(rng, 720) > 1) for _ in range(4_000)]
    assert np.mean(shares) == pytest.approx(incidents.share, rel=0.05)


def test_incident_hours_raise_the_rate_by_the_mean_over_their_factors(end):
    sample = service("image-upload")

    def during(log_factor: float) -> float:
        calm = samples.SampleService(
            name="calm", story="", threshold=1, objective=0.9, parts=sample.parts, noise=sample.noise,
            median=sample.median * float(np.exp(log_factor)),
        )  # fmt: skip
        return calm.violation_rate(9.0, end=end)

    low, high = np.log(sample.incidents.factor)
    mean = integrate.quad(during, low, high, epsabs=1e-6)[0] / (high - low)
    expected = during(0.0) + sample.incidents.share * (mean - during(0.0))
    assert sample.violation_rate(9.0, end=end) == pytest.approx(expected, rel=1e-3)


def test_the_stories_are_told_by_the_truth(end):
    budget = {sample.name: sample.budget_consumed(end=end) for sample in SERVICES}
    assert 0.5 <= budget["checkout"] <= 0.7
    assert budget["catalog"] < 0.1
    assert budget["login"] > 3
    login = service("login")
    reached = login.violation_rate(login.threshold * 1.5, end=end) / (1 - login.objective)
    assert 1 < reached < budget["login"] / 2  # the allowed change helps much, but not enough
    recommendations, payment, search = service("recommendations"), service("payment"), service("search")
    assert np.diff(np.log(recommendations.levels(end)[[0, 24]])) == pytest.approx(0.008)
    shifted = np.flatnonzero(np.diff(payment.levels(end, days=30)))
    assert (720 - shifted[0] - 1, payment.levels(end)[-1] / payment.levels(end)[0]) == (240, pytest.approx(1.4))
    week = search.levels(end, days=28).reshape(4, 168)
    assert np.allclose(week, week[0])
    assert np.ptp(np.log(week[0])) > 0.3
    assert sum(service("invoice-export").traffic(end, days=28)) / 28 == pytest.approx(30, rel=0.1)


def test_traffic_and_season_follow_the_calendar_not_the_end(end):
    search = service("search")
    later = end + timedelta(hours=5)
    assert np.allclose(search.levels(later, days=20)[:-5], search.levels(end, days=20)[5:])
    assert np.allclose(search.traffic(later, days=20)[:-5], search.traffic(end, days=20)[5:])


@each_service
def test_profiles_hold_the_simulated_executions(sample, end):
    times, durations = sample.simulate(np.random.default_rng(7), end, days=10)
    profiles = sample.profiles(7, end, days=10)
    assert np.all(np.diff(times) >= np.timedelta64(0))
    assert np.datetime64(end.replace(tzinfo=None)) > times[-1]
    for profile in (profiles.hours, profiles.steps):
        assert profile.executions.sum() == profiles.intake.accepted == len(times)
        violations = profile.violations(sample.threshold)
        assert violations.exact
        assert violations.lower.sum() == np.sum(durations > sample.threshold)
    assert (profiles.hours.end, profiles.hours.slots, profiles.steps.slots) == (end, 240, 2_880)


def test_the_files_hold_all_services_and_the_broken_one(tmp_path, end):
    requests, broken = write_samples(tmp_path / "new", end=end)
    table = pq.read_table(requests)
    assert set(table["service"].to_pylist()) == {sample.name for sample in SERVICES}
    assert table.num_rows < 1_500_000
    stamps = table["timestamp"].to_numpy()
    assert np.all(np.diff(stamps) >= np.timedelta64(0))
    assert np.datetime64(end.replace(tzinfo=None)) - stamps[-1] < np.timedelta64(1, "h")
    with broken.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    usable = [row for row in rows if row["timestamp"] and row["duration_ms"].replace(".", "", 1).isdigit()]
    assert {row["service"] for row in rows} == {samples.BROKEN}
    assert 0 < len(usable) < 100
    assert all(datetime.fromisoformat(row["timestamp"]) < end for row in rows if row["timestamp"])


def test_the_same_seed_writes_the_same_bytes(tmp_path, end):
    first, second, other = (
        [path.read_bytes() for path in write_samples(tmp_path / str(run), end=end, seed=seed)]
        for run, seed in enumerate((0, 0, 1))
    )
    assert first == second
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_the_clone_has_the_settings_of_every_sample():
    book = load_params(ROOT)
    assert set(book.services) == {sample.name for sample in SERVICES}
    for sample in SERVICES:
        own = book.of(sample.name)
        assert (own.threshold, own.objective) == (sample.threshold, sample.objective)
        assert (own.threshold, own.objective) == (sample.params.threshold, sample.params.objective)


def test_settings_files_are_named_after_their_service():
    for path in (ROOT / "params" / "services").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["service"] == path.stem
