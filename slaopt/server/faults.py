"""What a client is told of an error: a status, a message for people and a word for programs; nothing of the inside."""

from __future__ import annotations

from http.client import responses

from tornado.web import HTTPError

from slaopt.apply.actor import ForbiddenError
from slaopt.apply.cases import UnknownError
from slaopt.errors import InputError, RefusedError, SlaoptError, UnreachableError

__all__ = ["AwayError", "NotFoundError", "explained", "status_of"]


class NotFoundError(InputError):
    """Something of that name or number is not there."""


class AwayError(SlaoptError):
    """The server has no workspace or store to work with yet; the message says what to do."""


STATUSES: tuple[tuple[type[SlaoptError], int], ...] = (  # the first that fits
    (NotFoundError, 404),
    (UnknownError, 404),
    (AwayError, 503),
    (ForbiddenError, 403),
    (RefusedError, 409),
    (UnreachableError, 503),
    (SlaoptError, 400),
)
REASONS = {
    400: "invalid", 401: "login", 403: "forbidden", 404: "not found", 405: "method", 409: "refused", 413: "too large",
    415: "type", 429: "too many", 500: "internal", 501: "not implemented", 503: "unreachable",
}  # fmt: skip
INSIDE = {
    500: "something went wrong inside slaopt; the server's log says what",
    503: "the SLA store does not answer; try again, and ask whoever runs the server if it stays so",
}


def status_of(error: SlaoptError) -> int:
    """Give the HTTP status that an error of ours means."""
    return next(status for kind, status in STATUSES if isinstance(error, kind))


def explained(status: int, error: BaseException | None) -> dict[str, str]:
    """Give the message and the reason of an answer that failed; errors of the inside are not told."""
    reason = REASONS.get(status, "failed")
    standard = responses.get(status, "failed")
    if status == 500 or isinstance(error, UnreachableError):
        return {"message": INSIDE[status], "reason": reason}
    if isinstance(error, SlaoptError):
        return {"message": str(error), "reason": reason}
    if isinstance(error, HTTPError) and error.log_message:
        told = error.log_message % error.args if error.args else error.log_message
        return {"message": told, "reason": reason}
    return {"message": standard, "reason": reason}
