"""Where rejected rows stand: file, line and the text that was refused."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from slaopt.intake import Example, Role
from slaopt.sources.base import Options
from slaopt.sources.executions import Executions
from slaopt.sources.load import Loaded
from slaopt.sources.notes import MOST_EXAMPLES, Rejection, shortened
from slaopt.sources.relation import Group, rows_sql
from slaopt.sources.sniff import FileForm, open_bytes

__all__ = ["find_examples", "line_numbers"]

MOST_FILES = 50  # searched for examples
LONGEST_CELL = 20_000_000  # characters
WITHOUT_LINES = ("parquet", "json")  # formats whose rows are numbered instead
TEXTS: tuple[Role, ...] = ("timestamp", "service", "duration", "unit")

_STAMPS = (Rejection.BLANK_STAMP, Rejection.BAD_STAMP, Rejection.DAY_OR_MONTH, Rejection.EARLY_STAMP)
_SERVICES = (Rejection.BLANK_SERVICE, Rejection.BAD_SERVICE, Rejection.LONG_SERVICE)
_ROLES: dict[Rejection, Role] = {
    **dict.fromkeys((*_STAMPS, Rejection.SKIPPED_HOUR), "timestamp"),
    **dict.fromkeys(_SERVICES, "service"),
    Rejection.BAD_UNIT: "unit",
}


def find_examples(
    loaded: Loaded, executions: Executions, options: Options, wanted: Collection[Rejection]
) -> dict[Rejection, list[Example]]:
    """Find up to three rows for each reason; the files are read again, one after the other, until there are enough."""
    found: dict[Rejection, list[Example]] = {reason: [] for reason in wanted}
    files = [(group, path) for group in loaded.groups for path in group.paths]
    loaded.database.execute("SET preserve_insertion_order = true")  # else rows cannot be numbered
    for group, path in files[:MOST_FILES]:
        if all(len(examples) >= MOST_EXAMPLES for examples in found.values()):
            break
        for reason, example in _of_file(loaded, executions, options, group.only(path), path):
            if len(found[reason]) < MOST_EXAMPLES:
                found[reason].append(example)
    loaded.database.execute("SET preserve_insertion_order = false")
    return found


def _of_file(
    loaded: Loaded, executions: Executions, options: Options, group: Group, path: Path
) -> list[tuple[Rejection, Example]]:
    rows = f"({rows_sql(group, options, loaded.folder, traced=True)})"
    texts = ", nth, " + ", ".join(f"left({role}_text, 100)" for role in TEXTS)
    found = loaded.query(
        f"SELECT * EXCLUDE (id, utc, seconds, failed, mark, pick) FROM ({executions.sql(rows, texts)}) "
        f"WHERE problem > 0 QUALIFY row_number() OVER (PARTITION BY problem ORDER BY nth) <= {MOST_EXAMPLES} "
        "ORDER BY nth"
    )
    lines = line_numbers(path, group.form, [int(row[1]) for row in found], loaded.no_rows.get(path, set()))
    examples = []
    for row, line in zip(found, lines, strict=True):
        reason = Rejection(row[0])
        role = _ROLES.get(reason, "duration")
        column = group.columns.get(role)
        text = row[2 + TEXTS.index(role)]
        place = Example(
            file=str(path), line=line, unit="row" if group.form.format in WITHOUT_LINES else "line",
            column=column.name if column else None,
            text=None if text is None or reason is Rejection.NOT_A_ROW else shortened(text),
        )  # fmt: skip
        examples.append((reason, place))
    return examples


def line_numbers(path: Path, form: FileForm, rows: list[int], no_rows: Collection[int]) -> list[int]:
    """Turn numbers of rows, from 1 and increasing, into numbers of lines; a Parquet file's rows keep theirs.

    Parameters
    ----------
    no_rows
        Lines that were refused as rows, and are not counted among them.
    """
    if form.format in WITHOUT_LINES or not rows:
        return rows
    lines = []
    with open_bytes(path, form.compression) as packed:
        text = io.TextIOWrapper(packed, encoding=form.encoding, errors="replace", newline="")
        starts = _plain_starts(text) if form.format == "jsonl" else _csv_starts(text, form)
        wanted = iter(rows)
        row = next(wanted, None)
        for nth, line in enumerate((start for start in starts if start not in no_rows), 1):
            if nth == row:
                lines.append(line)
                row = next(wanted, None)
            if row is None:
                break
    return lines + rows[len(lines) :]


def _plain_starts(text: IO[str]) -> Iterator[int]:
    for number, line in enumerate(text, 1):
        if line.strip("\r\n"):
            yield number


def _csv_starts(text: IO[str], form: FileForm) -> Iterator[int]:
    """Give the line at which each record starts; a quoted cell may hold several lines."""
    for _ in range(form.skip):
        text.readline()
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        reader = csv.reader(text, delimiter=form.delimiter)
        start = 1
        for record in reader:
            if record:
                yield form.skip + start
            start = reader.line_num + 1
    finally:
        csv.field_size_limit(before)
