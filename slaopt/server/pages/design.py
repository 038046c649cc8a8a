"""The design of a test told: what is fixed before it starts, and what it can find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slaopt.charts.scales import threshold_name
from slaopt.parts.answer import Pair
from slaopt.server.pages.looks import METRICS
from slaopt.wording import chance, count, moment, number, percent

if TYPE_CHECKING:
    from slaopt.server.planning import Planned
    from slaopt.store import ExperimentRecord

__all__ = ["prospects", "settings"]


def settings(record: ExperimentRecord) -> list[tuple[str, str]]:
    """Give what was fixed, by name."""
    design: Mapping[str, Any] = record.design
    if not design:
        return []
    rows = [
        ("Compared at", f"{threshold_name(design['common_threshold'])}, the same for both arms"),
        ("Assigned", "each execution by itself" if design["unit"] == "request" else f"by {design['unit']}"),
        ("Looks", f"{count(design['looks'])}, over {count(design['days'])} days"),
        ("Errors", f"a difference is claimed in error in {percent(design['significance_level'])} of tests at most, "
                   f"harm of one metric in {percent(design['harm_level'])}"),
        ("Worth finding", f"a change of the violation rate by {percent(design['smallest_effect'])}"),
        ("Guardrails", "; ".join(f"{METRICS[one['metric']].lower()} up to {percent(one['margin'])} more"
                                 for one in design["guardrails"]) or "none"),
    ]  # fmt: skip
    if record.hypothesis:
        rows.append(("Expected", record.hypothesis))
    if record.design_digest:
        rows.append(("Digest", f"{record.design_digest[:16]} …, frozen when it started"))
    rows += [(f"Amended {_when(one)}", _amended(one)) for one in record.amendments]
    return rows


def prospects(planned: Planned) -> list[Pair]:
    """Give the figures of a design before it is asked for: days, sample, power, and what it errs."""
    design, power = planned.design, planned.told["power_analysis"]
    needed, mde = power["required_sample_size"], power["minimum_detectable_effect"]
    enough = "these units cannot tell so much" if needed is None else f"{count(needed)} needed"
    false_stop = power["false_stop"]
    return [
        Pair(name="Threshold", now=threshold_name(design.control_threshold),
             then=threshold_name(design.test_threshold), note="control, then test"),
        Pair(name="Length", now="", then=f"{count(design.days)} days", note=_ends(power)),
        Pair(name="Executions", now="", then=count(design.executions),
             note=f"expected; {enough}"),
        Pair(name="Chance of finding it", now="", then=chance(power["power"]),
             note=f"where the violation rate changes by {percent(power['effect'])}"),
        Pair(name="Smallest change found", now="", then="none" if mde is None else percent(mde),
             note=f"of the violation rate, in {percent(power['wanted'])} of tests"),
        *([] if false_stop is None else [
            Pair(name="Stopped in error", now="", then=chance(false_stop["value"]), note="where nothing changes")]),
    ]  # fmt: skip


def _ends(power: Mapping[str, Any]) -> str:
    days = power["expected_days"].get("better")
    return "" if days is None else f"{number(days, 2)} on average where it is better"


def _when(amendment: Mapping[str, Any]) -> str:
    from datetime import datetime

    return moment(datetime.fromisoformat(str(amendment["at"])))


def _amended(amendment: Mapping[str, Any]) -> str:
    days = amendment.get("days") or {}
    return f"{amendment.get('by')}: {days.get('to')} days instead of {days.get('from')}; {amendment.get('reason')}"
