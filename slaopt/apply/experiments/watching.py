"""One pass over the experiments that run: looks that are due are made and kept, and what they decide is done.

A pass decides nothing that a second one at once would decide again: the moment of a look is the design's, and all that
follows from it is written in one transaction that is compared with what is there. So it may be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from slaopt.apply.actor import WATCH
from slaopt.apply.experiments.ends import end, stop
from slaopt.apply.experiments.kept import days_of, kept_look, looks_of, results_of
from slaopt.apply.experiments.schedule import Due, counted_from, design_of, due, next_look
from slaopt.apply.refusals import about_service
from slaopt.apply.watched import Pass, State, Watched
from slaopt.errors import RefusedError, SlaoptError
from slaopt.wording import moment

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.experiment.design import Design
    from slaopt.experiment.found import Comparison, Look
    from slaopt.experiment.observed import Observed, Remark
    from slaopt.sources import Source
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord, LookRecord

__all__ = ["ExperimentPass", "experiment_watch"]

UNSEEN: Final = timedelta(days=2)  # past its end, a test that cannot be looked at is stopped
LATELY: Final = timedelta(days=7)  # since its end, an experiment is still put forward by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentPass(Watched):
    """What became of one experiment in a pass."""

    experiment_id: str
    look: int | None = None  # number of the look that was made
    verdict: str | None = None
    recommendation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A look with what it was made from."""

    look: Look
    comparison: Comparison
    observed: Observed
    remarks: tuple[Remark, ...]


def experiment_watch(
    ledger: Ledger, source: Source | None, *, at: datetime, services: Collection[str] | None = None
) -> list[ExperimentPass]:
    """Make one pass: stop what must not go on, make the looks that are due, end what is answered, and put it forward.

    Parameters
    ----------
    source
        Measurements; None: there are none, and each look that is due is said to be unseen.
    services
        Only these; None: all.

    Raises
    ------
    RefusedError
        If slaopt is switched off.
    UnreachableError
        If the store does not answer.
    """
    ledger.require_on("watch")
    done = Pass(at)
    with ledger.store.reading() as transaction:
        running = [one for one in reversed(transaction.experiments.running()) if _asked(one, services)]
    for record in running:
        done.do(partial(_watched, ledger, source, record, at), partial(_refused, record, at))
    with ledger.store.reading() as transaction:
        ended = [one for one in transaction.experiments.list(statuses={"completed"}) if _asked(one, services)]
    for record in reversed(ended):
        if _is_to_adopt(record, at):
            done.do(partial(_adopted, ledger, record, at), partial(_refused, record, at))
    return [one for one in done.done() if isinstance(one, ExperimentPass)]


def _watched(ledger: Ledger, source: Source | None, record: ExperimentRecord, at: datetime) -> ExperimentPass | None:
    """Look after one experiment that runs."""
    if not ledger.params(record.service).enabled:
        raise RefusedError(f"slaopt is switched off for {record.service}: set `enabled: true` in its params")
    if (why := _spoilt(ledger, record)) is not None:
        return _stopped(ledger, record, why, at)
    design = design_of(record)
    if design is None or record.planned_end is None:
        raise RefusedError(f"experiment {record.experiment_id} has no design that can be read: stop it")
    if design.digest != record.design_digest:
        why = "its design is not the one any more that was frozen: it was changed past slaopt"
        return _stopped(ledger, record, why, at)
    with ledger.store.reading() as transaction:
        kept, earlier = transaction.experiments.looks(record), looks_of(transaction, record)
    asked, made = due(record, design, at=at), kept[-1].number if kept else 0
    if asked is None or asked.number <= made:
        return _waits(record, design, made, at)
    try:
        observed = _observed(ledger, source, record, design, asked, kept)
    except SlaoptError as error:
        if at > record.planned_end + UNSEEN:
            return _stopped(ledger, record, f"its end came and its measurements could not be read: {error}", at)
        return _told(record, "blind", f"look {asked.number} is due, and measurements cannot be read: {error}", at)
    silent = next((remark.sentence for remark in observed.remarks if remark.kind == "silent"), None)
    if silent is not None and at <= record.planned_end + UNSEEN:  # what is missing may still come
        return _told(record, "blind", f"look {asked.number} is due, and waits: {silent}", at)
    return _decided(ledger, record, _look(observed, design, earlier, asked), at)


def _spoilt(ledger: Ledger, record: ExperimentRecord) -> str | None:
    """Say why an experiment cannot go on whatever it measures: its threshold or its bounds are others now."""
    with ledger.store.reading() as transaction:
        row = transaction.service(record.service)
    if row is None:
        return f"{record.service} has no row any more"
    against = about_service(
        record.service, row, (), record.test_threshold, expected=record.control_threshold,
        params=ledger.params(record.service),
    )  # fmt: skip
    return next((str(refusal) for refusal in against), None)


def _observed(
    ledger: Ledger,
    source: Source | None,
    record: ExperimentRecord,
    design: Design,
    asked: Due,
    kept: list[LookRecord],
) -> Observed:
    from slaopt.sources.observing import observe

    if source is None:
        raise RefusedError("no source of measurements is named")
    return observe(
        source, service=record.service, design=design, params=ledger.params(record.service),
        start=counted_from(record, design), end=asked.until, salt=record.salt,
        previous=days_of(kept[-1]) if kept else None,
    )  # fmt: skip


def _look(observed: Observed, design: Design, earlier: list[Look], asked: Due) -> _Found:
    from slaopt.experiment.checks import remarks_of
    from slaopt.experiment.comparing import compare
    from slaopt.experiment.decide import look_at

    comparison = compare(observed, design, final=asked.last)
    remarks = remarks_of(observed, design, final=asked.last)
    look = look_at(
        comparison, design, earlier=earlier, number=asked.number, at=asked.until, last=asked.last, remarks=remarks,
        sizes=(observed.control.executions, observed.test.executions),
        unit_sizes=(observed.control.units, observed.test.units),
    )  # fmt: skip
    return _Found(look=look, comparison=comparison, observed=observed, remarks=remarks)


def _decided(ledger: Ledger, record: ExperimentRecord, found: _Found, at: datetime) -> ExperimentPass | None:
    """Keep a look and do what it decides, in one transaction; None where another pass was faster."""
    look, columns = found.look, results_of(found.look, found.comparison, found.remarks)
    decision = look.decision
    with ledger.writing("look", actor=WATCH, at=at) as transaction:
        now = transaction.experiments.get(record.experiment_id)
        if now is None or now.status != "running" or now.design_digest != record.design_digest:
            return None
        there = transaction.experiments.looks(now)
        if there and there[-1].number >= look.number:
            return None
        _keep(transaction, now, found, at)
        state: State = "looked"
        if decision.verdict == "stop_harm":
            state, harm = "stopped", {**decision.numbers, "look": look.number, "verdict": decision.verdict}
            end(
                transaction, now, "stopped", reason=decision.sentence, actor=WATCH, at=at, results=columns, harm=harm
            )  # fmt: skip
        elif decision.rule == "sample_ratio":
            state = "stopped"
            end(transaction, now, "stopped", reason=decision.sentence, actor=WATCH, at=at, results=columns)
        elif look.last or decision.verdict == "ship":
            state, why = "completed", None if look.last else decision.sentence
            end(transaction, now, "completed", reason=why, actor=WATCH, at=at, results=columns)
        else:
            transaction.experiments.set_results(now, **columns)
    if state == "looked" and (decision.verdict == "invalid" or not sum(look.sample_sizes)):
        state = "blind"
    return _told(record, state, f"look {look.number}: {decision.sentence}", at, look)


def _keep(transaction: Transaction, record: ExperimentRecord, found: _Found, at: datetime) -> None:
    look, observed = found.look, found.observed
    assert look.at is not None  # looks of a pass have a time
    transaction.experiments.add_look(
        record, number=look.number, looked_at=at, as_of=look.at, fraction=look.fraction, information=look.information,
        estimate=look.estimate, standard_error=look.standard_error, verdict=look.decision.verdict,
        look=kept_look(look, found.comparison, observed, found.remarks),
    )  # fmt: skip
    for name in ("control", "test"):
        arm = observed.arm(name)
        if not arm.each_row and len(arm.n):
            hashes = [str(one) for one in arm.unit_hashes]
            transaction.experiments.note_units(record, hashes, [name] * len(hashes), arm.first_seen)


def _stopped(ledger: Ledger, record: ExperimentRecord, why: str, at: datetime) -> ExperimentPass | None:
    outcome = stop(ledger, record.experiment_id, reason=why[:2000], actor=WATCH, at=at)
    if outcome.repeated:
        return None
    return _told(record, "stopped", f"{outcome.sentence} {why}", at)


def _is_to_adopt(record: ExperimentRecord, at: datetime) -> bool:
    """Whether an experiment recommends its threshold and nobody has put it forward yet."""
    lately = record.experiment_end is not None and at - record.experiment_end <= LATELY
    return record.recommendation == "adopt" and record.adopted_by_proposal_id is None and lately


def _adopted(ledger: Ledger, record: ExperimentRecord, at: datetime) -> ExperimentPass | None:
    from slaopt.apply.experiments.adopting import adopt

    outcome = adopt(ledger, record.experiment_id, actor=WATCH, at=at)
    return None if outcome.repeated else _told(record, "adopted", outcome.sentence, at)


def _waits(record: ExperimentRecord, design: Design, made: int, at: datetime) -> ExperimentPass:
    following = next_look(record, design, after=made)
    when = "" if following is None else f", the next is due on {moment(following)}"
    so_far = f"look {made} of {design.looks} is the latest" if made else f"none of {design.looks} looks is made yet"
    return _told(record, "waiting", f"{so_far}{when}.", at)


def _refused(record: ExperimentRecord, at: datetime, why: str) -> ExperimentPass:
    return _told(record, "refused", why, at)


def _told(
    record: ExperimentRecord, state: State, sentence: str, at: datetime, look: Look | None = None
) -> ExperimentPass:
    decision = None if look is None else look.decision
    return ExperimentPass(
        service=record.service, state=state, sentence=sentence, at=at, proposal_id=record.proposal_id,
        experiment_id=record.experiment_id, look=None if look is None else look.number,
        verdict=None if decision is None else decision.verdict,
        recommendation=None if decision is None else decision.recommendation,
    )  # fmt: skip


def _asked(record: ExperimentRecord, services: Collection[str] | None) -> bool:
    return services is None or record.service in services
