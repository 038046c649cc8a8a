"""What the rows as a whole decide about each of them: how it is read, whose it is, and whether it failed.

The relation `executions` holds the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slaopt.errors import InputError
from slaopt.params import ParamsBook
from slaopt.sources.base import Options, assigning
from slaopt.sources.durations import Durations, decide_durations
from slaopt.sources.executions import Executions
from slaopt.sources.load import Loaded
from slaopt.sources.parse import literal
from slaopt.sources.times import Times, decide_times
from slaopt.sources.values import failed_statuses, name_problem, service_name

__all__ = ["Decided", "decide"]

MOST_SERVICES = 100_000
MOST_STATUSES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """How the rows are read."""

    executions: Executions
    services: tuple[str, ...]  # in the order of their numbers
    statuses: tuple[tuple[str, int], ...]  # text and count, the most frequent first
    times: Times
    durations: Durations


def decide(loaded: Loaded, options: Options) -> Decided:
    """Look at the rows, decide how they are read, and make the view `executions`.

    Raises
    ------
    InputError
        If there are too many services, statuses or units to be any, or units contradict each other.
    """
    services, statuses = _make_names(loaded), _statuses(loaded)
    times, durations = decide_times(loaded, options), decide_durations(loaded, options)
    executions = Executions(
        utc=times.utc,
        number=durations.number,
        seconds=durations.seconds,
        failed=_failed(loaded, services, statuses, options.book),
        slashes_unknown=times.slashes_unknown,
    )
    extra = "".join(f", {role}" for role in assigning(options))
    loaded.query(f"CREATE VIEW executions AS {executions.sql('rows', extra)}")
    return Decided(executions=executions, services=services, statuses=statuses, times=times, durations=durations)


def _make_names(loaded: Loaded) -> tuple[str, ...]:
    """Number the services and make the table `names`: text as it stands → number, or the reason against it."""
    import pyarrow as pa

    found = loaded.query(f"SELECT DISTINCT service FROM rows LIMIT {MOST_SERVICES + 1}")
    if len(found) > MOST_SERVICES:
        raise _too_many(loaded, "service", MOST_SERVICES)
    texts = [str(text) for (text,) in found]
    problems = [name_problem(text) for text in texts]
    named = {text: service_name(text) for text, problem in zip(texts, problems, strict=True) if problem is None}
    services = tuple(sorted(set(named.values())))
    number = {name: at for at, name in enumerate(services)}
    names = pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "id": pa.array([number[named[text]] if text in named else -1 for text in texts], pa.int32()),
            "problem": pa.array([problem or 0 for problem in problems], pa.uint8()),
        }
    )
    loaded.database.register("names_given", names)
    loaded.query("CREATE TABLE names AS SELECT * FROM names_given")
    loaded.database.unregister("names_given")
    return services


def _statuses(loaded: Loaded) -> tuple[tuple[str, int], ...]:
    if not any("status" in group.columns for group in loaded.groups):
        return ()
    found = loaded.query(
        "SELECT status, count(*) FROM rows WHERE status IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 "
        f"LIMIT {MOST_STATUSES + 1}"
    )
    if len(found) > MOST_STATUSES:
        raise _too_many(loaded, "status", MOST_STATUSES)
    return tuple((str(text), int(count)) for text, count in found)


def _failed(loaded: Loaded, services: Sequence[str], statuses: Sequence[tuple[str, int]], book: ParamsBook) -> str:
    """Give the SQL of whether an execution failed; services may have words of their own for it."""
    column = next((group.columns["status"].name for group in loaded.groups if "status" in group.columns), "")
    texts = [text for text, _ in statuses]
    if not texts:
        return "false"

    def among(words: Sequence[str]) -> str:
        failing = sorted(failed_statuses(texts, column=column, words=words))
        return f"coalesce(status IN ({', '.join(map(literal, failing))}), false)" if failing else "false"

    usual = book.default.failed_statuses
    own = {at: words for at, name in enumerate(services) if (words := book.of(name).failed_statuses) != usual}
    cases = " ".join(f"WHEN {at} THEN {among(words)}" for at, words in own.items())
    return f"CASE id {cases} ELSE {among(usual)} END" if cases else among(usual)


def _too_many(loaded: Loaded, role: str, most: int) -> InputError:
    return InputError(
        f"{loaded.groups[0].where}: the {role} column has more than {most:,} different values; "
        f"name the right one: --column {role}=NAME"
    )
