"""Three lists of dependencies that say the same: bounds (pyproject.toml), pins (the lock), conda (environment.yml)."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
CONDA_NAMES = {"duckdb": "python-duckdb", "jupyter-server": "jupyter_server", "playwright": "playwright-python"}
ONLY_PIP = {"axe-playwright-python"}

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def direct() -> dict[str, Requirement]:
    texts = [*PROJECT["dependencies"], *(text for group in PROJECT["optional-dependencies"].values() for text in group)]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


def locked() -> list[tuple[str, str]]:
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", LOCK, flags=re.MULTILINE)
    return [(canonicalize_name(name), version) for name, version in found]


def test_the_lock_has_one_version_of_each_package():
    names = [name for name, _ in locked()]
    assert len(names) == len(set(names)) > 100


def test_the_lock_names_no_address_and_hashes_everything():
    assert "://" not in LOCK
    assert not re.search(r"^(-i|-f|--[a-z-]*(index|links))", LOCK, flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert all("--hash=sha256:" in entry for entry in entries if not entry.startswith("#"))


@pytest.mark.parametrize("name", sorted(direct()))
def test_the_lock_keeps_the_bounds_of_pyproject(name):
    assert direct()[name].specifier.contains(dict(locked())[name])


def test_the_conda_environment_has_the_locked_versions_of_the_direct_dependencies():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    from_conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (from_pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    pins = dict(locked())
    conda = {f"{CONDA_NAMES.get(name, name)}={pins[name]}" for name in direct() if name not in ONLY_PIP}
    assert {entry for entry in from_conda if not re.match(r"(python|pip)\b(?!-)", entry)} == conda
    assert set(from_pip) == {f"{name}=={pins[name]}" for name in ONLY_PIP} | {"--editable ."}


def test_the_python_versions_are_the_same_everywhere():
    environment = (ROOT / "environment.yml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert PROJECT["requires-python"] == ">=3.11"
    assert "python>=3.11,<3.15" in environment
    assert "--python-version 3.11" in makefile
    assert "python3.14 python3.13 python3.12 python3.11 python3\n" in makefile
