"""Which column plays which role, and in which unit a column of durations is."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence

from slaopt.errors import InputError
from slaopt.intake import Column, Note, Role
from slaopt.wording import UNIT_OF_WORD, unit_name

__all__ = ["REQUIRED", "find_columns", "is_unit_column", "name_unit", "plain_name", "rival_notes"]

# in the order of preference; a duration's name may end in a unit: latency_ms, "elapsed (s)", durationSeconds
ALIASES: dict[Role, tuple[str, ...]] = {
    "timestamp": (
        "timestamp", "ts", "time_stamp", "datetime", "date_time", "event_time", "event_timestamp", "started_at",
        "start_time", "started", "start", "start_timestamp", "begin", "began_at", "time", "timestamp_utc", "time_utc",
        "created_at", "created", "opened_at", "submitted_at", "received_at", "logged_at", "recorded_at", "observed_at",
        "epoch", "unix_time", "unix_timestamp", "finished_at", "completed_at", "ended_at", "end_time", "date",
    ),
    "service": (
        "service", "service_type", "service_name", "servicename", "endpoint", "workflow", "workflow_name",
        "workflow_type", "operation", "operation_name", "route", "api", "job", "job_name", "task", "task_name",
        "queue", "function", "function_name", "handler", "process", "process_name", "application", "app", "label",
        "name",
    ),
    "duration": (
        "duration", "latency", "response_time", "elapsed", "elapsed_time", "execution_time", "exec_time", "took",
        "runtime", "run_time", "processing_time", "request_time", "request_duration", "service_time", "time_taken",
        "turnaround_time", "lead_time", "cycle_time", "resolution_time", "total_time", "wait_time", "rtt", "ping",
        "dur", "value",
    ),
    "unit": ("duration_unit", "latency_unit", "elapsed_unit", "value_unit", "time_unit", "unit"),
    "status": (
        "status", "outcome", "result", "success", "succeeded", "is_success", "successful", "ok", "state",
        "http_status", "http_status_code", "status_code", "response_code", "failed", "is_failed", "failure", "error",
        "is_error", "has_error",
    ),
}  # fmt: skip
REQUIRED: tuple[Role, ...] = ("timestamp", "duration")


def is_unit_column(values: Iterable[str | None]) -> bool:
    """Tell whether the different values of a column are units of time, every one; no value at all is none."""
    texts = [value for value in values if value is not None and value.strip()]
    return bool(texts) and all(unit_name(text) for text in texts)


def plain_name(name: str) -> str:
    """Write a column's name in snake case.

    >>> plain_name("@timestamp"), plain_name("responseTime (ms)"), plain_name("Service Name"), plain_name("latencyMS")
    ('timestamp', 'response_time_ms', 'service_name', 'latency_ms')
    """
    text = unicodedata.normalize("NFC", name).replace("µ", "u").replace("μ", "u")
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def name_unit(name: str) -> str | None:
    """Give the unit that a column's name ends in, None where it ends in none.

    >>> name_unit("latency_ms"), name_unit("durationSeconds"), name_unit("duration"), name_unit("ms")
    ('ms', 's', None, None)
    """
    return _split_unit(plain_name(name))[1]


def _split_unit(plain: str) -> tuple[str, str | None]:
    """Part a plain name from the unit it ends in; `in`, as in duration_in_ms, belongs to the unit."""
    stem, _, last = plain.rpartition("_")
    if not stem or last not in UNIT_OF_WORD:
        return plain, None
    return stem.removesuffix("_in"), UNIT_OF_WORD[last]


def find_columns(
    names: Sequence[str],
    given: Mapping[Role, str],
    *,
    where: str,
    seeks: Mapping[Role, Sequence[str]] | None = None,
    required: Sequence[Role] = REQUIRED,
) -> dict[Role, Column]:
    """Find the column of each role: the one given, else the first alias; those that are required must be there.

    A column found for `unit` counts only where `is_unit_column` says so of its values: ask it.

    Parameters
    ----------
    names
        All columns of the source, in order.
    given
        Column names by role, as the user said them.
    where
        File or table, for messages.
    seeks
        Plain names of columns by further roles, which are looked for first, or instead of the usual ones.

    Raises
    ------
    InputError
        Naming the columns that are there and the remedy.
    """
    found: dict[Role, Column] = {}
    for role in given:
        found[role] = Column(role=role, name=_given(names, role, given[role], where), found="given")
    taken = {column.name for column in found.values()}
    sought = dict(seeks or {})
    for role, aliases in {**sought, **ALIASES, **sought}.items():
        if role not in found and (name := _alias(names, role, aliases, taken, where)) is not None:
            found[role] = Column(role=role, name=name, found="alias")
            taken.add(name)
    missing = [role for role in required if role not in found]
    if missing:
        raise InputError(
            f"{where}: no column for {' and '.join(missing)} among {listed(names)}; "
            f"name it: {' '.join(f'--column {role}=NAME' for role in missing)}"
        )
    return found


def _given(names: Sequence[str], role: Role, wanted: str, where: str) -> str:
    if wanted in names:
        return wanted
    alike = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    near = difflib.get_close_matches(wanted, list(names), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InputError(f"{where}: no column {wanted!r} (given for {role}) among {listed(names)}{hint}")


def _alias(names: Sequence[str], role: Role, aliases: Sequence[str], taken: set[str], where: str) -> str | None:
    plain = {name: plain_name(name) for name in names if name not in taken}
    if role in ("duration", "timestamp"):
        plain |= {name: _split_unit(text)[0] for name, text in plain.items() if text not in aliases}
    for alias in aliases:
        matches = [name for name, text in plain.items() if text == alias]
        if len(matches) > 1:
            raise InputError(
                f"{where}: columns {' and '.join(map(repr, matches))} could both be the {role}; "
                f"say which: --column {role}={matches[0]}"
            )
        if matches:
            return matches[0]
    return None


def rival_notes(names: Sequence[str], columns: Mapping[Role, Column]) -> Iterator[Note]:
    """Warn of another column that may hold the durations, where the one taken was found by its name."""
    taken = {column.name for column in columns.values()}
    duration = columns["duration"]
    rivals = [
        name
        for name in names
        if name not in taken
        and (plain := plain_name(name)) != "value"
        and (plain in ALIASES["duration"] or _split_unit(plain)[0] in ALIASES["duration"])
    ]
    if rivals and duration.found == "alias":
        yield Note(
            kind="warning", count=0,
            reason=f"durations are read from column {duration.name!r}, though they may stand in {listed(rivals)} too",
            remedy=f"if another is meant, say --column duration={rivals[0]}",
        )  # fmt: skip


def listed(names: Sequence[str], most: int = 20) -> str:
    """Write column names for a message, long ones shortened, the many cut.

    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    shown = [repr(name if len(name) <= 40 else f"{name[:39]}…") for name in names[:most]]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(shown) or "no columns") + more
