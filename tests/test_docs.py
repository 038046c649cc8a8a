"""Every command, setting, exit code and public name stands in the documentation."""

from pathlib import Path

import pytest

import slaopt
from slaopt.cli import app
from slaopt.params import Params

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(app.commands))
def test_the_readme_names_every_command(command):
    assert f"slaopt {command}" in README


@pytest.mark.parametrize("command", sorted(app.commands))
def test_the_help_of_every_command_has_an_example(command):
    text = app.commands[command].help or ""
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


def test_links_of_the_readme_lead_somewhere():
    import re

    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
