"""The report behind a change: it is verified before any transaction begins, since that takes a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slaopt.apply.refusals import about_report
from slaopt.errors import InputError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from slaopt.apply.ledger import Ledger
    from slaopt.store import RunRecord

__all__ = ["folder_of", "require_fit_report"]


def require_fit_report(ledger: Ledger, run: RunRecord) -> None:
    """Refuse a report that is gone, was changed, cannot be repeated, or was made anew since.

    Raises
    ------
    RefusedError
        Saying what is wrong, and to make a fresh report.
    """
    from slaopt.report.manifest import Manifest
    from slaopt.report.verify import verify_report

    folder = folder_of(ledger, run)
    try:
        verification = (ledger.verify or verify_report)(folder, ledger.store)
        made = Manifest.read(folder).digest
    except InputError as error:
        raise RefusedError(
            f"report {run.report_path} cannot be verified: {error}; make a fresh report with "
            f"`slaopt report {run.service}`"
        ) from error
    if (refusal := about_report(run.service, verification)) is not None:
        raise refusal
    if made != run.manifest_digest:
        raise RefusedError(
            f"report {run.report_path} was made again since: look at it, and `slaopt propose {run.service}` files it"
        )


def folder_of(ledger: Ledger, run: RunRecord) -> Path:
    """Give the folder of a report.

    Raises
    ------
    RefusedError
        If reports are not known here.
    """
    if ledger.reports is None:
        raise RefusedError("the report behind this cannot be verified without a workspace: name it with --workspace")
    return ledger.reports / run.report_path
