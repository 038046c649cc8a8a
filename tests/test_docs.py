"""Every command, setting, exit code and public name stands in the documentation."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import click
import numpy as np
import pytest

import slaopt
from slaopt import cli, samples
from slaopt.cli import app
from slaopt.errors import InputError, RefusedError, SlaoptError, UnreachableError
from slaopt.params import Params
from slaopt.result import Result, Skipped

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group = app, above: str = "") -> dict[str, click.Command]:
    """All commands by their whole names, those of groups too."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        inner = isinstance(command, click.Group)
        found |= commands(command, f"{above}{name} ") if inner else {f"{above}{name}": command}
    return found


COMMANDS = commands()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_readme_names_every_command(command):
    assert f"slaopt {command}" in README


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_every_command_has_an_example(command):
    text = COMMANDS[command].help or ""
    assert f"Example:  slaopt {command}" in text


@pytest.mark.parametrize("setting", list(Params.model_fields))
def test_the_settings_page_explains_every_setting(setting):
    assert f"`{setting}`" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", slaopt.__all__)
def test_every_public_name_is_importable_and_on_the_api_page(name):
    assert getattr(slaopt, name) is not None
    assert f"`{name}" in (ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_unknown_public_names_are_refused():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = slaopt.nothing


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_explained(command):
    for parameter in COMMANDS[command].params:
        assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), parameter.name


def test_the_readme_tells_the_exit_codes():
    told = {int(code) for code in re.findall(r"^\| (\d) \|", README, flags=re.MULTILINE)}
    raised = {error.exit_code for error in (SlaoptError, InputError, RefusedError, UnreachableError)}
    assert told == raised | {cli.DONE, cli.DIFFERENT, cli.BAD, cli.SKIPPED}


@pytest.mark.parametrize("task", re.findall(r"`?make (\w+)", README))
def test_the_tasks_that_the_readme_names_exist(task):
    assert f"\n{task}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def python_blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture
def requests_csv(tmp_path, monkeypatch, end):
    """The file that the pages speak of, in the current folder: two services, one of them `checkout`."""
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "requests.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("timestamp", "service", "latency_ms"))
        for name in ("checkout", "invoice-export"):
            drawn = samples.service(name).simulate(np.random.default_rng(3), end, days=15)
            writer.writerows((f"{time}Z", name, 1_000 * duration) for time, duration in zip(*drawn, strict=True))


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_python_on_the_pages_runs(page, requests_csv):
    names: dict[str, object] = {}
    for block in python_blocks(page):
        exec(block, names)
    last_line = python_blocks(page)[-1].strip().splitlines()[-1]
    result = eval(last_line, names)
    assert isinstance(result, Result)
    assert not isinstance(result, Skipped)
    assert "<table" in result._repr_html_()
