"""Experiments put to people: the start of a test takes the same approvals as the change that it tries out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, is_solo, may, require_present
from slaopt.apply.cases import read_case
from slaopt.apply.codes import second_factor
from slaopt.apply.deciding import Approval, record
from slaopt.apply.experiments.ends import ExperimentOutcome, outcome_of
from slaopt.apply.experiments.forms import RISK, assessment, planned
from slaopt.apply.filing import add, fresh_digest, require_undecided
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import OPEN, named
from slaopt.apply.needs import needs_of
from slaopt.apply.refusals import about_service, agree, require_none
from slaopt.apply.requests import Call, Outcome, written
from slaopt.errors import InputError, RefusedError
from slaopt.store.records import NewProposal
from slaopt.wording import seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.experiment.design import Design
    from slaopt.experiment.plan import PlannedDesign
    from slaopt.store import Transaction
    from slaopt.store.experiment_records import ExperimentRecord
    from slaopt.store.records import Needs, Proposal

__all__ = ["design_now", "propose_experiment", "test_first"]


def propose_experiment(
    ledger: Ledger,
    service: str,
    design: Design,
    *,
    actor: Actor,
    at: datetime,
    hypothesis: str | None = None,
    code: str | None = None,
    key: str | None = None,
) -> ExperimentOutcome:
    """Put a test to those who have to approve it; who works alone, and may approve, has it started at once.

    Parameters
    ----------
    hypothesis
        What is expected, in words.
    code
        Of the second factor, where one works alone and the change is critical.
    key
        Of this request: with the same key it is done once.

    Raises
    ------
    RefusedError
        If a rule forbids it.
    InputError
        If the design is of another service.
    """
    return _proposed(ledger, service, design, None, actor=actor, at=at, said=hypothesis, code=code, key=key)


def test_first(
    ledger: Ledger,
    proposal_id: int,
    design: Design,
    *,
    actor: Actor,
    at: datetime,
    code: str | None = None,
    key: str | None = None,
) -> ExperimentOutcome:
    """Have the threshold of an open proposal tested before it holds for all; the test takes the proposal's place.

    Raises
    ------
    UnknownError
        If there is no such proposal.
    RefusedError
        If it is not open any more, or a rule forbids the test.
    InputError
        If the design is of another change.
    """
    with ledger.store.reading() as transaction:
        require_present(transaction, actor, "propose")
        proposal = read_case(transaction, ledger, proposal_id).proposal
    if not agree(proposal.proposed_threshold, design.test_threshold):
        raise InputError(
            f"proposal {proposal_id} is about {seconds(proposal.proposed_threshold, 6)}, and the design tests "
            f"{seconds(design.test_threshold, 6)}: design a test of the former"
        )
    said = f"A/B test before proposal {proposal_id}, of {proposal.proposed_by}."
    return _proposed(
        ledger, proposal.service, design, proposal_id, actor=actor, at=at, said=said, code=code, key=key
    )  # fmt: skip


def design_now(ledger: Ledger, service: str, test_threshold: float, *, at: datetime, **asked: Any) -> PlannedDesign:
    """Design a test (seconds) from the measurements that the newest report of a service archived.

    `asked` is what `design_for` takes beside; the control's threshold is the one in force.

    Raises
    ------
    RefusedError
        If such a test could not answer, or the report is too old.
    InputError
        If there is no report, or the service has no threshold.
    """
    from slaopt.apply.scoring import newest
    from slaopt.experiment.plan import design_for
    from slaopt.report import open_run

    run, params = newest(ledger, service, at)
    with ledger.store.reading() as transaction:
        control = _in_force(transaction, service)
    assert ledger.reports is not None  # or there was no report
    profiles = open_run(ledger.reports / run.report_path).profiles
    return design_for(
        profiles, params.experiments, test_threshold=test_threshold, control_threshold=control, **asked
    )  # fmt: skip


def _proposed(
    ledger: Ledger,
    service: str,
    design: Design,
    instead: int | None,
    *,
    actor: Actor,
    at: datetime,
    said: str | None,
    code: str | None,
    key: str | None,
) -> ExperimentOutcome:
    """File experiment and proposal in one transaction, and start it at once where one works alone."""
    if design.service != service:
        raise InputError(f"the design is one of {design.service}, not of {service}: design a test of {service}")
    said = None if said is None or not said.strip() else written(said, "hypothesis")
    body = {"service": service, "design": design.digest, "hypothesis": said, "instead": instead}
    call = Call("propose experiment", actor, key, body)
    with ledger.store.reading() as transaction:
        require_present(transaction, actor, "propose")
        if (answer := call.answered(transaction)) is not None:
            return _answered(transaction, answer)
        require_none(_against(transaction, ledger, design))
        needs = _needs(ledger, design, solo=is_solo(transaction))
    alone = actor.solo and may(actor, "approve")
    shown = alone and second_factor(ledger, needs, actor, code, solo=True, at=at)
    with ledger.writing(call.action, actor=actor, at=at) as transaction:
        require_present(transaction, actor, "propose")
        if (answer := call.answered(transaction)) is not None:
            return _answered(transaction, answer)
        if (same := _same_open(transaction, design)) is not None:
            return _waits(transaction, same)
        require_none(_against(transaction, ledger, design))
        if instead is not None:
            _require_open(read_case(transaction, ledger, instead).proposal)
        require_undecided(transaction, service)
        outcome = _filed(transaction, ledger, design, said, actor=actor, at=at)
        if alone:
            case = read_case(transaction, ledger, _number(outcome))
            outcome = record(transaction, ledger, case, Approval(second_factor=shown), actor=actor, at=at)
        return _answered(transaction, call.keep(transaction, outcome, at=at))


def _filed(
    transaction: Transaction, ledger: Ledger, design: Design, said: str | None, *, actor: Actor, at: datetime
) -> Outcome:
    experiment_id = f"e{secrets.token_hex(5)}"
    new = NewProposal(
        service=design.service,
        origin="request",
        input_digest=fresh_digest(transaction, design.service, {"design": design.digest}),
        run_id=None,
        prediction_id=None,
        current_threshold=design.control_threshold,
        proposed_threshold=design.test_threshold,
        proposed_by=actor.name,
        implementation_type="ab_test",
        reason=said,
        needs=_needs(ledger, design, solo=is_solo(transaction)),
        assessment=assessment(design, experiment_id, at),
        rollback_rules=(),
    )
    filed = add(transaction, new, actor=actor, at=at)
    kept = transaction.experiments.add(planned(design, experiment_id, said, filed), at=at)
    note(
        transaction, "plan experiment", actor=actor, at=at, service=design.service, experiment=experiment_id,
        proposal=filed.id, design_digest=design.digest, days=design.days, traffic_split=design.traffic_split,
        unit=design.unit, forced=list(design.forced) or None,
    )  # fmt: skip
    people = "one person has" if filed.needs.approvals <= 1 else f"{filed.needs.approvals} people have"
    sentence = (
        f"{design.service}: a test of {seconds(design.test_threshold, 6)} against "
        f"{seconds(design.control_threshold, 6)} is proposed (experiment {kept.experiment_id}, proposal "
        f"{filed.id}); {people} to approve it before it starts."
    )
    return Outcome(proposal=filed, sentence=sentence)


def _against(transaction: Transaction, ledger: Ledger, design: Design) -> Iterator[RefusedError]:
    _in_force(transaction, design.service)
    return about_service(
        design.service, transaction.service(design.service), transaction.running_experiments(design.service),
        design.test_threshold, expected=design.control_threshold, params=ledger.params(design.service),
    )  # fmt: skip


def _in_force(transaction: Transaction, service: str) -> float:
    row = transaction.service(service)
    if row is None or row.threshold is None:
        raise InputError(
            f"{service} has no threshold in the store, so there is no control to compare with: "
            f"slaopt services add {service} decides a first one"
        )
    return row.threshold


def _needs(ledger: Ledger, design: Design, *, solo: bool) -> Needs:
    return needs_of(
        design.control_threshold, design.test_threshold, risk=RISK,
        rules=ledger.params(design.service).approvals, solo=solo,
    )  # fmt: skip


def _same_open(transaction: Transaction, design: Design) -> Proposal | None:
    """Give the open proposal of the same test, where there is one."""
    for proposal in transaction.proposals.list(states=OPEN, service=design.service):
        if (proposal.assessment.get("experiment") or {}).get("design_digest") == design.digest:
            return proposal
    return None


def _waits(transaction: Transaction, proposal: Proposal) -> ExperimentOutcome:
    sentence = f"{proposal.proposed_by} proposed this test already (proposal {proposal.id}), and it waits for approval."
    return ExperimentOutcome(
        experiment=_experiment_of(transaction, proposal.id), proposal=proposal, repeated=True, sentence=sentence
    )


def _require_open(proposal: Proposal) -> None:
    if proposal.state not in OPEN:
        raise RefusedError(f"proposal {proposal.id} is {named(proposal.state)} by now: there is nothing to test first")


def _answered(transaction: Transaction, answer: Outcome) -> ExperimentOutcome:
    return outcome_of(_experiment_of(transaction, _number(answer)), answer)


def _number(outcome: Outcome) -> int:
    assert outcome.proposal is not None  # whatever is asked for is one
    return outcome.proposal.id


def _experiment_of(transaction: Transaction, proposal_id: int) -> ExperimentRecord:
    planned = transaction.experiments.of_proposal(proposal_id)
    assert planned is not None  # filed in one transaction with its proposal
    return planned
