"""What the folders of reports are called: readable, harmless anywhere, and different for different contents."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import datetime

__all__ = ["report_place", "service_folder"]

LONGEST_SLUG = 40


def service_folder(service: str) -> str:
    """Name the folder of a service's reports: readable, harmless anywhere, and different for different names.

    >>> service_folder("Checkout / pay"), service_folder("../../etc"), service_folder("支付")
    ('checkout-pay-3221ff5f', 'etc-74ccf3c5', 'service-5d3ba34c')
    """
    plain = unicodedata.normalize("NFKD", service).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_SLUG].strip("-") or "service"
    return f"{slug}-{hashlib.sha256(service.encode()).hexdigest()[:8]}"


def report_place(service: str, as_of: datetime, identity: str) -> str:
    """Give where a report lies below the folder of all reports, with slashes.

    >>> report_place("checkout", datetime(2026, 11, 24, 14), "2b51bc8e" + 56 * "0")
    'checkout-c7761e58/2026-11-24T1400Z-2b51bc8e'
    """
    return f"{service_folder(service)}/{as_of:%Y-%m-%dT%H%MZ}-{identity[:8]}"
