"""Addresses of pages and dialogs, below the pages' own."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlencode

__all__ = [
    "Purpose",
    "about_experiment",
    "about_proposal",
    "about_service",
    "experiment_page",
    "report_file",
    "report_page",
    "rollback",
    "service_api",
]

Purpose = Literal["preview", "approve", "schedule", "test", "reject", "withdraw", "commit"]


def report_page(path: str) -> str:
    """Give where a report is read with its buttons; `path` is relative to the folder of reports.

    >>> report_page("checkout-c7761e58/2026-11-24-0a1b2c3d")
    'reports/checkout-c7761e58/2026-11-24-0a1b2c3d'
    """
    return f"reports/{quote(path)}"


def report_file(path: str) -> str:
    """Give where the report itself lies, for the frame."""
    return f"files/{quote(path)}/report.html"


def about_proposal(number: int, purpose: Purpose) -> str:
    """Give the dialog about a proposal."""
    return f"dialogs/proposals/{number}/{purpose}"


def about_service(service: str, purpose: Literal["propose", "test", "adjust", "configure"]) -> str:
    """Give the dialog about a service, whose name may hold anything.

    >>> about_service("a/b c", "propose")
    'dialogs/services/propose?service=a%2Fb+c'
    """
    return f"dialogs/services/{purpose}?{urlencode({'service': service})}"


def rollback(change_id: str) -> str:
    """Give the dialog in which a change is taken back."""
    return f"dialogs/changes/{quote(change_id, safe='')}/rollback"


def service_api(service: str) -> str:
    """Give where REST has what is decided about a service.

    >>> service_api("a/b c")
    'services/a%2Fb%20c'
    """
    return f"services/{quote(service, safe='')}"


def experiment_page(experiment_id: str) -> str:
    """Give where an experiment is told; REST has it at the same place below its own address.

    >>> experiment_page("e46607e252e")
    'experiments/e46607e252e'
    """
    return f"experiments/{quote(experiment_id, safe='')}"


def about_experiment(experiment_id: str, purpose: Literal["stop", "amend", "adopt"]) -> str:
    """Give the dialog about an experiment."""
    return f"dialogs/experiments/{quote(experiment_id, safe='')}/{purpose}"
