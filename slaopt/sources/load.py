"""Files of any form brought into DuckDB as one relation, `rows`, in which nothing is decided yet.

Text is read once, into a table; Parquet stays where it is, behind a view.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slaopt.errors import InputError
from slaopt.intake import Column, Example, Note, Role
from slaopt.sources.base import Options
from slaopt.sources.columns import find_columns, listed, name_unit
from slaopt.sources.find import find_files
from slaopt.sources.notes import Rejection, rejected, shortened
from slaopt.sources.parse import identifier, literal, number_sql, stamp_sql
from slaopt.sources.sniff import FileForm, duplicated, open_bytes, sniff

if TYPE_CHECKING:
    import duckdb

__all__ = ["Group", "Loaded", "fallback_name", "load", "rows_sql"]

LONGEST_LINE = 16_000_000  # bytes
MARKED = 24  # columns that tell doubles apart
MEMORY = "4GB"  # what DuckDB may hold before it writes to a temporary folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files of one form, read by one expression."""

    form: FileForm
    paths: tuple[Path, ...]
    relation: str  # SQL; has the columns that `names` says, named c0, c1, …
    names: tuple[str, ...]
    types: tuple[str, ...]  # DuckDB's
    columns: Mapping[Role, Column]
    unit: str  # where no unit column and no text says otherwise

    def column(self, role: Role) -> str | None:
        """Name of a role's column in the relation."""
        found = self.columns.get(role)
        return f"c{self.names.index(found.name)}" if found else None

    def type_of(self, role: Role) -> str:
        """DuckDB's type of a role's column."""
        return self.types[self.names.index(self.columns[role].name)]


@dataclass(slots=True, kw_only=True)
class Loaded:
    """The relation `rows`, and what was seen on the way."""

    database: duckdb.DuckDBPyConnection
    groups: list[Group]
    notes: list[Note] = field(default_factory=list)
    unreadable: int = 0  # lines of text that are no rows
    folder: tempfile.TemporaryDirectory[str]


def _connection(folder: str) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that spills into the folder and never talks to a network."""
    import duckdb

    database = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "temp_directory": folder, "memory_limit": MEMORY, "preserve_insertion_order": "false",
        }
    )  # fmt: skip
    database.execute("SET TimeZone = 'UTC'")
    database.execute("SET enable_progress_bar = false")
    return database


def load(source: str, options: Options) -> Loaded:
    """Find, sniff and load the files.

    Raises
    ------
    InputError
        If the only file, or every file of a folder, cannot be used.
    """
    paths = find_files(source)
    folder = tempfile.TemporaryDirectory(prefix="slaopt-", ignore_cleanup_errors=True)
    loaded = Loaded(database=_connection(folder.name), groups=[], folder=folder)
    sniffed: dict[FileForm, list[Path]] = {}
    for path in paths:
        try:
            sniffed.setdefault(sniff(path, options.columns), []).append(path)
        except InputError as error:
            _leave_out(loaded, [path], error, alone=len(paths) == 1)
    for form, files in sniffed.items():
        try:
            loaded.groups.extend(_groups(loaded, form, files, options))
        except InputError as error:
            _leave_out(loaded, files, error, alone=len(paths) == 1)
    if not loaded.groups:
        raise InputError(f"{source}: none of {len(paths)} files can be read: {loaded.notes[0].reason}")
    _make_rows(loaded, source, options)
    return loaded


def _leave_out(loaded: Loaded, paths: Sequence[Path], error: InputError, *, alone: bool) -> None:
    if alone:
        raise error
    loaded.notes.append(
        Note(
            kind="warning", reason=f"left out: {error}", count=len(paths),
            remedy="mend the file, or take it out of the folder",
            examples=tuple(Example(file=str(path)) for path in paths[:3]),
        )
    )  # fmt: skip


def _groups(loaded: Loaded, form: FileForm, paths: list[Path], options: Options) -> list[Group]:
    """Make the groups of files of one form; Parquet files are told apart by their columns only here."""
    if form.format == "parquet":
        described: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Path]] = {}
        for path in paths:
            try:
                described.setdefault(_describe(loaded, path), []).append(path)
            except InputError as error:
                _leave_out(loaded, [path], error, alone=len(paths) == 1)
        return [_group(loaded, form, files, *schema, options) for schema, files in described.items()]
    return [_group(loaded, form, paths, form.names, ("VARCHAR",) * len(form.names), options)]


def _describe(loaded: Loaded, path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    import duckdb

    try:
        table = loaded.database.execute(f"DESCRIBE SELECT * FROM read_parquet({_listed(loaded, [path])})").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{path}: the Parquet file is damaged or cut off; write it again") from error
    return tuple(row[0] for row in table), tuple(row[1] for row in table)


def _group(
    loaded: Loaded, form: FileForm, paths: list[Path], names: tuple[str, ...], types: tuple[str, ...], options: Options
) -> Group:
    where = str(paths[0])
    columns = find_columns(names, options.columns, where=where)
    for column in columns.values():
        if column.name in duplicated(names):
            raise InputError(f"{where}: two columns are called {column.name!r} among {listed(names)}; rename one")
    unit = options.unit or name_unit(columns["duration"].name) or "s"
    group = Group(
        form=form, paths=tuple(paths), relation=_relation(loaded, form, paths, names), names=names, types=types,
        columns=columns, unit=unit,
    )  # fmt: skip
    rows_sql(group, options, fallback="")  # refuses types that hold no times or durations
    return group


def _relation(loaded: Loaded, form: FileForm, paths: Sequence[Path], names: Sequence[str]) -> str:
    files = _listed(loaded, [_as_utf8(loaded, path, form) for path in paths])
    if form.format == "parquet":
        return f"(SELECT {_renamed(names)} FROM read_parquet({files}))"
    packing = f"compression={literal('none' if form.encoding == 'utf-16' else form.compression)}"
    if form.format == "json":
        objects = f"read_json_objects({files}, format='array', maximum_object_size={LONGEST_LINE}, {packing})"
        return _extracted(f"(SELECT json::VARCHAR AS line FROM {objects})", form)
    common = (
        f"auto_detect=false, header=false, ignore_errors=true, store_rejects=true, rejects_limit=100000, "
        f"max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE}, {packing}"
    )
    if form.format == "jsonl":
        lines = f"read_csv({files}, delim='\x01', quote='', escape='', columns={{'line': 'VARCHAR'}}, {common})"
        return _extracted(f"(SELECT line FROM {lines} WHERE line IS NOT NULL)", form)
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(names)))
    dialect = f"delim={literal(form.delimiter)}, quote='\"', escape='\"', skip={form.skip}, columns={{{columns}}}"
    return f"read_csv({files}, {dialect}, {common})"


def _renamed(names: Sequence[str]) -> str:
    return ", ".join(f"{identifier(name)} AS c{at}" for at, name in enumerate(names))


def _extracted(lines: str, form: FileForm) -> str:
    """Columns out of JSON texts; a text that is no object gives NULL in every one."""
    wanted = ", ".join(map(literal, form.pointers))
    columns = ", ".join(f"found[{at + 1}] AS c{at}" for at in range(len(form.pointers)))
    return f"(SELECT {columns} FROM (SELECT TRY(json_extract_string(line, [{wanted}])) AS found FROM {lines}))"


def _as_utf8(loaded: Loaded, path: Path, form: FileForm) -> Path:
    """Give the path itself, or that of a copy in UTF-8."""
    if form.encoding == "utf-8":
        return path
    copy = Path(loaded.folder.name) / f"utf8-{len(list(Path(loaded.folder.name).iterdir()))}"
    import codecs

    with open_bytes(path, form.compression) as packed, copy.open("w", encoding="utf-8", newline="") as plain:
        reader = codecs.getreader("utf-16")(packed, errors="replace")
        while chunk := reader.read(1_000_000):
            plain.write(chunk)
    return copy


def _listed(loaded: Loaded, paths: Sequence[Path]) -> str:
    """Write paths for DuckDB, which takes *, ? and [ in them for patterns: such a file is linked under another name."""
    plain = []
    for path in paths:
        if any(sign in str(path) for sign in "*?["):
            link = Path(loaded.folder.name) / f"link-{len(list(Path(loaded.folder.name).iterdir()))}{path.suffix}"
            link.symlink_to(path.resolve())
            path = link
        plain.append(literal(str(path)))
    return f"[{', '.join(plain)}]"


def rows_sql(group: Group, options: Options, *, fallback: str, extra: str = "") -> str:
    """Give the query that reads a group's rows; nothing is decided in it yet.

    Parameters
    ----------
    fallback
        Name of the service where no column names it.
    extra
        Further expressions, each with a comma before it.

    Raises
    ------
    InputError
        If a column is of a type that holds no times or durations.
    """
    try:
        stamp = stamp_sql(group.column("timestamp") or "", group.type_of("timestamp"))
        number = number_sql(group.column("duration") or "", group.type_of("duration"), options.decimal)
    except InputError as error:
        raise InputError(f"{group.paths[0]}: {error}") from error
    service, status, unit = (group.column(role) for role in ("service", "status", "unit"))
    roles = [column for column in map(group.column, group.columns) if column]
    others = [f"c{at}" for at in range(len(group.names)) if f"c{at}" not in roles]
    marked = ", ".join([*roles, *others[: max(0, MARKED - len(roles))]])
    named = f"coalesce({service}::VARCHAR, '')" if service else literal(fallback)
    return (
        f"SELECT {named} AS service, "
        f"{stamp.stamp} AS stamp, {stamp.other} AS other_stamp, ({stamp.form})::UTINYINT AS stamp_form, "
        f"{number.number} AS number, {number.other} AS other_number, ({number.form})::UTINYINT AS number_form, "
        f"{number.unit} AS own_unit, {f'{unit}::VARCHAR' if unit else 'NULL::VARCHAR'} AS unit, "
        f"{literal(group.unit)} AS base_unit, {f'{status}::VARCHAR' if status else 'NULL::VARCHAR'} AS status, "
        f"hash({marked}) AS mark{extra} FROM {group.relation}"
    )


def fallback_name(source: str) -> str:
    """Give the service's name where no column names one: that of the file or folder, without suffixes."""
    path = Path(source).expanduser()
    name = (path.parent if any(sign in path.name for sign in "*?[") else path).resolve().name
    return name.partition(".")[0] or name or "all"


def _make_rows(loaded: Loaded, source: str, options: Options) -> None:
    import duckdb

    query = " UNION ALL ".join(rows_sql(group, options, fallback=fallback_name(source)) for group in loaded.groups)
    typed = all(group.form.format == "parquet" for group in loaded.groups)
    try:
        loaded.database.execute(f"CREATE {'VIEW' if typed else 'TABLE'} rows AS {query}")
    except duckdb.Error as error:
        raise InputError(
            f"{source}: cannot be read to its end: the file is damaged, cut off or in another form"
        ) from error
    if not typed and any(group.form.format != "json" for group in loaded.groups):
        _note_rejects(loaded)


def _note_rejects(loaded: Loaded) -> None:
    """Count the lines that are no rows; a quote that is never closed swallows all lines after it."""
    found = loaded.database.execute(
        "SELECT file_path, line, any_value(error_type::VARCHAR), any_value(left(csv_line, 200)), "
        "greatest(1, any_value(length(csv_line) - length(replace(csv_line, chr(10), '')))) AS lines "
        "FROM reject_errors JOIN reject_scans USING (scan_id, file_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    if not found:
        return
    loaded.unreadable = sum(int(row[4]) for row in found)
    examples = [
        Example(file=row[0], line=int(row[1]), text=shortened(f"{row[2].lower()}: {row[3]}")) for row in found[:3]
    ]
    loaded.notes.append(rejected(Rejection.NOT_A_ROW, loaded.unreadable, examples))
