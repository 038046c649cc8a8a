"""Which store is meant, and what is no address of one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from slaopt.errors import InputError
from slaopt.store import find_store, locate_store, make_store, open_database


def test_what_was_said_first_wins() -> None:
    work = Path("/srv/ops")
    assert locate_store("a.db", "b.db", "c.db", work) == "a.db"
    assert locate_store(None, "b.db", "c.db", work) == "b.db"
    assert locate_store(None, None, "c.db", work) == "sqlite:////srv/ops/c.db"
    assert locate_store(None, "", "sqlite:///deep/c.db", work) == "sqlite:////srv/ops/deep/c.db"
    assert locate_store(None, None, "sqlite:////c.db", work) == "sqlite:////c.db"
    assert locate_store(None, None, "postgresql://me@db/ops", work) == "postgresql://me@db/ops"
    assert locate_store(None, None, None, work) == "sqlite:////srv/ops/slaopt.db"
    assert locate_store(None, None, None, None) is None


def test_secrets_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLA_PASSWORD", "s3cret")
    address = locate_store(None, None, "postgresql://me:${SLA_PASSWORD}@db/ops?sslpassword=other", None)
    assert address == "postgresql://me:s3cret@db/ops?sslpassword=other"
    assert open_database(address).label == "postgresql+psycopg://me:***@db/ops"
    monkeypatch.delenv("SLA_PASSWORD")
    with pytest.raises(InputError, match="the store's URL asks for the environment variable SLA_PASSWORD"):
        locate_store("postgresql://me:${SLA_PASSWORD}@db/ops", None, None, None)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite://", "a store in memory keeps nothing"),
        ("sqlite:///:memory:", "a store in memory keeps nothing"),
        ("mysql://me@db/ops", "mysql databases are not read; SQLite and PostgreSQL are"),
        ("postgresql://me:a@b@db/ops", "must write it as %40"),
        ("no such folder/slaopt.db", "there is no such folder for the store"),
        (".", "is no file"),
    ],
)
def test_other_addresses_are_refused(address: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=said):
        make_store(address)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("remember the milk\n" * 100)
    with pytest.raises(InputError, match=r"notes\.txt: SQLite says: file is not a database"):
        make_store(str(tmp_path / "notes.txt"))
    assert (tmp_path / "notes.txt").read_text().startswith("remember")


def test_an_empty_file_becomes_a_store_and_is_none_before(tmp_path: Path) -> None:
    path = tmp_path / "100 % ok?.db"
    path.touch()
    assert find_store(str(path)) is None
    make_store(str(path))
    assert find_store(str(path)) is not None
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_missing_driver_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "psycopg"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"driver psycopg is not installed: pip install slaopt\[postgresql\]"):
        make_store("postgresql://me@127.0.0.1/ops")
