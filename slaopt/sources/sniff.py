"""What kind of file it is: format, packing, delimiter and columns, told from its first bytes and not from its name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from slaopt.errors import InputError
from slaopt.sources.base import Options, required
from slaopt.sources.columns import find_columns

__all__ = ["FileForm", "open_bytes", "sniff"]

HEAD = 1_000_000  # bytes read to find out
LINES = 200  # lines of JSON whose keys are collected
Format = Literal["csv", "tsv", "jsonl", "json", "parquet"]
Compression = Literal["none", "gzip", "zstd"]

_OTHER_KINDS = (
    (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"%PDF", "a PDF document"), (b"BZh", "a bzip2 archive: unpack it"), (b"\xfd7zXZ", "an xz archive: unpack it"),
    (b"PK\x03\x04", "a ZIP archive or a spreadsheet: unpack it, or export it as CSV"),
    (b"SQLite format 3\x00", "an SQLite database: give sqlite:///PATH and --table NAME"),
    (b"Obj\x01", "an Avro file: export it as Parquet"), (b"ORC", "an ORC file: export it as Parquet"),
    (b"\x7fELF", "a program"), (b"DUCK", "a DuckDB database: export the table as Parquet"),
    (b"\xff\xfe\x00\x00", "UTF-32 text: save it as UTF-8"), (b"\x00\x00\xfe\xff", "UTF-32 text: save it as UTF-8"),
)  # fmt: skip
_KNOWN = "give CSV, TSV, JSON lines or Parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileForm:
    """How one file is laid out; files of equal form are read together."""

    format: Format
    compression: Compression = "none"
    encoding: Literal["utf-8", "utf-16"] = "utf-8"
    delimiter: str = ","
    skip: int = 0  # lines before the first row
    names: tuple[str, ...] = ()  # columns of a CSV file, keys of JSON objects
    pointers: tuple[str, ...] = ()  # where JSON keeps each of them


def sniff(path: Path, options: Options) -> FileForm:
    """Find out how a file is laid out.

    Raises
    ------
    InputError
        If it is empty, unreadable, or nothing that holds a table of measurements.
    """
    start = _read(path, "none", 64)
    if not start:
        raise InputError(f"{path}: the file is empty")
    if start.startswith(b"PAR1"):
        return FileForm(format="parquet")
    compression: Compression = "none"
    if start.startswith(b"\x1f\x8b"):
        compression = "gzip"
    elif start.startswith(b"\x28\xb5\x2f\xfd"):
        compression = "zstd"
    head = _read(path, compression, HEAD)
    if compression != "none" and head.startswith(b"PAR1"):
        raise InputError(f"{path}: is a compressed Parquet file: unpack it first")
    text, encoding = _decoded(path, head)
    if not text.strip():
        raise InputError(f"{path}: the file holds nothing but blanks")
    first = text.lstrip()[:1]
    if first == "<":
        raise InputError(f"{path}: is an HTML or XML page (an error page in place of an export?); {_KNOWN}")
    if first in "[{":
        return _json_form(path, text, len(head) == HEAD, compression, encoding)
    return _csv_form(path, text, compression, encoding, options)


def open_bytes(path: Path, compression: Compression) -> IO[bytes]:
    """Open a file for reading its bytes, unpacked."""
    if compression == "gzip":
        return io.BufferedReader(gzip.open(path, "rb"))
    if compression == "zstd":
        import pyarrow as pa

        stream: IO[bytes] = io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
        return stream
    return path.open("rb")


def _read(path: Path, compression: Compression, size: int) -> bytes:
    try:
        with open_bytes(path, compression) as stream:
            return stream.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: the {compression} archive is damaged or cut off; write it again") from error
    except OSError as error:
        reason = error.strerror or f"the {compression} archive is damaged or cut off; write it again"
        raise InputError(f"{path}: cannot be read: {reason}") from error


def _decoded(path: Path, head: bytes) -> tuple[str, Literal["utf-8", "utf-16"]]:
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic):
            raise InputError(f"{path}: is {kind}" + ("" if ":" in kind else f"; {_KNOWN}"))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", errors="replace"), "utf-16"
    if b"\0" in head:
        raise InputError(f"{path}: is no text but binary (or UTF-16 without its mark); {_KNOWN}")
    return head.decode("utf-8-sig", errors="replace"), "utf-8"


def _csv_form(
    path: Path, text: str, compression: Compression, encoding: Literal["utf-8", "utf-16"], options: Options
) -> FileForm:
    lines = text.split("\n")
    skip = 0
    while skip < len(lines) - 1 and (not lines[skip].strip() or lines[skip].lower().startswith("sep=")):
        skip += 1
    header = lines[skip].rstrip("\r")
    if len(lines) == 1 and len(text) >= HEAD // 2:
        raise InputError(f"{path}, line 1: is longer than {HEAD // 2:,} characters; {_KNOWN}")
    delimiter = _delimiter(path, header, options)
    names = tuple(name.strip() for name in _split(header, delimiter))
    if sum(_is_value(name) for name in names) * 2 > len(names):
        raise InputError(
            f"{path}, line {skip + 1}: holds values and no column names ({header[:60]!r}); "
            "put a line such as timestamp,service,duration_ms above it"
        )
    return FileForm(
        format="tsv" if delimiter == "\t" else "csv", compression=compression, encoding=encoding,
        delimiter=delimiter, skip=skip + 1, names=names,
    )  # fmt: skip


def _delimiter(path: Path, header: str, options: Options) -> str:
    """The delimiter with which the header names a time and a duration, else the one that parts it most."""
    choices = sorted(",;\t|", key=lambda sign: -len(_split(header, sign)))
    for sign in choices:
        try:
            names = [name.strip() for name in _split(header, sign)]
            find_columns(names, options.columns, where=str(path), seeks=options.seeks, required=required(options))
        except InputError:
            continue
        return sign
    return choices[0]


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return [line]


def _is_value(name: str) -> bool:
    """Whether a header's cell looks like a number or a date."""
    text = name.strip()
    return bool(text) and text.lstrip("+-.")[:1].isdigit() and not text.isidentifier()


def _json_form(
    path: Path, text: str, cut: bool, compression: Compression, encoding: Literal["utf-8", "utf-16"]
) -> FileForm:
    array = text.lstrip().startswith("[")
    objects = _array_start(path, text) if array else _lines_start(path, text, cut)
    pointers: dict[str, str] = {}
    for item in objects:
        _collect(item, "", "", pointers)
    return FileForm(
        format="json" if array else "jsonl", compression=compression, encoding=encoding,
        names=tuple(pointers), pointers=tuple(pointers.values()),
    )  # fmt: skip


def _lines_start(path: Path, text: str, cut: bool) -> list[dict[str, Any]]:
    lines = text.split("\n")
    whole = lines[:-1] if cut else lines
    objects = []
    for line in whole[:LINES]:
        try:
            item = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            continue
        if isinstance(item, dict):
            objects.append(item)
    if not objects:
        raise InputError(
            f"{path}: is JSON, but not one object a line; write an execution a line, or an array of objects"
        )
    return objects


def _array_start(path: Path, text: str) -> list[dict[str, Any]]:
    """The first object of a JSON array."""
    try:
        item, _ = json.JSONDecoder().raw_decode(text, text.index("[") + 1 + _blanks(text[text.index("[") + 1 :]))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: is JSON that breaks off or is empty; write an array of objects") from error
    if not isinstance(item, dict):
        raise InputError(
            f"{path}: is a JSON array of {type(item).__name__}; write an array of objects, one an execution"
        )
    return [item]


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def _collect(item: Mapping[str, Any], name: str, pointer: str, found: dict[str, str], depth: int = 0) -> None:
    """Note the keys of an object, nested ones as outer.inner, with their JSON pointers."""
    for key, value in item.items():
        full = f"{name}.{key}" if name else key
        place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
        if isinstance(value, Mapping) and depth < 2:
            _collect(value, full, place, found, depth + 1)
        else:
            found.setdefault(full, place)
