"""Places for stores on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply.builders import Grounds, grounds, make_archive
from tests.parts import require
from tests.postgres import postgresql_server


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    require("postgresql")
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report that was made once; each test has its own copy."""
    return make_archive(tmp_path_factory.mktemp("archive") / "reports")


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ground(tmp_path: Path, archive: Path) -> Grounds:
    """On SQLite; one approval is enough."""
    return grounds(tmp_path, archive)


@pytest.fixture
def either(kind: str, request: pytest.FixtureRequest, tmp_path: Path, archive: Path) -> Grounds:
    """The same on each engine."""
    server = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    return grounds(tmp_path, archive, kind=kind, server=server)
