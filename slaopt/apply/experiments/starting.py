"""The start of an experiment, once everybody needed has approved it: its design is frozen, its salt drawn."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from slaopt.apply.experiments.ends import told
from slaopt.apply.experiments.schedule import design_of, first_hour
from slaopt.apply.ledger import note
from slaopt.apply.requests import Outcome
from slaopt.errors import RefusedError
from slaopt.wording import moment, number, percent, seconds

if TYPE_CHECKING:
    from slaopt.apply.actor import Actor
    from slaopt.apply.cases import Case
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord

__all__ = ["about_test", "start_test"]

SALT: Final = 16  # bytes: 128 bits cannot be guessed


def about_test(case: Case, *, at: datetime) -> Iterator[RefusedError]:
    """Give what stands against starting the experiment of a proposal, beside what its service says."""
    proposal, test = case.proposal, case.test
    if test is None:
        yield RefusedError(
            f"{proposal.service}: the store knows nothing of the experiment of this proposal; design it again with "
            f"`slaopt experiment propose {proposal.service}`"
        )
    elif _digest(test) != (proposal.assessment.get("experiment") or {}).get("design_digest"):
        yield RefusedError(
            f"{proposal.service}: the design of experiment {test.experiment_id} is not the one that was proposed; find "
            f"out by whom it was changed, then design it again with `slaopt experiment propose {proposal.service}`"
        )
    until = case.valid_until
    if until is not None and at > until:
        yield RefusedError(
            f"{proposal.service}: the test was designed on {moment(until - _valid(case))}, and a design is good for "
            f"{number(case.params.report_valid_days)} days; design it again with "
            f"`slaopt experiment propose {proposal.service}`"
        )


def start_test(transaction: Transaction, case: Case, *, actor: Actor, at: datetime) -> Outcome:
    """Start the experiment of a proposal that everybody needed has approved.

    Raises
    ------
    InputError
        If it is not planned any more, or another runs on the service.
    """
    proposal, test = case.proposal, case.test
    assert test is not None  # refused before
    design = design_of(test)
    assert design is not None  # likewise
    planned_end = first_hour(at) + timedelta(days=design.days)
    begun = transaction.experiments.start(
        test, salt=secrets.token_hex(SALT), design=design.to_dict(), design_digest=design.digest,
        by=case.approved_by[-1], at=at, planned_end=planned_end,
    )  # fmt: skip
    committed = transaction.proposals.move(proposal, "committed", at=at)
    note(
        transaction, "start experiment", actor=actor, at=at, service=proposal.service, **told(begun),
        unit=design.unit, traffic_split=design.traffic_split, days=design.days, planned_end=planned_end,
        design_digest=design.digest, forced=list(design.forced) or None, approved_by=list(case.approved_by),
    )  # fmt: skip
    sentence = (
        f"{proposal.service}: experiment {begun.experiment_id} runs until {moment(planned_end)} (approved by "
        f"{' and '.join(case.approved_by)}). {seconds(design.test_threshold, 6)} holds for "
        f"{percent(design.traffic_split)} of the units, {seconds(design.control_threshold, 6)} for the others."
    )
    return Outcome(proposal=committed, sentence=sentence)


def _digest(test: ExperimentRecord) -> str | None:
    design = design_of(test)
    return None if design is None else design.digest


def _valid(case: Case) -> timedelta:
    return timedelta(days=case.params.report_valid_days)
