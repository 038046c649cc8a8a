"""The commands about tests in the store: asked for, looked at, prolonged, stopped, adopted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slaopt.cli.actors import acting, ledger_of
from slaopt.cli.answers import DONE, INTERRUPTED, SKIPPED, complain, print_json, print_lines
from slaopt.cli.approvals import tell
from slaopt.cli.asking import declined
from slaopt.cli.experiment.designing import design_options, designed
from slaopt.cli.experiment.reading import reading_options
from slaopt.cli.opening import measured
from slaopt.cli.options import (
    json_option,
    place_options,
    source_option,
    store_option,
    workspace_option,
    writing_options,
)

if TYPE_CHECKING:
    from slaopt.apply.experiments import ExperimentPass
    from slaopt.apply.ledger import Ledger
    from slaopt.store import ExperimentRecord

__all__ = ["adopt", "amend", "list_experiments", "propose", "show", "stop", "watch"]

UNSEEN = ("blind", "refused")
STATUSES = ("planning", "running", "completed", "stopped")


@click.command()
@click.argument("service")
@design_options
@click.option("--hypothesis", help="What the test is to show; kept with it.")
@click.option("--code", help="Code of your second factor, where you start a critical test alone.")
@writing_options
def propose(
    service: str, source: str | None, store: str | None, workspace: Path | None, hypothesis: str | None,
    code: str | None, key: str | None, yes: bool, as_json: bool, **given: Any,
) -> int:  # fmt: skip
    """Design a test and ask for its start: it waits for approval like a change, and runs once that is given.

    Takes the options of `slaopt experiment design`. Who works alone starts it at once.

    \b
    Example:  slaopt experiment propose checkout --test 2.6s --source requests.csv --column unit=tenant
    """
    from slaopt.apply.experiments import propose_experiment
    from slaopt.apply.experiments.forms import sentence_of
    from slaopt.result import Skipped

    by = acting(store, workspace)
    (planned,) = designed(service, source, store, given | {"workspace": workspace})
    if isinstance(planned, Skipped):
        complain(f"{planned.service}: {planned.reason}")
        return SKIPPED
    asked = f"{service}: {'start' if by.actor.solo else 'propose'} this test?"
    if declined(asked, yes=yes, shown=[sentence_of(planned.design)]):
        return INTERRUPTED
    outcome = propose_experiment(
        by.ledger, service, planned.design, actor=by.actor, at=datetime.now(UTC), hypothesis=hypothesis, code=code,
        key=key,
    )  # fmt: skip
    return tell(outcome, as_json)


@click.command(name="list")
@click.option("--status", "statuses", multiple=True, type=click.Choice(STATUSES), help="Only these; may be repeated.")
@click.option("--service", help="Only of this service.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@place_options
def list_experiments(
    statuses: tuple[str, ...], service: str | None, limit: int, store: str | None, workspace: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """List the tests in the store, the newest first.

    \b
    Example:  slaopt experiment list --status running
    """
    from slaopt.apply.experiments import details
    from slaopt.printing import experiment_list_lines

    ledger, at = ledger_of(store, workspace), datetime.now(UTC)
    with ledger.store.reading() as transaction:
        wanted: Any = statuses or None
        found = transaction.experiments.list(statuses=wanted, service=service, limit=limit)
        told = [details(transaction, record, at=at) for record in found]
    if as_json:
        print_json(told)
    else:
        print_lines(experiment_list_lines(told))
    return DONE


@click.command()
@click.argument("experiment_id", metavar="ID")
@place_options
def show(experiment_id: str, store: str | None, workspace: Path | None, as_json: bool) -> int:
    """Tell all of one test: its design, how far it is, every look, and what came of it.

    \b
    Example:  slaopt experiment show e0123456789
    """
    from slaopt.apply.experiments import details
    from slaopt.apply.experiments.ends import found
    from slaopt.printing import experiment_lines

    ledger = ledger_of(store, workspace)
    with ledger.store.reading() as transaction:
        told = details(transaction, found(transaction, experiment_id), at=datetime.now(UTC))
    if as_json:
        print_json(told)
    else:
        print_lines(experiment_lines(told))
    return DONE


@click.command()
@click.option("--service", "services", multiple=True, help="Only this service; may be given again.")
@source_option
@reading_options
@workspace_option
@store_option
@json_option
def watch(
    services: tuple[str, ...], source: str | None, workspace: Path | None, store: str | None, as_json: bool,
    **reading: Any,
) -> int:  # fmt: skip
    """Make one pass: the looks that are due, a stop where a test does harm, the end where it has answered.

    A second pass at once changes nothing. Exit code 3: a test could not be seen, or a rule refused something.

    \b
    Example:  slaopt experiment watch --source metrics/ --column unit=tenant
    """
    from slaopt.printing import experiment_pass_lines

    results = _pass(ledger_of(store, workspace), source, services, reading)
    if as_json:
        print_json([result.to_dict() for result in results])
    else:
        print_lines(experiment_pass_lines(results))
    return SKIPPED if any(result.state in UNSEEN for result in results) else DONE


@click.command()
@click.argument("experiment_id", metavar="ID")
@click.option("--reason", required=True, help="Why; kept with the test and in the audit log.")
@writing_options
def stop(
    experiment_id: str, reason: str, key: str | None, yes: bool, store: str | None, workspace: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Stop a test that runs: the control's threshold holds for all again, at once.

    \b
    Example:  slaopt experiment stop e0123456789 --reason "a release is due"
    """
    from slaopt.apply.experiments import stop as stop_experiment

    by = acting(store, workspace)
    if declined(f"stop experiment {experiment_id}?", yes=yes):
        return INTERRUPTED
    at = datetime.now(UTC)
    return tell(stop_experiment(by.ledger, experiment_id, reason=reason, actor=by.actor, at=at, key=key), as_json)


@click.command()
@click.argument("experiment_id", metavar="ID")
@click.option("--days", type=click.IntRange(3, 60), required=True, help="Its new length, in days since its start.")
@click.option("--reason", required=True, help="Why; kept with the test and shown beside its answer.")
@writing_options
def amend(
    experiment_id: str, days: int, reason: str, key: str | None, yes: bool, store: str | None, workspace: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Prolong a test that runs. Nothing else of a frozen design can be changed without spoiling its answer.

    \b
    Example:  slaopt experiment amend e0123456789 --days 21 --reason "a week of holidays"
    """
    from slaopt.apply.experiments import amend as amend_experiment

    by = acting(store, workspace)
    if declined(f"prolong experiment {experiment_id} to {days} days?", yes=yes):
        return INTERRUPTED
    outcome = amend_experiment(
        by.ledger, experiment_id, days=days, reason=reason, actor=by.actor, at=datetime.now(UTC), key=key
    )
    return tell(outcome, as_json)


@click.command()
@click.argument("experiment_id", metavar="ID")
@writing_options
def adopt(
    experiment_id: str, key: str | None, yes: bool, store: str | None, workspace: Path | None, as_json: bool
) -> int:
    """Put the threshold of a test that recommends it forward for all: a proposal that takes the usual way.

    \b
    Example:  slaopt experiment adopt e0123456789
    """
    from slaopt.apply.experiments import adopt as adopt_threshold

    by = acting(store, workspace)
    if declined(f"propose the threshold of experiment {experiment_id} for all?", yes=yes):
        return INTERRUPTED
    return tell(adopt_threshold(by.ledger, experiment_id, actor=by.actor, at=datetime.now(UTC), key=key), as_json)


def _pass(
    ledger: Ledger, source: str | None, services: tuple[str, ...], reading: dict[str, Any]
) -> list[ExperimentPass]:
    """Make one pass, unless another one over experiments is at work on the store: then it is left to that."""
    from slaopt.apply.alone import alone
    from slaopt.apply.experiments import experiment_watch

    with alone(f"{ledger.store.label} experiments") as free:
        if not free:
            complain(f"another watch of experiments is at work on {ledger.store.label}: this pass is left to it")
            return []
        with ledger.store.reading() as transaction:
            running: list[ExperimentRecord] = transaction.experiments.running()
        reading["unit"] = reading.pop("duration_unit")
        wanted = ledger.is_on and running
        there = measured(source, workspace=ledger.workspace, **reading) if wanted else None
        return experiment_watch(ledger, there, at=datetime.now(UTC), services=services or None)
