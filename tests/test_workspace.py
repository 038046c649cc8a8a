"""Workspaces are found from where one stands, and made without harm to what is there."""

from __future__ import annotations

import pytest

from slaopt.errors import InputError
from slaopt.params import load_params
from slaopt.workspace import EXPLORE, REPORT_NOTEBOOKS, find_workspace, init_workspace, notebook_path


@pytest.fixture
def workspace(tmp_path):
    init_workspace(tmp_path / "work")
    return tmp_path / "work"


def test_the_nearest_parent_is_found(workspace, monkeypatch):
    inner = workspace / "reports" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert find_workspace(None) == workspace.resolve()


def test_a_given_folder_wins_over_the_environment_and_that_over_the_parents(workspace, tmp_path, monkeypatch):
    init_workspace(tmp_path / "other")
    init_workspace(tmp_path / "third")
    monkeypatch.chdir(tmp_path / "third")
    monkeypatch.setenv("SLAOPT_WORKSPACE", str(tmp_path / "other"))
    assert find_workspace(None) == (tmp_path / "other").resolve()
    assert find_workspace(workspace) == workspace.resolve()


@pytest.mark.parametrize("given", [True, False])
def test_a_folder_that_is_none_is_refused_with_the_remedy(given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="slaopt init"):
        find_workspace(tmp_path if given else None)


def test_a_made_workspace_works(workspace):
    assert load_params(workspace).default.objective == 0.99
    assert (workspace / "reports").is_dir()
    assert (workspace / "params" / "services").is_dir()


def test_making_it_again_adds_what_is_missing_and_overwrites_nothing(workspace):
    defaults = workspace / "params" / "default.yaml"
    defaults.write_text("objective: 0.9\n", encoding="utf-8")
    explore = workspace / "notebooks" / f"{EXPLORE}.ipynb"
    explore.unlink()
    assert init_workspace(workspace) == [explore]
    assert init_workspace(workspace) == []
    assert load_params(workspace).default.objective == 0.9


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "work").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is a file"):
        init_workspace(tmp_path / "work")


def test_the_shipped_report_notebooks_are_used_until_the_workspace_has_its_own(workspace):
    for name in REPORT_NOTEBOOKS:
        assert notebook_path(workspace, name).is_file()
        assert workspace not in notebook_path(workspace, name).parents
    init_workspace(workspace, notebooks=REPORT_NOTEBOOKS)
    assert notebook_path(workspace, "portfolio") == workspace / "notebooks" / "portfolio.ipynb"
