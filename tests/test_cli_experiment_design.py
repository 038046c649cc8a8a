"""`slaopt experiment design`: from files and tables, with units and without, and refused in one line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from slaopt.cli.experiment.designing import METRICS
from slaopt.experiment.design import GUARDRAILS
from slaopt.experiment.simulating import simulate

DAYS = 21
START = datetime(2026, 10, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Three weeks of a service with 60 tenants, as a file and as a table."""
    rows = simulate(
        seed=4, units=60, per_unit=200, days=DAYS, start=START, threshold=2.0, control_rate=0.1, icc=0.02, unequal=0.5
    )
    rows = rows.drop(columns="arm").assign(service="checkout")
    folder = tmp_path_factory.mktemp("history")
    rows.to_csv(folder / "history.csv", index=False)
    engine = sa.create_engine(f"sqlite:///{folder / 'history.db'}")
    rows.assign(timestamp=rows["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")).to_sql("runs", engine, index=False)
    engine.dispose()
    return folder


@pytest.fixture
def design(slaopt, history):
    def designed(*more, source="history.csv"):
        place = f"sqlite:///{history / source}" if source.endswith(".db") else history / source
        table = ("--table", "runs") if source.endswith(".db") else ()
        common = ("--control", "2s", "--test", "2.4s", "--source", place, *table)
        return slaopt("experiment", "design", "checkout", *common, *more)

    return designed


def test_what_a_test_would_find_is_told_in_lines(design):
    done = design("--effect", "0.4", "--split", "0.4", "--looks", "7", "--guardrail", "p95=0.2")
    assert done.status == 0, done
    lines = {line.split()[0]: line for line in done.out.splitlines()[1:]}
    assert "2 s and 2.4 s for 40 % of the executions" in lines["arms"]
    assert "14 days, 7 looks, planned" in lines["length"]
    assert "p95 up by less than 20 %" in lines["guardrail"]
    assert len(lines["digest"].split()[1]) == 64


@pytest.mark.parametrize(
    ("source", "named"), [("history.csv", ("--column", "unit=tenant")), ("history.db", ("--unit", "tenant"))]
)
def test_the_units_of_the_past_are_counted_where_a_column_names_them(design, source, named):
    done = design("--effect", "0.5", *named, "--json", source=source)
    assert done.status == 0, done
    (told,) = json.loads(done.out)
    config = told["experiment_config"]
    assert (config["unit"], config["units"]) == ("tenant", 60)
    assert config["icc"] == pytest.approx(0.02, abs=0.015)
    assert told["required_sample_size"] > 0
    assert told["power_analysis"]["power"] > 0.8
    assert "assumed" not in " ".join(told["sentences"])


def test_a_design_that_cannot_answer_is_refused_in_words_and_shown_when_forced(design):
    refused = design("--effect", "0.02")
    assert refused.status == 4
    assert refused.refused_in_one_line
    assert "executions are needed" in refused.err
    forced = design("--effect", "0.02", "--force")
    assert forced.status == 0
    assert "overruled" in forced.out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--guardrail", "p42=0.1"), "'p42' is none of"),
        (("--guardrail", "p95"), "give METRIC=SHARE"),
        (("--column", "tenant"), "give ROLE=NAME"),
        (("--unit", "team"), "--column unit=NAME"),
        (("--column", "unit=nobody"), "nobody"),
        (("--days", "90"), "90"),
    ],
)
def test_what_cannot_be_meant_is_named(design, more, words):
    done = design(*more)
    assert done.status == 2
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_service_that_is_not_there_is_said(slaopt, history):
    done = slaopt(
        "experiment", "design", "nothing", "--test", "2s", "--control", "1s", "--source", history / "history.csv"
    )
    assert done.status == 3
    assert "nothing" in done.out


def test_the_end_of_the_past_can_be_said(design):
    early = (START + timedelta(days=14)).isoformat()
    done = design("--effect", "0.5", "--as-of", early, "--json")
    assert done.status == 0, done


def test_the_metrics_of_the_command_are_those_of_designs():
    assert METRICS == GUARDRAILS
