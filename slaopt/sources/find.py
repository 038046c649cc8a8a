"""Which files a path, a glob or a folder means."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from slaopt.errors import InputError

__all__ = ["find_files", "is_url"]

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".log")
PACKED = (".gz", ".zst", ".zstd")
REMOTE = ("http", "https", "s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "hf", "ftp", "sftp", "r2")


def is_url(text: str) -> bool:
    """Tell whether a text is a URL and not a path; one letter before a colon is a drive.

    >>> is_url("postgresql+psycopg://db/ops"), is_url("requests.csv"), is_url("C:/requests.csv")
    (True, False, False)
    """
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text) is not None or text.startswith("sqlite:")


def find_files(text: str) -> list[Path]:
    """List the files that are meant, sorted; of a folder those with the name of a table, hidden ones left out.

    Raises
    ------
    InputError
        If there are none, or the text is the address of a remote file.
    """
    scheme = text.partition("://")[0].lower()
    if "://" in text and scheme in REMOTE:
        raise InputError(f"{text.partition('?')[0]}: remote files are not read; download the file and give its path")
    if "\0" in text:
        raise InputError("the path holds a NUL character")
    path = Path(text).expanduser()
    try:
        if path.is_dir():
            return _of_folder(path)
        if path.exists():
            return _only_file(path)
    except OSError as error:
        raise InputError(f"{text[:200]}: cannot be opened: {error.strerror}") from error
    if glob.has_magic(text):
        return _of_glob(path)
    raise InputError(f"{text[:200]}: there is no such file or folder" + _nearest(path))


def _only_file(path: Path) -> list[Path]:
    if not path.is_file():
        raise InputError(f"{path}: is no regular file; give a file, a glob or a folder")
    return [path]


def _of_folder(path: Path) -> list[Path]:
    inside = [file for file in sorted(path.rglob("*")) if file.is_file()]
    shown = [file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    tables = [file for file in shown if _is_table(file)]
    if not tables:
        raise InputError(
            f"{path}: the folder holds no CSV, TSV, JSON lines or Parquet file ({len(inside)} files in all)"
        )
    return tables


def _of_glob(path: Path) -> list[Path]:
    files = [Path(file) for file in sorted(glob.glob(str(path), recursive=True)) if Path(file).is_file()]
    if not files:
        raise InputError(f"{path}: no file matches; quote the pattern, and check the folder")
    return files


def _is_table(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return bool(suffixes) and (
        suffixes[-1] in SUFFIXES or (suffixes[-1] in PACKED and len(suffixes) > 1 and suffixes[-2] in SUFFIXES)
    )


def _nearest(path: Path) -> str:
    import difflib

    try:
        names = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    except OSError:
        names = []
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {str(path.parent / near[0])!r}?" if near else ""
