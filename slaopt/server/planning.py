"""Designs of tests: computed in the desk's process from the newest report's archive, and kept for whoever asks next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tornado import web

from slaopt.errors import RefusedError
from slaopt.server.answers import Asked
from slaopt.server.computing import opened
from slaopt.wording import moment, number

if TYPE_CHECKING:
    from slaopt.experiment import Design
    from slaopt.params import ExperimentRules
    from slaopt.server.context import Context
    from slaopt.server.experiment_models import ProposeTest, StartExperiment
    from slaopt.store import RunRecord

__all__ = ["Planned", "Planning", "Wished", "planned"]

MOST_WAITING = 8  # designs; each takes some seconds, and whoever comes then is asked to come again
MOST_KEPT = 200

Margins = tuple[tuple[str, float | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """The test that somebody wishes for; None: as the settings of the service say."""

    service: str
    threshold: float  # of the test arm, seconds
    days: int | None = None
    traffic_split: float | None = None
    significance_level: float | None = None
    unit: str | None = None
    units: int | None = None
    guardrails: Margins | None = None  # without a margin: that of the settings
    force: bool = False

    @classmethod
    def of(cls, body: StartExperiment | ProposeTest, *, service: str, threshold: float) -> Self:
        """Read a request."""
        return cls(
            service=service,
            threshold=threshold,
            days=body.experiment_duration_days,
            traffic_split=body.traffic_split,
            significance_level=getattr(body, "significance_level", None),
            unit=body.unit,
            units=body.units,
            guardrails=None if body.guardrails is None else margins_of(body.guardrails),
            force=body.force,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A design, with what is said of it before it is asked for."""

    design: Design
    told: Mapping[str, Any]  # as `PlannedDesign.to_dict` gives it
    refusals: tuple[str, ...]  # what speaks against it, and can be overruled
    sentences: tuple[str, ...]


Place = tuple[int, float | None, "ExperimentRules", Wished]  # of a design: the run, the control's threshold, the rest


class Planning:
    """Designs for any wish: computed once for all who wish the same of the same report."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._made: OrderedDict[Place, asyncio.Task[Planned]] = OrderedDict()
        self._waiting = 0

    async def design(self, wished: Wished) -> Planned:
        """Give the design of a test.

        Raises
        ------
        InputError
            If there is no report of the service, or what is wished for makes no sense.
        RefusedError
            If such a test could not answer, or the report is too old, or not as it was recorded.
        """
        context = self._context
        standing = await context.fresh.get("standing", lambda: context.answers.standing(at=context.now()))
        wanted = standing.wanted(Asked("recommendation", wished.service))
        params = context.ledger.params(wished.service)
        _require_fresh(wanted.run, context.now(), days=params.report_valid_days)
        place = (wanted.run.id, wanted.settings["threshold"], params.experiments, _settled(wished, params.experiments))
        if place not in self._made or _failed(self._made[place]):
            if self._waiting >= MOST_WAITING:
                raise web.HTTPError(503, "too much is being computed; try again in a few seconds")
            folder = context.reports / wanted.run.report_path
            self._made[place] = asyncio.ensure_future(self._compute(folder, wanted.run.manifest_digest, place))
        self._made.move_to_end(place)
        while len(self._made) > MOST_KEPT:
            self._made.popitem(last=False)
        made = await asyncio.shield(self._made[place])
        if made.refusals and not wished.force:
            raise RefusedError(f"{wished.service}: {' '.join(made.refusals)}")
        return made

    async def _compute(self, folder: Path, manifest_digest: str, place: Place) -> Planned:
        _, control, rules, wished = place
        self._waiting += 1
        try:
            return await self._context.compute(planned, folder, manifest_digest, wished, control=control, rules=rules)
        finally:
            self._waiting -= 1


def planned(
    folder: Path, manifest_digest: str, wished: Wished, *, control: float | None, rules: ExperimentRules
) -> Planned:
    """Design a test from a report's archive; called in the desk's process. Raises as `Planning.design`."""
    from slaopt.experiment import design_for

    run = opened(folder, manifest_digest)
    margins = {name: rules.guardrail_margin if share is None else share for name, share in wished.guardrails or ()}
    made = design_for(
        run.profiles,
        rules,
        test_threshold=wished.threshold,
        control_threshold=control,
        unit=wished.unit,
        units=wished.units,
        days=wished.days,
        traffic_split=wished.traffic_split,
        significance_level=wished.significance_level,
        guardrails=margins or None,  # type: ignore[arg-type]  # names of metrics, as requests are checked
        force=True,  # what speaks against it is told, and judged by whoever asked
    )
    return Planned(design=made.design, told=made.to_dict(), refusals=made.refusals, sentences=made.sentences)


def margins_of(guardrails: Sequence[str]) -> Margins:
    """Read guardrails as requests name them.

    >>> margins_of(["p95=0.1", "mean"])
    (('p95', 0.1), ('mean', None))
    """
    parted = [guardrail.partition("=") for guardrail in guardrails]
    return tuple((name, float(share) if share else None) for name, _, share in parted)


def _settled(wished: Wished, rules: ExperimentRules) -> Wished:
    """Write out what is as the settings say, so that the same test is the same whoever names it how."""
    return replace(
        wished,
        days=wished.days if wished.days is not None else rules.days,
        traffic_split=wished.traffic_split if wished.traffic_split is not None else rules.traffic_split,
        significance_level=(
            wished.significance_level if wished.significance_level is not None else rules.significance_level
        ),
        unit=wished.unit if wished.unit is not None else rules.unit,
        force=True,
    )


def _require_fresh(run: RunRecord, at: datetime, *, days: float) -> None:
    if at - run.as_of > timedelta(days=days):
        raise RefusedError(
            f"{run.service}: the newest report ends {moment(run.as_of)}, more than {number(days)} days ago; a test is "
            f"designed from a fresh one: `slaopt report {run.service}`"
        )


def _failed(task: asyncio.Task[Planned]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
