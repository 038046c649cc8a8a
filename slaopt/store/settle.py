"""What is decided, settled between store and params.

The store owns threshold, objective and bounds. Params seed the row of a service that has none; afterwards the store's
values hold, and a difference is a warning that shows both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from slaopt.errors import InputError
from slaopt.params import Params, ParamsBook, ThresholdChange
from slaopt.result import Skipped
from slaopt.store.amounts import same, seconds_of
from slaopt.store.configurations import first_record
from slaopt.store.records import ServiceRecord, Settled, ThresholdRecord
from slaopt.store.store import Store, Transaction
from slaopt.wording import percent, seconds

__all__ = ["BY_PARAMS", "OUTSIDE", "settle", "settled"]

BY_PARAMS, OUTSIDE = "params", "outside slaopt"  # who brought a threshold into force
HISTORY_STEP = Decimal("1e-6")  # of what the history holds, in a row's unit
MOST_NAMED = 5  # services in one warning

Owned = Literal["threshold", "objective", "min_threshold", "max_threshold"]
_WRITTEN: Mapping[Owned, Callable[[float], str]] = {
    "threshold": lambda value: seconds(value, 6),
    "objective": lambda value: percent(value, 6),
    "min_threshold": lambda value: seconds(value, 6),
    "max_threshold": lambda value: seconds(value, 6),
}


def settle(store: Store, book: ParamsBook, services: Iterable[str], *, at: datetime) -> Settled:
    """Seed rows from params, note what was changed elsewhere, then give the settings that hold.

    Parameters
    ----------
    services
        Those that are about to be analysed; of these, the ones for which params name a threshold get a row.
    at
        Now: a change made elsewhere is in force from the moment at which it is noticed.
    """
    warnings = []
    records, names = _known(store), list(services)
    for name in names:
        wanted = book.of(name)
        if name in records or wanted.threshold is None:
            continue
        try:
            with store.begin() as transaction:
                if transaction.service(name) is None:
                    first = first_record(
                        name, threshold=wanted.threshold, objective=wanted.objective,
                        least=wanted.min_threshold, most=wanted.max_threshold,
                    )  # fmt: skip
                    transaction.add_service(first, by=BY_PARAMS, reason="first value, from params", at=at)
        except InputError as error:
            warnings.append(f"{name}: no row was made in the store, and params hold: {error}")
    with store.begin() as transaction:
        _note_changes(transaction, at)
    found = settled(store, book, names, at=at)
    return replace(found, warnings=(*warnings, *found.warnings))


def settled(store: Store, book: ParamsBook, services: Iterable[str], *, at: datetime) -> Settled:
    """Give the settings that hold, and write nothing. Differences are told of the `services` asked about."""
    with store.reading() as transaction:
        records, histories = transaction.services(), transaction.thresholds()
    names = list(services)
    usable = {name: record for name, record in records.items() if record.problem is None}
    own = {name: _settings(book.of(name), usable[name], histories.get(name, ()), at) for name in usable}
    return Settled(
        book=ParamsBook(default=book.default, services={**book.services, **own}),
        warnings=(
            *_differences(book, {name: usable[name] for name in names if name in usable}),
            *_alike(names, records),
        ),
        left_out={name: _why(record) for name, record in usable.items() if record.state != "enabled"},
        unusable=tuple(
            Skipped(service=name, reason=record.problem) for name, record in records.items() if record.problem
        ),
    )


def _known(store: Store) -> dict[str, ServiceRecord]:
    with store.reading() as transaction:
        return transaction.services()


def _note_changes(transaction: Transaction, at: datetime) -> None:
    histories = transaction.thresholds()
    for name, record in transaction.services().items():
        if record.problem is not None or record.threshold is None:
            continue
        last = histories[name][-1] if name in histories else None
        if last is None:
            transaction.note_threshold(record, previous=None, by=OUTSIDE, reason="found in the store", at=at)
        elif _moved(last, record):
            reason = f"changed from {seconds(last.threshold, 6)} outside slaopt; noticed at this time"
            transaction.note_threshold(record, previous=last.threshold, by=OUTSIDE, reason=reason, at=at)


def _moved(last: ThresholdRecord, record: ServiceRecord) -> bool:
    """Whether the threshold is another one, and not the same in another unit or with more digits."""
    now = record.threshold or 0.0
    return abs(now - last.threshold) > max(1e-9 * now, seconds_of(HISTORY_STEP, record.unit))


def _settings(params: Params, record: ServiceRecord, history: Sequence[ThresholdRecord], at: datetime) -> Params:
    decided = {
        "threshold": record.threshold,
        "objective": record.objective,
        "min_threshold": record.min_threshold,
        "max_threshold": record.max_threshold,
    }
    known: dict[str, Any] = {name: value for name, value in decided.items() if value is not None}
    if record.threshold is not None:
        known["threshold_history"] = tuple(_in_force(params, record, history, at))
    return params.model_copy(update=known)


def _in_force(
    params: Params, record: ServiceRecord, history: Sequence[ThresholdRecord], at: datetime
) -> Iterator[ThresholdChange]:
    """Thresholds one after the other: those that params tell, then those of the store; none where there was but one."""
    noted = [(row.implemented_at, row.threshold) for row in history]
    if record.threshold is not None and history and _moved(history[-1], record):
        noted.append((at, record.threshold))
    told = [(change.since, change.threshold) for change in params.threshold_history]
    if len(noted) < 2:  # a first value says nothing of what was before
        noted = []
    since_first = [entry for entry in told if not noted or entry[0] < noted[0][0]] + noted
    last = None
    for since, threshold in dict(since_first).items():  # of two at one moment the later holds
        if threshold != last:
            yield ThresholdChange(since=since, threshold=threshold)
        last = threshold


def _why(record: ServiceRecord) -> str:
    if record.state == "not active":
        return "not active in the store (is_active)"
    return "disabled in the store; slaopt services enable brings it back"


def _differences(book: ParamsBook, records: Mapping[str, ServiceRecord]) -> Iterator[str]:
    """One warning for each owned setting that params have otherwise, naming services with both values."""
    for name, written in _WRITTEN.items():
        found = []
        for service, record in records.items():
            params = book.of(service)
            decided, said = _pair(name, record, params)
            if decided is None or said is None or name not in params.model_fields_set or _agree(name, record, said):
                continue
            found.append(f"{service} {written(decided)} (params: {written(said)})")
        if found:
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            yield f"{name} of the store holds, where params have another: {', '.join(found[:MOST_NAMED])}{more}"


def _alike(services: Iterable[str], records: Iterable[str]) -> Iterator[str]:
    """One warning where the store has a service under a name that differs in case: it says nothing of this one."""
    spelled: dict[str, list[str]] = {}
    for there in records:
        spelled.setdefault(there.casefold(), []).append(there)
    found = [
        f"{name} ({other} in the store)" for name in services for other in spelled.get(name.casefold(), ())
        if other != name
    ]  # fmt: skip
    if found:
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        yield f"names that differ in case are different services: {', '.join(found[:MOST_NAMED])}{more}"


def _pair(name: Owned, record: ServiceRecord, params: Params) -> tuple[float | None, float | None]:
    if name == "threshold":
        return record.threshold, params.threshold
    if name == "objective":
        return record.objective, params.objective
    if name == "min_threshold":
        return record.min_threshold, params.min_threshold
    return record.max_threshold, params.max_threshold


def _agree(name: Owned, record: ServiceRecord, said: float) -> bool:
    if name == "threshold" and record.amount is not None:
        return same(said, record.amount, record.unit, record.scale)
    decided = _pair(name, record, Params())[0]
    return decided is not None and f"{decided:.8g}" == f"{said:.8g}"
