"""Amendments: what may still change while an experiment runs, kept beside what it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Final

from slaopt.apply.actor import Actor, require_present
from slaopt.apply.experiments.ends import ExperimentOutcome, found, outcome_of, proposal_of, told
from slaopt.apply.experiments.schedule import counted_from, design_of
from slaopt.apply.ledger import note
from slaopt.apply.requests import Call, Outcome, written
from slaopt.errors import InputError, RefusedError
from slaopt.wording import moment

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.experiment.design import Design
    from slaopt.store.experiment_records import ExperimentRecord

__all__ = ["amend"]

LONGEST: Final = 60  # days


def amend(
    ledger: Ledger, experiment_id: str, *, days: int, reason: str, actor: Actor, at: datetime, key: str | None = None
) -> ExperimentOutcome:
    """Let an experiment run longer, as one who may approve; nothing else of its design may change.

    The information at which its error is spent stays as planned, so more days answer with the same error: less traffic
    than was forecast is made up for, and a favourable course buys nothing. Fewer days, other thresholds, shares,
    margins, levels or looks would let what was seen choose the question.

    Raises
    ------
    RefusedError
        If the actor may not, it does not run, or the change would spoil the answer.
    UnknownError
        If there is no such experiment.
    InputError
        If no reason is given.
    """
    said = written(reason, "reason")
    call = Call("amend experiment", actor, key, {"experiment": experiment_id, "days": days, "reason": said})
    with ledger.writing(call.action, actor=actor, at=at) as transaction:
        require_present(transaction, actor, "approve")
        record = found(transaction, experiment_id)
        if (answer := call.answered(transaction)) is not None:
            return outcome_of(record, answer)
        before = design_of(record)
        if before is None:
            raise RefusedError(f"experiment {experiment_id} has no design that can be read: it cannot be amended")
        _require_longer(record, before, days, at=at)
        after = replace(before, days=days, looks=ceil(before.looks * days / before.days))
        change = {
            "at": at, "by": actor.name, "reason": said, "days": {"from": before.days, "to": after.days},
            "looks": {"from": before.looks, "to": after.looks},
            "design_digest": {"from": before.digest, "to": after.digest},
        }  # fmt: skip
        planned_end = counted_from(record, before) + timedelta(days=days)
        amended = transaction.experiments.amend(
            record, change, design=after.to_dict(), design_digest=after.digest, planned_end=planned_end
        )
        note(
            transaction, "amend experiment", actor=actor, at=at, service=record.service, **told(record), reason=said,
            days=change["days"], design_digest=change["design_digest"], planned_end=planned_end,
        )  # fmt: skip
        outcome = Outcome(
            proposal=proposal_of(transaction, record),
            sentence=f"{record.service}: experiment {experiment_id} runs until {moment(planned_end)} now, {days} days "
            f"instead of {before.days}.",
        )
        return outcome_of(amended, call.keep(transaction, outcome, at=at))


def _require_longer(record: ExperimentRecord, design: Design, days: int, *, at: datetime) -> None:
    if record.status != "running":
        raise RefusedError(
            f"experiment {record.experiment_id} is {record.status}: only one that runs can be amended"
        )  # fmt: skip
    if record.planned_end is not None and at >= record.planned_end:
        raise RefusedError(
            f"experiment {record.experiment_id} has reached its end on {moment(record.planned_end)}: to go on after "
            "the answer would be another experiment"
        )
    if days > LONGEST:
        raise InputError(f"{days} days are too many: an experiment runs for at most {LONGEST}")
    if days <= design.days:
        raise RefusedError(
            f"experiment {record.experiment_id} was planned for {design.days} days, and {days} are no more: to shorten "
            "it after having looked would spoil its answer; `slaopt experiment stop` ends it without one"
        )
