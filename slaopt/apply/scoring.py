"""What a proposal keeps of a recommendation, and the recommendation made for a threshold that no report proposed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.refusals import about_age, require_none
from slaopt.errors import InputError
from slaopt.result import Result, Skipped
from slaopt.wording import seconds

if TYPE_CHECKING:
    from slaopt.apply.ledger import Ledger
    from slaopt.optimize.criteria import RollbackRule
    from slaopt.params import Params
    from slaopt.store import RunRecord

__all__ = ["Scored", "assessment_of", "newest", "rules_of", "score", "watch_of"]

SHOWN = (  # of a recommendation, under the names that it has in result.json
    "sentence", "verdict", "objective", "strategy", "business_priority", "now", "then", "impact",
    "predicted_outcomes", "confidence_score",
    "implementation_risk", "risk_factors", "mitigation_strategies", "rollback_criteria", "optimization_rationale",
    "forecast_now", "forecast_then", "assumption",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored(Result):
    """What a threshold that somebody asks for would mean, in the form in which proposals keep it."""

    service: str = field(metadata={"published": "service_type"})
    current_threshold: float | None  # seconds
    proposed_threshold: float
    assessment: Mapping[str, Any]
    implementation_risk: str | None
    rollback_rules: tuple[Mapping[str, Any], ...]
    watch: Mapping[str, Any] | None
    prediction: Mapping[str, Any] | None = field(metadata={"published": None})  # a row of the store
    run: RunRecord = field(metadata={"published": None})  # whose Profiles it was made from


def assessment_of(recommendation: Mapping[str, Any], *, as_of: datetime, report_path: str) -> dict[str, Any]:
    """Give what a proposal shows of a recommendation as result.json holds it; `as_of` is the end of the report.

    `watch` is only what the watch after the change says of itself: what it learned is kept beside, for the watch.
    """
    watch = recommendation["watch"]
    told = None
    if watch is not None:
        told = {name: watch[name] for name in ("sentence", "detectable", "false_alarms_per_quarter", "bound", "why")}
    shown = {name: recommendation[name] for name in SHOWN}
    return shown | {"watch": told, "as_of": as_of.isoformat(), "report_path": report_path}


def watch_of(recommendation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what the watch needs to know of what is usual at the new threshold; None where there is no watch."""
    watch = recommendation["watch"]
    return None if watch is None or watch["usual"] is None else dict(watch)


def rules_of(recommendation: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Give the rollback rules of a recommendation, as JSON holds them."""
    return tuple(dict(rule) for rule in recommendation["rollback_rules"])


def score(
    ledger: Ledger,
    service: str,
    threshold: float,
    *,
    rules: Sequence[Mapping[str, Any] | str] | None = None,
    at: datetime,
) -> Scored:
    """Tell what a threshold (seconds) would mean, from the Profiles of the newest report of the service.

    Parameters
    ----------
    rules
        Rollback rules asked for, as fields or as lines; None: those that slaopt makes from the service's history.

    Raises
    ------
    InputError
        If there is no report to score it from, the measurements are too few, or a rule is none.
    RefusedError
        If the newest report ends longer ago than `report_valid_days`.
    """
    from slaopt.assess import judge
    from slaopt.optimize.criteria import parse_rule
    from slaopt.report import open_run
    from slaopt.store.recording import prediction_of

    own = None if rules is None else tuple(parse_rule(rule) for rule in rules)
    run, params = newest(ledger, service, at)
    assert ledger.reports is not None
    opened = open_run(ledger.reports / run.report_path)
    told = judge(opened.profiles, _as_now(ledger, service, opened.params, params), threshold)
    if isinstance(told, Skipped):
        raise InputError(f"{service}: {seconds(threshold, 6)} cannot be assessed: {told.reason}")
    recommendation = json.loads(json.dumps(told.to_dict(), allow_nan=False))
    if own is not None:
        _require_watch(own, recommendation["watch"])
        recommendation |= {
            "rollback_rules": [rule.to_dict() for rule in own],
            "rollback_criteria": [_criterion(rule) for rule in own],
        }
    return Scored(
        service=service,
        current_threshold=told.current_threshold,
        proposed_threshold=threshold,
        assessment=assessment_of(recommendation, as_of=run.as_of, report_path=run.report_path)
        | {"rules_asked_for": own is not None},
        implementation_risk=told.implementation_risk,
        rollback_rules=rules_of(recommendation),
        watch=watch_of(recommendation),
        prediction=prediction_of(service, recommendation),
        run=run,
    )


def newest(ledger: Ledger, service: str, at: datetime) -> tuple[RunRecord, Params]:
    """Give the newest run of a service, where it is not too old, and the settings that hold now. Raises as `score`."""
    with ledger.store.reading() as transaction:
        run = transaction.latest_runs([service]).get(service)
    if run is None or ledger.reports is None:
        raise InputError(f"{service}: no report to assess a threshold from; make one with `slaopt report {service}`")
    params = ledger.book.of(service)
    require_none(about_age(run, "the newest report", params=params, at=at))
    return run, params


def _as_now(ledger: Ledger, service: str, archived: Params, params: Params) -> Params:
    """The report's own reading of the measurements, with the threshold and objective that are in force now."""
    with ledger.store.reading() as transaction:
        record = transaction.service(service)
    if record is None:
        return archived
    return archived.model_copy(
        update={
            "threshold": record.threshold,
            "objective": record.objective if record.objective is not None else archived.objective,
            "costs": params.costs,
        }
    )


def _require_watch(rules: Sequence[RollbackRule], watch: Mapping[str, Any] | None) -> None:
    """Refuse a rule of the watch where there is none."""
    for rule in rules:
        if rule.metric == "watch_z" and (watch is None or watch["usual"] is None):
            why = "the service has no threshold yet" if watch is None else watch["why"]
            raise InputError(f"rollback rule: {rule} needs a watch: {why}")


def _criterion(rule: RollbackRule) -> str:
    """A sentence for a rule that somebody asks for."""
    subject = "The watch rises over its bound" if rule.metric == "watch_z" else "The error budget burns too fast"
    return f"{subject} ({rule}), as asked for."
