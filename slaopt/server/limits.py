"""How often one client may ask: a bucket of tokens each, kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

__all__ = ["Limit", "Limits"]

KNOWN = 10_000  # clients that are remembered; the one heard of longest ago is forgotten first


class Limit:
    """So many requests at once of each client, and so many a second from then on."""

    def __init__(self, *, burst: int, per_second: float) -> None:
        self.burst, self.per_second = burst, per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client → (tokens, when)

    def wait(self, client: str, *, at: float) -> float:
        """Take a token of the client's and give 0, or the seconds until there is one; `at` is of a monotonic clock.

        >>> limit = Limit(burst=1, per_second=2)
        >>> limit.wait("a", at=0.0), limit.wait("a", at=0.0), limit.wait("b", at=0.0), limit.wait("a", at=0.5)
        (0.0, 0.5, 0.0, 0.0)
        """
        tokens, since = self._left.pop(client, (float(self.burst), at))
        tokens = min(float(self.burst), tokens + (at - since) * self.per_second)
        allowed = tokens >= 1.0
        self._left[client] = (tokens - allowed, at)
        if len(self._left) > KNOWN:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self.per_second


@dataclass(frozen=True)
class Limits:
    """What a server puts up with. Sizes are bytes."""

    body: int = 64 * 1024
    requests: Limit = field(default_factory=lambda: Limit(burst=2_000, per_second=300))  # of one address
    writes: Limit = field(default_factory=lambda: Limit(burst=300, per_second=10))  # of one actor
    logins: Limit = field(default_factory=lambda: Limit(burst=20, per_second=0.5))  # of one address
