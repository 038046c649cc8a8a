"""What is decided about services beside their thresholds."""

from __future__ import annotations

from slaopt.apply.services import configure
from slaopt.server.base import SlaoptHandler
from slaopt.server.faults import NotFoundError
from slaopt.server.models import ConfigureService
from slaopt.server.operations import operation
from slaopt.store import ServiceRecord, service_name

__all__ = ["ServiceHandler"]


class ServiceHandler(SlaoptHandler):
    """One service of the store."""

    @operation("A service", action="read", answers={200: ServiceRecord}, refusals=(404,))
    async def get(self, name: str) -> None:
        """Give what is decided about a service."""
        self.answer(await self.run(self._found, name))

    @operation(
        "Configure a service",
        action="administer",
        body=ConfigureService,
        answers={200: ServiceRecord},
        refusals=(404, 409),
    )
    async def patch(self, name: str) -> None:
        """Switch automatic adjustment or optimisation on or off, or set the bounds of what may be committed."""
        body, actor = self.json_body(ConfigureService), await self.actor()
        found = await self.run(self._found, name)
        configured = await self.context.wait_for(
            configure, self.context.ledger, found.service, actor=actor, at=self.context.now(), **body.columns
        )
        self.answer(configured)

    def _found(self, name: str) -> ServiceRecord:
        with self.context.store.reading() as transaction:
            found = transaction.service(service_name(name))
        if found is None:
            raise NotFoundError(f"{name}: no such service in the store")
        return found
