"""A source scanned under the settings of its services: which period, which services, which exact thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from slaopt.errors import InputError
from slaopt.intake import Intake
from slaopt.params import ParamsBook, load_params
from slaopt.profile import Profiles
from slaopt.result import Skipped
from slaopt.sources.base import Source
from slaopt.sources.connect import connect
from slaopt.sources.stamps import full_hour_after
from slaopt.wording import parse_moment

__all__ = ["read", "require_services", "scan"]


def scan(
    source: Source,
    book: ParamsBook,
    *,
    intake: Intake | None = None,
    services: Sequence[str] | None = None,
    as_of: datetime | None = None,
    counted: Sequence[float] = (),
) -> Iterator[Profiles | Skipped]:
    """Count the history of the services, in one scan, in the order of their names.

    Parameters
    ----------
    source
        Measurements.
    book
        Settings; each service's threshold is counted exactly, as are those that were in force before.
    intake
        What `source.inspect()` gave, where it was asked already.
    services
        Names; None for all.
    as_of
        End of the period, rounded up to a full hour; by default the first full hour after the latest stamp that is
        not in the future, one for all services.
    counted
        Further thresholds to count exactly, seconds.

    Yields
    ------
    Profiles that reach back `history_days` of the service's settings, or as far as the source goes.

    Raises
    ------
    InputError
        If the source holds no service at all.
    """
    known = intake or source.inspect()
    if services is None:
        require_services(known)
    names = list(dict.fromkeys(services)) if services is not None else [item.service for item in known.services]
    if known.first is None or known.last is None:
        yield from (Skipped(service=name, reason=_nothing(known.rows)) for name in names)
        return
    end = _end(as_of, known.last)
    params = {name: book.of(name) for name in names}
    longest = timedelta(days=max((one.history_days for one in params.values()), default=1))
    first = known.first.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    start = min(max(end - longest, first), end - timedelta(hours=1))
    thresholds = {name: exact for name, one in params.items() if (exact := (*one.thresholds, *counted))}
    empty = {item.service: item.rows for item in known.services if not item.accepted + item.failed}
    ended = {item.service: item for item in known.services if item.last is not None and item.last < start}
    for item in source.profiles(names, start, end, thresholds=thresholds):
        if item.service in empty:
            yield Skipped(service=item.service, reason=_nothing(empty[item.service]))
            continue
        if isinstance(item, Skipped):
            yield item
            continue
        if item.service in ended:  # says when, though it is not of this period
            was = ended[item.service]
            item = replace(item, intake=replace(item.intake, first=was.first, last=was.last))
        own = params[item.service].history_days
        yield item.last(own) if end - start > timedelta(days=own) else item


def require_services(known: Intake) -> None:
    """Refuse a source that holds no service: it has no rows, or none of them names one.

    Raises
    ------
    InputError
        Saying which of the two.
    """
    if not known.services:
        why = f"none of the {known.rows:,} rows can be used; slaopt check says why" if known.rows else "holds no rows"
        raise InputError(f"{known.reading.source}: {why}")


def _nothing(rows: int) -> str:
    return f"none of its {rows:,} row{'' if rows == 1 else 's'} can be used; slaopt check says why"


def _end(as_of: datetime | None, last: datetime) -> datetime:
    if as_of is None:
        return full_hour_after(last)
    if as_of.tzinfo is None:
        raise InputError(f"as_of {as_of} has no time zone: give an aware datetime, such as datetime.now(UTC)")
    hour = as_of.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour if hour == as_of else hour + timedelta(hours=1)


def read(
    path: str | Path,
    service: str | None = None,
    *,
    threshold: float | str | None = None,
    objective: float | None = None,
    as_of: datetime | str | None = None,
    days: int | None = None,
    table: str | None = None,
    columns: Mapping[str, str] | None = None,
    unit: str | None = None,
    timezone: str | None = None,
    decimal: Literal[".", ","] | None = None,
    workspace: Path | None = None,
) -> Profiles:
    """Read the measurements of one service into Profiles; they remember what was said here.

    Parameters
    ----------
    path
        A path, glob, folder or database URL.
    service
        Its name; may be left out where the measurements are of one service only.
    threshold
        The threshold in force, seconds, or a text such as `300ms`.
    objective
        Share of executions that must keep it, 0–1.
    as_of
        End of the period, a text such as `2026-11-03` too (UTC where it names no zone); by default the first full hour
        after the latest stamp.
    days
        Length of the period that is described and replayed; default 30.
    table, columns, unit, timezone, decimal
        How to read the source, where that cannot be seen: `columns={"duration": "took"}`, `unit="ms"`.
    workspace
        Folder whose params hold; by default the built-in settings hold.

    Raises
    ------
    InputError
        If the measurements cannot be read, or are of several services and none is named.
    """
    try:
        end = parse_moment(as_of) if isinstance(as_of, str) else as_of
    except ValueError as error:
        raise InputError(f"as_of: {error}") from error
    overrides = {"threshold": threshold, "objective": objective, "days": days}
    book = load_params(workspace, overrides=overrides)
    source = connect(
        str(path), book=book, now=datetime.now(UTC), table=table, columns=columns, unit=unit, timezone=timezone,
        decimal=decimal,
    )  # fmt: skip
    intake = source.inspect()
    name = service if service is not None else _only(intake, str(path))
    (item,) = scan(source, book, intake=intake, services=[name], as_of=end)
    if isinstance(item, Skipped):
        raise InputError(f"{path}: {item.service!r}: {item.reason}")
    return replace(item, params=book.of(name))


def _only(intake: Intake, where: str) -> str:
    require_services(intake)
    names = [item.service for item in intake.services]
    if len(names) == 1:
        return names[0]
    shown = ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    raise InputError(f"{where}: holds {len(names)} services; name one with service=…: {shown}")
