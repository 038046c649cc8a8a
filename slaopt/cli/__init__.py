"""The command line: arguments → call → print. The only place that knows exit codes.

0 done, 1 a comparison failed, 2 bad input or usage, 3 some services were skipped, 4 refused by a rule, 5 a remote part
was not reachable; as shells say it, 130 interrupted, 141 the reader of the output went away.
"""

from __future__ import annotations

import io
import os
import sys
import warnings

import click

from slaopt import __version__
from slaopt.cli.answers import BAD, DIFFERENT, DONE, INTERRUPTED, SKIPPED, UNREAD, complain
from slaopt.cli.approvals import approve, commit, preview, proposals, propose, reject, withdraw
from slaopt.cli.auditing import audit, purge
from slaopt.cli.changes import history, rollback, update_threshold
from slaopt.cli.database import db
from slaopt.cli.experiment import experiment
from slaopt.cli.forecasts import forecast
from slaopt.cli.measurements import analyze, check, recommend
from slaopt.cli.people import login, logout, users
from slaopt.cli.reports import report, verify
from slaopt.cli.services import services
from slaopt.cli.serving import serve
from slaopt.cli.watching import watch
from slaopt.cli.workspace import init, sample
from slaopt.errors import SlaoptError

__all__ = ["BAD", "DIFFERENT", "DONE", "SKIPPED", "app", "main"]


SECTIONS = {
    "Begin": (init, sample),
    "Look at measurements": (check, analyze, recommend, forecast),
    "Report": (report, verify, services),
    "Decide": (propose, proposals, preview, approve, reject, withdraw, commit, update_threshold, rollback, history),
    "Try": (experiment,),
    "Run by itself": (watch, serve),
    "People and the record": (users, login, logout, audit, purge),
    "Store": (db,),
}


class Sections(click.Group):
    """A group whose help lists commands under headings, since there are many."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section."""
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(str(command.name), command.get_short_help_str(200)) for command in commands])


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="slaopt")
def app() -> None:
    """Find SLA thresholds that fit how services really perform, and say how sure that is.

    \b
    Start with a file of your own:   slaopt check requests.csv
    Then read the recommendation:    slaopt recommend --source requests.csv
    """


for section in SECTIONS.values():
    for command in section:
        app.add_command(command)


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
        complain(f"{error.format_message()} (see {where} --help)")
        status = error.exit_code
    except SlaoptError as error:
        complain(str(error))
        status = error.exit_code
    except BrokenPipeError:
        status = _unread()
    except SystemExit as ended:
        if ended.code != DIFFERENT:
            raise
        status = _unread()  # click's answer to a broken pipe; every other status is returned
    except OSError as error:
        complain(f"{error.filename or 'input/output'}: {error.strerror or error}")
        status = BAD
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        status = INTERRUPTED
    sys.exit(status)
