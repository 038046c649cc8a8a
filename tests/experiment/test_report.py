"""The report of an experiment: the notebook run once on simulated traffic, its page, its archive, and the commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from slaopt import parts
from slaopt.cli import app
from slaopt.errors import InputError
from slaopt.experiment import evaluate, fit_of, simulate
from slaopt.report import open_experiment, report_experiment
from slaopt.report.measured import read_observed
from slaopt.workspace import init_workspace
from tests.parts import chromium, require


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    init_workspace(folder)
    return folder


@pytest.fixture(scope="module")
def trial(tmp_path_factory) -> Path:
    """Data collected elsewhere: the test arm violates less."""
    path = tmp_path_factory.mktemp("collected") / "trial.csv"
    simulate(seed=1, units=60, per_unit=400, test_rate=0.03, icc=0.01).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def made(workspace, trial) -> Path:
    """The report of that file, the model fitted by MCMC."""
    options = ("--control", "2", "--test", "2.6", "--column", "unit=tenant", "--service", "<b>", "--workspace")
    app.main(["experiment", "report", str(trial), *options, str(workspace)], standalone_mode=False)
    (page,) = (workspace / "reports" / "experiments").glob("trial-*/2026-11-16T0000Z-*/report.html")
    return page.parent


def test_the_page_tells_the_answer_and_how_far_to_trust_it(made):
    page = (made / "report.html").read_text(encoding="utf-8")
    result = json.loads((made / "result.json").read_text(encoding="utf-8"))
    assert result["verdict"] == "ship"
    assert "Adopt 2.6\u00a0s instead of 2\u00a0s" in page
    assert page.count("<figure") == 5
    for heading in ("What differs between the arms?", "What must not get worse?", "Is the answer in?"):
        assert heading in page
    assert "the chains agree" in page
    assert "Both agree" in page
    assert "Does the answer hang on the prior?" in page
    assert "slaopt experiment adopt" not in page  # nothing that was collected elsewhere can be adopted
    assert "tenant-" not in page
    assert "<h1><b>" not in page


def test_the_archive_is_what_the_page_was_made_from(made, workspace):
    run = open_experiment(made)
    assert run.evaluate().to_dict() == json.loads((made / "result.json").read_text(encoding="utf-8"))
    said = json.loads((made / "manifest.json").read_text(encoding="utf-8"))
    assert {"report.html", "report.ipynb", "result.json", "experiment.json", "measured/control.npz"} <= set(
        said["files"]
    )
    again = report_experiment(run, workspace)
    assert (again.directory, again.status) == (made, "reused")


def test_a_damaged_archive_is_named(made, tmp_path):
    place = tmp_path / "report"
    shutil.copytree(made, place)
    (place / "measured" / "test.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match="no counts of an experiment, or damaged"):
        read_observed(place / "measured")
    (place / "experiment.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="no experiment, but something else"):
        open_experiment(place)
    with pytest.raises(InputError, match="no report of an experiment"):
        open_experiment(tmp_path)


def test_the_page_is_quiet_and_accessible_in_a_browser(made, tmp_path):
    require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    from axe_playwright_python.sync_playwright import Axe

    said: list[str] = []
    asked: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        for width, scheme in ((1280, "light"), (400, "dark")):
            size = {"width": width, "height": 800}
            page = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True).new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto((made / "report.html").as_uri())
            page.wait_for_function("document.querySelectorAll('figure.chart:not(.drawn)').length === 0")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if width == 1280:
                box = page.locator(".first figure").bounding_box()
                assert box["y"] + box["height"] <= 800
            found = Axe().run(page).response["violations"]
            assert [rule["id"] for rule in found if rule["impact"] in {"serious", "critical"}] == []
        browser.close()
    assert said == []
    assert {Path(url).name for url in asked} == {"report.html"}


def test_evaluate_tells_verdict_and_figures(slaopt, trial):
    status, out, _ = slaopt(
        "experiment", "evaluate", trial, "--control", "2s", "--test", "2600ms", "--column", "unit=tenant"
    )
    assert status == 0
    assert out.startswith("Adopt 2.6 s instead of 2 s (ship)\n")
    assert "units (tenant)" in out
    assert "Nobody planned this test here" in out
    status, out, _ = slaopt(
        "experiment", "evaluate", trial, "--control", "2", "--test", "2.6", "--column", "unit=tenant", "--json"
    )
    told = json.loads(out)
    assert told["recommendation"] == "adopt"
    assert told["comparison"]["sample_ratio"]["control"] == 30


def test_evaluate_says_where_nothing_can_be_concluded(slaopt, trial):
    status, out, _ = slaopt("experiment", "evaluate", trial, "--control", "2", "--test", "2.6", "--split", "0.8")
    assert status == 3
    assert out.startswith("Nothing can be concluded (invalid)")
    assert "where 80 % was planned" in " ".join(out.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--test", "2.6"), "say which thresholds the arms had"),
        (("--control", "2", "--test", "2.6", "--arms", "old,new"), "'control'"),
        (("--control", "2", "--test", "2.6", "--arms", "old"), "control first"),
        (("--control", "2", "--test", "2.6", "--column", "duration=took"), "'took'"),
        (("--control", "2", "--test", "2.6", "--column", "colour=red"), "ROLE"),
        (("--control", "2", "--test", "2.6", "--guardrail", "p50=0.1"), "p50"),
    ],
)
def test_bad_input_is_refused_in_words(slaopt, trial, options, said):
    status, out, err = slaopt("experiment", "evaluate", trial, *options)
    assert (status, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_rows_without_units_have_nothing_to_fit():
    rows = simulate(seed=1, units=4, per_unit=500)[["arm", "duration"]]
    evaluation = evaluate(rows, control_threshold=2.0, test_threshold=2.6)
    fit = fit_of(evaluation)
    assert "No model was fitted: each execution is a unit of its own" in parts.fit_checks(fit).html
    assert parts.predictive_checks(fit).html == parts.prior_sensitivity(fit).html == ""
    assert "No column names the unit of assignment" in parts.remarks(evaluation).html


def test_the_simulated_run_has_its_looks_and_its_truth():
    evaluation = open_experiment().evaluate()
    assert evaluation.planned
    assert [look.decision.verdict for look in evaluation.looks][-1] == "ship"
    assert evaluation.comparison.primary.interval.covers(0.035 - 0.05)


def test_a_test_that_nobody_knows_is_refused(slaopt, workspace):
    status, _, err = slaopt("experiment", "report", "e0000000000", "--workspace", workspace)
    assert status == 2
    assert "slaopt:" in err
