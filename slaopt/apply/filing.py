"""Proposals filed from what the newest reports recommend."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor, is_solo, require_present
from slaopt.apply.cases import read_case
from slaopt.apply.committing import step
from slaopt.apply.experiments.ends import let_go
from slaopt.apply.ledger import note
from slaopt.apply.lifecycle import OPEN, moved, named
from slaopt.apply.needs import needs_of
from slaopt.apply.refusals import about_age, about_service, agree, require_none
from slaopt.apply.reports import folder_of
from slaopt.apply.requests import digest_of
from slaopt.errors import InputError, RefusedError, SlaoptError
from slaopt.result import Skipped
from slaopt.store.records import NewProposal
from slaopt.wording import moment, seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.store import RunRecord, Transaction
    from slaopt.store.records import Proposal

__all__ = ["add", "fresh_digest", "propose", "require_undecided"]

PROPOSING = ("raise", "lower", "set")  # verdicts that another threshold follows from


def propose(
    ledger: Ledger, services: Sequence[str] | None = None, *, actor: Actor, at: datetime
) -> list[Proposal | Skipped]:
    """File what the newest report of each service recommends, and replace what was open before.

    What is filed already is given back, at most one for a service and a report. Where people have approved a change
    that is open still, that one stays.

    Parameters
    ----------
    services
        None: all that have a report.

    Raises
    ------
    ForbiddenError
        If the actor may not propose. What else forbids a proposal is the reason of a Skipped.
    """
    with ledger.store.reading() as transaction:
        require_present(transaction, actor, "propose")
        runs = transaction.latest_runs(services)
    filed: list[Proposal | Skipped] = []
    for service in dict.fromkeys(services if services is not None else runs):
        try:
            filed.append(_filed(ledger, service, runs.get(service), actor=actor, at=at))
        except SlaoptError as error:
            filed.append(Skipped(service=service, reason=str(error)))
    return filed


def require_undecided(transaction: Transaction, service: str) -> None:
    """Refuse to supersede a change of the service that has all its approvals, and waits only for its time.

    Raises
    ------
    RefusedError
        Naming it.
    """
    for proposal in transaction.proposals.list(states=("approved", "scheduled"), service=service):
        due = f" for {moment(proposal.scheduled_at)}" if proposal.scheduled_at is not None else ""
        raise RefusedError(
            f"{service}: proposal {proposal.id} to set {seconds(proposal.proposed_threshold, 6)} is "
            f"{named(proposal.state)}{due}; commit, reject or withdraw that first"
        )


def add(transaction: Transaction, new: NewProposal, *, actor: Actor, at: datetime) -> Proposal:
    """File a proposal, and supersede what was open for its service before."""
    before = transaction.proposals.list(states=OPEN, service=new.service)
    filed = transaction.proposals.add(new, change_id=f"c{secrets.token_hex(5)}", at=at)
    note(
        transaction, "propose", actor=actor, at=at, service=filed.service, **step(filed), origin=filed.origin,
        reason=filed.reason, report=filed.assessment.get("report_path"), when=filed.scheduled_at,
    )  # fmt: skip
    for older in before:
        moved(older.state, "superseded")
        transaction.proposals.move(older, "superseded", at=at)
        let_go(transaction, older, f"was superseded by proposal {filed.id}", actor=actor, at=at)
        note(transaction, "supersede", actor=actor, at=at, service=older.service, **step(older), by=filed.id)
    return filed


def fresh_digest(transaction: Transaction, service: str, body: Mapping[str, Any]) -> str:
    """Give a digest of what is asked for; the same may be asked for again once it was rejected or rolled back."""
    for time in count():
        digest = digest_of({**body, "time": time})
        if transaction.proposals.of_input(service, digest) is None:
            return digest
    raise AssertionError("unreachable: count() never ends")


def _filed(ledger: Ledger, service: str, run: RunRecord | None, *, actor: Actor, at: datetime) -> Proposal | Skipped:
    """File one proposal; what there is to read is read before the transaction."""
    if run is None:
        raise InputError(f"the store knows no report of {service}: `slaopt report {service}` makes one")
    if run.verdict not in PROPOSING:
        return Skipped(service=service, reason=run.sentence)
    with ledger.store.reading() as transaction:
        if (there := transaction.proposals.of_input(service, run.input_digest)) is not None:
            return there
    recommendation = _recommendation(ledger, run)
    with ledger.writing("propose", actor=actor, at=at) as transaction:
        require_present(transaction, actor, "propose")
        if (there := transaction.proposals.of_input(service, run.input_digest)) is not None:
            return there
        newest = transaction.latest_runs([service])[service]
        if newest != run:
            raise RefusedError(f"{service}: a newer report was recorded meanwhile; propose again")
        require_none(_against(transaction, ledger, run, recommendation, at))
        kept = _approved(transaction, ledger, service, recommendation["recommended_threshold"])
        if kept is not None:
            return kept
        require_undecided(transaction, service)
        return add(transaction, _new(transaction, ledger, run, recommendation, actor), actor=actor, at=at)


def _approved(transaction: Transaction, ledger: Ledger, service: str, threshold: float) -> Proposal | None:
    """Give the open proposal of a threshold that people have approved of, or want to see tested first."""
    for proposal in transaction.proposals.list(states=OPEN, service=service):
        if agree(proposal.proposed_threshold, threshold):
            asked = proposal.implementation_type == "ab_test"
            if asked or read_case(transaction, ledger, proposal.id).approved_by:
                return proposal
    return None


def _recommendation(ledger: Ledger, run: RunRecord) -> dict[str, Any]:
    """Read what a report recommends, and no other bytes than those that its run wrote.

    Raises
    ------
    RefusedError
        If the report is gone, was changed, or is of another version.
    """
    from slaopt import __version__
    from slaopt.report.folders import is_whole
    from slaopt.report.manifest import RESULT, Manifest

    folder, remedy = folder_of(ledger, run), f"make a fresh report with `slaopt report {run.service}`"
    if run.slaopt_version != __version__:
        raise RefusedError(f"report {run.report_path} was made by slaopt {run.slaopt_version}; {remedy}")
    try:
        manifest, content = Manifest.read(folder), (folder / RESULT).read_bytes()
    except (InputError, OSError) as error:
        raise RefusedError(f"report {run.report_path} cannot be read: {error}; {remedy}") from error
    digest = hashlib.sha256(content).hexdigest()
    if not is_whole(folder) or manifest.digest != run.manifest_digest or manifest.files.get(RESULT) != digest:
        raise RefusedError(
            f"report {run.report_path} is not what its run wrote: slaopt verify tells the difference; {remedy}"
        )
    recommendation: dict[str, Any] = json.loads(content)["recommendation"]
    return recommendation


def _against(
    transaction: Transaction, ledger: Ledger, run: RunRecord, recommendation: dict[str, Any], at: datetime
) -> Iterator[RefusedError]:
    """All for which the proposal could not be committed even now."""
    params = ledger.params(run.service)
    yield from about_age(run, "the newest report", params=params, at=at)
    yield from about_service(
        run.service, transaction.service(run.service), transaction.running_experiments(run.service),
        recommendation["recommended_threshold"], expected=recommendation["current_threshold"], params=params,
    )  # fmt: skip


def _new(
    transaction: Transaction, ledger: Ledger, run: RunRecord, recommendation: dict[str, Any], actor: Actor
) -> NewProposal:
    from slaopt.apply.scoring import assessment_of, rules_of, watch_of

    current, proposed = recommendation["current_threshold"], recommendation["recommended_threshold"]
    return NewProposal(
        service=run.service,
        origin="report",
        input_digest=run.input_digest,
        run_id=run.id,
        prediction_id=run.prediction_id,
        current_threshold=current,
        proposed_threshold=proposed,
        proposed_by=actor.name,
        needs=needs_of(
            current, proposed, risk=recommendation["implementation_risk"],
            rules=ledger.params(run.service).approvals, solo=is_solo(transaction),
        ),
        assessment=assessment_of(recommendation, as_of=run.as_of, report_path=run.report_path),
        rollback_rules=rules_of(recommendation),
        watch=watch_of(recommendation),
    )  # fmt: skip
