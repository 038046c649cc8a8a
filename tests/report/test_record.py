"""Reports in the store: recorded once, and known again when all their files were forged together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slaopt.errors import InputError, UnreachableError
from slaopt.params import Params
from slaopt.report import Recorder, run_reports, verify_report
from slaopt.report.manifest import RESULT, Manifest
from slaopt.report.run import Report
from slaopt.result import Skipped
from slaopt.store import Settled, Store, make_store, settle
from tests.report.runs import BOOK, Held, handmade, read_json, small, workspace, write_notebook
from tests.store.builders import AT


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(str(tmp_path / "slaopt.db"))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("original")
    write_notebook(directory / "notebook.ipynb", "run", [])
    return handmade(directory / "reports", small(), Params(threshold=2.0), directory / "notebook.ipynb")


@pytest.fixture
def report(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "reports" / original.parent.name / original.name))


def test_what_a_report_says_is_in_the_store(report: Path, store: Store) -> None:
    for _ in range(2):
        Recorder(store, AT).record(report)
    manifest, result = Manifest.read(report), read_json(report / RESULT)
    with store.reading() as transaction:
        (run,) = transaction.runs_of_report("checkout", identity=manifest.identity, report_path="")
    assert run.report_path == f"{report.parent.name}/{report.name}"
    assert (run.as_of, run.recorded_at) == (manifest.as_of, AT)
    assert json.loads((report / "manifest.json").read_text())["digest"] == run.manifest_digest == manifest.digest
    assert (run.verdict, run.sentence) == (result["recommendation"]["verdict"], result["recommendation"]["sentence"])


def test_the_digest_of_the_input_hangs_on_no_output(report: Path) -> None:
    manifest = Manifest.read(report)
    assert manifest.input_digest == replace(manifest, files={}).input_digest
    assert manifest.input_digest != replace(manifest, versions={**manifest.versions, "numpy": "0"}).input_digest
    assert manifest.input_digest != manifest.digest


def forge(report: Path) -> None:
    """Change the page and let every digest agree with it."""
    (report / "report.html").write_text("<title>All is well</title>")
    Manifest.read(report).complete(report).write(report)


def rename(report: Path) -> Path:
    return report.rename(report.with_name("by mail"))


@pytest.mark.parametrize("move", [lambda report: report, rename], ids=["in place", "moved"])
def test_a_consistent_forgery_shows(report: Path, store: Store, move: Callable[[Path], Path]) -> None:
    assert verify_report(report).recorded is None
    unknown = verify_report(report, store)
    assert (unknown.status, unknown.recorded) == ("same", False)
    Recorder(store, AT).record(report)
    known = verify_report(report, store)
    assert (known.status, known.recorded) == ("same", True)
    forge(report)
    assert verify_report(report).status == "same"  # by itself it agrees
    forged = verify_report(move(report), store)
    assert (forged.status, forged.recorded) == ("tampered", False)
    assert forged.details == ("manifest.json is not the one that the run wrote: the store holds another digest",)


def test_forged_settings_show_by_the_place(report: Path, store: Store) -> None:
    Recorder(store, AT).record(report)
    manifest = Manifest.read(report)
    replace(manifest, params={**manifest.params, "objective": 0.9}).complete(report).write(report)
    assert verify_report(report, store).status == "tampered"


def test_made_again_by_other_packages_it_is_known_too(report: Path, store: Store) -> None:
    Recorder(store, AT).record(report)
    manifest = Manifest.read(report)
    again = replace(manifest, versions={**manifest.versions, "pandas": "99"})
    again.write(report)
    Recorder(store, AT).record(report)
    assert verify_report(report, store).recorded is True


class Refusing(Recorder):
    """A store that cannot be written."""

    def record(self, directory: Path) -> None:
        raise UnreachableError("the store does not answer")


def status_of(results: list[Report | Skipped]) -> dict[str, str]:
    return {one.service: one.reason if isinstance(one, Skipped) else one.status for one in results}


def test_a_run_records_its_reports_and_will_not_take_a_forged_one(tmp_path: Path, store: Store) -> None:
    place = workspace(tmp_path / "work")
    source = Held([small("a", days=7, a_day=40), small("b", days=7, a_day=40, seed=2), small("c", days=7, a_day=40)])
    recorder = Recorder(store, AT)

    def run(recorder: Recorder, settled: Settled, **chosen: Any) -> dict[str, str]:
        return status_of(run_reports(source, settled.book, place, recorder=recorder, settled=settled, **chosen))

    settled = settle(store, BOOK, ["a", "b", "c"], at=AT)
    without_c = replace(settled, left_out={"c": "disabled"})
    assert run(recorder, without_c) == {"a": "made", "b": "made"}
    with store.reading() as transaction:
        assert list(transaction.latest_runs()) == ["a", "b"]
        assert transaction.services()["a"].last_optimization_at == AT
    (forged,) = (place / "reports").glob("a-*/*")
    forge(forged)
    again = run(recorder, without_c)
    assert again["b"] == "reused"
    assert "is not what its run wrote, says the store; look at it, and remove the folder" in again["a"]
    refused = replace(without_c, unusable=(Skipped(service="b", reason="its row is odd"),))
    told = run(Refusing(store, AT), refused, services=["b", "c"])
    assert told["b"] == "its row is odd"
    assert "is made, but not recorded: the store does not answer" in told["c"]


def test_what_is_no_report_is_not_recorded(tmp_path: Path, store: Store) -> None:
    with pytest.raises(InputError, match="no report"):
        Recorder(store, AT).record(tmp_path)
