"""`sla_requests`: requests that were done, so that one which comes again is answered and not done again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.records import RequestRecord

__all__ = ["Requests"]


class Requests:
    """Requests of the store, each under the digest of who asked and of the key that was sent."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, key_digest: str) -> RequestRecord | None:
        """Give the request that was done under a key."""
        table = tables.requests
        query = sa.select(table).where(table.c.request_key == key_digest)
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        return RequestRecord(action=row["action"], body_digest=row["body_digest"], answer=row["answer"])

    def put(self, key_digest: str, action: str, body_digest: str, answer: Mapping[str, Any], at: datetime) -> None:
        """Keep that a request was done, in the transaction that did it. Raises InputError where one was already."""
        values = {
            "request_key": key_digest, "action": action, "body_digest": body_digest, "answer": plain(answer),
            "created_at": at,
        }  # fmt: skip
        self._connection.execute(sa.insert(tables.requests).values(values))
