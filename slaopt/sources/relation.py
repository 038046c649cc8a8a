"""The SQL by which DuckDB reads files of one form: raw columns c0, c1, …, and out of them the columns of `rows`."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slaopt.errors import InputError
from slaopt.intake import Column, Role
from slaopt.sources.base import Options, assigning
from slaopt.sources.parse import StampForm, identifier, literal, number_sql, stamp_sql, trimmed
from slaopt.sources.sniff import FileForm, open_bytes

__all__ = ["LONGEST_LINE", "Group", "listed_paths", "readable", "rows_sql"]

LONGEST_LINE = 16_000_000  # bytes
UNTIMED = "TIMESTAMP '2000-01-01'"  # of all rows, where none has a time
MARKED = 24  # columns that tell doubles apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files of one form, read by one expression."""

    form: FileForm
    paths: tuple[Path, ...]
    names: tuple[str, ...]  # of the columns
    types: tuple[str, ...]  # DuckDB's
    columns: Mapping[Role, Column]
    unit: str  # where no unit column and no text says otherwise
    unit_from: str
    service: str  # where no column names one

    @property
    def where(self) -> str:
        """The first file, for messages."""
        return str(self.paths[0])

    @property
    def is_text(self) -> bool:
        """Whether the files hold text, which is read once and kept."""
        return self.form.format != "parquet"

    def only(self, path: Path) -> Group:
        """The group of one of its files."""
        return replace(self, paths=(path,))

    def column(self, role: Role) -> str | None:
        """Name of a role's raw column."""
        found = self.columns.get(role)
        return f"c{self.names.index(found.name)}" if found else None

    def type_of(self, role: Role) -> str:
        """DuckDB's type of a role's column, of times too where rows have none."""
        if role == "timestamp" and role not in self.columns:
            return "TIMESTAMP"
        return self.types[self.names.index(self.columns[role].name)]


def rows_sql(group: Group, options: Options, folder: Path, *, traced: bool = False) -> str:
    """Give the query that reads a group's rows; nothing is decided in it yet.

    Parameters
    ----------
    folder
        Where copies and links may be put.
    traced
        Also give each row's number in its file, `nth`, and the texts of its cells; lines that are no rows are then
        passed over in silence.

    Raises
    ------
    InputError
        If a column is of a type that holds no times or durations.
    """
    try:
        stamp = stamp_sql("raw_stamp", group.type_of("timestamp"))
        number = number_sql("raw_number", group.type_of("duration"), options.decimal)
    except InputError as error:
        raise InputError(f"{group.where}: {error}") from error
    service, status, unit = (group.column(role) for role in ("service", "status", "unit"))
    roles = [column for column in map(group.column, group.columns) if column]
    others = [f"c{at}" for at in range(len(group.names)) if f"c{at}" not in roles]
    marked = ", ".join([*roles, *others[: max(0, MARKED - len(roles))]])
    form = f"CASE WHEN broken THEN {StampForm.NO_ROW:d} ELSE {stamp.form} END" if group.form.pointers else stamp.form
    named = f"coalesce({service}::VARCHAR, '')" if service else literal(group.service)
    assigned = "".join(f", {group.column(role) or 'NULL'}::VARCHAR AS {role}" for role in assigning(options))
    trace = "".join(
        f", {f'{column}::VARCHAR' if column else 'NULL::VARCHAR'} AS {role}_text"
        for role, column in ((role, group.column(role)) for role in ("timestamp", "service", "duration", "unit"))
    )
    return (
        f"SELECT {named} AS service, "
        f"{stamp.stamp} AS stamp, {stamp.other} AS other_stamp, ({form})::UTINYINT AS stamp_form, "
        f"{number.number} AS number, {number.other} AS other_number, ({number.form})::UTINYINT AS number_form, "
        f"{number.unit} AS own_unit, {f'{unit}::VARCHAR' if unit else 'NULL::VARCHAR'} AS unit, "
        f"{literal(group.unit)} AS base_unit, {f'{status}::VARCHAR' if status else 'NULL::VARCHAR'} AS status, "
        f"hash({marked}) AS mark{assigned}{', nth' + trace if traced else ''} FROM "
        f"(SELECT *, {_cell(group, 'timestamp')} AS raw_stamp, {_cell(group, 'duration')} AS raw_number "
        f"FROM {_raw(group, folder, traced)})"
    )


def _cell(group: Group, role: Role) -> str:
    column = group.column(role) or UNTIMED
    return trimmed(column) if group.type_of(role) == "VARCHAR" else column


def _raw(group: Group, folder: Path, traced: bool) -> str:
    form = group.form
    files = listed_paths([readable(path, form, folder) for path in group.paths], folder)
    counted = ", row_number() OVER () AS nth" if traced else ""
    if form.format == "parquet":
        renamed = ", ".join(f"{identifier(name)} AS c{at}" for at, name in enumerate(group.names))
        if traced:
            return f"(SELECT {renamed}, file_row_number + 1 AS nth FROM read_parquet({files}, file_row_number=true))"
        return f"(SELECT {renamed} FROM read_parquet({files}))"
    packing = f"compression={literal('none' if form.encoding == 'utf-16' else form.compression)}"
    if form.format == "json":
        objects = f"read_json_objects({files}, format='array', maximum_object_size={LONGEST_LINE}, {packing})"
        return _extracted(f"(SELECT json::VARCHAR AS line{counted} FROM {objects})", form, traced)
    rejects = "" if traced else "store_rejects=true, rejects_limit=100000, "
    common = (
        f"auto_detect=false, header=false, ignore_errors=true, {rejects}"
        f"max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE}, {packing}"
    )
    if form.format == "jsonl":
        lines = f"read_csv({files}, delim='\x01', quote='', escape='', columns={{'line': 'VARCHAR'}}, {common})"
        return _extracted(f"(SELECT line{counted} FROM {lines} WHERE line IS NOT NULL)", form, traced)
    columns = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(group.names)))
    dialect = f"delim={literal(form.delimiter)}, quote='\"', escape='\"', skip={form.skip}, columns={{{columns}}}"
    return f"(SELECT *{counted} FROM read_csv({files}, {dialect}, {common}))"


def _extracted(lines: str, form: FileForm, traced: bool) -> str:
    """Columns out of JSON texts; a text that is no JSON is `broken`."""
    wanted = ", ".join(map(literal, form.pointers))
    columns = ", ".join(f"found[{at + 1}] AS c{at}" for at in range(len(form.pointers)))
    nth = ", nth" if traced else ""
    found = f"SELECT TRY(json_extract_string(line, [{wanted}])) AS found{nth} FROM {lines}"
    return f"(SELECT {columns}, found IS NULL AS broken{nth} FROM ({found}))"


def readable(path: Path, form: FileForm, folder: Path) -> Path:
    """Give the path itself, or that of a copy in UTF-8."""
    if form.encoding == "utf-8":
        return path
    copy = folder / f"utf8-{abs(hash(path))}"
    if not copy.exists():
        with open_bytes(path, form.compression) as packed, copy.open("w", encoding="utf-8", newline="") as plain:
            decoder = codecs.getincrementaldecoder("utf-16")("replace")
            while chunk := packed.read(1_000_000):
                plain.write(decoder.decode(chunk))
            plain.write(decoder.decode(b"", final=True))
    return copy


def listed_paths(paths: Sequence[Path], folder: Path) -> str:
    """Write paths for DuckDB, which takes *, ? and [ in them for patterns: such a file is linked under another name."""
    plain = []
    for path in paths:
        if any(sign in str(path) for sign in "*?["):
            link = folder / f"link-{abs(hash(path))}{path.suffix}"
            if not link.is_symlink():
                link.symlink_to(path.resolve())
            path = link
        plain.append(literal(str(path)))
    return f"[{', '.join(plain)}]"
