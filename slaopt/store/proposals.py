"""`sla_proposals` and `sla_approvals`: what was proposed, and who decided what on it."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from slaopt.errors import InputError
from slaopt.result import plain
from slaopt.store import tables
from slaopt.store.records import ApprovalRecord, Needs, NewProposal, Proposal, ProposalFate, State

__all__ = ["Proposals"]


class Proposals:
    """Proposals of the store. Which step may follow which is not judged here."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, new: NewProposal, *, change_id: str, at: datetime) -> Proposal:
        """File a proposal, in the state that the first one has.

        Raises
        ------
        InputError
            If there is one of that service and input already.
        """
        if (there := self.of_input(new.service, new.input_digest)) is not None:
            raise InputError(f"{new.service}: proposal {there.id} was made of the same input; look at that one")
        values = {
            "service_type": new.service, "origin": new.origin, "input_digest": new.input_digest,
            "run_id": new.run_id, "prediction_id": new.prediction_id, "current_threshold": new.current_threshold,
            "proposed_threshold": new.proposed_threshold, "proposed_by": new.proposed_by,
            "implementation_type": new.implementation_type, "scheduled_at": new.scheduled_at, "reason": new.reason,
            "needs": plain(new.needs), "assessment": plain(new.assessment),
            "rollback_rules": plain(new.rollback_rules), "watch": plain(new.watch),
            "change_id": change_id, "state": "proposed", "created_at": at, "updated_at": at,
        }  # fmt: skip
        table = tables.proposals
        number = self._connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
        return self._found(number)

    def get(self, number: int) -> Proposal | None:
        """Give a proposal by its id."""
        return self._one(tables.proposals.c.id == number)

    def of_change(self, change_id: str) -> Proposal | None:
        """Give the proposal that makes a change, or has made it."""
        return self._one(tables.proposals.c.change_id == change_id)

    def of_input(self, service: str, input_digest: str) -> Proposal | None:
        """Give the proposal of a service that was made of that input."""
        table = tables.proposals
        return self._one(sa.and_(table.c.service_type == service, table.c.input_digest == input_digest))

    def list(
        self, *, states: Collection[State] | None = None, service: str | None = None, limit: int | None = None
    ) -> builtins.list[Proposal]:
        """Give proposals, the newest first: those in one of the states (None: in any), of a service (None: of all)."""
        table = tables.proposals
        query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
        if states is not None:
            query = query.where(table.c.state.in_(sorted(states)))
        if service is not None:
            query = query.where(table.c.service_type == service)
        return [_proposal(row) for row in self._connection.execute(query).mappings()]

    def fates(self) -> builtins.list[ProposalFate]:
        """Give what became of each proposal, the earliest first; of its assessment only what those are counted by."""
        table = tables.proposals
        query = sa.select(
            table.c.service_type.label("service"),
            table.c.change_id,
            table.c.origin,
            table.c.state,
            table.c.assessment["strategy"].as_string().label("strategy"),
            table.c.assessment["confidence_score"].as_float().label("confidence_score"),
        ).order_by(table.c.id)
        return [ProposalFate(**row) for row in self._connection.execute(query).mappings()]

    def of_reports(self, runs: Collection[int]) -> dict[int, tuple[int, State]]:
        """Give id and state of the proposal that was filed from each of these runs' reports, by the run's id."""
        table = tables.proposals
        filed = (table.c.run_id.in_(list(runs)), table.c.origin == "report")
        query = sa.select(table.c.run_id, table.c.id, table.c.state).where(*filed)
        return {row.run_id: (row.id, row.state) for row in self._connection.execute(query)}

    def states(self, numbers: Collection[int]) -> dict[int, State]:
        """Give the state of each of these proposals, by id."""
        table = tables.proposals
        query = sa.select(table.c.id, table.c.state).where(table.c.id.in_(list(numbers)))
        return {row.id: row.state for row in self._connection.execute(query)}

    def move(self, proposal: Proposal, state: State, *, at: datetime, **columns: Any) -> Proposal:
        """Bring a proposal from the state that it has in `proposal` into another, and set columns; give it anew.

        Raises
        ------
        InputError
            If it is in another state by now: somebody else was faster.
        """
        table = tables.proposals
        told = {name: value if isinstance(value, datetime) else plain(value) for name, value in columns.items()}
        moved = (
            sa.update(table)
            .where(table.c.id == proposal.id, table.c.state == proposal.state)
            .values(told | {"state": state, "updated_at": at})
        )
        if self._connection.execute(moved).rowcount != 1:
            now = self.get(proposal.id)
            raise InputError(
                f"proposal {proposal.id} is {'gone' if now is None else now.state} by now, no longer {proposal.state}; "
                "look at it again"
            )
        return self._found(proposal.id)

    def approvals(self, number: int) -> builtins.list[ApprovalRecord]:
        """Give what was decided on a proposal, the earliest first."""
        table = tables.approvals
        query = sa.select(table).where(table.c.proposal_id == number).order_by(table.c.id)
        return [
            ApprovalRecord(
                approver=row["approver"],
                decision=row["decision"],
                comment=row["comment"],
                second_factor=bool(row["second_factor"]),
                decided_at=row["created_at"],
            )
            for row in self._connection.execute(query).mappings()
        ]

    def add_approval(
        self, number: int, *, approver: str, decision: str, comment: str | None, second_factor: bool, at: datetime
    ) -> None:
        """Note what somebody decided on a proposal.

        Raises
        ------
        InputError
            If that person has decided on it already.
        """
        if any(there.approver == approver for there in self.approvals(number)):
            raise InputError(f"{approver} has decided on proposal {number} already")
        values = {
            "proposal_id": number, "approver": approver, "decision": decision, "comment": comment,
            "second_factor": second_factor, "created_at": at,
        }  # fmt: skip
        self._connection.execute(sa.insert(tables.approvals).values(values))

    def _found(self, number: int) -> Proposal:
        found = self.get(number)
        if found is None:
            raise InputError(f"there is no proposal {number}; slaopt proposals lists them")
        return found

    def _one(self, condition: sa.ColumnElement[bool]) -> Proposal | None:
        row = self._connection.execute(sa.select(tables.proposals).where(condition)).mappings().one_or_none()
        return None if row is None else _proposal(row)


def _proposal(row: Mapping[Any, Any]) -> Proposal:
    needs = row["needs"]
    return Proposal(
        id=row["id"],
        change_id=row["change_id"],
        state=row["state"],
        held=bool(row["held"]),
        service=row["service_type"],
        origin=row["origin"],
        input_digest=row["input_digest"],
        run_id=row["run_id"],
        prediction_id=row["prediction_id"],
        current_threshold=row["current_threshold"],
        proposed_threshold=row["proposed_threshold"],
        proposed_by=row["proposed_by"],
        implementation_type=row["implementation_type"],
        scheduled_at=row["scheduled_at"],
        reason=row["reason"],
        needs=Needs(**{**needs, "why": tuple(needs["why"])}),
        assessment=row["assessment"],
        rollback_rules=tuple(row["rollback_rules"]),
        watch=row["watch"],
        proposed_at=row["created_at"],
        updated_at=row["updated_at"],
    )
