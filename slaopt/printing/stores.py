"""Lines about a store: what is decided of services, which version its tables are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from slaopt.printing.text import LONGEST_NAME, columns, visible
from slaopt.wording import moment, percent, seconds

if TYPE_CHECKING:
    from slaopt.store import RunRecord, SchemaState, ServiceRecord

__all__ = ["decided_line", "schema_line", "service_lines"]


def service_lines(records: Sequence[ServiceRecord], runs: Mapping[str, RunRecord]) -> Iterator[str]:
    """Say what is decided of each service and what its latest report found, in columns."""
    if not records:
        yield "no service yet: slaopt services add NAME --threshold 2s, or slaopt report, which takes those of params"
        return
    rows: list[tuple[str, ...]] = [("service", "threshold", "objective", "state", "last analysed", "verdict")]
    rows += [_service_row(record, runs.get(record.service)) for record in records]
    yield from columns(rows)
    for record in records:
        if record.problem is not None:
            yield f"{visible(record.service, LONGEST_NAME)}: {visible(record.problem)}"


def _service_row(record: ServiceRecord, run: RunRecord | None) -> tuple[str, ...]:
    return (
        visible(record.service, LONGEST_NAME),
        "–" if record.threshold is None else seconds(record.threshold, 6),
        "–" if record.objective is None else percent(record.objective),
        record.state,
        "–" if run is None else moment(run.as_of),
        "–" if run is None else run.verdict,
    )


def decided_line(record: ServiceRecord) -> str:
    """Say within which bounds a service's threshold may lie, and whether it adjusts by itself."""
    bounds = [
        f"{word} {seconds(bound, 6)}"
        for word, bound in (("at least", record.min_threshold), ("at most", record.max_threshold))
        if bound is not None
    ]
    adjusts = "adjusts by itself" if record.auto_adjust else "waits for people"
    return f"{visible(record.service)} {adjusts}; its threshold is {' and '.join(bounds) or 'without bounds'}"


def schema_line(state: SchemaState) -> str:
    """Say which version of slaopt's tables a store holds."""
    if state.state == "none":
        return f"{state.store}: none of slaopt's tables; slaopt db upgrade makes them"
    age = {"current": "the newest", "old": f"older than {state.newest}", "newer": f"newer than {state.newest}"}
    return f"{state.store}: schema {state.revision}, {age[state.state]}"
