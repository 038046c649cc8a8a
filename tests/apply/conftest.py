"""Places for stores on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apply.builders import Grounds, grounds
from tests.parts import require
from tests.postgres import postgresql_server


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    require("postgresql")
    with postgresql_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ground(tmp_path: Path) -> Grounds:
    """On SQLite; one approval is enough."""
    return grounds(tmp_path)


@pytest.fixture
def either(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Grounds:
    """The same on each engine."""
    server = request.getfixturevalue("postgresql_url") if kind == "postgresql" else None
    return grounds(tmp_path, kind=kind, server=server)
