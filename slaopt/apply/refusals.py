"""Why a change is refused: checks on what was read before, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from slaopt.apply.actor import Actor, ForbiddenError, same_person
from slaopt.apply.experiments.starting import about_test
from slaopt.errors import RefusedError, StaleError
from slaopt.params import Params
from slaopt.wording import moment, number, seconds

if TYPE_CHECKING:
    from slaopt.apply.cases import Case
    from slaopt.report.verify import Verification
    from slaopt.store import RunRecord, ServiceRecord

__all__ = [
    "about_actor",
    "about_age",
    "about_report",
    "about_service",
    "agree",
    "refusals",
    "require_none",
]

SAME = 1e-9  # relative; thresholds that differ by less are one


def agree(one: float | None, other: float | None) -> bool:
    """Tell whether two thresholds are the same, or neither is there.

    >>> agree(0.1 + 0.2, 0.3), agree(None, 2.0)
    (True, False)
    """
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME * max(one, other)


def require_none(against: Iterator[RefusedError]) -> None:
    """Raise the first of the refusals, where there is one."""
    for refusal in against:
        raise refusal


def refusals(case: Case, *, at: datetime) -> Iterator[RefusedError]:
    """Give all that stands against bringing a proposal into force now, or starting its test, but for the report."""
    proposal = case.proposal
    yield from about_service(
        proposal.service, case.record, case.experiments, proposal.proposed_threshold,
        expected=proposal.current_threshold, params=case.params,
    )  # fmt: skip
    if proposal.implementation_type == "ab_test":
        yield from about_test(case, at=at)
    elif case.run is None:
        yield RefusedError(
            f"{proposal.service}: the store knows nothing of the report behind this proposal; make a fresh one with "
            f"`slaopt report {proposal.service}`"
        )
    else:
        yield from about_age(case.run, "the report behind this", params=case.params, at=at)


def about_service(
    service: str,
    record: ServiceRecord | None,
    experiments: Sequence[str],
    threshold: float,
    *,
    expected: float | None,
    params: Params,
) -> Iterator[RefusedError]:
    """Give what the service's own row says against a threshold that was made when `expected` was in force."""
    if not params.enabled:
        yield RefusedError(f"slaopt is switched off for {service}: set `enabled: true` in its params")
    if record is not None and record.problem is not None:
        yield RefusedError(f"{service} cannot be changed: {record.problem}")
        return
    if record is not None and record.state != "enabled":
        why = "is not active (is_active)" if record.state == "not active" else "is disabled"
        yield RefusedError(f"{service} {why} in the store, so its threshold is left alone: slaopt services enable")
    yield from _outside(service, threshold, record, params)
    now = None if record is None else record.threshold
    if not agree(now, expected):
        yield _stale(service, now, expected)
    if experiments:
        yield RefusedError(
            f"{service}: experiment {', '.join(experiments)} is running; stop it, or wait until it has ended"
        )


def about_age(run: RunRecord, what: str, *, params: Params, at: datetime) -> Iterator[RefusedError]:
    """Give why a report is too old, where it is; `what` names it."""
    if at > run.as_of + timedelta(days=params.report_valid_days):
        yield RefusedError(
            f"{run.service}: {what} ends on {moment(run.as_of)}, and one is good for "
            f"{number(params.report_valid_days)} days; make a fresh one with `slaopt report {run.service}`"
        )


def about_report(service: str, verification: Verification) -> RefusedError | None:
    """Say why a report that was verified is no ground for a change; None where it is one."""
    if verification.status == "same" and verification.recorded is not False:
        return None
    place = f"{verification.directory.parent.name}/{verification.directory.name}"
    why = f": {verification.details[0]}" if verification.details else ""
    remedy = f"make a fresh report with `slaopt report {service}`"
    if verification.status == "other version":
        return RefusedError(f"report {place} was made by another version of slaopt{why}; {remedy}")
    if verification.status == "tampered":
        return RefusedError(f"report {place} was tampered with{why}; find out by whom, then {remedy}")
    if verification.status == "differs":
        return RefusedError(f"report {place} cannot be repeated{why}; {remedy}")
    return RefusedError(f"report {place} is not the one that the store knows; {remedy}")


def about_actor(case: Case, actor: Actor) -> Iterator[RefusedError]:
    """Give why an actor in particular cannot approve: one's own proposal, or a second time."""
    proposal = case.proposal
    if not case.solo and not actor.machine and same_person(actor.name, proposal.proposed_by):
        yield ForbiddenError(
            f"four eyes: {proposal.proposed_by} proposed this, so somebody else has to approve it"
        )  # fmt: skip
    if any(same_person(actor.name, approval.approver) for approval in case.approvals):
        yield ForbiddenError(f"{actor.name} has decided on proposal {proposal.id} already: somebody else has to")


def _outside(service: str, threshold: float, record: ServiceRecord | None, params: Params) -> Iterator[RefusedError]:
    """Bounds are the store's, and the settings' where it has none."""
    low = record.min_threshold if record is not None and record.min_threshold is not None else params.min_threshold
    high = record.max_threshold if record is not None and record.max_threshold is not None else params.max_threshold
    if low is not None and threshold < low * (1 - SAME):
        yield RefusedError(
            f"{service}: {seconds(threshold, 6)} is less than the least threshold allowed, {seconds(low, 6)}; "
            "an admin can change min_threshold"
        )
    if high is not None and threshold > high * (1 + SAME):
        yield RefusedError(
            f"{service}: {seconds(threshold, 6)} is more than the greatest threshold allowed, {seconds(high, 6)}; "
            "an admin can change max_threshold"
        )


def _stale(service: str, now: float | None, expected: float | None) -> StaleError:
    """The refusal where somebody has changed the threshold since, with both values."""
    found = "has no threshold any more" if now is None else f"is at {seconds(now, 6)} now"
    was = "had none" if expected is None else f"was at {seconds(expected, 6)}"
    return StaleError(
        f"{service} {found}, and {was} when this was proposed; "
        f"make a fresh report with `slaopt report {service}`, and propose it"
    )
