"""The watch: what is due happens, and changes that turn out badly are taken back, each with its reason.

One pass does all there is to do at a moment, and a second one at once does nothing more. Whatever it decides is one
transaction, compared with what is there; so it may be killed anywhere, and two may run at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from slaopt.apply.actor import WATCH
from slaopt.apply.due import adjust_services, commit_due, expire_old, finish
from slaopt.apply.experiments.schedule import overdue
from slaopt.apply.fresh import Wanted, read_fresh
from slaopt.apply.looking import Look, Seen, first_sentence, kept_sentence, look_of, quiet_sentence, see
from slaopt.apply.watched import Pass, State, Watched
from slaopt.result import Skipped
from slaopt.wording import moment, seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.profile import Profile
    from slaopt.sources import Source
    from slaopt.store.records import ChangeRecord, Proposal

__all__ = ["watch"]

OFTEN = timedelta(hours=1)  # what was observed is noted no more often
MOST_TOLD = 5  # rules that fire, in a reason


def watch(
    ledger: Ledger, source: Source | None, *, at: datetime, services: Collection[str] | None = None
) -> list[Watched]:
    """Make one pass: commit what is due, let expire what is too old, adjust, and judge every change that is watched.

    Parameters
    ----------
    source
        Measurements; None: there are none, and every change is said to be unseen.
    services
        Only these; None: all. Automatic adjustment belongs to a pass over all.

    Raises
    ------
    RefusedError
        If slaopt is switched off.
    UnreachableError
        If the store does not answer.
    """
    ledger.require_on("watch")
    done = Pass(at)
    commit_due(ledger, done, services)
    expire_old(ledger, done, services)
    if services is None:
        adjust_services(ledger, done)
    _judge(ledger, source, done, services)
    _remind(ledger, done, services)
    return done.done()


def _judge(ledger: Ledger, source: Source | None, done: Pass, services: Collection[str] | None) -> None:
    """Look at the measurements since each change, note what they say, then roll back or keep."""
    looks: list[Look] = []
    for proposal, change in _changes(ledger, services):
        done.do(
            partial(_looked, ledger, proposal, change, looks, done.at),
            partial(_told, proposal, change, "refused", done.at),
        )
    wanted = [Wanted(service=one.service, start=one.start(done.at), thresholds=one.thresholds) for one in looks]
    fresh = {} if source is None else read_fresh(source, wanted, at=done.at)
    seen: list[tuple[Look, Seen]] = []
    for look in looks:
        there = fresh.get(look.service, Skipped(service=look.service, reason="no source of measurements is named"))
        done.do(partial(_seen, look, there, seen), partial(_told, look.proposal, look.change, "blind", done.at))
    _observe(ledger, seen, done.at)
    for look, found in seen:
        done.do(
            partial(_decided, ledger, look, found, done.at),
            partial(_told, look.proposal, look.change, "refused", done.at),
        )


def _remind(ledger: Ledger, done: Pass, services: Collection[str] | None) -> None:
    """Say which tests nobody looks at: that is a pass of its own, since it reads units beside durations."""
    with ledger.store.reading() as transaction:
        for record in transaction.experiments.running():
            if services is not None and record.service not in services:
                continue
            if (since := overdue(transaction, record, at=done.at)) is not None:
                told = (
                    f"experiment {record.experiment_id} has waited for a look since {moment(since)}: "
                    "let slaopt experiment watch run each day"
                )
                done.add(
                    Watched(
                        service=record.service, state="blind", sentence=told, at=done.at, proposal_id=record.proposal_id
                    )
                )  # fmt: skip


def _changes(ledger: Ledger, services: Collection[str] | None) -> list[tuple[Proposal, ChangeRecord]]:
    """List the proposals in force with the newest change of their service; a test that runs has changed nothing."""
    with ledger.store.reading() as transaction:
        committed = transaction.proposals.list(states={"committed"})
        proposals = [one for one in committed if one.implementation_type != "ab_test"]
        newest = transaction.changes.newest() if proposals else {}
    asked = [one for one in reversed(proposals) if services is None or one.service in services]
    return [(proposal, newest[proposal.service]) for proposal in asked if proposal.service in newest]


def _looked(
    ledger: Ledger, proposal: Proposal, change: ChangeRecord, looks: list[Look], at: datetime
) -> Watched | None:
    """Prepare to look at a change; one that another threshold has replaced has nothing left to take back."""
    params = ledger.params(proposal.service)
    if change.proposal_id == proposal.id and change.in_force:
        looks.append(look_of(proposal, change, objective=params.objective, zone=params.timezone))
        return None
    if at > proposal.updated_at + timedelta(days=params.watch_days):
        return None
    why = "another threshold was set outside slaopt"
    if change.proposal_id != proposal.id:
        why = f"change {change.change_id} has followed"
    told = f"The change to {seconds(proposal.proposed_threshold, 6)} is no longer watched: {why}."
    return _told(proposal, change, "overtaken", at, told)


def _seen(look: Look, fresh: Profile | Skipped, seen: list[tuple[Look, Seen]]) -> None:
    seen.append((look, see(look, fresh)))


def _observe(ledger: Ledger, seen: Sequence[tuple[Look, Seen]], at: datetime) -> None:
    """Note what was observed of each change, in one transaction; what is hardly newer waits."""
    newer = [(look, found) for look, found in seen if _is_newer(look, found)]
    if newer:
        with ledger.writing("observe", actor=WATCH, at=at) as transaction:
            for look, found in newer:
                transaction.changes.observe(look.change.change_id, found.observed)


def _is_newer(look: Look, found: Seen) -> bool:
    until = found.observed.get("until")
    return until is not None and (bool(found.fired) or datetime.fromisoformat(until) - look.until >= OFTEN)


def _decided(ledger: Ledger, look: Look, found: Seen, at: datetime) -> Watched | None:
    """Roll back where a rule fires, keep where the watch is over, else say what is seen."""
    if found.fired and not look.is_first:
        return _roll_back(ledger, look, found, at)
    params = ledger.params(look.service)
    over = at >= look.ends(params.watch_days)
    if over and found.observed.get("executions"):
        return _keep(ledger, look, found, at)
    if look.is_first:
        return _of(look, "unwatched", first_sentence(look, found), at, found)
    if found.blind is not None:
        ended = f" Its watch ended on {moment(look.ends(params.watch_days), look.zone)}, unseen." if over else ""
        return _of(look, "blind", f"{found.blind}.{ended}", at, found)
    return _of(look, "quiet", quiet_sentence(look, found.observed), at, found)


def _roll_back(ledger: Ledger, look: Look, found: Seen, at: datetime) -> Watched | None:
    from slaopt.apply.undoing import rollback

    reason = " ".join(one.sentence for one in found.fired[:MOST_TOLD])
    outcome = rollback(
        ledger, look.change.change_id, reason=reason, actor=WATCH, at=at, fired=[one.to_dict() for one in found.fired]
    )
    return None if outcome.repeated else _of(look, "rolled back", f"{outcome.sentence} {reason}", at, found)


def _keep(ledger: Ledger, look: Look, found: Seen, at: datetime) -> Watched | None:
    sentence = kept_sentence(look, found.observed)
    if not finish(ledger, look.proposal, "kept", change_id=look.change.change_id, reason=sentence, at=at):
        return None
    return _of(look, "kept", sentence, at, found)


def _of(look: Look, state: State, sentence: str, at: datetime, found: Seen) -> Watched:
    shown = {name: value for name, value in found.observed.items() if name != "days"}
    return Watched(
        service=look.service, state=state, sentence=sentence, at=at, proposal_id=look.proposal.id,
        change_id=look.change.change_id, fired=tuple(one.to_dict() for one in found.fired), observed=shown or None,
    )  # fmt: skip


def _told(proposal: Proposal, change: ChangeRecord, state: State, at: datetime, sentence: str) -> Watched:
    return Watched(
        service=proposal.service, state=state, sentence=sentence, at=at, proposal_id=proposal.id,
        change_id=change.change_id,
    )  # fmt: skip
