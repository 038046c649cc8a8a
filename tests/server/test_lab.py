"""Inside JupyterLab: the extension is on, its tile opens the pages, and roles reach no further than proposing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import slaopt
from tests.parts import chromium, require
from tests.server.running import Running, copied, lab_server

EXTENSION = Path(slaopt.__file__).parent / "server" / "labextension"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-quic")


@pytest.fixture(scope="module")
def lab(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with lab_server(copied(made_workspace, tmp_path_factory.mktemp("lab") / "workspace"), lab=True) as running:
        yield running


def test_installed_with_slaopt_the_extension_and_its_tile_are_on():
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter", "server", "extension", "list"], capture_output=True, text=True, check=True
    )
    said = listed.stdout + listed.stderr
    assert "slaopt.server" in said
    tile = Path(sys.prefix, "share", "jupyter", "labextensions", "slaopt", "package.json")
    assert json.loads(tile.read_text(encoding="utf-8")) == json.loads((EXTENSION / "package.json").read_text())


def test_the_tile_has_the_version_of_slaopt_and_a_name_that_changes_with_it():
    package = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == slaopt.__version__
    script = EXTENSION / package["jupyterlab"]["_build"]["load"]
    digest = hashlib.sha256(script.read_bytes()).hexdigest()[:12]
    assert script.name == f"remoteEntry.{digest}.js"  # browsers keep it for good: another content is another name


def test_the_tile_in_the_launcher_opens_the_pages(lab: Running):
    require("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=list(QUIET))
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{lab.url}lab?token={lab.token}")
        tile = page.locator(".jp-LauncherCard", has_text="SLA thresholds")
        tile.wait_for(timeout=60_000)
        assert tile.locator("svg[data-icon='slaopt:icon']").count() == 1
        if folder := os.environ.get("SLAOPT_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / "launcher.png")
        with page.context.expect_page() as opened:
            tile.click()
        opened.value.wait_for_load_state()
        assert opened.value.url == lab.pages
        assert opened.value.goto(f"{lab.pages}ping").json() == {
            "name": _me(), "role": "viewer", "solo": False, "server": "lab",
        }  # fmt: skip
        browser.close()
    assert not errors


def _me() -> str:
    from slaopt.apply.people import os_user

    return os_user()
