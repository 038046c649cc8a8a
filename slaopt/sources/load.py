"""Files of any form brought into DuckDB as one relation, `rows`, in which nothing is decided yet.

Text is read once, into a table; Parquet stays where it is, behind a view.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slaopt.errors import InputError
from slaopt.intake import Example, Note
from slaopt.sources.base import Options, required
from slaopt.sources.columns import find_columns, listed, name_unit, rival_notes
from slaopt.sources.find import find_files
from slaopt.sources.notes import MOST_EXAMPLES, Rejection, rejected, shortened
from slaopt.sources.parse import DURATIONS, TYPE_UNITS
from slaopt.sources.relation import LONGEST_LINE, Group, listed_paths, readable, rows_sql
from slaopt.sources.sniff import FileForm, open_bytes, sniff

if TYPE_CHECKING:
    import duckdb

__all__ = ["Loaded", "load"]

MEMORY = 4_000_000_000  # bytes that DuckDB may hold before it writes to a temporary folder, or half of the machine's
FULL = "does not fit into memory and the temporary folder; make room, or name another folder in TMPDIR"
MIXED = (
    "cannot be read to its end: its lines end in two ways, \\r\\n and \\n, or a quotation mark is left open; write it "
    "with one kind of line end (dos2unix)"
)
DAMAGED = "cannot be read to its end: it is damaged, cut off or in another form; write it again"


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class Loaded:
    """The relation `rows`, and what was seen on the way."""

    source: str
    folder: Path  # temporary, gone with this object
    database: duckdb.DuckDBPyConnection
    groups: list[Group] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    unreadable: int = 0  # lines of text that are no rows
    no_rows: dict[Path, set[int]] = field(default_factory=dict)  # the numbers at which they begin

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and give its rows.

        Raises
        ------
        InputError
            If a file behind it turns out to be damaged.
        """
        with self.reading():
            return self.database.execute(sql).fetchall()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn what DuckDB says of a damaged file into what a user can act on."""
        import duckdb

        try:
            yield
        except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
            raise InputError(f"{self.source}: {_problem(error)}") from error
        except duckdb.OutOfMemoryException as error:
            raise InputError(f"{self.source}: {FULL}") from error


def load(source: str, options: Options) -> Loaded:
    """Find, sniff and load the files.

    Raises
    ------
    InputError
        If the only file, or every file of a folder, cannot be used.
    """
    paths = find_files(source)
    folder = Path(tempfile.mkdtemp(prefix="slaopt-"))
    loaded = Loaded(source=source, folder=folder, database=_connection(folder))
    weakref.finalize(loaded, shutil.rmtree, folder, ignore_errors=True)
    alone = len(paths) == 1
    sniffed: dict[FileForm, list[Path]] = {}
    for path in paths:
        try:
            sniffed.setdefault(sniff(path, options), []).append(path)
        except InputError as error:
            _leave_out(loaded, [path], error, alone=alone)
    groups: list[Group] = []
    for form, files in sniffed.items():
        groups.extend(_groups(loaded, form, files, options, alone=alone))
    _make_rows(loaded, groups, options, alone=alone)
    if not loaded.groups:
        raise InputError(f"{source}: none of {len(paths)} files can be read; the first was {loaded.notes[0].reason}")
    return loaded


def _connection(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that spills into the folder and never talks to a network."""
    import duckdb

    database = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "temp_directory": str(folder), "memory_limit": f"{_memory()}B", "preserve_insertion_order": "false",
        }
    )  # fmt: skip
    database.execute("SET TimeZone = 'UTC'")
    with suppress(duckdb.InvalidInputException):  # in Jupyter without ipywidgets there is no bar and no such setting
        database.execute("SET enable_progress_bar = false")
    database.execute("SET streaming_buffer_size = '64MB'")  # it reads on while a batch is counted
    return database


def _memory() -> int:
    return min(MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)


def _leave_out(loaded: Loaded, paths: Sequence[Path], error: InputError, *, alone: bool) -> None:
    """Note a file that cannot be used among others that can; the only file is refused."""
    if alone:
        raise error
    loaded.notes.append(
        Note(
            kind="warning", reason=f"left out: {error}", count=0,
            remedy="mend the file, or take it out of the folder",
            examples=tuple(Example(file=str(path)) for path in paths[:MOST_EXAMPLES]),
        )
    )  # fmt: skip


def _groups(loaded: Loaded, form: FileForm, paths: list[Path], options: Options, *, alone: bool) -> list[Group]:
    """Make the groups of files of one form; Parquet files are told apart by their columns only here."""
    layouts: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Path]] = {}
    if form.format != "parquet":
        layouts[form.names, ("VARCHAR",) * len(form.names)] = paths
        paths = []
    for path in paths:
        try:
            layouts.setdefault(_described(loaded, path), []).append(path)
        except InputError as error:
            _leave_out(loaded, [path], error, alone=alone)
    groups = []
    for (names, types), files in layouts.items():
        try:
            groups.append(_group(loaded, form, files, names, types, options))
        except InputError as error:
            _leave_out(loaded, files, error, alone=alone)
    return groups


def _described(loaded: Loaded, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    import duckdb
    from pyarrow import parquet

    files = listed_paths([path], loaded.folder)
    try:
        table = loaded.database.execute(f"DESCRIBE SELECT * FROM read_parquet({files})").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{path}: {DAMAGED}") from error
    arrow = parquet.read_schema(path)
    types = [str(arrow.field(at).type) if len(arrow) == len(table) else "" for at in range(len(table))]
    names = tuple(str(row[0]) for row in table)
    return names, tuple(kind if kind in DURATIONS else str(row[1]) for row, kind in zip(table, types, strict=True))


def _group(
    loaded: Loaded, form: FileForm, paths: list[Path], names: tuple[str, ...], types: tuple[str, ...], options: Options
) -> Group:
    where = str(paths[0])
    columns = find_columns(names, options.columns, where=where, seeks=options.seeks, required=required(options))
    for column in columns.values():
        if names.count(column.name) > 1:
            raise InputError(f"{where}: two columns are called {column.name!r} among {listed(names)}; rename one")
    loaded.notes.extend(one for one in rival_notes(names, columns) if one not in loaded.notes)
    duration = columns["duration"].name
    unit, unit_from = _unit(types[names.index(duration)], duration, options)
    group = Group(
        form=form, paths=tuple(paths), names=names, types=types, columns=columns,
        unit=unit, unit_from=unit_from, service=_fallback_name(loaded.source),
    )  # fmt: skip
    rows_sql(group, options, loaded.folder)  # refuses types that hold no times or durations
    return group


def _unit(kind: str, name: str, options: Options) -> tuple[str, str]:
    """Give the unit of a column of durations, and where it is known from."""
    if kind in TYPE_UNITS:
        return TYPE_UNITS[kind], "type"
    if options.unit is not None:
        return options.unit, "given"
    named = name_unit(name)
    return (named, "column name") if named else ("s", "default")


def _fallback_name(source: str) -> str:
    """Give the service's name where no column names one: that of the file or folder, without suffixes."""
    path = Path(source).expanduser()
    name = (path.parent if any(sign in path.name for sign in "*?[") else path).resolve().name
    return name.partition(".")[0] or name or "all"


def _make_rows(loaded: Loaded, groups: list[Group], options: Options, *, alone: bool) -> None:
    """Make the relation `rows` of the groups; a file that breaks on the way is left out."""
    import duckdb

    folder = loaded.folder
    if not any(group.is_text for group in groups):
        if groups:
            query = " UNION ALL ".join(rows_sql(group, options, folder) for group in groups)
            loaded.database.execute(f"CREATE VIEW rows AS {query}")
            loaded.groups = groups
        return
    loaded.database.execute(f"CREATE TABLE rows AS {rows_sql(groups[0], options, folder)} LIMIT 0")
    waiting = list(groups)
    while waiting:
        group = waiting.pop(0)
        try:
            loaded.database.execute(f"INSERT INTO rows {rows_sql(group, options, folder)}")
        except duckdb.Error as error:
            if len(group.paths) == 1:
                _leave_out(loaded, group.paths, InputError(f"{group.where}: {_problem(error)}"), alone=alone)
            else:
                waiting = [*(group.only(path) for path in group.paths), *waiting]
            continue
        loaded.groups.append(group)
    _note_rejects(loaded)


def _problem(error: Exception) -> str:
    """Say in our words what DuckDB says of a file."""
    if "maximum_object_size" in str(error):
        return f"holds an object longer than {LONGEST_LINE:,} characters; shorten it"
    if "No space left" in str(error):
        return FULL
    if "invalid state" in str(error):
        return MIXED
    return DAMAGED


def _note_rejects(loaded: Loaded) -> None:
    """Count the lines that are no rows; a quote that is never closed swallows all lines after it."""
    folder = loaded.folder
    read = {
        str(readable(path, group.form, folder)): (path, group.form)
        for group in loaded.groups
        if group.form.format in ("csv", "tsv", "jsonl")
        for path in group.paths
    }
    if not read:
        return
    found = loaded.query(
        "SELECT file_path, line, any_value(error_type::VARCHAR), any_value(left(csv_line, 200)), "
        "greatest(1, any_value(length(csv_line) - length(replace(csv_line, chr(10), '')))) "
        "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY 1, 2 ORDER BY 1, 2"
    )
    counts: Counter[Rejection] = Counter()
    examples: dict[Rejection, list[Example]] = defaultdict(list)
    for copy, line, error, text, lines in found:
        if copy not in read:
            continue
        path, form = read[copy]
        lost = _lost_to_quote(Path(copy), form, int(line)) if error == "UNQUOTED VALUE" else 0
        reason = Rejection.OPEN_QUOTE if lost else Rejection.NOT_A_ROW
        counts[reason] += lost or int(lines)
        said = text if lost else f"{error.lower().replace('_', ' ')}: {text}"
        examples[reason].append(Example(file=str(path), line=int(line), text=shortened(said)))
        loaded.no_rows.setdefault(path, set()).add(int(line))
    loaded.unreadable = counts.total()
    loaded.notes.extend(rejected(reason, count, examples[reason]) for reason, count in counts.items())


def _lost_to_quote(path: Path, form: FileForm, line: int) -> int:
    """Count the lines from this one to the end, if a quote that opens in it is never closed; else 0."""
    with open_bytes(path, "none" if form.encoding == "utf-16" else form.compression) as stream:
        rest = [text.count(b'"') for text in islice(stream, line - 1, None)]
    return len(rest) if sum(rest) % 2 else 0
