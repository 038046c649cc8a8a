"""The command line: arguments → call → print. The only place that knows exit codes.

0 done, 1 a comparison failed, 2 bad input or usage, 3 some services were skipped, 4 refused by a rule, 5 a remote part
was not reachable; as shells say it, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from slaopt import __version__
from slaopt.errors import InputError, SlaoptError

if TYPE_CHECKING:
    from slaopt.intake import Intake
    from slaopt.params import Params, ParamsBook
    from slaopt.profile import Profiles
    from slaopt.result import Result, Skipped
    from slaopt.sources import Source

__all__ = ["app", "main"]

DONE, DIFFERENT, BAD, SKIPPED, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141
YEARS = range(1971, 2262)  # what nanosecond stamps can hold, with a year to spare
Command = Callable[..., Any]
Computed = TypeVar("Computed")


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in recent versions only
    """A time in ISO 8601; without a zone it is UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read the time, or fail with an example."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time: give 2026-11-03T14:00:00Z", param, ctx)
        if moment.year not in YEARS:
            self.fail(f"{value!r} lies outside the years {YEARS[0]} to {YEARS[-1]}", param, ctx)
        return moment.replace(tzinfo=moment.tzinfo or UTC)


class Seconds(click.ParamType):  # type: ignore[type-arg]
    """A duration: a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the duration, or fail with the units that are known."""
        from slaopt.wording import parse_seconds

        try:
            return parse_seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _assignments(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    given = dict(value.partition("=")[::2] for value in values)
    roles = ("timestamp", "service", "duration", "unit", "status")
    for role, name in given.items():
        if role not in roles or not name:
            raise click.BadParameter(f"give ROLE=NAME, ROLE being one of {', '.join(roles)}", ctx, param)
    return given


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_workspace = click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    help="Folder with params/ and reports/ (default: SLAOPT_WORKSPACE, else the nearest).",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_reading = _options(
    click.option("--table", help="Table of a SQL source, `schema.table` too."),
    click.option("--column", "columns", multiple=True, metavar="ROLE=NAME", callback=_assignments,
                 help="Name a column, e.g. duration=latency_ms. Roles: timestamp, service, duration, unit, status."),
    click.option("--unit", help="Unit of the duration column: s, ms, us, ns, min, h."),
    click.option("--timezone", help="Zone of time stamps that carry none (default UTC)."),
    click.option("--decimal", type=click.Choice([".", ","]), help="Decimal mark of durations."),
)  # fmt: skip
_span = _options(
    click.option("--as-of", type=Moment(), help="End of the period (default: first full hour after the latest stamp)."),
    click.option("--days", type=click.IntRange(7, 365), help="Length of the period (default 30)."),
)
_what_if = _options(
    click.option("--service", "services", multiple=True, help="Only this service; may be given again."),
    click.option("--threshold", type=Seconds(), help="What-if: another current threshold (seconds, or 300ms)."),
    click.option("--objective", type=click.FloatRange(0, 1, min_open=True, max_open=True),
                 help="What-if: another objective, 0–1."),
)  # fmt: skip
_source = click.option("--source", help="Path, glob, folder, database URL, or a name of params `sources:`.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="slaopt")
def app() -> None:
    """Find SLA thresholds that fit how services really perform, and say how sure that is.

    \b
    Start with a file of your own:   slaopt check requests.csv
    Then read the recommendation:    slaopt recommend --source requests.csv
    """


@app.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--notebooks", is_flag=True, help="Copy the report notebooks too; reports are then made from your copies."
)
@_json
def init(directory: Path, notebooks: bool, as_json: bool) -> int:
    """Make a workspace: params, a notebook to explore with, a place for reports. What is there already stays.

    \b
    Example:  slaopt init sla-work
    """
    from slaopt.workspace import EXPLORE, REPORT_NOTEBOOKS, init_workspace

    made = init_workspace(directory, notebooks=(EXPLORE, *REPORT_NOTEBOOKS) if notebooks else (EXPLORE,))
    if as_json:
        _print_json([str(path) for path in made])
        return DONE
    click.echo(f"{directory.resolve()} is a workspace" + (f" ({len(made)} files made)" if made else " already"))
    click.echo("next: name your services in params/services/, then slaopt check PATH_OR_URL")
    return DONE


@app.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path("samples"))
@click.option("--end", type=Moment(), help="Last full hour of the simulated time (default: now).")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another seed, other noise.")
@_json
def sample(directory: Path, end: datetime | None, seed: int, as_json: bool) -> int:
    """Simulate measurements of sample services whose truth is known, and one with broken data.

    \b
    Example:  slaopt sample samples && slaopt check samples
    """
    from slaopt import samples

    last = (end or datetime.now(UTC)).replace(minute=0, second=0, microsecond=0)
    paths = samples.write_samples(directory, end=last, seed=seed)
    if as_json:
        _print_json([str(path) for path in paths])
        return DONE
    for path in paths:
        click.echo(str(path))
    return DONE


@app.command()
@click.argument("source", metavar="PATH_OR_URL")
@_reading
@_workspace
@_json
def check(source: str, as_json: bool, **options: Any) -> int:
    """Say what is understood of a source, what is rejected and why, and how good the data are.

    \b
    Example:  slaopt check requests.csv --column duration=took --unit ms
    """
    from slaopt.analysis import check_quality
    from slaopt.printing import check_lines
    from slaopt.sources import require_services

    opened = _open(source, **options)
    intake = opened.source.inspect()
    qualities = opened.each(check_quality, intake) if intake.services else []
    if as_json:
        _print_json({"intake": intake.to_dict(), "quality": [quality.to_dict() for quality in qualities]})
    else:
        _print_lines(check_lines(intake, qualities))
    require_services(intake)
    return _status(qualities)


@app.command()
@_source
@_what_if
@_span
@_reading
@_workspace
@_json
def analyze(source: str | None, services: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Tell how services performed: quantiles and rates with intervals, outliers, quality.

    \b
    Example:  slaopt analyze --source requests.csv --service checkout --threshold 2s
    """
    from slaopt.analysis import analyze as analyze_profiles
    from slaopt.printing import analysis_lines

    return _for_each(source, services, options, as_json, analyze_profiles, analysis_lines)


@app.command()
@_source
@_what_if
@_span
@_reading
@_workspace
@_json
def recommend(source: str | None, services: tuple[str, ...], as_json: bool, **options: Any) -> int:
    """Recommend a threshold for each service, or say that the current one fits.

    \b
    Example:  slaopt recommend --source requests.csv --threshold 2s --objective 0.99
    """
    from slaopt.assess import recommend as recommend_threshold
    from slaopt.printing import recommendation_lines

    return _for_each(source, services, options, as_json, recommend_threshold, recommendation_lines)


@app.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@_source
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Reports made at once.")
@_span
@_reading
@_workspace
@_json
def report(services: tuple[str, ...], source: str | None, jobs: int, as_json: bool, **options: Any) -> int:
    """Write a report for each service and the index page.

    \b
    Example:  slaopt report checkout --source requests.csv --jobs 2
    """
    from slaopt.printing import report_lines
    from slaopt.report import run_reports
    from slaopt.workspace import find_workspace

    workspace = find_workspace(options.pop("workspace"))
    opened = _open(source, workspace=workspace, **options)
    results = run_reports(
        opened.source, opened.book, workspace, services=services or None, as_of=opened.as_of, jobs=jobs
    )
    if as_json:
        _print_json([result.to_dict() for result in results])
    else:
        _print_lines(report_lines(results, workspace / "reports" / "index.html"))
    return _status(results)


@app.command()
@click.argument("directories", nargs=-1, required=True, metavar="REPORT_DIR...", type=click.Path(path_type=Path))
@_json
def verify(directories: tuple[Path, ...], as_json: bool) -> int:
    """Compute reports again from their archived Profiles: same, tampered, differs or other version.

    \b
    Example:  slaopt verify reports/checkout-*/*
    """
    from slaopt.report import verify_report

    verifications = [verify_report(directory) for directory in directories]
    if as_json:
        _print_json([verification.to_dict() for verification in verifications])
    else:
        for directory, verification in zip(directories, verifications, strict=True):
            click.echo(f"{verification.status:<14} {directory}")
            for detail in verification.details:
                click.echo(f"               {detail}")
    return DONE if all(verification.status == "same" for verification in verifications) else DIFFERENT


class _Opened:
    """A source with its settings, and the span that was asked for."""

    def __init__(self, source: Source, book: ParamsBook, as_of: datetime | None) -> None:
        self.source, self.book, self.as_of = source, book, as_of

    def each(
        self, compute: Callable[[Profiles, Params], Computed], intake: Intake, services: Sequence[str] = ()
    ) -> list[Computed | Skipped]:
        """Compute something of each service (none named: all); a terminal shows how far it is."""
        from tqdm import tqdm

        from slaopt.result import Skipped
        from slaopt.sources import scan

        results: list[Computed | Skipped] = []
        total = len(set(services) or intake.services)
        with tqdm(total=total, desc="services", unit="", file=sys.stderr, disable=None, leave=False) as bar:
            for item in scan(self.source, self.book, intake=intake, services=services or None, as_of=self.as_of):
                if isinstance(item, Skipped):
                    results.append(item)
                else:
                    results.append(compute(item, self.book.of(item.service)))
                bar.update()
        return results


def _open(
    source: str | None,
    *,
    workspace: Path | None = None,
    threshold: float | None = None,
    objective: float | None = None,
    days: int | None = None,
    as_of: datetime | None = None,
    **reading: Any,
) -> _Opened:
    from slaopt.params import load_params
    from slaopt.sources import connect
    from slaopt.workspace import find_workspace

    try:
        found: Path | None = find_workspace(workspace)
    except InputError:
        if workspace is not None or "SLAOPT_WORKSPACE" in os.environ:
            raise
        found = None  # a stranger's file needs no workspace: the built-in settings hold
    book = load_params(found, overrides={"threshold": threshold, "objective": objective, "days": days})
    wanted = source or book.default.source
    if not wanted:
        raise InputError("no source: give --source PATH_OR_URL, or set `source:` in params/default.yaml")
    return _Opened(connect(wanted, book=book, now=datetime.now(UTC), **reading), book, as_of)


def _for_each(
    source: str | None,
    services: tuple[str, ...],
    options: dict[str, Any],
    as_json: bool,
    compute: Callable[[Profiles, Params], Result],
    lines: Callable[[list[Any]], Iterable[str]],
) -> int:
    opened = _open(source, **options)
    results = opened.each(compute, opened.source.inspect(), services)
    if as_json:
        _print_json([result.to_dict() for result in results])
    else:
        _print_lines(lines(results))
    return _status(results)


def _status(results: Iterable[Result]) -> int:
    from slaopt.result import Skipped

    return SKIPPED if any(isinstance(result, Skipped) for result in results) else DONE


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, allow_nan=False))  # escaped to ASCII: no locale can spoil it


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _complain(message: str) -> None:
    from slaopt.printing import visible

    click.echo(f"slaopt: {visible(' '.join(message.split()))}", err=True)


def _unread() -> int:
    """The reader went away, as `head` does: what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return UNREAD


def main() -> None:
    """Run the command line; what slaopt refuses is one line on stderr and an exit code."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a library's warning to its programmers is not for the console
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale without an arrow is no reason to fail
    try:
        status = app.main(standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "slaopt"
        _complain(f"{error.format_message()} (see {where} --help)")
        status = error.exit_code
    except SlaoptError as error:
        _complain(str(error))
        status = error.exit_code
    except BrokenPipeError:
        status = _unread()
    except SystemExit as ended:
        if ended.code != DIFFERENT:
            raise
        status = _unread()  # click's answer to a broken pipe; every other status is returned
    except OSError as error:
        _complain(f"{error.filename or 'input/output'}: {error.strerror or error}")
        status = BAD
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        status = INTERRUPTED
    sys.exit(status)
