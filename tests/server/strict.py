"""slaopt's command line, whose server takes few requests of one address: `python -m tests.server.strict serve …`."""

from __future__ import annotations

from slaopt.cli import main
from slaopt.server import context
from slaopt.server.limits import Limit, Limits

if __name__ == "__main__":
    context.Limits = lambda: Limits(requests=Limit(burst=20, per_second=0.01))  # type: ignore[assignment,misc]
    main()
