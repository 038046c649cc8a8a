"""Lines about threshold A/B tests in the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.printing.text import LONGEST_NAME, visible, width_of
from slaopt.wording import count, moment, number, percent, seconds

if TYPE_CHECKING:
    from slaopt.apply.experiments import ExperimentPass

__all__ = ["experiment_lines", "experiment_list_lines", "experiment_pass_lines"]

SHORT = 100  # characters of a reason in a list
WIDEST_STATUS, WIDEST_STATE = len("completed"), len("completed")


def experiment_list_lines(experiments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """List experiments as `details` gives them, one line each."""
    if not experiments:
        yield "no test of a threshold has been asked for; slaopt experiment design SERVICE --test THRESHOLD plans one"
    width = width_of(one["service_type"] for one in experiments)
    for one in experiments:
        yield (
            f"{one['experiment_id']:<11}  {visible(one['service_type'], LONGEST_NAME):<{width}}  "
            f"{one['status']:<{WIDEST_STATUS}}  {_thresholds(one)}  {_in_short(one)}"
        )


def experiment_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Tell all of one experiment that a person asks for."""
    progress = told["progress"]
    yield f"{visible(told['service_type'], LONGEST_NAME)}: {_thresholds(told)}, {told['status']}"
    rows = [
        ("asked by", f"{visible(told['requested_by'])}{_by('started', told['started_by'])}"),
        ("assigned", f"{visible(told['unit'])}, {percent(told['traffic_split'])} under the test threshold"),
        ("time", _time(told)),
        ("looks", f"{progress['looks_made']} of {progress['looks_planned'] or '?'}{_next(progress)}"),
        ("executions", _sizes(progress["current_sample_sizes"])),
    ]
    if told["unit"] != "request":
        rows.append(("units", _sizes(progress["current_unit_sizes"])))
    rows += _result_rows(told)
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        yield f"  {name:<{width}}  {text}"
    for amendment in told["amendments"]:
        yield f"  amended: {visible(str(amendment.get('sentence') or amendment.get('reason') or ''))}"
    yield from _look_lines(told["looks"])


def experiment_pass_lines(results: Sequence[ExperimentPass]) -> Iterator[str]:
    """Say what became of each experiment in a pass, one line each."""
    if not results:
        yield "no test runs, and none is to be put forward"
    width = width_of(result.service for result in results)
    for result in results:
        yield (
            f"{visible(result.service, LONGEST_NAME):<{width}}  {result.experiment_id:<11}  "
            f"{result.state:<{WIDEST_STATE}}  {visible(result.sentence)}"
        )


def _thresholds(told: Mapping[str, Any]) -> str:
    return f"{seconds(told['control_threshold'], 6)} against {seconds(told['test_threshold'], 6)}"


def _in_short(told: Mapping[str, Any]) -> str:
    progress = told["progress"]
    if told["status"] == "planning":
        return "waits for approval" if told["proposal_id"] is None else f"waits for approval {told['proposal_id']}"
    if told["status"] == "running":
        return f"{number(progress['progress_percentage'])} % of its time, {_looks(progress['looks_made'])}"
    advice = f"{told['recommendation']}: " if told["recommendation"] else ""
    why = str(told["early_stop_reason"] or progress["reason"] or "")
    return f"{advice}{visible(why.partition('. ')[0][:SHORT])}"


def _result_rows(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    progress = told["progress"]
    if (found := progress["preliminary_results"]) is not None:
        for arm in ("control", "test"):
            rate = found[f"{arm}_violation_rate"]
            if rate is not None:
                yield arm, f"{percent(rate)} took longer than the common threshold"
    if progress["reason"]:
        yield "last look", visible(progress["reason"])
    for remark in told["looks"][-1]["look"].get("observed", {}).get("remarks", ()) if told["looks"] else ():
        yield "decisive" if remark["decisive"] else "note", visible(remark["sentence"])
    if told["early_stop_reason"]:
        same = told["early_stop_reason"] == progress["reason"]
        yield "ended early", "by that look" if same else visible(told["early_stop_reason"])
    if told["recommendation"]:
        yield "answer", told["recommendation"]
    if told["adopted_by_proposal_id"] is not None:
        yield "put forward", f"proposal {told['adopted_by_proposal_id']}"


def _look_lines(looks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if looks:
        yield "  look  measured until          information  verdict"
    for look in looks:
        share = "–" if look["fraction"] is None else percent(look["fraction"])
        yield f"  {look['number']:>4}  {moment(_when(look['as_of'])):<22}  {share:>11}  {look['verdict']}"


def _time(told: Mapping[str, Any]) -> str:
    if told["experiment_start"] is None:
        return f"{number(told['duration_days'])} days, once it is approved"
    end = told["experiment_end"] or told["planned_end"]
    ended = "ended" if told["experiment_end"] else "ends"
    return f"since {moment(_when(told['experiment_start']))}" + (f", {ended} {moment(_when(end))}" if end else "")


def _next(progress: Mapping[str, Any]) -> str:
    return f", the next on {moment(_when(progress['next_look']))}" if progress["next_look"] else ""


def _sizes(sizes: Mapping[str, float]) -> str:
    return f"{count(sizes['control'])} in control, {count(sizes['test'])} in test"


def _by(what: str, who: str | None) -> str:
    return f", {what} by {visible(who)}" if who else ""


def _when(time: str) -> datetime:
    return datetime.fromisoformat(time)


def _looks(made: int) -> str:
    return f"{count(made)} look{'' if made == 1 else 's'}"
