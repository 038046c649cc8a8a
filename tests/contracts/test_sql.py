"""What only databases ask for: types, names, tables, errors, and that nothing is ever written or given away."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings

from slaopt.errors import InputError, UnreachableError
from slaopt.params import Params, ParamsBook
from slaopt.profile import Profile, Profiles
from slaopt.sources import connect
from slaopt.sources.notes import Rejection
from slaopt.sources.sql.database import TableColumn, open_database
from slaopt.sources.sql.dialect import NAIVE
from slaopt.sources.sql.postgresql import PostgresqlDialect
from slaopt.sources.sql.sqlite import SqliteDialect
from slaopt.sources.sql.texts import text_number, text_stamp
from tests.contracts.conftest import TABLE, write_postgresql
from tests.postgres import PASSWORD

END = datetime(2026, 11, 3, 14, tzinfo=UTC)
START = END - timedelta(days=10)
NOON = datetime(2026, 11, 2, 12, 30, tzinfo=UTC)
BOOK = ParamsBook(default=Params(), services={})


def sqlite_file(path: Path, *statements: str) -> str:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return f"sqlite:///{path}"


def postgresql(url: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def only(address: str, **options: Any) -> Profiles:
    (profiles,) = connect(address, book=BOOK, now=END, **options).profiles(None, START, END)
    assert isinstance(profiles, Profiles)
    return profiles


def rejections(address: str, **options: Any) -> dict[str, int]:
    notes = connect(address, book=BOOK, now=END, **options).inspect().notes
    return {note.reason: note.count for note in notes if note.kind == "rejected"}


@pytest.fixture
def metrics(tmp_path: Path) -> str:
    return sqlite_file(
        tmp_path / "ops.db",
        f"CREATE TABLE {TABLE} (service_type, timestamp, value)",
        f"INSERT INTO {TABLE} VALUES ('a', '2026-11-02 12:30:00Z', 1.5), ('a', '2026-11-02 12:31:00Z', 2.5)",
    )


def test_the_usual_table_is_found_among_others(tmp_path: Path, metrics: str) -> None:
    sqlite_file(tmp_path / "ops.db", "CREATE TABLE other (x)", "CREATE TABLE another (x)")
    assert only(metrics).intake.accepted == 2
    reading = connect(metrics, book=BOOK, now=END).inspect().reading
    assert (reading.format, reading.source) == ("sqlite", f"sqlite:///{tmp_path / 'ops.db'}, table {TABLE}")


def test_a_table_is_asked_for_where_there_are_several(tmp_path: Path) -> None:
    address = sqlite_file(
        tmp_path / "ops.db", "CREATE TABLE runs (x)", "CREATE TABLE jobs (x)", "CREATE VIEW v AS SELECT 1"
    )
    with pytest.raises(InputError, match=r"several tables: 'jobs', 'runs', 'v'; name one: --table NAME"):
        connect(address, book=BOOK, now=END).inspect()
    with pytest.raises(InputError, match=r"no table 'runns' .* did you mean 'runs'\?"):
        connect(address, book=BOOK, now=END, table="runns").inspect()
    with pytest.raises(InputError, match=r"table runs: no column for timestamp and duration among 'x'"):
        connect(address, book=BOOK, now=END, table="RUNS").inspect()
    with pytest.raises(InputError, match="holds no table"):
        connect(sqlite_file(tmp_path / "empty.db", "VACUUM"), book=BOOK, now=END).inspect()


HOSTILE = ('we"ird; DROP TABLE x', "100 % :of `it`", "slå'opt [x]")


def test_hostile_names_in_sqlite(tmp_path: Path) -> None:
    table, stamp, duration = (name.replace('"', '""') for name in HOSTILE)
    address = sqlite_file(
        tmp_path / "o ps?#%.db",
        f'CREATE TABLE "{table}" ("{stamp}", "{duration}")',
        f"INSERT INTO \"{table}\" VALUES ('2026-11-02 12:30:00Z', 1.5)",
    )
    profiles = only(address, columns={"timestamp": HOSTILE[1], "duration": HOSTILE[2]})
    assert (profiles.service, profiles.intake.accepted) == (HOSTILE[0], 1)


def test_hostile_names_in_postgresql(postgresql_url: str) -> None:
    table, stamp, duration = HOSTILE
    columns = {stamp: [NOON], duration: [1.5], "service": ["a"]}
    write_postgresql(postgresql_url, columns, table=table)
    profiles = only(postgresql_url, table=table, columns={"timestamp": stamp, "duration": duration})
    assert profiles.hours.slot_sums.sums.sum() == 1.5
    postgresql(postgresql_url, f'DROP TABLE "{table.replace(chr(34), chr(34) * 2)}"')


def test_schemas_views_and_partitions(postgresql_url: str) -> None:
    postgresql(
        postgresql_url,
        "DROP SCHEMA IF EXISTS ops CASCADE",
        "CREATE SCHEMA ops",
        "CREATE TABLE ops.runs (at timestamptz, took interval, ok boolean) PARTITION BY RANGE (at)",
        "CREATE TABLE ops.runs_2026 PARTITION OF ops.runs FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        "INSERT INTO ops.runs VALUES ('2026-11-02 12:30Z', '1.25 s', true), ('2026-11-02 12:31Z', '00:01:30', false)",
        "CREATE VIEW ops.fast AS SELECT at, took FROM ops.runs WHERE took < '5 s'",
    )
    roles = {"timestamp": "at", "duration": "took", "status": "ok"}
    profiles = only(postgresql_url, table="ops.runs", columns=roles)
    assert (profiles.service, profiles.intake.accepted, profiles.intake.failed) == ("runs", 1, 1)
    assert profiles.hours.slot_sums.sums.sum() == 1.25
    view = only(postgresql_url, table="ops.fast", columns={"timestamp": "at", "duration": "took"})
    assert (view.intake.accepted, view.intake.reading.unit_from) == (1, "column type")
    with pytest.raises(InputError, match=r"no table 'ops\.runs_2027'"):
        connect(postgresql_url, book=BOOK, now=END, table="ops.runs_2027").inspect()
    postgresql(postgresql_url, "DROP SCHEMA ops CASCADE")


@pytest.mark.parametrize(
    ("kind", "values", "accepted", "total"),
    [
        ("numeric(30, 6)", ["1.5", "2.25", "NaN"], 2, 3.75),
        ("numeric", ["1.5", "Infinity", "-1", "1e400", "1e-400"], 2, 1.5),
        ("integer", [1, 2, None], 2, 3.0),
        ("real", [2.2, 0.3], 2, 2.5),
        ("double precision", ["NaN", "-Infinity", "0", "0.25"], 2, 0.25),
        ("interval", ["1 ms", "1 hour", "-1 s"], 2, 3600.001),
        ("time", ["00:00:02.5"], 1, 2.5),
        ("money", ["2.50"], 1, 2.5),
        ("varchar(20)", ["1.5", " 2.5 ", "1e-3", "nan", "", "1,5", "12 ms", "1.5.2", "-2"], 3, 4.001),
    ],
)
def test_types_of_durations(postgresql_url: str, kind: str, values: Sequence[Any], accepted: int, total: float) -> None:
    columns = {"timestamp": [NOON] * len(values), "duration": values}
    write_postgresql(postgresql_url, columns, types={"duration": kind})
    profiles = only(postgresql_url)
    assert profiles.intake.accepted == accepted
    assert profiles.intake.rejected == len(values) - accepted
    assert profiles.hours.slot_sums.sums.sum() == pytest.approx(total, rel=1e-15)


@pytest.mark.parametrize(
    ("kind", "values", "stamps"),
    [
        ("timestamptz", ["2026-11-02 13:30+01", "infinity", "-infinity"], "with zone"),
        ("timestamp", ["2026-11-02 12:30"], "naive"),
        ("date", ["2026-11-02"], "naive"),
        ("double precision", [NOON.timestamp(), 1e300, "NaN"], "epoch"),
        ("bigint", [int(NOON.timestamp() * 1e9), 0, 9_223_372_036_854_775_807], "epoch"),
        ("numeric", [str(NOON.timestamp())], "epoch"),
        ("text", ["2026-11-02T12:30:00Z", "2026-02-30 10:00", "03/11/2026", "later", "9999-01-01 00:00"], "with zone"),
    ],
)
def test_types_of_stamps(postgresql_url: str, kind: str, values: Sequence[Any], stamps: str) -> None:
    columns = {"timestamp": values, "duration": [1.0] * len(values)}
    write_postgresql(postgresql_url, columns, types={"timestamp": kind})
    source = connect(postgresql_url, book=BOOK, now=END)
    intake = source.inspect()
    assert intake.reading.stamps == stamps
    assert intake.first == (NOON if kind != "date" else NOON.replace(hour=0, minute=0))
    (profiles,) = source.profiles(None, START, END)
    assert isinstance(profiles, Profiles)
    assert profiles.intake.accepted == 1


@pytest.mark.parametrize(
    ("role", "kind", "value", "message"),
    [
        ("timestamp", "boolean", True, "times must be timestamps, epoch numbers or texts"),
        ("timestamp", "interval", "1 s", "times must be timestamps, epoch numbers or texts"),
        ("duration", "boolean", True, "durations must be numbers, intervals or texts"),
        ("duration", "json", "{}", "durations must be numbers, intervals or texts"),
    ],
)
def test_types_that_cannot_be_meant(postgresql_url: str, role: str, kind: str, value: Any, message: str) -> None:
    columns = {"timestamp": [NOON], "duration": [1.0]} | {role: [value]}
    write_postgresql(postgresql_url, columns, types={role: kind})
    with pytest.raises(InputError, match=f"column '{role}' is of type {kind}: {message}"):
        connect(postgresql_url, book=BOOK, now=END).inspect()


def test_values_of_any_type_in_one_column_of_sqlite(tmp_path: Path) -> None:
    address = sqlite_file(
        tmp_path / "ops.db",
        f"CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, timestamp, value)",
        f"""INSERT INTO {TABLE} (timestamp, value) VALUES
            ('2026-11-02 12:30:00Z', 1), (1793622600, '2.5'), (1793622600.25, 1.5), (1793622600250, ' 1e-3 '),
            ('2026-11-02T12:30', 4.0), (x'00', 1.0), ('2026-11-02 12:30:00Z', x'31'), (-5, 1), (9e18, 1), (9e999, 1),
            ('2026-11-02 12:30:00Z', 9e999), ('2026-11-02 12:30:00Z', '3,5'), ('2026-11-02 12:30:00Z', 'abc'),
            (NULL, 1), ('', 1), ('2026-11-02 12:30:00Z', ''), ('2026-11-02 12:30:00Z', NULL)""",
    )
    assert rejections(address) == {
        "timestamp is blank": 2,
        "timestamp cannot be read": 2,
        "timestamp lies before 1990": 1,
        "duration is blank": 2,
        "duration has a comma that may part decimals or thousands": 1,
        "duration is not a number": 2,
        "duration is not finite": 1,
    }
    intake = connect(address, book=BOOK, now=END).inspect()
    assert intake.reading.stamps == "mixed"
    assert [note.count for note in intake.notes if note.kind == "warning"] == [1, 1]  # no zone; in the future
    assert only(address).hours.slot_sums.sums.sum() == pytest.approx(9.001)
    examples = {note.reason: note.examples for note in intake.notes}
    assert [item.text for item in examples["duration is not a number"]] == ["X'31' (id 7)", "'abc' (id 13)"]
    assert only(address, decimal=",").hours.slot_sums.sums.sum() == pytest.approx(9.001 - 2.5 + 3.5)


# a time as texts hold it, the usual and the odd: what the engines read must be what Python reads
STAMPS = st.builds(
    "{}{}{}{}".format,
    st.datetimes(datetime(1985, 1, 1), datetime(2099, 12, 31)).map(lambda time: f"{time:%Y-%m-%d}")
    | st.sampled_from(["2026-02-29", "2024-02-29", "2026-11-31", "2026-13-01", "2026-1-2", "03/11/2026", ""]),
    st.sampled_from([" ", "T", "", "  "]),
    st.times().map(lambda time: f"{time:%H:%M:%S}")
    | st.sampled_from(["", "12:30", "25:00:00", "23:59:60", "12:30:15.5", "12:30:15.123456", "23:59:59.9999",
                       "12:30:15.1234567891"]),
    st.sampled_from(["", "Z", "+00:00", "+02:00", "-05:30", "+0200", "+02", " UTC", "X", " +01:00"]),
)  # fmt: skip
STAMP, DURATION = (TableColumn(name=name, kind="text", type="text") for name in ("stamp", "number"))


def read_by_engine(
    connection: sa.Connection, dialect: Any, texts: Sequence[tuple[str, str]]
) -> list[tuple[float | None, int, int, float | None, int]]:
    rows = sa.union_all(
        *(
            sa.select(sa.literal(at).label("at"), sa.literal(one).label("stamp"), sa.literal(two).label("number"))
            for at, (one, two) in enumerate(texts)
        )
    ).subquery("t")
    raw = sa.select(
        rows.c.at,
        rows.c.stamp.label("stored"),
        dialect.raw_stamp(STAMP).label("stamp"),
        dialect.raw_duration(DURATION).label("number"),
    ).subquery("raw")
    stamp = dialect.stamp(raw.c.stamp, raw.c.stored, STAMP)
    number = dialect.duration(raw.c.number, DURATION)
    wanted = (stamp.value, stamp.problem, stamp.kind, number.value, number.problem)
    return [tuple(row) for row in connection.execute(sa.select(*wanted).order_by(raw.c.at))]


@pytest.fixture(scope="module")
def engines(postgresql_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The readers of both engines, by the decimal mark."""
    lite = open_database(sqlite_file(tmp_path_factory.mktemp("sqlite") / "empty.db", "CREATE TABLE t (x)"))
    with lite.reading() as one, open_database(postgresql_url).reading() as two:
        yield lambda texts, decimal: {
            "sqlite": read_by_engine(one, SqliteDialect(one, decimal=decimal), texts),
            "postgresql": read_by_engine(two, PostgresqlDialect(decimal=decimal), texts),
        }


NUMBERS = (
    st.floats(0, 1e6, width=32).map(repr)
    | st.text("0123456789.,eE+- ", max_size=8)
    | st.sampled_from(["1,234.5", "1.234,5", "12 ms", "nan", "-Inf", "Infinity", "1e308", "1e999",
                       "1_000", "٣", " 2 ", "0x1A", "1,5", "+.5"])
)  # fmt: skip


@settings(max_examples=60)
@example(texts=[("2026-11-03 14:05:00Z", "1.5"), ("2026-11-03T14:05:00.5+02:00", "0")], decimal=None)
@given(texts=st.lists(st.tuples(STAMPS, NUMBERS), min_size=1, max_size=25), decimal=st.sampled_from([None, ".", ","]))
def test_engines_read_texts_as_python_does(engines: Any, texts: list[tuple[str, str]], decimal: str | None) -> None:
    for engine, rows in engines(texts, decimal).items():
        for (stamp, number), (local, problem, kind, value, refusal) in zip(texts, rows, strict=True):
            where = f"{engine}: {stamp!r}, {number!r}, {decimal!r}"
            read = text_stamp(stamp)
            if isinstance(read, Rejection) or read[0] <= 0:
                assert local is None or local <= 0, where
                assert problem in (read, Rejection.EARLY_STAMP, 0), where
            else:
                assert (problem, kind == NAIVE) == (0, read[1]), where
                assert local == pytest.approx(read[0], abs=2e-6), where
            written = text_number(number, decimal)
            if isinstance(written, Rejection):
                assert (value, refusal) == (None, written), where
            elif np.isfinite(written):
                assert (value, refusal) == (written, 0), where


def test_nothing_is_written(tmp_path: Path, metrics: str) -> None:
    path = tmp_path / "ops.db"
    before = path.read_bytes(), sorted(os.listdir(tmp_path))
    source = connect(metrics, book=BOOK, now=END)
    source.inspect()
    list(source.profiles(None, START, END))
    assert (path.read_bytes(), sorted(os.listdir(tmp_path))) == before
    path.chmod(0o444)
    assert only(metrics).intake.accepted == 2
    with open_database(metrics).reading() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.execute(sa.text("CREATE TABLE x (y)"))


def test_a_reader_without_rights_to_write_is_enough(postgresql_url: str) -> None:
    write_postgresql(postgresql_url, {"timestamp": [NOON], "duration": [1.0]})
    postgresql(
        postgresql_url,
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN PASSWORD 'read-only'",
        f"GRANT SELECT ON {TABLE} TO reader",
        "CREATE TABLE secret (timestamp timestamptz, duration float)",
    )
    url = sa.make_url(postgresql_url).set(username="reader", password="read-only")
    address = url.render_as_string(hide_password=False)
    assert only(address).intake.accepted == 1
    with pytest.raises(InputError, match="no table 'secret'"):
        connect(address, book=BOOK, now=END, table="secret").inspect()
    with open_database(address).reading() as connection, pytest.raises(sa.exc.InternalError, match="read-only"):
        connection.execute(sa.text("CREATE TEMP TABLE x (y int)"))
    postgresql(postgresql_url, "DROP TABLE secret", f"REVOKE ALL ON {TABLE} FROM reader", "DROP ROLE reader")


def test_a_sqlite_file_has_to_be_there_and_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        connect(f"sqlite:///{tmp_path / 'none.db'}", book=BOOK, now=END)
    assert not list(tmp_path.iterdir())
    (tmp_path / "page.html").write_text("<html>" * 100)
    with pytest.raises(InputError, match="file is not a database"):
        connect(f"sqlite:///{tmp_path / 'page.html'}", book=BOOK, now=END).inspect()
    with pytest.raises(InputError, match="is no file"):
        connect(f"sqlite:///{tmp_path}", book=BOOK, now=END)
    with pytest.raises(InputError, match="in memory"):
        connect("sqlite://", book=BOOK, now=END)


def test_a_locked_sqlite_file_is_not_reachable(metrics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slaopt.sources.sql.database.PATIENCE", 0.05)
    with closing(sqlite3.connect(tmp_path / "ops.db", isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UnreachableError, match="locked"):
            connect(metrics, book=BOOK, now=END).inspect()


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    address = sqlite_file(
        tmp_path / "ops.db",
        f"CREATE TABLE {TABLE} (service, timestamp, value, status)",
        f"""INSERT INTO {TABLE} VALUES ('a', '2026-11-02 12:30:00Z', 1.5, CAST(x'ff' AS TEXT)),
            (CAST(x'61ff' AS TEXT), '2026-11-02 12:30:00Z', 1.5, 'ok')""",
    )
    assert rejections(address) == {"service has control characters": 1}
    assert only(address).intake.accepted == 1


def test_a_server_that_goes_away_is_not_reachable(postgresql_url: str) -> None:
    write_postgresql(postgresql_url, {"timestamp": [NOON] * 2, "service": ["a", "b"], "duration": [1.0, 2.0]})
    scan = connect(f"{postgresql_url}?application_name=doomed", book=BOOK, now=END).profiles(None, START, END)
    assert next(scan).service == "a"
    postgresql(
        postgresql_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'"
    )
    with pytest.raises(UnreachableError, match="does not answer"):
        list(scan)


def test_rows_that_repeat_another(tmp_path: Path, postgresql_url: str) -> None:
    rows = "('a', '2026-11-02 12:30:00Z', 1.5), ('a', '2026-11-02 12:30:00Z', 1.5), ('a', '2026-11-02 12:31:00Z', 1.5)"
    made = f"CREATE TABLE {TABLE} (service text, timestamp text, value float)", f"INSERT INTO {TABLE} VALUES {rows}"
    postgresql(postgresql_url, f"DROP TABLE IF EXISTS {TABLE}", *made)
    for address in (sqlite_file(tmp_path / "ops.db", *made), postgresql_url):
        (whole,) = connect(address, book=BOOK, now=END).inspect().services
        part = only(address).intake
        assert (whole.doubles, whole.most_frequent, part.doubles, part.most_frequent) == (1, 3, 1, 3)


def test_repetitions_of_large_tables_are_estimated_from_a_part(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    monkeypatch.setattr("slaopt.sources.sql.source.SAMPLE", 1000)
    count = 20_000
    durations = np.where(rng.random(count) < 0.3, 1.0, rng.lognormal(0, 1, count))
    minutes = rng.integers(0, 14_000, count)  # stamps without seconds must not spoil the choice of seconds
    stamps = [f"{START + timedelta(minutes=int(minute)):%Y-%m-%d %H:%M:%S}" for minute in minutes]
    rows = list(zip(stamps, durations.tolist(), strict=True))
    rows[:4000] = rows[4000:8000]
    address = sqlite_file(tmp_path / "ops.db", f"CREATE TABLE {TABLE} (timestamp, value)")
    with closing(sqlite3.connect(tmp_path / "ops.db")) as database:
        database.executemany(f"INSERT INTO {TABLE} VALUES (?, ?)", rows)
        database.commit()
    postgresql(postgresql_url, f"DROP TABLE IF EXISTS {TABLE}", f"CREATE TABLE {TABLE} (timestamp text, value float)")
    with sa.create_engine(postgresql_url, poolclass=sa.NullPool).begin() as connection:
        insert = sa.text(f"INSERT INTO {TABLE} VALUES (:timestamp, :value)")
        connection.execute(insert, [{"timestamp": stamp, "value": value} for stamp, value in rows])
    frequent, repeated = sum(value == 1.0 for _, value in rows), len(rows) - len(set(rows))
    for intake in (only(address).intake, only(postgresql_url).intake):
        assert intake.most_frequent == pytest.approx(frequent, rel=0.2)
        assert intake.doubles == pytest.approx(repeated, rel=0.2)


def test_other_databases_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="mysql databases are not read; SQLite and PostgreSQL are"):
        connect("mysql://u:secret@db/ops", book=BOOK, now=END)
    with pytest.raises(InputError, match=r"pip install slaopt\[postgresql\]"):
        connect("postgresql+asyncpg://u:secret@db/ops", book=BOOK, now=END)


SECRETS: Mapping[str, str] = {
    "refused": "postgresql://reader:hunter2-swordfish@127.0.0.1:9/ops",
    "no host": "postgresql+psycopg://reader:hunter2-swordfish@no-such-host.invalid/ops?connect_timeout=2",
    "in the query": "postgresql://reader@127.0.0.1:9/ops?password=hunter2-swordfish",
    "not encoded": "postgresql://reader:hunter2-swordfish@home@127.0.0.1:9/ops",
    "no port": "postgresql://reader:hunter2-swordfish@127.0.0.1:port/ops",
    "other database": "oracle://reader:hunter2-swordfish@db/ops",
    "other driver": "postgresql+asyncpg://reader:hunter2-swordfish@db/ops",
    "unknown driver": "postgresql+nothing://reader:hunter2-swordfish@db/ops",
    "unknown option": "postgresql://reader:hunter2-swordfish@127.0.0.1:9/ops?nonsense=1",
}


@pytest.mark.parametrize("address", SECRETS.values(), ids=SECRETS)
def test_a_password_is_in_no_error(address: str) -> None:
    with pytest.raises((InputError, UnreachableError)) as caught:
        connect(address, book=BOOK, now=END).inspect()
    error: BaseException | None = caught.value
    assert isinstance(caught.value, UnreachableError) == (address in list(SECRETS.values())[:3])
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__


def test_a_password_is_in_no_result(postgresql_url: str) -> None:
    assert PASSWORD in postgresql_url
    write_postgresql(postgresql_url, {"timestamp": [NOON, None], "duration": [1.0, 2.0]})
    source = connect(postgresql_url, book=BOOK, now=END)
    (profiles,) = source.profiles(None, START, END)
    assert isinstance(profiles, Profiles)
    for result in (source.inspect(), profiles.intake):
        assert PASSWORD not in str(result.to_dict())
    assert "***" in source.inspect().reading.source
    for wrong in ("/nowhere", "/postgres?options=-cnonsense%3D1"):
        with pytest.raises((InputError, UnreachableError)) as caught:
            connect(postgresql_url.replace("/postgres", wrong), book=BOOK, now=END).inspect()
        assert PASSWORD not in str(caught.value)
    with pytest.raises(UnreachableError, match="password authentication failed") as caught:
        connect(postgresql_url.replace(PASSWORD, "hunter2-swordfish"), book=BOOK, now=END).inspect()
    assert "hunter2" not in str(caught.value)


def test_many_services_hold_one_at_a_time(tmp_path: Path) -> None:
    count = 600
    path = tmp_path / "ops.db"
    address = sqlite_file(path, f"CREATE TABLE {TABLE} (service, timestamp, value)")
    with closing(sqlite3.connect(path)) as database:
        rows = [(f"service {at:05}", "2026-11-02 12:30:00Z", 0.5 + at % 7) for at in range(count)] * 2
        database.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?)", rows)
        database.commit()
    source = connect(address, book=BOOK, now=END)
    assert len(source.inspect().services) == count
    seen = 0
    for at, profiles in enumerate(source.profiles(None, END - timedelta(days=2), END)):
        assert isinstance(profiles, Profiles)
        assert (profiles.service, profiles.hours.slot_sums.sums.sum()) == (f"service {at:05}", 2 * (0.5 + at % 7))
        seen += 1
    assert seen == count


def test_settings_of_single_services(postgresql_url: str) -> None:
    columns = {
        "timestamp": [NOON] * 4,
        "service": ["a", "a", "b", "b"],
        "duration": [1.0, 2.0, 1.0, 2.0],
        "status": ["ok", "slow", "ok", "slow"],
    }
    write_postgresql(postgresql_url, columns)
    book = ParamsBook(default=Params(), services={"b": Params(service="b", failed_statuses=("slow",))})
    a, b = connect(postgresql_url, book=book, now=END).profiles(None, START, END)
    assert isinstance(a, Profiles)
    assert isinstance(b, Profiles)
    assert (a.intake.accepted, b.intake.accepted, b.intake.failed) == (2, 1, 1)
    truth = Profile.from_durations(
        [NOON.replace(tzinfo=None)] * 2, [1.0, 2.0], service="b", start=START, end=END, failed=[False, True]
    )
    assert (b.hours.slot_sums.failures == truth.slot_sums.failures).all()
