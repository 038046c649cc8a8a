"""Servers for tests: made once, copied for those that write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.running import Running, approval_server, copied, make_workspace


@pytest.fixture(scope="session")
def made_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two reports and five people; tests copy it."""
    return make_workspace(tmp_path_factory.mktemp("made") / "workspace")


@pytest.fixture(scope="module")
def approvals(made_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An approval server over a workspace of the module's own."""
    with approval_server(copied(made_workspace, tmp_path_factory.mktemp("served") / "workspace")) as running:
        yield running
