"""What a store holds about people: names of those who act, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slaopt.result import Result

if TYPE_CHECKING:
    from slaopt.store import Store

__all__ = ["StoredAboutPeople", "stored_about_people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAboutPeople(Result):
    """One place where something about people stands."""

    place: str  # the table
    what: str
    rows: int
    kept: str  # for how long, and what ends it


ALWAYS = "always: it is part of the record of decisions"
PLACES = (
    ("sla_users", "name and role; a hash of the password and the secret of the second factor; until when the name is "
     "locked", "until the store is taken away; users are disabled, since the record of decisions holds their names"),
    ("sla_sessions", "whose session it is, from the web or a terminal, and when it ends; a digest of its token",
     "12 hours; what has ended is removed at the next login"),
    ("sla_proposals", "who proposed, and the reason that was typed", ALWAYS),
    ("sla_approvals", "who approved or rejected, and the comment that was typed", ALWAYS),
    ("sla_threshold_history", "who changed a threshold, and why", ALWAYS),
    ("sla_changes", "the reason of a change that was typed", ALWAYS),
    ("sla_optimization_experiments", "who asked for an experiment, started it and stopped it, and why", ALWAYS),
    ("sla_experiment_assignments", "units of an experiment, as hashes: pseudonyms, where units are people",
     "until slaopt purge, once the experiment has ended"),
    ("sla_requests", "answers to requests, with the names of those who approved; the request's key as a digest",
     "until slaopt purge"),
    ("sla_audit_log", "who did what and when, and the name of the operating system's user beside", ALWAYS),
)  # fmt: skip


def stored_about_people(store: Store) -> list[StoredAboutPeople]:
    """List every table that holds something about people, what, how many rows, and how long it is kept."""
    with store.reading() as transaction:
        counts = transaction.row_counts()
    return [StoredAboutPeople(place=place, what=what, rows=counts[place], kept=kept) for place, what, kept in PLACES]
